// What is a number here? A float or an int32, or a vector of DG_LANES of them: formulas are templates over both.
#pragma once
#include <stdint.h>

#include <type_traits>

#if defined(__CUDACC__)
#define DG_HD __host__ __device__ __forceinline__
#define DG_SLOW static inline __host__ __device__ __noinline__
#else
#define DG_HD inline __attribute__((always_inline))
// Rare paths. Internal linkage, because copies for different instruction sets meet in one library.
#define DG_SLOW static inline __attribute__((noinline))
#endif

#if defined(DG_LANES) && !defined(__wasm__)
#include <immintrin.h>
#elif defined(DG_LANES)
#include <wasm_simd128.h>
#endif

namespace dg {

// ---- Types ---------------------------------------------------------------------------------------------------------
// Mask: what a comparison gives (bool, or -1 and 0 in each lane). Int, Unsigned: integers of as many lanes.

template <class V>
using Mask = decltype(V{} < V{});

template <class V>
constexpr bool is_scalar = std::is_arithmetic_v<V>;

template <class V>
struct Lane {
  using Float = float;
  using Int = int32_t;
  using Unsigned = uint32_t;
};

#if defined(DG_LANES)
typedef float FloatLanes __attribute__((vector_size(4 * DG_LANES)));
typedef int32_t IntLanes __attribute__((vector_size(4 * DG_LANES)));
typedef uint32_t UnsignedLanes __attribute__((vector_size(4 * DG_LANES)));

struct Wide {
  using Float = FloatLanes;
  using Int = IntLanes;
  using Unsigned = UnsignedLanes;
};
template <>
struct Lane<FloatLanes> : Wide {};
template <>
struct Lane<IntLanes> : Wide {};
#endif

template <class V>
using Float = typename Lane<V>::Float;
template <class V>
using Int = typename Lane<V>::Int;
template <class V>
using Unsigned = typename Lane<V>::Unsigned;

template <class V>
constexpr bool is_float = std::is_same_v<V, Float<V>>;

// ---- Bits, conversions, choices ------------------------------------------------------------------------------------

template <class V, class S>
DG_HD V splat(S s) {
  if constexpr (std::is_same_v<V, S>) {
    return s;
  } else if constexpr (is_scalar<V>) {
    return static_cast<V>(s);
  } else {
    return static_cast<std::remove_reference_t<decltype(V{}[0])>>(s) - V{};
  }
}

template <class V>
DG_HD Int<V> bits(V x) {
  return __builtin_bit_cast(Int<V>, x);
}
template <class I>
DG_HD Float<I> from_bits(I i) {
  return __builtin_bit_cast(Float<I>, i);
}

template <class I>
DG_HD Float<I> to_float(I i) {
  if constexpr (is_scalar<I>) {
    return static_cast<float>(i);
  } else {
    return __builtin_convertvector(i, Float<I>);
  }
}
// Towards zero; |x| < 2^31.
template <class V>
DG_HD Int<V> to_int(V x) {
  if constexpr (is_scalar<V>) {
    return static_cast<int32_t>(x);
  } else {
    return __builtin_convertvector(x, Int<V>);
  }
}

// m ? a : b, lane by lane. A constant may stand for either of them.
template <class M, class A, class B>
DG_HD auto select(M m, A a, B b) {
  using V = decltype(A{} + B{});
  return m ? splat<V>(a) : splat<V>(b);
}

template <class M>
DG_HD bool any(M m) {
  if constexpr (is_scalar<M>) {
    return m;
  } else {
#if defined(__wasm__) && defined(DG_LANES)
    return wasm_v128_any_true(m);
#elif defined(DG_LANES) && DG_LANES == 16
    return _mm512_movepi32_mask(__builtin_bit_cast(__m512i, m)) != 0;
#elif defined(DG_LANES)
    return _mm256_movemask_ps(__builtin_bit_cast(__m256, m)) != 0;
#endif
  }
}

// f for each lane by itself, for what has no vector form.
template <class F, class V>
DG_HD V each_lane(F f, V a, V b) {
  if constexpr (is_scalar<V>) {
    return f(a, b);
  } else {
    V y = a;
    for (unsigned i = 0; i < sizeof(V) / 4; i++) y[i] = f(a[i], b[i]);
    return y;
  }
}

}  // namespace dg
