// Running sums and products along an axis. float32 accumulates in float64, so that long sums stay exact to float32's
// last bits; int32 wraps.
#include "../../core/args.h"
#include "../../core/error.h"
#include "../../math/families.h"
#include "../threads.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 15;

// A panel is a run of neighbouring columns whose accumulators stay in registers or in the first-level cache.
template <class T, class Acc, bool product, int panel>
void scan_panels(const ScanArgs &args) {
  const int64_t n = args.n, inner = args.inner, panels = (inner + panel - 1) / panel;
  const int64_t grain = n * panel < elements_per_piece ? elements_per_piece / (n * panel) : 1;
  const int64_t first = args.reverse ? (n - 1) * inner : 0, step = args.reverse ? -inner : inner;
  parallel_for(args.outer * panels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p++) {
      const int64_t column = p % panels * panel, left = inner - column;
      const int64_t width = panel == 1 ? 1 : left < panel ? left : panel;
      const int64_t at = p / panels * n * inner + column + first;
      const T *x = static_cast<const T *>(args.x) + at;
      T *y = static_cast<T *>(args.y) + at;
      Acc acc[panel];
      for (int64_t j = 0; j < width; j++) acc[j] = product ? 1 : 0;
      for (int64_t i = 0; i < n; i++, x += step, y += step) {
        for (int64_t j = 0; j < width; j++) {
          const Acc before = acc[j], value = static_cast<Acc>(x[j]);
          acc[j] = product ? before * value : before + value;
          y[j] = static_cast<T>(args.exclusive ? before : acc[j]);
        }
      }
    }
  });
}

template <class T, class Acc>
int scan_type(const ScanArgs &args) {
  const bool product = static_cast<Scan>(args.op) == Scan::cumprod, lines = args.inner == 1;
  if (product && lines) scan_panels<T, Acc, true, 1>(args);
  if (product && !lines) scan_panels<T, Acc, true, 64>(args);
  if (!product && lines) scan_panels<T, Acc, false, 1>(args);
  if (!product && !lines) scan_panels<T, Acc, false, 64>(args);
  return 0;
}

}  // namespace

int run_scan(const ScanArgs &args) {
  if (args.outer * args.n * args.inner == 0) return 0;
  if (args.type == DG_FLOAT32) return scan_type<float, double>(args);
  if (args.type == DG_INT32) return scan_type<int32_t, uint32_t>(args);
  return fail(DG_E_ARGUMENT, scan_name(args.op), " takes float32 or int32");
}

}  // namespace dg::DG_ISA
