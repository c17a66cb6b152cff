// exp, expm1, log, log1p. Errors in units in the last place (ulp): with fused multiply-adds / without.
// Coefficients are minimax, found by Remez' exchange with each one rounded to float before the next was fitted.
#pragma once
#include "real.h"

namespace dg {

// ln 2 = high + low; products of high with exponents are exact even where fma_ rounds twice.
constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;

// x = n ln 2 + r, |r| <= ln 2 / 2, for |x| < 2^20
template <class V>
struct ReducedExp {
  V r;
  Int<V> n;
};
template <class V>
DG_HD ReducedExp<V> reduce_exp(V x) {
  constexpr float shift = 0x1.8p23f;  // pushes fractions out of the significand, whose low bits are n then
  const V shifted = fma_(x, 0x1.715476p+0f, shift);
  const V n = shifted - shift;
  return {fma_(n, -ln2_low, fma_(n, -ln2_high, x)), bits(shifted) - 0x4b400000};
}

// e^r = 1 + r + r^2 q(r) for |r| <= ln 2 / 2, within 2^-26 of e^r - 1.
template <class V>
DG_HD V exp_tail(V r, V low) {
  const V q = polynomial(r, 0.49999997f, 0.16666539f, 0.0416677482f, 0.00836708676f, 0.00138379773f);
  return fma_(r * r, q, low);
}
template <class V>
DG_HD V expm1_reduced(V r) {
  return exp_tail(r, r);
}
// The rounding error of 1 + r goes with the small terms.
template <class V>
DG_HD V exp_reduced(V r) {
  const Pair<V> sum = fast_two_sum(splat<V>(1.0f), r);
  return sum.hi + exp_tail(r, sum.lo);
}

// 2^n, -126 <= n <= 127
template <class I>
DG_HD Float<I> power_of_two(I n) {
  return from_bits((n + 127) << 23);
}
// y 2^n, -252 <= n <= 254, rounded once when the result is subnormal.
template <class V>
DG_HD V scale(V y, Int<V> n) {
#if DG_LANES == 16  // the same bits from one instruction: exp takes 0.72 of the time
  if constexpr (!is_scalar<V>) return _mm512_maskz_scalef_ps(0xffff, y, to_float(n));
#endif
  const Int<V> half = n >> 1;
  return y * power_of_two(half) * power_of_two(n - half);
}

// e^x for |x| <= 87, e^(x + low) 2^shift for any x. NaN stays NaN.
template <class V>
DG_HD V exp_bounded(V x) {
  const auto [r, n] = reduce_exp(x);
  return exp_reduced(r) * power_of_two(n);
}
template <class V>
DG_HD V exp_scaled(V x, V low, int shift) {
  const auto [r, n] = reduce_exp(clamp_(x, -120.0f, 100.0f));
  return scale(exp_reduced(r + low), n + shift);
}

// 1 / 1 ulp
template <class V>
DG_HD V exp_(V x) {
  const auto [r, n] = reduce_exp(clamp_(x, -104.0f, 89.0f));
  return scale(exp_reduced(r), n);
}

// 2 / 2 ulp
template <class V>
DG_HD V expm1_(V x) {
  const auto [r, n] = reduce_exp(clamp_(x, -20.0f, 89.0f));
  const V half = power_of_two(n - 1);  // 2^128 would overflow
  const V y = fma_(half, expm1_reduced(r), half - 0.5f) * 2.0f;
  return select(abs_(x) < 0x1p-25f, x, y);
}

// x = 2^n (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for normal x
template <class V>
struct ReducedLog {
  V f;
  Int<V> n;
};
template <class V>
DG_HD ReducedLog<V> reduce_log(V x) {
  constexpr int32_t root = 0x3f3504f3;                  // bits of sqrt(1/2)
  const Int<V> i = sub_(bits(x), splat<Int<V>>(root));  // of a negative x, which the callers sort out, it wraps
  return {from_bits((i & 0x7fffff) + root) - 1.0f, i >> 23};
}
// n ln 2 + log(1 + f)
template <class V>
DG_HD V log_reduced(V f, Int<V> n) {
  const V p = polynomial(f, 0.333333313f, -0.250008255f, 0.200012654f, -0.166232213f, 0.142007187f, -0.131604597f,
                         0.127695188f, -0.0764413103f);
  const V y = fma_(f * f, fma_(f, p, -0.5f), f), k = to_float(n);
  return fma_(k, ln2_high, fma_(k, ln2_low, y));
}
// y where x > 0, else what a logarithm is there.
template <class V>
DG_HD V log_edges(V x, V y) {
  const V positive = select(x < infinity, y, x);
  return select(x > 0.0f, positive, select(x == 0.0f, -infinity, select(x != x, x, not_a_number)));
}

// 1 / 1 ulp
template <class V>
DG_HD V log_(V x) {
  const auto subnormal = x < 0x1p-126f;
  const auto [f, n] = reduce_log(select(subnormal, x * 0x1p23f, x));
  return log_edges(x, log_reduced(f, n - select(subnormal, splat<Int<V>>(23), Int<V>{})));
}

// log(1 + x) + k ln 2, for -1 < x < infinity
template <class V>
DG_HD V log1p_finite(V x, Int<V> k) {
  const auto [f, n] = reduce_log(x + 1.0f);
  // What 1 + x rounded away comes back by scaling x itself; a large x has lost nothing.
  const V inverse = power_of_two(-n);
  return log_reduced(select(n > 30, f, fma_(x, inverse, inverse - 1.0f)), n + k);
}

// 2 / 2 ulp
template <class V>
DG_HD V log1p_(V x) {
  const V y = log_edges(x + 1.0f, log1p_finite(x, Int<V>{}));
  return select(abs_(x) < 0x1p-25f, x, y);
}

}  // namespace dg
