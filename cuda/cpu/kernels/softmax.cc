// Softmax, log-softmax and cross-entropy of rows, forward and backward. Every exponent is taken relative to the row's
// maximum, so nothing overflows. A row without a finite maximum gives NaN.
#include "../../math/softmax.h"

#include "../../core/args.h"
#include "../../core/error.h"
#include "rows.h"

namespace dg::DG_ISA {
namespace {

constexpr int width = 16;
constexpr int64_t elements_per_piece = 1 << 13;

using Row = Block<width>;

// row(r) for all rows, in pieces worth a thread.
template <class F>
void for_rows(int64_t rows, int64_t n, const F &row) {
  parallel_for(rows, elements_per_piece / (n + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) row(r);
  });
}

// y = f(x...), element by element.
template <class F, class... Inputs>
DG_HD void map_row(const F &f, int64_t n, float *y, const Inputs *...x) {
  for (int64_t i = 0; i < n; i += width) store_block(y + i, n - i, map(f, load_block<width>(x + i, n - i, 0)...));
}

// What a row's exponents are relative to, and the sum of their exponentials.
struct Scale {
  float max, sum;
};

DG_HD Row exponentials(const float *x, int64_t i, int64_t n, float max) {
  return map([=](auto v) { return exp_below(v - max); }, load_block<width>(x + i, n - i, -infinity));
}

Scale measure(const float *x, int64_t n) {
  const float max = reduce_row<Max>(x, n);
  return {max, reduce_blocks<Sum, width>(0, n, [=](int64_t i) { return exponentials(x, i, n, max); })};
}

void softmax_row(const float *x, float *y, int64_t n) {
  const float max = reduce_row<Max>(x, n);
  const float inverse = 1.0f / reduce_blocks<Sum, width>(0, n, [=](int64_t i) {
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
  const float sum = reduce_blocks<Sum, width>(0, n, [=](int64_t i) {
    return map([](auto g, auto v) { return g * v; }, load_block<width>(dy + i, n - i, 0),
               load_block<width>(y + i, n - i, 0));
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
  return reduce_blocks<Sum, width>(0, n, [=](int64_t i) {
    return map([=](auto v, auto label) { return cross_entropy_term(v, label, scale.max, log_sum); },
               load_block<width>(x + i, n - i, 0), load_block<width>(labels + i, n - i, 0));
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

bool known(int32_t place, int64_t n) { return place >= 0 && place < n; }

// A class that there is not gives NaN, and on the CPU an error.
int check_classes(const int32_t *classes, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; r++)
    if (!known(classes[r], n))
      return fail(DG_E_ARGUMENT, "Row ", r, " has class ", classes[r], ", which is outside [0, ", n, ")");
  return 0;
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
