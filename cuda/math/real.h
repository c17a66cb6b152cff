// Which arithmetic may a formula use? g++, clang and nvcc must give the same bits, so only what every machine rounds
// exactly: sums, products, quotients, square roots, the roundings to whole numbers, and fma_, which is written out
// wherever a product feeds a sum so that no compiler has one to contract. Names end in _ where libm has the plain one,
// so that none of its functions is called by mistake.
#pragma once
#include <math.h>

#include "lane.h"

// Does fma_ round once? WebAssembly rounds the product too, or does as it likes (relaxed SIMD).
#if !defined(DG_FUSED)
#if defined(__wasm__)
#define DG_FUSED 0
#else
#define DG_FUSED 1
#endif
#endif

namespace dg {

// ---- Exactly rounded primitives ------------------------------------------------------------------------------------

#if defined(DG_LANES)
#if defined(__wasm__)
DG_HD FloatLanes sqrt_(FloatLanes x) { return wasm_f32x4_sqrt(x); }
DG_HD FloatLanes floor_(FloatLanes x) { return wasm_f32x4_floor(x); }
DG_HD FloatLanes ceil_(FloatLanes x) { return wasm_f32x4_ceil(x); }
DG_HD FloatLanes trunc_(FloatLanes x) { return wasm_f32x4_trunc(x); }
DG_HD FloatLanes round_(FloatLanes x) { return wasm_f32x4_nearest(x); }
DG_HD FloatLanes larger(FloatLanes a, FloatLanes b) { return wasm_f32x4_pmax(b, a); }
DG_HD FloatLanes smaller(FloatLanes a, FloatLanes b) { return wasm_f32x4_pmin(b, a); }
#else
#if DG_LANES == 16
// The forms with a mask, because g++ 12 warns of the undefined lanes that the plain ones merge with.
#define DG_ROUND(x, mode) _mm512_maskz_roundscale_ps(0xffff, x, mode | _MM_FROUND_NO_EXC)
DG_HD FloatLanes sqrt_(FloatLanes x) { return _mm512_maskz_sqrt_ps(0xffff, x); }
DG_HD FloatLanes fused(FloatLanes a, FloatLanes b, FloatLanes c) { return _mm512_fmadd_ps(a, b, c); }
DG_HD FloatLanes larger(FloatLanes a, FloatLanes b) { return _mm512_maskz_max_ps(0xffff, a, b); }
DG_HD FloatLanes smaller(FloatLanes a, FloatLanes b) { return _mm512_maskz_min_ps(0xffff, a, b); }
#else
#define DG_ROUND(x, mode) _mm256_round_ps(x, mode | _MM_FROUND_NO_EXC)
DG_HD FloatLanes sqrt_(FloatLanes x) { return _mm256_sqrt_ps(x); }
DG_HD FloatLanes fused(FloatLanes a, FloatLanes b, FloatLanes c) { return _mm256_fmadd_ps(a, b, c); }
DG_HD FloatLanes larger(FloatLanes a, FloatLanes b) { return _mm256_max_ps(a, b); }
DG_HD FloatLanes smaller(FloatLanes a, FloatLanes b) { return _mm256_min_ps(a, b); }
#endif
DG_HD FloatLanes floor_(FloatLanes x) { return DG_ROUND(x, _MM_FROUND_TO_NEG_INF); }
DG_HD FloatLanes ceil_(FloatLanes x) { return DG_ROUND(x, _MM_FROUND_TO_POS_INF); }
DG_HD FloatLanes trunc_(FloatLanes x) { return DG_ROUND(x, _MM_FROUND_TO_ZERO); }
DG_HD FloatLanes round_(FloatLanes x) { return DG_ROUND(x, _MM_FROUND_TO_NEAREST_INT); }
#undef DG_ROUND
#endif
#endif

DG_HD float sqrt_(float x) { return ::sqrtf(x); }
DG_HD float floor_(float x) { return ::floorf(x); }
DG_HD float ceil_(float x) { return ::ceilf(x); }
DG_HD float trunc_(float x) { return ::truncf(x); }
DG_HD float round_(float x) { return ::rintf(x); }  // half to even
DG_HD float fused(float a, float b, float c) { return ::fmaf(a, b, c); }
// One instruction on processors: b where it is as large (small), or either is NaN.
DG_HD float larger(float a, float b) { return a > b ? a : b; }
DG_HD float smaller(float a, float b) { return a < b ? a : b; }

// a b + c: rounded once where DG_FUSED. Constants may stand for some of them.
template <class A, class B, class C>
DG_HD auto fma_(A a, B b, C c) {
  using V = decltype(A{} + B{} + C{});
  const V va = splat<V>(a), vb = splat<V>(b), vc = splat<V>(c);
#if DG_FUSED
  return fused(va, vb, vc);
#elif defined(__wasm_relaxed_simd__) && defined(DG_LANES)
  if constexpr (is_scalar<V>) {
    return fma_(splat<FloatLanes>(va), vb, vc)[0];
  } else {
    return __builtin_wasm_relaxed_madd_f32x4(va, vb, vc);
  }
#else
  return va * vb + vc;
#endif
}

// c0 + c1 x + c2 x^2 + ...
template <class V>
DG_HD V polynomial(V, float c) {
  return splat<V>(c);
}
template <class V, class... Rest>
DG_HD V polynomial(V x, float c, Rest... rest) {
  return fma_(polynomial(x, rest...), x, c);
}

template <class V>
struct Pair {  // hi + lo, unevaluated
  V hi, lo;
};

// a + b exactly, where |a| >= |b|.
template <class V>
DG_HD Pair<V> fast_two_sum(V a, V b) {
  const V sum = a + b;
  return {sum, b - (sum - a)};
}

// a b exactly, for |a|, |b| < 2^60.
template <class V>
DG_HD Pair<V> two_product(V a, V b) {
#if defined(__CUDA_ARCH__)
  const V p = __fmul_rn(a, b);  // never contracted into the sum that uses it
#else
  const V p = a * b;
#endif
#if DG_FUSED
  return {p, fused(a, b, -p)};
#else
  // Dekker: halves of 12 bits have exact products.
  const V ca = a * 4097.0f, cb = b * 4097.0f;
  const V ah = ca - (ca - a), al = a - ah, bh = cb - (cb - b), bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
#endif
}

// ---- Signs and order -----------------------------------------------------------------------------------------------

constexpr int32_t sign_bit = INT32_MIN;
constexpr float infinity = __builtin_inff();
constexpr float not_a_number = __builtin_nanf("");

// Integer arithmetic wraps (also where C++ leaves signed overflow undefined).
template <class V>
DG_HD V add_(V a, V b) {
  if constexpr (is_float<V>) {
    return a + b;
  } else {
    return (V)((Unsigned<V>)a + (Unsigned<V>)b);
  }
}
template <class V>
DG_HD V sub_(V a, V b) {
  if constexpr (is_float<V>) {
    return a - b;
  } else {
    return (V)((Unsigned<V>)a - (Unsigned<V>)b);
  }
}
template <class V>
DG_HD V mul_(V a, V b) {
  if constexpr (is_float<V>) {
    return a * b;
  } else {
    return (V)((Unsigned<V>)a * (Unsigned<V>)b);
  }
}
template <class V>
DG_HD V neg_(V x) {
  if constexpr (is_float<V>) {
    return -x;
  } else {
    return sub_(V{}, x);
  }
}

template <class V>
DG_HD V abs_(V x) {
  if constexpr (is_float<V>) {
    return from_bits(bits(x) & INT32_MAX);
  } else {
    return select(x < 0, neg_(x), x);
  }
}
// |x| with the sign of s.
template <class V>
DG_HD V copysign_(V x, V s) {
  return from_bits((bits(x) & INT32_MAX) | (bits(s) & sign_bit));
}
// The larger and the smaller one; NaN if either is.
template <class V>
DG_HD V maximum_(V a, V b) {
  return select((a > b) | (a != a), a, b);
}
template <class V>
DG_HD V minimum_(V a, V b) {
  return select((a < b) | (a != a), a, b);
}
// x within [low, high]; NaN stays.
template <class V>
DG_HD V clamp_(V x, float low, float high) {
  return larger(splat<V>(low), smaller(splat<V>(high), x));
}

// Towards zero; NaN gives 0, and what is too large the nearest integer.
template <class V>
DG_HD Int<V> to_int_saturated(V x) {
  const Int<V> i = to_int(select(x == x, clamp_(x, -0x1p31f, 0x1.fffffep30f), 0.0f));
  return select(x >= 0x1p31f, INT32_MAX, i);
}

}  // namespace dg
