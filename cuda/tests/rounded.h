// What do tests of the tensor cores multiply, and how far off may results be?
#pragma once
#include <string.h>

#include "gpu/mma_slice.h"
#include "variants.h"

namespace dg {

// Elements in memory that end where a sanitizer sees one too many read or written.
template <class T>
struct Matrix {
  std::vector<T> all;
  int shift;
  Matrix(int64_t n, int shift_) : all(n + shift_), shift(shift_) {}
  T *data() { return all.data() + shift; }
  void draw() {
    for (T &x : all) x = narrow<T>(random_value());
  }
  double operator[](int64_t i) const { return widen(all[i + shift]); }
};

template <class T>
constexpr Dtype type_of = std::is_same_v<T, float>  ? DG_FLOAT32
                          : std::is_same_v<T, Half> ? DG_FLOAT16
                                                    : DG_BFLOAT16;

// What rounding may add: to each product (relative), and to a result when it is stored.
struct Rounding {
  double product, result;
};
template <class Format>
constexpr Rounding rounding = {0, std::is_same_v<Format, gpu::F16> ? 0x1p-11 : 0x1p-8};
template <>
constexpr Rounding rounding<gpu::Tf32> = {0x1.01p-10, 0x1p-24};
template <>
constexpr Rounding rounding<gpu::Tf32x3> = {0x1p-20, 0x1p-24};

// What calls say to have products made in a format.
template <class Format>
constexpr int32_t tf32_for = std::is_same_v<Format, gpu::Tf32x3> ? tf32_parts : tf32_rounded;

}  // namespace dg
