// When elements lie next to each other on both sides of a copy, how many may travel as one?
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>

namespace dg::gpu {

constexpr int widest = 16;  // bytes of one access

// Unsigned integers of a width that no C++ type is left for at 16 bytes.
template <int width>
struct WordOf;
template <>
struct WordOf<1> {
  using Type = uint8_t;
};
template <>
struct WordOf<2> {
  using Type = uint16_t;
};
template <>
struct WordOf<4> {
  using Type = uint32_t;
};
template <>
struct WordOf<8> {
  using Type = uint2;
};
template <>
struct WordOf<16> {
  using Type = uint4;
};
template <int width>
using Word = typename WordOf<width>::Type;

// Calls f.operator()<width>() for a width of 1, 2, 4, 8 or 16 bytes.
template <class F>
int with_width(int width, const F &f) {
  switch (width) {
    case 1:
      return f.template operator()<1>();
    case 2:
      return f.template operator()<2>();
    case 4:
      return f.template operator()<4>();
    case 8:
      return f.template operator()<8>();
    default:
      return f.template operator()<16>();
  }
}

inline bool even(const void *p, int width) { return reinterpret_cast<uintptr_t>(p) % (2 * width) == 0; }

}  // namespace dg::gpu
