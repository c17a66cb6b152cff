// How does an operand reach the tiles? In place where its memory order suits, else copied panel by panel.
// An operand is a set of lines: the rows of a, the columns of b. A panel is a tile's worth of lines over some values of
// k. Whatever has Matrix's members `copied` and `view` can be an operand of gemm().
#pragma once
#include <string.h>

#include "gemm_tile.h"

namespace dg::DG_ISA {

// Value k of line i is data[i * line + k * step].
struct View {
  const float *data;
  int64_t line, step;
  const float *at(int64_t i, int64_t k) const { return data + i * line + k * step; }
};

// One stage of a transposition: exchanges blocks of `Size` lanes between two vectors.
template <int Size, bool Second, int... I>
inline FloatLanes interleave(FloatLanes a, FloatLanes b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, ((I & Size ? lanes : 0) + (I & ~Size) + (Second ? Size : 0))...);
}

template <int Size = 1>
inline void transpose(FloatLanes (&v)[lanes]) {
  if constexpr (Size < lanes) {
    constexpr std::make_integer_sequence<int, lanes> all{};
#pragma GCC unroll 16
    for (int i = 0; i < lanes; i++) {
      if (i & Size) continue;
      const FloatLanes a = v[i], b = v[i + Size];
      v[i] = interleave<Size, false>(a, b, all);
      v[i + Size] = interleave<Size, true>(a, b, all);
    }
    transpose<2 * Size>(v);
  }
}

// Packs lines that run along k (step 1), a square of values at a time. Whole vectors are stored: what exceeds Width
// lands in the place of the next k and is overwritten, because the last lines come first and k ascends.
template <int Width>
inline void pack_turned(const View &from, int count, int64_t k, float *to) {
  for (int line = (Width - 1) / lanes * lanes; line >= 0; line -= lanes) {
    for (int64_t k0 = 0; k0 < k; k0 += lanes) {
      const int depth = static_cast<int>(k - k0 < lanes ? k - k0 : lanes);
      FloatLanes v[lanes];
#pragma GCC unroll 16
      for (int i = 0; i < lanes; i++)
        v[i] = line + i >= count ? FloatLanes{}
               : depth == lanes  ? load(from.at(line + i, k0))
                                 : load_part(from.at(line + i, k0), depth);
      transpose(v);
#pragma GCC unroll 16
      for (int i = 0; i < lanes; i++)
        if (i < depth) store(to + (k0 + i) * Width + line, v[i]);
    }
  }
}

// Packs lines that lie side by side (line 1).
template <int Width>
inline void pack_straight(const View &from, int count, int64_t k, float *to) {
  if (count == Width) {
    for (int64_t i = 0; i < k; i++, to += Width) memcpy(to, from.at(0, i), Width * sizeof(float));
  } else {
    memset(to, 0, k * Width * sizeof(float));
    for (int64_t i = 0; i < k; i++, to += Width) copy_row(from.at(0, i), to, count);
  }
}

// A matrix in memory.
struct Matrix {
  View whole;
  bool copied;  // every panel; otherwise only those of b that are short of lines

  // `count` lines from `line` on, k values from k0 on, as the tiles take them: those of a (Width is tile_rows) with any
  // strides, those of b (tile_columns) side by side and filled up with zeros. May use `room`, k * Width + lanes floats.
  template <int Width>
  View view(int64_t line, int count, int64_t k0, int64_t k, float *room) const {
    const View from = {whole.at(line, k0), whole.line, whole.step};
    if (!copied && (Width == tile_rows || count == Width)) return from;
    if (from.line == 1)
      pack_straight<Width>(from, count, k, room);
    else
      pack_turned<Width>(from, count, k, room);
    return {room, 1, Width};
  }
};

}  // namespace dg::DG_ISA
