// y = a y + b, over and over: each thread has a few elements in registers, so that their multiply-adds overlap.
#include "../core/args.h"
#include "../math/real.h"
#include "launch.h"

namespace dg {
namespace gpu {
namespace {

constexpr int chains = 8;

__global__ void __launch_bounds__(block_threads) iterate(float *y, int64_t n, float a, float b, int64_t turns) {
  const int64_t step = index_step();
  for (int64_t first = first_index(); first < n; first += chains * step) {
    float v[chains];
#pragma unroll
    for (int i = 0; i < chains; i++) v[i] = first + i * step < n ? y[first + i * step] : 0;
    for (int64_t turn = 0; turn < turns; turn++)
#pragma unroll
      for (int i = 0; i < chains; i++) v[i] = fma_(a, v[i], b);
#pragma unroll
    for (int i = 0; i < chains; i++)
      if (first + i * step < n) y[first + i * step] = v[i];
  }
}

}  // namespace
}  // namespace gpu

int run_iterate(const IterateArgs &args) {
  return gpu::launch<gpu::iterate>(gpu::grid_for(gpu::divide_up(args.n, gpu::chains)), gpu::block_threads, 0, args.y,
                                   args.n, args.a, args.b, args.turns);
}

}  // namespace dg
