// sin, cos, tan and their inverses. Errors in ulp: with fused multiply-adds / without.
#pragma once
#include "real.h"

namespace dg {

// ---- Range reduction: |x| = n pi/2 + r, |r| <= pi/4 ----------------------------------------------------------------

template <class V>
struct Quadrant {
  V r;
  Int<V> n;  // modulo 4
};

// Payne and Hanek's reduction, for any x >= 0: the bits of 2/pi that matter, times the significand, in integers.
DG_SLOW Quadrant<float> reduce_large(float x) {
  // 2/pi in words of 32 bits, the binary point after the second.
  constexpr uint32_t two_over_pi[] = {0,          0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                      0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  if (!(x < infinity)) return {not_a_number, 0};
  const int32_t i = bits(x);
  const uint64_t significand = (i & 0x7fffff) | 0x800000;
  const int shift = (i >> 23) - 150 + 32, first = shift >> 5, bit = shift & 31;  // x = significand 2^(shift - 32)
  // Words of 2/pi 2^(shift - 32), from the one in front of the binary point on; what lies above only adds whole turns.
  const auto word = [&](int w) {
    const uint64_t two = (uint64_t{two_over_pi[first + w]} << 32) | two_over_pi[first + w + 1];
    return static_cast<uint32_t>(two >> (32 - bit));
  };
  const uint64_t third = significand * word(3) >> 32, second = significand * word(2) + third;
  const uint64_t upper = significand * word(1) + (second >> 32);
  const uint64_t fraction = (upper << 32) | static_cast<uint32_t>(second);
  const uint64_t whole = significand * word(0) + (upper >> 32) + (fraction >> 63);  // rounded to the nearest
  const double r = static_cast<double>(static_cast<int64_t>(fraction)) * 0x1.921fb54442d18p-64;
  return {static_cast<float>(r), static_cast<int32_t>(whole & 3)};
}

template <class V>
DG_HD Quadrant<V> reduce_quadrant(V a) {
  // pi/2 in parts of 15 bits: their products with n are exact up to n = 2^9 even where fma_ rounds twice.
  constexpr float limit = DG_FUSED ? 1e5f : 800.0f;
  constexpr float shift = 0x1.8p23f;  // pushes fractions out of the significand, whose low bits are n then
  const V shifted = fma_(a, 0x1.45f306p-1f, shift), n = shifted - shift;
  V r = fma_(n, -0x1.922p+0f, a);
  r = fma_(n, 0x1.2afp-18f, r);
  r = fma_(n, -0x1.0b48p-34f, r);
  r = fma_(n, 0x1.ee59dap-50f, r);
  Quadrant<V> q{r, bits(shifted) & 3};
  const auto large = a > limit;
  if (any(large)) {
    if constexpr (is_scalar<V>) {
      q = reduce_large(a);
    } else {
      for (unsigned i = 0; i < sizeof(V) / 4; i++) {
        if (!large[i]) continue;
        const auto lane = reduce_large(a[i]);
        q.r[i] = lane.r;
        q.n[i] = lane.n;
      }
    }
  }
  return q;
}

// ---- sin, cos, tan -------------------------------------------------------------------------------------------------

template <class V>
struct SinCos {
  V sin, cos;
};
// |r| <= pi/4
template <class V>
DG_HD SinCos<V> sincos_reduced(V r) {
  const V u = r * r;
  const V s = polynomial(u, -0.166666552f, 0.00833218731f, -0.000195178975f);
  const V c = polynomial(u, -0.5f, 0.0416666456f, -0.00138873095f, 2.44323273e-05f);
  return {fma_(r * u, s, r), fma_(u, c, 1.0f)};
}
// x with its sign turned round where bit 1 of n is set.
template <class V>
DG_HD V turn(V x, Int<V> n) {
  return from_bits(bits(x) ^ ((n & 2) << 30));
}

// 3 / 3 ulp
template <class V>
DG_HD V sin_(V x) {
  const auto [r, n] = reduce_quadrant(abs_(x));
  const auto [s, c] = sincos_reduced(r);
  const V y = turn(select((n & 1) == 0, s, c), n);
  return from_bits(bits(y) ^ (bits(x) & sign_bit));
}

// 3 / 3 ulp
template <class V>
DG_HD V cos_(V x) {
  const auto [r, n] = reduce_quadrant(abs_(x));
  const auto [s, c] = sincos_reduced(r);
  return turn(select((n & 1) == 0, c, s), n + (n & 1));
}

// 4 / 4 ulp
template <class V>
DG_HD V tan_(V x) {
  const auto [r, n] = reduce_quadrant(abs_(x));
  const auto [s, c] = sincos_reduced(r);
  const auto even = (n & 1) == 0;
  const V y = select(even, s, -c) / select(even, c, s);
  return from_bits(bits(y) ^ (bits(x) & sign_bit));
}

// ---- Inverses ------------------------------------------------------------------------------------------------------

constexpr float half_pi = 0x1.921fb6p+0f, half_pi_low = -0x1.777a5cp-25f;

// For a = |x|: asin(a) up to 1/2; above, asin(sqrt((1 - a) / 2)), of which pi/2 - asin(a) is the double.
template <class V>
DG_HD V asin_reduced(V a, Mask<V> small) {
  const V u = select(small, a * a, fma_(a, -0.5f, 0.5f)), b = select(small, a, sqrt_(u));
  return fma_(b * u, polynomial(u, 0.166667521f, 0.0749530941f, 0.0454691499f, 0.0241847821f, 0.0421582907f), b);
}

// 3 / 3 ulp
template <class V>
DG_HD V asin_(V x) {
  const V a = abs_(x);
  const auto small = a < 0.5f;
  const V p = asin_reduced(a, small);
  return copysign_(select(small, p, fma_(p, -2.0f, half_pi_low) + half_pi), x);
}

// 3 / 3 ulp
template <class V>
DG_HD V acos_(V x) {
  const V a = abs_(x);
  const auto small = a < 0.5f;
  const V p = asin_reduced(a, small);
  const V middle = half_pi_low - copysign_(p, x) + half_pi;
  const V outer = select(x < 0.0f, fma_(p, -2.0f, 2.0f * half_pi_low) + 2.0f * half_pi, p + p);
  return select(small, middle, outer);
}

// 0 <= t <= 1
template <class V>
DG_HD V atan_reduced(V t) {
  const V u = t * t;
  const V p = polynomial(u, -0.333332986f, 0.199985296f, -0.142640144f, 0.109508611f, -0.0839920789f, 0.0578788705f,
                         -0.0310935341f, 0.0108662723f, -0.00178214512f);
  return fma_(t * u, p, t);
}

// 3 / 3 ulp
template <class V>
DG_HD V atan_(V x) {
  const V a = abs_(x);
  const auto large = a > 1.0f;
  const V p = atan_reduced(select(large, 1.0f / a, a));
  return copysign_(select(large, half_pi_low - p + half_pi, p), x);
}

// The angle of the point (x, y): 3 / 3 ulp
template <class V>
DG_HD V atan2_(V y, V x) {
  const V ay = abs_(y), ax = abs_(x);
  const auto steep = ay > ax;
  const V less = select(steep, ax, ay), more = select(steep, ay, ax);
  const V ratio = select(more == 0.0f, 0.0f, select(less == more, 1.0f, less / more));
  const V p = atan_reduced(ratio), q = select(steep, half_pi_low - p + half_pi, p);
  const V angle = select(bits(x) < 0, 2.0f * half_pi_low - q + 2.0f * half_pi, q);
  return copysign_(select((x == x) & (y == y), angle, not_a_number), y);
}

}  // namespace dg
