// Losses summed to one number, and their gradient in the same pass: in pieces that depend on the sizes only, whose sums are added in
// order.
#include "../../math/elementwise.h"
#include "softmax_rows.h"

namespace dg::DG_ISA {
namespace {

constexpr int most_pieces = 64;

// sum(begin, end) of [0, n), in pieces of about `grain`.
template <class F>
float sum_pieces(int64_t n, int64_t grain, const F &sum) {
  const int64_t step = n > grain * most_pieces ? (n + most_pieces - 1) / most_pieces : grain;
  const int64_t pieces = (n + step - 1) / step;
  float sums[most_pieces];
  parallel_for(pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; p++) sums[p] = sum(p * step, (p + 1) * step < n ? (p + 1) * step : n);
  });
  float all = 0;
  for (int64_t p = 0; p < pieces; p++) all += sums[p];
  return all;
}

// `rest`: a prediction that costs nothing where the label is 0.
struct Squared {
  static constexpr float rest = 0;
  template <class V>
  static DG_HD V loss(V x, V label) {
    return binary_op::squaredDifference::apply(x, label);
  }
  template <class V>
  static DG_HD V slope(V x, V label) {
    return 2.0f * (x - label);
  }
};
struct Sigmoid {
  static constexpr float rest = -200;
  template <class V>
  static DG_HD V loss(V x, V label) {
    return binary_op::sigmoidCrossEntropy::apply(label, x);
  }
  template <class V>
  static DG_HD V slope(V x, V label) {
    return binary_op::sigmoidError::apply(label, x);
  }
};

template <class Kind>
float element_losses(const LossArgs &args) {
  constexpr int width = 16;
  constexpr int64_t grain = 1 << 13;
  const float *const x = static_cast<const float *>(args.x), *const labels = static_cast<const float *>(args.labels);
  float *const dx = static_cast<float *>(args.dx);
  const float scale = args.scale;
  return sum_pieces(args.rows * args.n, grain, [&](int64_t begin, int64_t end) {
    return reduce_blocks<Sum, width>(begin, end, [=](int64_t i) {
      const Block<width> there = load_block<width>(x + i, end - i, Kind::rest),
                         label = load_block<width>(labels + i, end - i, 0);
      if (dx)
        store_block(dx + i, end - i, map([=](auto v, auto t) { return Kind::slope(v, t) * scale; }, there, label));
      return map([](auto v, auto t) { return Kind::loss(v, t); }, there, label);
    });
  });
}

float row_loss(const float *x, const float *labels, float *dx, int64_t n, float scale) {
  const Scale row = measure(x, n);
  const float log_sum = log_(row.sum),
              loss = reduce_blocks<Sum, softmax_lanes>(0, n, [=](int64_t i) {
                return map([=](auto v, auto label) { return cross_entropy_term(v, label, row.max, log_sum); },
                           load_block<softmax_lanes>(x + i, n - i, 0), load_block<softmax_lanes>(labels + i, n - i, 0));
              });
  if (!dx) return loss;
  const float weight = reduce_row<Sum>(labels, n) / row.sum;
  map_row([=](auto v, auto label) { return cross_entropy_grad(v, label, row.max, weight, scale); }, n, dx, x, labels);
  return loss;
}

float class_loss(const float *x, int32_t place, float *dx, int64_t n, float scale) {
  if (!known(place, n)) {
    for (int64_t j = 0; dx && j < n; j++) dx[j] = not_a_number;
    return not_a_number;
  }
  const Scale row = measure(x, n);
  if (dx) {
    const float weight = 1.0f / row.sum;
    map_row([=](auto v) { return cross_entropy_grad(v, decltype(v){}, row.max, weight, scale); }, n, dx, x);
    dx[place] = cross_entropy_grad(x[place], 1.0f, row.max, weight, scale);
  }
  return cross_entropy_term(x[place], 1.0f, row.max, log_(row.sum));
}

float row_losses(const LossArgs &args) {
  const int64_t n = args.n;
  return sum_pieces(args.rows, softmax_piece / (n + 1) + 1, [&](int64_t begin, int64_t end) {
    float sum = 0;
    for (int64_t r = begin; r < end; r++) {
      const float *const x = static_cast<const float *>(args.x) + r * n;
      float *const dx = args.dx ? static_cast<float *>(args.dx) + r * n : nullptr;
      sum += args.classes ? class_loss(x, args.classes[r], dx, n, args.scale)
                          : row_loss(x, static_cast<const float *>(args.labels) + r * n, dx, n, args.scale);
    }
    return sum;
  });
}

}  // namespace

int run_loss(const LossArgs &args) {
  const auto losses = args.kind == DG_LOSS_SQUARED   ? element_losses<Squared>
                      : args.kind == DG_LOSS_SIGMOID ? element_losses<Sigmoid>
                                                     : row_losses;
  *args.loss = args.scale * losses(args);
  return args.classes ? check_classes(args.classes, args.rows, args.n) : 0;
}

}  // namespace dg::DG_ISA
