// y = a y + b, over and over: as many chains of multiply-adds as hide the latency of one, all of them in registers.
#include "../../core/args.h"
#include "../threads.h"
#include "lanes.h"

namespace dg::DG_ISA {
namespace {

constexpr int chains = 12;  // enough for every current core, and no more than fit sixteen registers
constexpr int64_t group = 16 * chains;

template <int Vectors>
void iterate(const IterateArgs &p, float *y) {
  FloatLanes v[Vectors];
  const FloatLanes a = splat<FloatLanes>(p.a), b = splat<FloatLanes>(p.b);
#pragma GCC unroll 12
  for (int i = 0; i < Vectors; i++) v[i] = load(y + i * lanes);
  for (int64_t turn = 0; turn < p.turns; turn++)
#pragma GCC unroll 12
    for (int i = 0; i < Vectors; i++) v[i] = fma_(a, v[i], b);
#pragma GCC unroll 12
  for (int i = 0; i < Vectors; i++) store(y + i * lanes, v[i]);
}

}  // namespace

int run_iterate(const IterateArgs &p) {
  parallel_for(p.n, group, [&](int64_t begin, int64_t end) {
    float *y = p.y + begin;
    int64_t n = end - begin;
    for (; n >= chains * lanes; n -= chains * lanes, y += chains * lanes) iterate<chains>(p, y);
    for (; n >= lanes; n -= lanes, y += lanes) iterate<1>(p, y);
    if (n == 0) return;
    alignas(64) float rest[lanes];
    const int count = static_cast<int>(n);
    store(rest, load_part(y, count));
    iterate<1>(p, rest);
    store_part(y, count, load(rest));
  });
  return 0;
}

}  // namespace dg::DG_ISA
