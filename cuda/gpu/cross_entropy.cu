// Cross-entropy of logits and its gradient. Labels are distributions, or class numbers: a class is a label of 1 at one
// place. A class that there is not gives NaN.
#include "../core/args.h"
#include "rows.h"

namespace dg {
namespace gpu {
namespace {

__device__ bool known(int32_t place, int64_t n) { return place >= 0 && place < n; }

__global__ void __launch_bounds__(block_threads)
    cross_entropy_rows(RowShape shape, const float *x, const float *labels, float *loss) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  labels += row.index * shape.n;
  const Scale scale = measure(row, x);
  const float log_sum = log_(scale.sum);
  const float sum = row.reduce<Sum>([&](int64_t i) { return cross_entropy_term(x[i], labels[i], scale.max, log_sum); });
  if (row.lane == 0 && row.index < shape.rows) loss[row.index] = sum;
}

__global__ void __launch_bounds__(block_threads)
    class_entropy_rows(RowShape shape, const float *x, const int32_t *classes, float *loss) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  const Scale scale = measure(row, x);
  if (row.lane || row.index >= shape.rows) return;
  const int32_t place = classes[row.index];
  loss[row.index] =
      known(place, shape.n) ? cross_entropy_term(x[place], 1.0f, scale.max, log_(scale.sum)) : not_a_number;
}

__global__ void __launch_bounds__(block_threads)
    cross_entropy_grad_rows(RowShape shape, const float *x, const float *labels, const float *dloss, float *dx) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  const int64_t first = row.index * shape.n;
  x += first, labels += first, dx += first;
  const Scale scale = measure(row, x);
  const float weight = row.reduce<Sum>([&](int64_t i) { return labels[i]; }) / scale.sum;
  row.each([&](int64_t i) { dx[i] = cross_entropy_grad(x[i], labels[i], scale.max, weight, dloss[row.index]); });
}

__global__ void __launch_bounds__(block_threads)
    class_entropy_grad_rows(RowShape shape, const float *x, const int32_t *classes, const float *dloss, float *dx) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  dx += row.index * shape.n;
  const Scale scale = measure(row, x);
  const float weight = 1.0f / scale.sum;
  row.each([&](int64_t i) {
    const int32_t place = classes[row.index];
    const float label = i == place ? 1.0f : 0.0f;
    dx[i] = known(place, shape.n) ? cross_entropy_grad(x[i], label, scale.max, weight, dloss[row.index]) : not_a_number;
  });
}

}  // namespace
}  // namespace gpu

int run_cross_entropy(const CrossEntropyArgs &args) {
  const gpu::RowShape shape(args.rows, args.n);
  const float *const logits = static_cast<const float *>(args.logits), *const labels =
                                                                           static_cast<const float *>(args.labels);
  return args.classes ? gpu::launch_rows<gpu::class_entropy_rows>(shape, logits, args.classes, args.loss)
                      : gpu::launch_rows<gpu::cross_entropy_rows>(shape, logits, labels, args.loss);
}

int run_cross_entropy_grad(const CrossEntropyGradArgs &args) {
  const gpu::RowShape shape(args.rows, args.n);
  const float *const logits = static_cast<const float *>(args.logits), *const labels =
                                                                           static_cast<const float *>(args.labels);
  float *const dlogits = static_cast<float *>(args.dlogits);
  return args.classes ? gpu::launch_rows<gpu::class_entropy_grad_rows>(shape, logits, args.classes, args.dloss, dlogits)
                      : gpu::launch_rows<gpu::cross_entropy_grad_rows>(shape, logits, labels, args.dloss, dlogits);
}

}  // namespace dg
