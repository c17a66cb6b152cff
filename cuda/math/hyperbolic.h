// tanh, sinh, cosh and the inverse hyperbolic functions. Errors in ulp: with fused multiply-adds / without.
#pragma once
#include "exponential.h"

namespace dg {

// 2 / 2 ulp
template <class V>
DG_HD V tanh_(V x) {
  const V a = abs_(x), u = x * x;
  const V p = polynomial(u, -0.333333164f, 0.133325443f, -0.0538475476f, 0.0210507121f, -0.00624284195f);
  const V e = exp_bounded(smaller(splat<V>(10.0f), a) * 2.0f);
  return copysign_(select(a < 0.55f, fma_(a * u, p, a), 1.0f - 2.0f / (e + 1.0f)), x);
}

// 2 / 2 ulp
template <class V>
DG_HD V sinh_(V x) {
  const V a = abs_(x), u = x * x;
  const V p = polynomial(u, 0.166666672f, 0.00833331048f, 0.000198428956f, 2.78221319e-06f);
  const V half = exp_scaled(a, V{}, -1);  // e^a / 2, which overflows no sooner than the result
  return copysign_(select(a < 1.0f, fma_(a * u, p, a), half - 0.25f / half), x);
}

// 2 / 2 ulp
template <class V>
DG_HD V cosh_(V x) {
  const V half = exp_scaled(abs_(x), V{}, -1);
  return half + 0.25f / half;
}

// log(1 + z) for z >= 0; where `doubled`, log(2 z) of a z so large that the 1 no longer counts.
template <class V>
DG_HD V log1p_or_log_2z(V z, Mask<V> doubled) {
  const V y = log1p_finite(z, select(doubled, splat<Int<V>>(1), Int<V>{}));
  return select(z < infinity, y, z);
}

// log(a + sqrt(a^2 + 1)): 3 / 3 ulp
template <class V>
DG_HD V asinh_(V x) {
  const V a = abs_(x);
  const auto large = a > 0x1p40f;
  const V z = select(large, a, a + a * a / (sqrt_(fma_(a, a, 1.0f)) + 1.0f));
  return copysign_(select(a < 0x1p-13f, a, log1p_or_log_2z(z, large)), x);
}

// log(x + sqrt(x^2 - 1)): 3 / 3 ulp
template <class V>
DG_HD V acosh_(V x) {
  const V t = x - 1.0f;
  const auto large = x > 0x1p40f;
  const V y = log1p_or_log_2z(select(large, x, t + sqrt_(fma_(t, t, t + t))), large);
  return select(x < 1.0f, not_a_number, y);
}

// log((1 + x) / (1 - x)) / 2: 3 / 3 ulp
template <class V>
DG_HD V atanh_(V x) {
  const V a = abs_(x), z = (a + a) / (1.0f - a);
  const V y = select(a < 0x1p-13f, a, log1p_or_log_2z(z, z < 0.0f) * 0.5f);
  return select(a > 1.0f, not_a_number, copysign_(y, x));
}

}  // namespace dg
