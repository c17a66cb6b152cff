// Softmax and log-softmax of rows, forward and backward. Every exponent is taken relative to the row's maximum, so
// nothing overflows. A row without a finite maximum gives NaN.
#include "../core/args.h"
#include "rows.h"

namespace dg {
namespace gpu {
namespace {

__global__ void __launch_bounds__(block_threads) softmax(RowShape shape, const float *x, float *y) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  y += row.index * shape.n;
  const Scale scale = measure(row, x);
  const float inverse = 1.0f / scale.sum;
  row.each([&](int64_t i) { y[i] = exp_below(x[i] - scale.max) * inverse; });
}

__global__ void __launch_bounds__(block_threads) log_softmax_rows(RowShape shape, const float *x, float *y) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  x += row.index * shape.n;
  y += row.index * shape.n;
  const Scale scale = measure(row, x);
  const float log_sum = log_(scale.sum);
  row.each([&](int64_t i) { y[i] = log_softmax(x[i], scale.max, log_sum); });
}

__global__ void __launch_bounds__(block_threads)
    softmax_grad_rows(RowShape shape, const float *dy, const float *y, float *dx) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  const int64_t first = row.index * shape.n;
  dy += first, y += first, dx += first;
  const float sum = row.reduce<Sum>([&](int64_t i) { return dy[i] * y[i]; });
  row.each([&](int64_t i) { dx[i] = softmax_grad(dy[i], y[i], sum); });
}

__global__ void __launch_bounds__(block_threads)
    log_softmax_grad_rows(RowShape shape, const float *dy, const float *y, float *dx) {
  DG_SHARED(float, shared);
  const Row row(shape, shared);
  const int64_t first = row.index * shape.n;
  dy += first, y += first, dx += first;
  const float sum = row.reduce<Sum>([&](int64_t i) { return dy[i]; });
  row.each([&](int64_t i) { dx[i] = log_softmax_grad(dy[i], y[i], sum); });
}

}  // namespace
}  // namespace gpu

int run_softmax(const SoftmaxArgs &args) {
  const gpu::RowShape shape(args.rows, args.n);
  return args.log
             ? gpu::launch_rows<gpu::log_softmax_rows>(shape, static_cast<const float *>(args.x),
                                                       static_cast<float *>(args.y))
             : gpu::launch_rows<gpu::softmax>(shape, static_cast<const float *>(args.x), static_cast<float *>(args.y));
}

int run_softmax_grad(const SoftmaxGradArgs &args) {
  const gpu::RowShape shape(args.rows, args.n);
  const float *const dy = static_cast<const float *>(args.dy), *const y = static_cast<const float *>(args.y);
  float *const dx = static_cast<float *>(args.dx);
  return args.log ? gpu::launch_rows<gpu::log_softmax_grad_rows>(shape, dy, y, dx)
                  : gpu::launch_rows<gpu::softmax_grad_rows>(shape, dy, y, dx);
}

}  // namespace dg
