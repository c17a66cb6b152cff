// How do rows of 16-bit floats become float32 and come back? A register at a time: the processor's instructions convert
// float16 where it has them, the formulas of math/half.h everything else. The end of a row passes through a register
// too, so that every element meets the same conversion.
#pragma once
#include <string.h>

#include "../../core/args.h"
#include "../../math/half.h"
#include "lanes.h"

namespace dg::DG_ISA {

// All lanes are named for AVX-512, because GCC 12 takes the plain intrinsics for reading what was never written.
typedef uint16_t HalfLanes __attribute__((vector_size(2 * DG_LANES)));

template <class T>
DG_HD FloatLanes widen_lanes(HalfLanes h) {
  if constexpr (std::is_same_v<T, Half>) {
#if DG_LANES == 16
    return _mm512_maskz_cvtph_ps(0xffff, __builtin_bit_cast(__m256i, h));
#elif DG_LANES == 8
    return _mm256_cvtph_ps(__builtin_bit_cast(__m128i, h));
#else
    return widen_half(__builtin_convertvector(h, IntLanes));
#endif
  } else {
    return widen_brain(__builtin_convertvector(h, IntLanes));
  }
}

template <class T>
DG_HD HalfLanes narrow_lanes(FloatLanes v) {
  if constexpr (std::is_same_v<T, Half>) {
#if DG_LANES == 16
    return __builtin_bit_cast(HalfLanes, _mm512_maskz_cvtps_ph(0xffff, v, _MM_FROUND_TO_NEAREST_INT));
#elif DG_LANES == 8
    return __builtin_bit_cast(HalfLanes, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
#else
    return __builtin_convertvector(narrow_half(v), HalfLanes);
#endif
  } else {
    return __builtin_convertvector(narrow_brain(v), HalfLanes);
  }
}

template <class T>
void widen_row(const T *x, int64_t n, float *y) {
  HalfLanes h = {};
  for (; n >= lanes; n -= lanes, x += lanes, y += lanes) {
    memcpy(&h, x, sizeof h);
    store(y, widen_lanes<T>(h));
  }
  memcpy(&h, x, n * sizeof *x);
  store_block<lanes>(y, n, {widen_lanes<T>(h)});
}

template <class T>
void narrow_row(const float *x, int64_t n, T *y) {
  for (; n >= lanes; n -= lanes, x += lanes, y += lanes) {
    const HalfLanes h = narrow_lanes<T>(load(x));
    memcpy(y, &h, sizeof h);
  }
  const HalfLanes h = narrow_lanes<T>(load_block<lanes>(x, n, 0).v);
  memcpy(y, &h, n * sizeof *y);
}

// Of a type known only when called.
inline void widen_row(Dtype type, const void *x, int64_t n, float *y) {
  type == DG_FLOAT16 ? widen_row(static_cast<const Half *>(x), n, y) : widen_row(static_cast<const Brain *>(x), n, y);
}
inline void narrow_row(Dtype type, const float *x, int64_t n, void *y) {
  type == DG_FLOAT16 ? narrow_row(x, n, static_cast<Half *>(y)) : narrow_row(x, n, static_cast<Brain *>(y));
}

}  // namespace dg::DG_ISA
