// Activation functions of neural networks and their gradients. Errors in ulp: with fused multiply-adds / without.
#pragma once
#include "error_function.h"
#include "hyperbolic.h"

namespace dg {

// Keras' constants; selu(x) = scale (x > 0 ? x : alpha (e^x - 1)).
constexpr float selu_scale = 1.05070098f, selu_alpha_scale = 1.75809934f;

// s = 1 / (1 + e^-x) and 1 - s, each without cancellation. Error of s: 2 / 3 ulp
template <class V>
DG_HD Pair<V> sigmoid_pair(V x) {
  const V e = exp_(-abs_(x));
  const Pair<V> d = fast_two_sum(splat<V>(1.0f), e);
  const V inverse = 1.0f / d.hi, above = inverse, below = e * inverse;  // s of |x| and of -|x|
  const auto negative = x < 0.0f;
  const V s = select(negative, below, above);
  const V rest = fma_(-s, d.lo, fma_(-s, d.hi, select(negative, e, 1.0f)));
  return {fma_(rest, inverse, s), select(negative, above, below)};
}
template <class V>
DG_HD V sigmoid_(V x) {
  return sigmoid_pair(x).hi;
}

// log(1 + e^x): 2 / 3 ulp
template <class V>
DG_HD V softplus_(V x) {
  const V e = exp_(-abs_(x));
  return maximum_(x, V{}) + select(e < 0x1p-25f, e, log1p_finite(e, Int<V>{}));
}

template <class V>
DG_HD V relu_(V x) {
  return select(x <= 0, 0, x);
}
template <class V>
DG_HD V relu6_(V x) {
  return select(x <= 0, 0, select(x > 6, 6, x));
}
template <class V>
DG_HD V elu_(V x) {
  return select(x > 0.0f, x, expm1_(x));
}
template <class V>
DG_HD V selu_(V x) {
  return select(x > 0.0f, x * selu_scale, expm1_(x) * selu_alpha_scale);
}
template <class V>
DG_HD V celu_(V x, V a) {
  return select(x > 0.0f, x, a * expm1_(x / a));
}
template <class V>
DG_HD V hard_sigmoid_(V x) {
  return clamp_(fma_(x, 1.0f / 6, 0.5f), 0.0f, 1.0f);
}
// Of x hard_sigmoid(x).
template <class V>
DG_HD V hard_swish_derivative(V x) {
  return select(x <= -3.0f, 0.0f, select(x >= 3.0f, 1.0f, fma_(x, 1.0f / 3, 0.5f)));
}

// x tanh(softplus(x)) = x e (e + 2) / (e (e + 2) + 2), e = e^x: 4 / 4 ulp
template <class V>
struct MishParts {
  V e, numerator, denominator;
};
template <class V>
DG_HD MishParts<V> mish_parts(V x) {
  const V e = exp_(select(x > 20.0f, 20.0f, x)), numerator = fma_(e, e, e + e);
  return {e, numerator, numerator + 2.0f};
}
template <class V>
DG_HD V mish_(V x) {
  const auto [e, numerator, denominator] = mish_parts(x);
  return x * (numerator / denominator);
}
template <class V>
DG_HD V mish_derivative(V x) {
  const auto [e, numerator, denominator] = mish_parts(x);
  return fma_(x * 4.0f, e * (e + 1.0f) / (denominator * denominator), numerator / denominator);
}

// s + x s (1 - s)
template <class V>
DG_HD V swish_derivative(V x) {
  const Pair<V> s = sigmoid_pair(x);
  return s.hi * fma_(x, s.lo, 1.0f);
}

// x Phi(x): 6 / 7 ulp
template <class V>
DG_HD V gelu_(V x) {
  return x * normal(x).cdf;
}
template <class V>
DG_HD V gelu_derivative(V x) {
  const Normal<V> z = normal(x);
  return fma_(x, z.density, z.cdf);
}

// x (1 + tanh(u)) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3). The error grows with |u|: 4 + 6 |u| ulp
constexpr float gelu_linear = 1.59576917f, gelu_cubic = 0.0713548154f;
template <class V>
DG_HD V gelu_approx_(V x) {
  return x * sigmoid_(x * fma_(x * x, gelu_cubic, gelu_linear));
}
template <class V>
DG_HD V gelu_approx_derivative(V x) {
  const V square = x * x;
  const Pair<V> s = sigmoid_pair(x * fma_(square, gelu_cubic, gelu_linear));
  return s.hi * fma_(x * fma_(square, 3 * gelu_cubic, gelu_linear), s.lo, 1.0f);
}

}  // namespace dg
