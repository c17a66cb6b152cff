// The error function and the normal distribution. Errors in ulp: with fused multiply-adds / without.
#pragma once
#include "exponential.h"

namespace dg {

// 2 / 2 ulp
template <class V>
DG_HD V erf_(V x) {
  const V a = abs_(x), u = x * x;
  const V p =
      polynomial(u, 0.128379151f, -0.376124889f, 0.112817302f, -0.0267629158f, 0.00498726498f, -0.000595912861f);
  const V t = select(a > 4.0f, 4.0f, a);
  // -log(1 - erf(t)) / t
  const V g = polynomial(t, 1.12865424f, 0.635128021f, 0.10627529f, -0.0237950478f, 0.00365800643f, -0.000326616107f,
                         1.16110978e-05f);
  return copysign_(select(a < 0.93f, fma_(p, a, a), 1.0f - exp_bounded(-t * g)), x);
}

// 2 / sqrt(pi) exp(-x^2)
template <class V>
DG_HD V erf_derivative(V x) {
  return exp_(-x * x) * 0x1.20dd76p+0f;
}

template <class V>
struct Normal {
  V cdf, density;
};
// Phi(x), with a small relative error down to the smallest numbers, and phi(x) = exp(-x^2 / 2) / sqrt(2 pi).
template <class V>
DG_HD Normal<V> normal(V x) {
  const V a = abs_(x), t = select(a > 14.5f, 14.5f, a);
  const Pair<V> square = two_product(t, t);
  const V e = exp_scaled(square.hi * -0.5f, square.lo * -0.5f, 0);
  // Beyond 1: Phi(-t) exp(t^2 / 2) (t + 3) as a polynomial in q = (t - 3) / (t + 3)
  const V inverse = 1.0f / (t + 3.0f);
  const V p = polynomial(fma_(inverse, -6.0f, 1.0f), 0.729083717f, -0.509332001f, 0.230015576f, -0.0472619571f,
                         -0.0104346834f, 0.00696202833f, 0.000889503339f, -0.000983263715f);
  const V mills = p * inverse;
  const V middle = fma_(
      x, polynomial(square.hi, 0.398942202f, -0.0664887577f, 0.00996423513f, -0.00116541306f, 9.24860069e-05f), 0.5f);
  return {select(a < 1.0f, middle, select(x < 0.0f, e * mills, fma_(-e, mills, 1.0f))), e * 0x1.988454p-2f};
}

}  // namespace dg
