// Running sums and products along an axis. float32 accumulates in float64, so that long sums stay exact to float32's
// last bits, 16-bit floats in float32; int32 wraps. Few long lines are cut into parts: their totals first, then each part from where the one
// before ends.
#include <ptx.h>

#include "../core/args.h"
#include "../math/families.h"
#include "launch.h"
#include "number.h"
#include "running.h"

namespace dg {
namespace gpu {
namespace {

constexpr int items = 4;  // elements of a thread, side by side
constexpr int block_items = block_threads * items;

struct ScanShape {
  int64_t n;              // elements of a line
  int64_t parts, length;  // of a part
  bool exclusive, reverse;

  __device__ int64_t place(int64_t i) const { return reverse ? n - 1 - i : i; }
};

// One block per part. starts [outer * parts]: what each part begins with; null for nothing.
template <class R, class T, class A>
__global__ void __launch_bounds__(block_threads) scan_lines(ScanShape shape, const T *x, T *y, const A *starts) {
  DG_SHARED(A, shared);
  const int64_t line = blockIdx.x / shape.parts, begin = blockIdx.x % shape.parts * shape.length;
  const int64_t end = begin + shape.length < shape.n ? begin + shape.length : shape.n;
  x += line * shape.n;
  y += line * shape.n;
  A sum = starts ? starts[blockIdx.x] : R::template start<A>();
  for (int64_t first = begin; first < end; first += block_items) {
    const int64_t i = first + threadIdx.x * items;
    A value[items], mine = R::template start<A>();
    for (int j = 0; j < items; j++) {
      value[j] = i + j < end ? static_cast<A>(number(x[shape.place(i + j)])) : R::template start<A>();
      mine = R::join(mine, value[j]);
    }
    const Before<R, A> found(mine, shared);
    A running = R::join(sum, found.before);
    for (int j = 0; j < items; j++) {
      const A after = R::join(running, value[j]);
      if (i + j < end) y[shape.place(i + j)] = element<T>(shape.exclusive ? running : after);
      running = after;
    }
    sum = R::join(sum, found.all);
  }
}

// totals [outer * parts]
template <class R, class T, class A>
__global__ void __launch_bounds__(block_threads) part_totals(ScanShape shape, const T *x, A *totals) {
  DG_SHARED(A, shared);
  const int64_t line = blockIdx.x / shape.parts, begin = blockIdx.x % shape.parts * shape.length;
  const int64_t end = begin + shape.length < shape.n ? begin + shape.length : shape.n;
  A total = R::template start<A>();
  for (int64_t i = begin + threadIdx.x; i < end; i += block_threads)
    total = R::join(total, static_cast<A>(number(x[line * shape.n + shape.place(i)])));
  total = join_group(total, block_threads, shared, [](A a, A b) { return R::join(a, b); });
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

// One thread per line, whose elements are `inner` apart.
template <class R, class T, class A>
__global__ void __launch_bounds__(block_threads)
    scan_columns(ScanShape shape, const T *x, T *y, int64_t columns, int64_t inner) {
  for (int64_t c = first_index(); c < columns; c += index_step()) {
    const int64_t first = c / inner * shape.n * inner + c % inner;
    A sum = R::template start<A>();
    for (int64_t i = 0; i < shape.n; i++) {
      const int64_t at = first + shape.place(i) * inner;
      const A after = R::join(sum, static_cast<A>(number(x[at])));
      y[at] = element<T>(shape.exclusive ? sum : after);
      sum = after;
    }
  }
}

template <class R, class T, class A>
int scan(const ScanArgs &args) {
  constexpr int64_t enough_blocks = 512, least_items = 16 * block_items;
  ScanShape shape{args.n, 1, args.n, args.exclusive != 0, args.reverse != 0};
  const T *x = static_cast<const T *>(args.x);
  T *y = static_cast<T *>(args.y);
  if (args.inner > 1) {
    const int64_t columns = args.outer * args.inner;
    return launch<scan_columns<R, T, A>>(grid_for(columns), block_threads, 0, shape, x, y, columns, args.inner);
  }
  A *starts = nullptr;
  int64_t parts = enough_blocks / args.outer;
  if (parts > args.n / least_items) parts = args.n / least_items;
  if (parts > 1) {
    shape.length = divide_up(args.n, parts);
    shape.parts = divide_up(args.n, shape.length);
    starts = static_cast<A *>(current().workspace);
  }
  const int64_t blocks = args.outer * shape.parts;
  if (starts) {
    const ScanShape of_totals{shape.parts, 1, shape.parts, true, false};
    if (int failed = launch<part_totals<R, T, A>>(blocks, block_threads, block_warps * sizeof(A), shape, x, starts))
      return failed;
    if (int failed = launch<scan_lines<R, A, A>>(args.outer, block_threads, block_warps * sizeof(A), of_totals, starts,
                                                 starts, nullptr))
      return failed;
  }
  return launch<scan_lines<R, T, A>>(blocks, block_threads, block_warps * sizeof(A), shape, x, y, starts);
}

template <class T, class A>
int scan_type(const ScanArgs &args) {
  return static_cast<Scan>(args.op) == Scan::cumprod ? scan<RunningProduct, T, A>(args) : scan<RunningSum, T, A>(args);
}

}  // namespace
}  // namespace gpu

int run_scan(const ScanArgs &args) {
  if (args.outer * args.n * args.inner == 0) return 0;
  if (args.type == DG_INT32) return gpu::scan_type<int32_t, uint32_t>(args);
  return gpu::with_floats(args.type, [&]<class T>() {
    return gpu::scan_type<T, std::conditional_t<gpu::is_short_float<T>, float, double>>(args);
  });
}

}  // namespace dg
