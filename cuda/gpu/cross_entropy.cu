// Cross-entropy of logits and its gradient. Labels are distributions, or class numbers: a class is a label of 1 at one
// place. A class that there is not gives NaN.
#include "../core/args.h"
#include "rows.h"

namespace dg {
namespace gpu {
namespace {

__device__ bool known(int32_t place, int64_t n) { return place >= 0 && place < n; }

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    cross_entropy_rows(RowShape shape, const T *x_, const T *labels_, float *loss) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> x(row, x_, -infinity), labels(row, labels_, 0);
  const Scale scale = measure(row, x);
  const float log_sum = log_(scale.sum);
  const float sum = row.template reduce<Sum>([&](int64_t i) {
    return map([&](float v, float label) { return cross_entropy_term(v, label, scale.max, log_sum); }, x.again(i),
               labels.read(i));
  });
  if (row.lane == 0 && row.index < shape.rows) loss[row.index] = sum;
}

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    class_entropy_rows(RowShape shape, const T *x, const int32_t *classes, float *loss) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const Scale scale = measure(row, RowInput<T>(row, x, -infinity));
  if (row.lane || row.index >= shape.rows) return;
  const int32_t place = classes[row.index];
  loss[row.index] = known(place, shape.n)
                        ? cross_entropy_term(number(x[row.index * shape.n + place]), 1.0f, scale.max, log_(scale.sum))
                        : not_a_number;
}

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    cross_entropy_grad_rows(RowShape shape, const T *x_, const T *labels_, const float *dloss, T *dx) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> x(row, x_, -infinity), labels(row, labels_, 0, 1);
  const Exponentials<T> e(row, x);
  const float weight = row.template reduce<Sum>([&](int64_t i) { return labels.first(i); }) / e.sum;
  const float upstream = row.n ? dloss[row.index] : 0;
  row.write(dx, [&](int64_t i) {
    return map([&](float v, float label) { return cross_entropy_grad(v, label, weight, upstream); }, e.at(i),
               labels.again(i));
  });
}

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    class_entropy_grad_rows(RowShape shape, const T *x_, const int32_t *classes, const float *dloss, T *dx) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> x(row, x_, -infinity);
  const Exponentials<T> e(row, x);
  const int32_t place = row.n ? classes[row.index] : 0;
  const float upstream = row.n ? dloss[row.index] : 0, weight = known(place, row.n) ? 1.0f / e.sum : not_a_number;
  row.write(dx, [&](int64_t i) {
    auto grad = e.at(i);
    for (int j = 0; j < row.size; j++)
      grad.at[j] = cross_entropy_grad(grad.at[j], row.at(i, j) == place ? 1.0f : 0.0f, weight, upstream);
    return grad;
  });
}

}  // namespace
}  // namespace gpu

int run_cross_entropy(const CrossEntropyArgs &args) {
  return gpu::with_floats(args.type, [&]<class T>() {
    const gpu::RowShape shape(args.rows, args.n, gpu::pack_size<T>, args.classes ? 0 : 1);
    const T *const logits = static_cast<const T *>(args.logits), *const labels = static_cast<const T *>(args.labels);
    return args.classes ? gpu::launch_rows<gpu::class_entropy_rows<T>>(shape, logits, args.classes, args.loss)
                        : gpu::launch_rows<gpu::cross_entropy_rows<T>>(shape, logits, labels, args.loss);
  });
}

int run_cross_entropy_grad(const CrossEntropyGradArgs &args) {
  return gpu::with_floats(args.type, [&]<class T>() {
    const gpu::RowShape shape(args.rows, args.n, gpu::pack_size<T>, args.classes ? 1 : 2);
    const T *const logits = static_cast<const T *>(args.logits), *const labels = static_cast<const T *>(args.labels);
    T *const dx = static_cast<T *>(args.dlogits);
    return args.classes ? gpu::launch_rows<gpu::class_entropy_grad_rows<T>>(shape, logits, args.classes, args.dloss, dx)
                        : gpu::launch_rows<gpu::cross_entropy_grad_rows<T>>(shape, logits, labels, args.dloss, dx);
  });
}

}  // namespace dg
