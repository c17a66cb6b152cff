// How are floats kept in 16 bits? float16 (IEEE binary16: 5 bits of exponent, 10 of mantissa) and bfloat16 (the upper half
// of a float32). Arithmetic is float32: reading widens, which is exact; storing rounds to the nearest, ties to even.
// The formulas work on the bits, in a 32-bit integer or a vector of them, so that every machine agrees.
#pragma once
#include "lane.h"

namespace dg {

struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};

// ---- Bits to float32 -------------------------------------------------------------------------------------------------

// The exponent is moved by a multiplication, which makes subnormals normal; infinities and NaN have none to move.
template <class I>
DG_HD Float<I> widen_half(I h) {
  const I magnitude = (h & 0x7fff) << 13;
  const I moved = bits(from_bits(magnitude) * 0x1p112f);
  const I finite = select(magnitude < 0x7c00 << 13, moved, magnitude | 0x7f800000);
  return from_bits(finite | (h & 0x8000) << 16);
}

template <class I>
DG_HD Float<I> widen_brain(I b) {
  return from_bits(b << 16);
}

// ---- Float32 to bits -------------------------------------------------------------------------------------------------

// Below 2^-14 the addition of 1/2 rounds: its last bit is worth 2^-24, as a subnormal's. From 65520 on all is infinity.
template <class V>
DG_HD Int<V> narrow_half(V x) {
  const Int<V> all = bits(x), magnitude = all & INT32_MAX;
  const Int<V> subnormal = bits(from_bits(magnitude) + 0.5f) - 0x3f000000;
  const Int<V> normal = (magnitude - (112 << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  const Int<V> finite = select(magnitude < 113 << 23, subnormal, normal);
  const Int<V> special = select(magnitude > 0x7f800000, 0x7e00, 0x7c00);
  return select(magnitude < 0x477ff000, finite, special) | (all >> 16 & 0x8000);
}

template <class V>
DG_HD Int<V> narrow_brain(V x) {
  const Int<V> all = bits(x);
  const Int<V> rounded = (Int<V>)((Unsigned<V>)all + 0x7fff + ((Unsigned<V>)all >> 16 & 1));
  return select((all & INT32_MAX) > 0x7f800000, all | 0x400000, rounded) >> 16 & 0xffff;
}

// ---- One at a time ---------------------------------------------------------------------------------------------------
// A GPU has instructions for them, whose bits are those of the formulas, but for a NaN's.

DG_HD float widen(float x) { return x; }
DG_HD float widen(Brain b) { return widen_brain(static_cast<int32_t>(b.bits)); }
DG_HD float widen(Half h) {
#if defined(__CUDA_ARCH__)
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h.bits));
  return x;
#else
  return widen_half(static_cast<int32_t>(h.bits));
#endif
}

DG_HD uint16_t half_bits(float x) {
#if defined(__CUDA_ARCH__)
  uint16_t half;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(x));
  return half;
#else
  return static_cast<uint16_t>(narrow_half(x));
#endif
}
DG_HD uint16_t brain_bits(float x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  uint16_t brain;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(brain) : "f"(x));
  return brain;
#else
  return static_cast<uint16_t>(narrow_brain(x));
#endif
}

template <class T>
DG_HD T narrow(float x) {
  if constexpr (std::is_same_v<T, Half>) {
    return {half_bits(x)};
  } else if constexpr (std::is_same_v<T, Brain>) {
    return {brain_bits(x)};
  } else {
    return x;
  }
}

}  // namespace dg
