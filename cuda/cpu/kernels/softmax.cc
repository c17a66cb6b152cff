// Softmax, log-softmax and cross-entropy of rows, forward and backward. Every exponent is taken relative to the row's
// maximum, so nothing overflows. A row without a finite maximum gives NaN.
#include "softmax_rows.h"

namespace dg::DG_ISA {
namespace {

void softmax_row(const float *x, float *y, int64_t n) {
  const float max = reduce_row<Max>(x, n);
  const float inverse = 1.0f / reduce_blocks<Sum, softmax_lanes>(0, n, [=](int64_t i) {
                          const Row e = exponentials(x, i, n, max);
                          store_block(y + i, n - i, e);
                          return e;
                        });
  map_row([=](auto e) { return e * inverse; }, n, y, y);
}

void log_softmax_row(const float *x, float *y, int64_t n) {
  const Scale scale = measure(x, n);
  const float log_sum = log_(scale.sum);
  map_row([=](auto v) { return log_softmax(v, scale.max, log_sum); }, n, y, x);
}

void softmax_grad_row(const float *dy, const float *y, float *dx, int64_t n) {
  const float sum = reduce_blocks<Sum, softmax_lanes>(0, n, [=](int64_t i) {
    return map([](auto g, auto v) { return g * v; }, load_block<softmax_lanes>(dy + i, n - i, 0),
               load_block<softmax_lanes>(y + i, n - i, 0));
  });
  map_row([=](auto g, auto v) { return softmax_grad(g, v, sum); }, n, dx, dy, y);
}

void log_softmax_grad_row(const float *dy, const float *y, float *dx, int64_t n) {
  const float sum = reduce_row<Sum>(dy, n);
  map_row([=](auto g, auto v) { return log_softmax_grad(g, v, sum); }, n, dx, dy, y);
}

float cross_entropy_row(const float *x, const float *labels, int64_t n) {
  const Scale scale = measure(x, n);
  const float log_sum = log_(scale.sum);
  return reduce_blocks<Sum, softmax_lanes>(0, n, [=](int64_t i) {
    return map([=](auto v, auto label) { return cross_entropy_term(v, label, scale.max, log_sum); },
               load_block<softmax_lanes>(x + i, n - i, 0), load_block<softmax_lanes>(labels + i, n - i, 0));
  });
}

void cross_entropy_grad_row(const float *x, const float *labels, float dloss, float *dx, int64_t n) {
  const Scale scale = measure(x, n);
  const float weight = reduce_row<Sum>(labels, n) / scale.sum;
  map_row([=](auto v, auto label) { return cross_entropy_grad(v, label, scale.max, weight, dloss); }, n, dx, x, labels);
}

// As if the row had a label of 1 at one place.
float class_entropy_row(const float *x, int32_t place, int64_t n) {
  const Scale scale = measure(x, n);
  return cross_entropy_term(x[place], 1.0f, scale.max, log_(scale.sum));
}
void class_entropy_grad_row(const float *x, int32_t place, float dloss, float *dx, int64_t n) {
  const Scale scale = measure(x, n);
  const float weight = 1.0f / scale.sum, there = cross_entropy_grad(x[place], 1.0f, scale.max, weight, dloss);
  map_row([=](auto v) { return cross_entropy_grad(v, decltype(v){}, scale.max, weight, dloss); }, n, dx, x);
  dx[place] = there;
}

}  // namespace

int run_softmax(const SoftmaxArgs &args) {
  const int64_t n = args.n;
  const float *const x = static_cast<const float *>(args.x);
  float *const y = static_cast<float *>(args.y);
  for_rows(args.rows, n, [&](int64_t r) { (args.log ? log_softmax_row : softmax_row)(x + r * n, y + r * n, n); });
  return 0;
}

int run_softmax_grad(const SoftmaxGradArgs &args) {
  const int64_t n = args.n;
  const float *const dy = static_cast<const float *>(args.dy), *const y = static_cast<const float *>(args.y);
  float *const dx = static_cast<float *>(args.dx);
  for_rows(args.rows, n, [&](int64_t r) {
    (args.log ? log_softmax_grad_row : softmax_grad_row)(dy + r * n, y + r * n, dx + r * n, n);
  });
  return 0;
}

int run_cross_entropy(const CrossEntropyArgs &args) {
  const int64_t n = args.n;
  for_rows(args.rows, n, [&](int64_t r) {
    const float *x = static_cast<const float *>(args.logits) + r * n;
    if (!args.classes) {
      args.loss[r] = cross_entropy_row(x, static_cast<const float *>(args.labels) + r * n, n);
    } else {
      args.loss[r] = known(args.classes[r], n) ? class_entropy_row(x, args.classes[r], n) : not_a_number;
    }
  });
  return args.classes ? check_classes(args.classes, args.rows, n) : 0;
}

int run_cross_entropy_grad(const CrossEntropyGradArgs &args) {
  const int64_t n = args.n;
  for_rows(args.rows, n, [&](int64_t r) {
    const float *x = static_cast<const float *>(args.logits) + r * n;
    float *dx = static_cast<float *>(args.dlogits) + r * n;
    if (!args.classes) {
      cross_entropy_grad_row(x, static_cast<const float *>(args.labels) + r * n, args.dloss[r], dx, n);
    } else if (known(args.classes[r], n)) {
      class_entropy_grad_row(x, args.classes[r], args.dloss[r], dx, n);
    } else {
      for (int64_t j = 0; j < n; j++) dx[j] = not_a_number;
    }
  });
  return args.classes ? check_classes(args.classes, args.rows, n) : 0;
}

}  // namespace dg::DG_ISA
