// Back through an activation and the bias before it: columns are walked once, and the last block joins what the others found.
#include <ptx.h>

#include "../math/slope.h"
#include "columns.h"
#include "group.h"
#include "last_block.h"
#include "number.h"

namespace dg {
namespace gpu {
namespace {

template <class T>
__global__ void __launch_bounds__(block_threads)
    activation_grad(const Columns __grid_constant__ c, int activation, const T *dy, const T *y, T *dz, T *dbias,
                    float *partial, unsigned *ticket) {
  DG_SHARED(float, shared);
  const Column column(c);
  float sum = 0;
  column.each<pack_size<T>>([&](int64_t i) {
    const T d = element<T>(slope_from_result(activation, number(dy[i]), number(y[i])));
    dz[i] = d;
    sum += number(d);
  });
  sum = column.over_rows(sum, shared, [](float &all, float other, int) { all += other; });
  if (column.row == 0 && column.rows) partial[column.partial] = sum;
  __syncthreads();
  if (threadIdx.x == 0) shared[0] = last_block(ticket);
  __syncthreads();
  if (shared[0] == 0) return;
  const int lane = static_cast<int>(threadIdx.x) % warp_width;
  for (int64_t i = threadIdx.x / warp_width; i < c.channels; i += block_threads / warp_width) {
    float all = 0;
    for (int64_t run = lane; run < c.runs(); run += warp_width) all += partial[run * c.channels + i];
    all = join_lanes(all, warp_width, [](float a, float b) { return a + b; });
    if (lane == 0) dbias[i] = element<T>(all);
  }
}

}  // namespace
}  // namespace gpu

int run_activation_grad(const ActivationGradArgs &args) {
  const gpu::Columns columns(1, args.rows, 1, args.n);
  auto *partial = static_cast<float *>(gpu::current().workspace);
  return gpu::with_floats(args.type, [&]<class T>() {
    return gpu::launch<gpu::activation_grad<T>>(
        columns.blocks(), gpu::block_threads, gpu::block_threads * sizeof(float), columns, args.activation,
        static_cast<const T *>(args.dy), static_cast<const T *>(args.y), static_cast<T *>(args.dz),
        static_cast<T *>(args.dbias), partial, gpu::current().ticket);
  });
}

}  // namespace dg
