// Cross-entropy of logits and its gradient. Labels are distributions, or class numbers: a class is a label of 1 at one
// place. A class that there is not gives NaN.
#include "../core/args.h"
#include "rows.h"

namespace dg {
namespace gpu {
namespace {

__device__ bool known(int32_t place, int64_t n) { return place >= 0 && place < n; }

template <class T>
__global__ void __launch_bounds__(block_threads)
    cross_entropy_rows(RowShape shape, const T *x, const T *labels, float *loss) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  labels += row.index * shape.n;
  const Scale scale = measure(row, x);
  const float log_sum = log_(scale.sum);
  const float sum = row.reduce<Sum>(
      [&](int64_t i) { return cross_entropy_term(number(x[i]), number(labels[i]), scale.max, log_sum); });
  if (row.lane == 0 && row.index < shape.rows) loss[row.index] = sum;
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    class_entropy_rows(RowShape shape, const T *x, const int32_t *classes, float *loss) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  const Scale scale = measure(row, x);
  if (row.lane || row.index >= shape.rows) return;
  const int32_t place = classes[row.index];
  loss[row.index] =
      known(place, shape.n) ? cross_entropy_term(number(x[place]), 1.0f, scale.max, log_(scale.sum)) : not_a_number;
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    cross_entropy_grad_rows(RowShape shape, const T *x, const T *labels, const float *dloss, T *dx) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  const int64_t first = row.index * shape.n;
  x += first, labels += first, dx += first;
  const Scale scale = measure(row, x);
  const float weight = row.reduce<Sum>([&](int64_t i) { return number(labels[i]); }) / scale.sum;
  row.each([&](int64_t i) {
    dx[i] = element<T>(cross_entropy_grad(number(x[i]), number(labels[i]), scale.max, weight, dloss[row.index]));
  });
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    class_entropy_grad_rows(RowShape shape, const T *x, const int32_t *classes, const float *dloss, T *dx) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  dx += row.index * shape.n;
  const Scale scale = measure(row, x);
  const float weight = 1.0f / scale.sum;
  row.each([&](int64_t i) {
    const int32_t place = classes[row.index];
    const float label = i == place ? 1.0f : 0.0f;
    const float dxi = cross_entropy_grad(number(x[i]), label, scale.max, weight, dloss[row.index]);
    dx[i] = element<T>(known(place, shape.n) ? dxi : not_a_number);
  });
}

}  // namespace
}  // namespace gpu

int run_cross_entropy(const CrossEntropyArgs &args) {
  const gpu::RowShape shape(args.rows, args.n);
  return gpu::with_floats(args.type, [&]<class T>() {
    const T *const logits = static_cast<const T *>(args.logits), *const labels = static_cast<const T *>(args.labels);
    return args.classes ? gpu::launch_rows<gpu::class_entropy_rows<T>>(shape, logits, args.classes, args.loss)
                        : gpu::launch_rows<gpu::cross_entropy_rows<T>>(shape, logits, labels, args.loss);
  });
}

int run_cross_entropy_grad(const CrossEntropyGradArgs &args) {
  const gpu::RowShape shape(args.rows, args.n);
  return gpu::with_floats(args.type, [&]<class T>() {
    const T *const logits = static_cast<const T *>(args.logits), *const labels = static_cast<const T *>(args.labels);
    T *const dx = static_cast<T *>(args.dlogits);
    return args.classes ? gpu::launch_rows<gpu::class_entropy_grad_rows<T>>(shape, logits, args.classes, args.dloss, dx)
                        : gpu::launch_rows<gpu::cross_entropy_grad_rows<T>>(shape, logits, labels, args.dloss, dx);
  });
}

}  // namespace dg
