// What must a test know of a type that numbers are stored in? What they become when they are stored and read again. T
// is a type of the contract: float, Half, Brain, int32_t or uint8_t.
#pragma once
#include "dinograd.h"
#include "math/half.h"
#include "variants.h"

namespace dg {

// Calls f(T{}) for each type that stores floats.
template <class F>
void for_float_types(const F &f) {
  f(float{});
  f(Half{});
  f(Brain{});
}

template <class T>
constexpr bool is_half_type = std::is_same_v<T, Half> || std::is_same_v<T, Brain>;
template <class T>
constexpr int float_type = std::is_same_v<T, Half>    ? DG_FLOAT16
                           : std::is_same_v<T, Brain> ? DG_BFLOAT16
                                                      : DG_FLOAT32;
template <class T>
const char *const float_name = std::is_same_v<T, Half>    ? "float16"
                               : std::is_same_v<T, Brain> ? "bfloat16"
                                                          : "float32";

// A number as it is computed with, and what is kept of one.
template <class T>
auto number(T v) {
  if constexpr (is_half_type<T>) {
    return widen(v);
  } else {
    return v;
  }
}
template <class T, class V>
T stored(V v) {
  if constexpr (is_half_type<T>) {
    return narrow<T>(static_cast<float>(v));
  } else {
    return static_cast<T>(v);
  }
}

template <class T>
auto numbers_of(const std::vector<T> &x) {
  std::vector<decltype(number(T{}))> y;
  for (T v : x) y.push_back(number(v));
  return y;
}
template <class T, class V>
std::vector<T> all_stored(const std::vector<V> &x) {
  std::vector<T> y;
  for (V v : x) y.push_back(stored<T>(v));
  return y;
}

// What rounding to T adds to an error: half the last place, or half of the smallest number. float32 adds nothing,
// because tolerances are about what it computes.
template <class T>
constexpr double half_place = std::is_same_v<T, Half>    ? 0x1p-11
                              : std::is_same_v<T, Brain> ? 0x1p-8
                                                         : 0;
template <class T>
constexpr double half_smallest = std::is_same_v<T, Half> ? 0x1p-25 : 0;

// What T keeps of a number that it may have no room for.
template <class T>
double in_range(double v) {
  return std::is_same_v<T, Half> && fabs(v) >= 65520 ? copysign(INFINITY, v) : v;
}

// check_close of numbers that are stored as T.
template <class T, class U>
void check_stored(const std::string &what, const std::vector<T> &got, std::vector<U> expected, double relative,
                  double absolute) {
  for (U &e : expected) e = static_cast<U>(in_range<T>(static_cast<double>(e)));
  check_close(what, numbers_of(got), expected, relative + half_place<T>, absolute + half_smallest<T>);
}

}  // namespace dg
