// Softmax and log-softmax of rows, forward and backward. Every exponent is taken relative to the row's maximum, so
// nothing overflows. A row without a finite maximum gives NaN.
#include "../core/args.h"
#include "rows.h"

namespace dg {
namespace gpu {
namespace {

template <class T>
__global__ void __launch_bounds__(block_threads) softmax(RowShape shape, const T *x, T *y) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  y += row.index * shape.n;
  const Scale scale = measure(row, x);
  const float inverse = 1.0f / scale.sum;
  row.each([&](int64_t i) { y[i] = element<T>(exp_below(number(x[i]) - scale.max) * inverse); });
}

template <class T>
__global__ void __launch_bounds__(block_threads) log_softmax_rows(RowShape shape, const T *x, T *y) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  y += row.index * shape.n;
  const Scale scale = measure(row, x);
  const float log_sum = log_(scale.sum);
  row.each([&](int64_t i) { y[i] = element<T>(log_softmax(number(x[i]), scale.max, log_sum)); });
}

template <class T>
__global__ void __launch_bounds__(block_threads) softmax_grad_rows(RowShape shape, const T *dy, const T *y, T *dx) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  const int64_t first = row.index * shape.n;
  dy += first, y += first, dx += first;
  const float sum = row.reduce<Sum>([&](int64_t i) { return number(dy[i]) * number(y[i]); });
  row.each([&](int64_t i) { dx[i] = element<T>(softmax_grad(number(dy[i]), number(y[i]), sum)); });
}

template <class T>
__global__ void __launch_bounds__(block_threads) log_softmax_grad_rows(RowShape shape, const T *dy, const T *y, T *dx) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  const int64_t first = row.index * shape.n;
  dy += first, y += first, dx += first;
  const float sum = row.reduce<Sum>([&](int64_t i) { return number(dy[i]); });
  row.each([&](int64_t i) { dx[i] = element<T>(log_softmax_grad(number(dy[i]), number(y[i]), sum)); });
}

}  // namespace
}  // namespace gpu

int run_softmax(const SoftmaxArgs &args) {
  const gpu::RowShape shape(args.rows, args.n);
  return gpu::with_floats(args.type, [&]<class T>() {
    const T *const x = static_cast<const T *>(args.x);
    T *const y = static_cast<T *>(args.y);
    return args.log ? gpu::launch_rows<gpu::log_softmax_rows<T>>(shape, x, y)
                    : gpu::launch_rows<gpu::softmax<T>>(shape, x, y);
  });
}

int run_softmax_grad(const SoftmaxGradArgs &args) {
  const gpu::RowShape shape(args.rows, args.n);
  return gpu::with_floats(args.type, [&]<class T>() {
    const T *const dy = static_cast<const T *>(args.dy), *const y = static_cast<const T *>(args.y);
    T *const dx = static_cast<T *>(args.dx);
    return args.log ? gpu::launch_rows<gpu::log_softmax_grad_rows<T>>(shape, dy, y, dx)
                    : gpu::launch_rows<gpu::softmax_grad_rows<T>>(shape, dy, y, dx);
  });
}

}  // namespace dg
