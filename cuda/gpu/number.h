// Which numbers do the elements of an array stand for? Formulas take float32 or int32: 16-bit floats are widened and
// rounded again, uint8 and bool become int32, of which the low byte is kept.
#pragma once
#include <type_traits>

#include "../core/args.h"
#include "../core/error.h"
#include "../math/half.h"
#include "pack.h"

namespace dg::gpu {

template <class T>
constexpr bool is_short_float = std::is_same_v<T, Half> || std::is_same_v<T, Brain>;

template <class T>
using Number = std::conditional_t<is_short_float<T>, float, std::conditional_t<sizeof(T) == 1, int32_t, T>>;

template <class T>
__device__ Number<T> number(T x) {
  if constexpr (is_short_float<T>) {
    return widen(x);
  } else {
    return x;
  }
}
template <class T, class V>
__device__ T element(V x) {
  if constexpr (is_short_float<T>) {
    return narrow<T>(static_cast<float>(x));
  } else {
    return static_cast<T>(x);
  }
}

template <int size, class T>
__device__ Pack<Number<T>, size> numbers(const Pack<T, size> &pack) {
  Pack<Number<T>, size> x;
  for (int j = 0; j < size; j++) x.at[j] = number(pack.at[j]);
  return x;
}
template <class T, class V, int size>
__device__ Pack<T, size> elements(const Pack<V, size> &x) {
  Pack<T, size> pack;
  for (int j = 0; j < size; j++) pack.at[j] = element<T>(x.at[j]);
  return pack;
}

// Calls f.operator()<T>() for the type that floats of this dtype are stored as.
template <class F>
int with_floats(Dtype type, const F &f) {
  switch (type) {
    case DG_FLOAT32:
      return f.template operator()<float>();
    case DG_FLOAT16:
      return f.template operator()<Half>();
    case DG_BFLOAT16:
      return f.template operator()<Brain>();
  }
  return fail(DG_E_ARGUMENT, "No kernel for type ", type);
}

}  // namespace dg::gpu
