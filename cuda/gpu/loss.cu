// Losses summed to one number, and their gradient in the same pass: each block sums its own, and the last one joins the sums.
#include <ptx.h>

#include "../core/args.h"
#include "../math/elementwise.h"
#include "last_block.h"
#include "rows.h"

namespace dg {
namespace gpu {
namespace {

// loss = scale * the sum of what all blocks found. All threads of the block must be here; `shared` holds a value per warp.
struct Total {
  float *loss, *partial;
  unsigned *ticket;
  float scale;

  __device__ void add(float value, float *shared) const {
    const auto sum = [](float a, float b) { return a + b; };
    const int threads = static_cast<int>(blockDim.x);
    value = join_group(value, threads, shared, sum);
    if (threadIdx.x == 0) {
      partial[blockIdx.x] = value;
      shared[0] = last_block(ticket);
    }
    __syncthreads();
    const bool last = shared[0] != 0;
    __syncthreads();
    if (!last) return;
    float all = 0;
    for (unsigned i = threadIdx.x; i < gridDim.x; i += blockDim.x) all += partial[i];
    all = join_group(all, threads, shared, sum);
    if (threadIdx.x == 0) *loss = scale * all;
  }
};

struct Squared {
  static __device__ float loss(float x, float label) { return binary_op::squaredDifference::apply(x, label); }
  static __device__ float slope(float x, float label) { return 2 * (x - label); }
};
struct Sigmoid {
  static __device__ float loss(float x, float label) { return binary_op::sigmoidCrossEntropy::apply(label, x); }
  static __device__ float slope(float x, float label) { return binary_op::sigmoidError::apply(label, x); }
};

template <class T, class Kind>
__global__ void __launch_bounds__(block_threads)
    element_losses(const T *x, const T *labels, T *dx, int64_t n, const Total total) {
  DG_SHARED(float, shared);
  float sum = 0;
  for (int64_t i = first_index(); i < n; i += index_step()) {
    const float there = number(x[i]), label = number(labels[i]);
    sum += Kind::loss(there, label);
    if (dx) dx[i] = element<T>(total.scale * Kind::slope(there, label));
  }
  total.add(sum, shared);
}

// Cross-entropies of rows with class numbers or, where these are null, with labels.
template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    row_losses(RowShape shape, const T *x_, const T *labels_, const int32_t *classes, T *dx, const Total total) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> x(row, x_, -infinity), labels(row, labels_, 0, 1);
  const Exponentials<T> e(row, x);
  const float log_sum = log_(e.sum);
  float loss = 0;
  if (classes) {
    const int32_t place = row.n ? classes[row.index] : 0;
    const bool known = place >= 0 && place < row.n;
    const float weight = known ? 1.0f / e.sum : not_a_number;
    if (dx)
      row.write(dx, [&](int64_t i) {
        auto grad = e.at(i);
        for (int j = 0; j < row.size; j++)
          grad.at[j] = cross_entropy_grad(grad.at[j], row.at(i, j) == place ? 1.0f : 0.0f, weight, total.scale);
        return grad;
      });
    loss = known ? cross_entropy_term(number(x_[row.index * shape.n + place]), 1.0f, e.max, log_sum) : not_a_number;
  } else {
    const float weight = row.template reduce<Sum>([&](int64_t i) { return labels.first(i); }) / e.sum;
    loss = row.template reduce<Sum>([&](int64_t i) {
      return map([&](float v, float label) { return cross_entropy_term(v, label, e.max, log_sum); }, x.read(i),
                 labels.again(i));
    });
    if (dx)
      row.write(dx, [&](int64_t i) {
        return map([&](float v, float label) { return cross_entropy_grad(v, label, weight, total.scale); }, e.at(i),
                   labels.again(i));
      });
  }
  total.add(row.lane == 0 && row.index < shape.rows ? loss : 0, shared);
}

template <class T, class Kind>
int launch_elements(const LossArgs &args, const Total &total) {
  const int64_t n = args.rows * args.n;
  return launch<element_losses<T, Kind>>(grid_for(n), block_threads, join_bytes, static_cast<const T *>(args.x),
                                         static_cast<const T *>(args.labels), static_cast<T *>(args.dx), n, total);
}

}  // namespace
}  // namespace gpu

int run_loss(const LossArgs &args) {
  gpu::Gpu &gpu = gpu::current();
  const gpu::Total total = {args.loss, static_cast<float *>(gpu.workspace), gpu.ticket, args.scale};
  return gpu::with_floats(args.type, [&]<class T>() {
    if (args.kind == DG_LOSS_SQUARED) return gpu::launch_elements<T, gpu::Squared>(args, total);
    if (args.kind == DG_LOSS_SIGMOID) return gpu::launch_elements<T, gpu::Sigmoid>(args, total);
    const gpu::RowShape shape(args.rows, args.n, gpu::pack_size<T>, args.classes ? 1 : 2);
    return gpu::launch_rows<gpu::row_losses<T>>(shape, static_cast<const T *>(args.x),
                                                static_cast<const T *>(args.labels), args.classes,
                                                static_cast<T *>(args.dx), total);
  });
}

}  // namespace dg
