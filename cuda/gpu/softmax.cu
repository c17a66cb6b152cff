// Softmax and log-softmax of rows, forward and backward. Every exponent is taken relative to the row's maximum, so
// nothing overflows. A row without a finite maximum gives NaN.
#include "../core/args.h"
#include "rows.h"

namespace dg {
namespace gpu {
namespace {

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks) softmax(RowShape shape, const T *x_, T *y) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> x(row, x_, -infinity);
  const Exponentials<T> e(row, x);
  const float inverse = 1.0f / e.sum;
  row.write(y, [&](int64_t i) { return map([=](float v) { return v * inverse; }, e.at(i)); });
}

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks) log_softmax_rows(RowShape shape, const T *x_, T *y) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> x(row, x_, -infinity);
  const Scale scale = measure(row, x);
  const float log_sum = log_(scale.sum);
  row.write(y, [&](int64_t i) { return map([&](float v) { return log_softmax(v, scale.max, log_sum); }, x.again(i)); });
}

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    softmax_grad_rows(RowShape shape, const T *dy_, const T *y_, T *dx) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> dy(row, dy_, 0), y(row, y_, 0, 1);
  const float sum = row.template reduce<Sum>(
      [&](int64_t i) { return map([](float a, float b) { return a * b; }, dy.first(i), y.first(i)); });
  row.write(dx, [&](int64_t i) {
    return map([=](float a, float b) { return softmax_grad(a, b, sum); }, dy.again(i), y.again(i));
  });
}

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    log_softmax_grad_rows(RowShape shape, const T *dy_, const T *y_, T *dx) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> dy(row, dy_, 0), y(row, y_, 0);
  const float sum = row.template reduce<Sum>([&](int64_t i) { return dy.first(i); });
  row.write(dx, [&](int64_t i) {
    return map([=](float a, float b) { return log_softmax_grad(a, b, sum); }, dy.again(i), y.read(i));
  });
}

}  // namespace
}  // namespace gpu

int run_softmax(const SoftmaxArgs &args) {
  return gpu::with_floats(args.type, [&]<class T>() {
    const gpu::RowShape shape(args.rows, args.n, gpu::pack_size<T>, 1);
    const T *const x = static_cast<const T *>(args.x);
    T *const y = static_cast<T *>(args.y);
    return args.log ? gpu::launch_rows<gpu::log_softmax_rows<T>>(shape, x, y)
                    : gpu::launch_rows<gpu::softmax<T>>(shape, x, y);
  });
}

int run_softmax_grad(const SoftmaxGradArgs &args) {
  return gpu::with_floats(args.type, [&]<class T>() {
    const gpu::RowShape shape(args.rows, args.n, gpu::pack_size<T>, args.log ? 1 : 2);
    const T *const dy = static_cast<const T *>(args.dy), *const y = static_cast<const T *>(args.y);
    T *const dx = static_cast<T *>(args.dx);
    return args.log ? gpu::launch_rows<gpu::log_softmax_grad_rows<T>>(shape, dy, y, dx)
                    : gpu::launch_rows<gpu::softmax_grad_rows<T>>(shape, dy, y, dx);
  });
}

}  // namespace dg
