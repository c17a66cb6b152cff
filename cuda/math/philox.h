// How do seeds become random numbers? Philox4x32-10: ten rounds of multiplication turn a counter and a key into four
// words.
//
// Element i of a draw comes from word i % 4 of counter + i / 4, in every distribution (normal values from the pair of
// words that holds theirs). The counter is 64 bits wide, the upper words of Philox's counter are 0. So any piece of a
// draw can be made by itself, and all machines agree: on the words bit for bit, on floats where fma_ rounds once.
#pragma once
#include "exponential.h"
#include "real.h"
#include "trigonometric.h"

namespace dg {

template <class U>
struct WideProduct {
  U high, low;
};
DG_HD WideProduct<uint32_t> wide_product(uint32_t a, uint32_t b) {
  const uint64_t p = static_cast<uint64_t>(a) * b;
  return {static_cast<uint32_t>(p >> 32), static_cast<uint32_t>(p)};
}

#if defined(DG_LANES)
template <>
struct Lane<UnsignedLanes> : Wide {};

DG_HD WideProduct<UnsignedLanes> wide_product(UnsignedLanes a, uint32_t b) {
#if defined(__wasm__)
  const v128_t x = (v128_t)a, y = wasm_u32x4_splat(b);
  const v128_t low = wasm_u64x2_extmul_low_u32x4(x, y), high = wasm_u64x2_extmul_high_u32x4(x, y);
  return {(UnsignedLanes)wasm_i32x4_shuffle(low, high, 1, 3, 5, 7),
          (UnsignedLanes)wasm_i32x4_shuffle(low, high, 0, 2, 4, 6)};
#else
  // The products of even and of odd lanes.
  typedef uint64_t Longs __attribute__((vector_size(4 * DG_LANES)));
#if DG_LANES == 16  // all lanes by a mask, because GCC 12 warns about the plain form
  const auto product = [b](Longs x) { return (Longs)_mm512_maskz_mul_epu32(0xff, (__m512i)x, _mm512_set1_epi32(b)); };
#else
  const auto product = [b](Longs x) { return (Longs)_mm256_mul_epu32((__m256i)x, _mm256_set1_epi32(b)); };
#endif
  const Longs even = product((Longs)a), odd = product((Longs)a >> 32);
  constexpr uint64_t low_half = UINT32_MAX;
  return {(UnsignedLanes)((even >> 32) | (odd & ~low_half)), (UnsignedLanes)((even & low_half) | (odd << 32))};
#endif
}
#endif

template <class T>
struct Four {
  T at[4];
};

template <class U>
DG_HD Four<U> philox(Four<U> counter, uint32_t key_low, uint32_t key_high) {
  auto [a, b, c, d] = counter.at;
  for (int round = 0; round < 10; round++) {
    const WideProduct<U> p = wide_product(a, 0xd2511f53u), q = wide_product(c, 0xcd9e8d57u);
    a = q.high ^ b ^ key_low;
    b = q.low;
    c = p.high ^ d ^ key_high;
    d = p.low;
    key_low += 0x9e3779b9u;
    key_high += 0xbb67ae85u;
  }
  return {{a, b, c, d}};
}

// ---- Distributions
// ---------------------------------------------------------------------------------------------------

// The upper 24 bits of a word, as an integer and as a float of [0, 1).
template <class U>
DG_HD Int<U> upper_bits(U word) {
  return (Int<U>)(word >> 8);
}
template <class U>
DG_HD Float<U> unit(U word) {
  return to_float(upper_bits(word)) * 0x1p-24f;
}

// [a, b), for a <= b. Rounding can reach b: then the float below it is taken.
struct Uniform {
  float low, width, top;
  DG_HD Uniform(float a, float b) : low(a), width(b - a), top(a < b ? below(b) : a) {}
  DG_HD static float below(float x) { return x == 0 ? -0x1p-149f : from_bits(bits(x) + (x > 0 ? -1 : 1)); }
  template <class U>
  DG_HD Float<U> operator()(U word) const {
    const Float<U> y = fma_(unit(word), width, low);
    return select(y < top, y, top);
  }
};

// Box and Muller: two independent normal values, as a radius at a random angle. The angle is a quadrant and a rest of
// [-pi/4, pi/4).
template <class U>
DG_HD Pair<Float<U>> normal_pair(U radius, U angle) {
  using V = Float<U>;
  const V r = sqrt_(log_(1.0f - unit(radius)) * -2.0f);
  const Int<U> turns = upper_bits(angle), quadrant = turns >> 22;
  const auto [s, c] = sincos_reduced(to_float((turns & 0x3fffff) - 0x200000) * 0x1.921fb6p-22f);
  const auto even = (quadrant & 1) == 0;
  return {r * turn(select(even, c, s), quadrant + (quadrant & 1)), r * turn(select(even, s, c), quadrant)};
}

// A normal value known to lie within two deviations: the inverse of its distribution at a uniform t of (-1, 1), as t
// times a rational function of 1 - t^2 (found by weighted least squares to a relative 7e-8).
template <class U>
DG_HD Float<U> truncated_normal(U word) {
  using V = Float<U>;
  const V t = to_float(upper_bits(word) * 2 - 0xffffff) * 0x1p-24f, s = fma_(-t, t, 1.0f);
  const V p = polynomial(s, 1.99999986f, 24.256388f, 74.4909667f, 54.2420851f, 4.38449843f);
  const V q = polynomial(s, 1.0f, 13.838012f, 52.4259111f, 55.2538043f, 10.7059818f);
  return t * (p / q);
}

}  // namespace dg
