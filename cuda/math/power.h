// pow of floats and of integers. Error in ulp: with fused multiply-adds / without.
#pragma once
#include "exponential.h"

namespace dg {

// log(a) = hi + lo, relative error about 2^-30.5, for 0 < a < infinity. With s = f / (2 + f): log(1 + f) = 2 s + 2/3
// s^3 + ...
template <class V>
DG_HD Pair<V> log_pair(V a) {
  const auto subnormal = a < 0x1p-126f;
  const auto [f, exponent] = reduce_log(select(subnormal, a * 0x1p23f, a));
  const V n = to_float(exponent - select(subnormal, splat<Int<V>>(23), Int<V>{}));
  const Pair<V> d = fast_two_sum(splat<V>(2.0f), f);
  const V s = f / d.hi;
  const Pair<V> back = two_product(s, d.hi);
  const V s_low = fma_(-s, d.lo, f - back.hi - back.lo) / d.hi;
  const Pair<V> u = two_product(s, s);
  const V p = polynomial(u.hi, 0.666666627f, 0.400009751f, 0.284984887f, 0.242861062f);
  const V cubic = fma_(s, fma_(u.hi, p, u.lo * 0.6666667f), fma_(u.hi, s_low, s_low) * 2.0f);
  const Pair<V> sum = fast_two_sum(n * ln2_high, s + s);
  return fast_two_sum(sum.hi, sum.lo + fma_(n, ln2_low, cubic));
}

// Integer powers wrap. Negative exponents give the reciprocal's whole part, and 0 for that of 0.
DG_SLOW int32_t integer_power(int32_t x, int32_t y) {
  if (y < 0) return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;
  uint32_t power = 1, factor = static_cast<uint32_t>(x);
  for (; y; y >>= 1, factor *= factor)
    if (y & 1) power *= factor;
  return static_cast<int32_t>(power);
}

// The cases of C's pow (IEEE 754): 1 for pow(1, y) and pow(x, 0) even of NaN, NaN for x < 0 with a fractional y.
// 2 / 3 ulp
template <class V>
DG_HD V float_power(V x, V y) {
  const V a = abs_(x), bounded = clamp_(y, -0x1p40f, 0x1p40f);
  const Pair<V> log = log_pair(a), product = two_product(bounded, log.hi);
  const V low = fma_(bounded, log.lo, product.lo);
  V power = exp_scaled(product.hi, select(abs_(product.hi) < 256.0f, low, 0.0f), 0);
  const V extreme = select((a == 0.0f) == (y < 0.0f), infinity, 0.0f);
  power = select((a == 0.0f) | (a == infinity), extreme, power);
  const auto odd = (abs_(y) < 0x1p24f) & (trunc_(y) == y) & ((to_int(clamp_(bounded, -0x1p24f, 0x1p24f)) & 1) != 0);
  power = select(odd & (bits(x) < 0), -power, power);
  power = select((x < 0.0f) & (a < infinity) & (trunc_(y) != y), not_a_number, power);
  power = select((x != x) | (y != y), x + y, power);
  return select((y == 0.0f) | (x == 1.0f), 1.0f, power);
}

template <class V>
DG_HD V pow_(V x, V y) {
  if constexpr (is_float<V>) {
    return float_power(x, y);
  } else {
    return each_lane(integer_power, x, y);
  }
}

}  // namespace dg
