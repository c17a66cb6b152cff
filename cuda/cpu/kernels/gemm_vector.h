// How is a product computed when one side is a single vector? Memory is the limit: every value of the matrix is read
// once, in place, in the order in which it lies there.
#pragma once
#include "../../math/reductions.h"
#include "gemm_pack.h"

namespace dg::DG_ISA {

// y[i] += sum over k of matrix[i, k] x[k], for lines i of the matrix
struct MatrixVector {
  View matrix;
  int64_t k;
  const float *x;
  float *y;
};

// Lines that run along k: scalar products, a few abreast, in sixteen sums each whatever the width of a register.
inline void dot_lines(const MatrixVector &p, int64_t begin, int64_t end) {
  constexpr int width = 16, abreast = lanes / 2;
  for (; begin < end; begin += abreast) {
    const float *line[abreast];
    Block<width> sum[abreast];
    for (int i = 0; i < abreast; i++) {
      line[i] = p.matrix.at(begin + i < end ? begin + i : begin, 0);
      sum[i] = splat_block<width>(0);
    }
    const auto add = [&](int64_t k, int64_t n) {
      const auto multiply = [](auto a, auto b, auto c) { return fma_(a, b, c); };
      const Block<width> x = load_block<width>(p.x + k, n, 0);
      for (int i = 0; i < abreast; i++) sum[i] = map(multiply, load_block<width>(line[i] + k, n, 0), x, sum[i]);
    };
    int64_t k = 0;
    for (; p.k - k >= width; k += width) add(k, width);
    if (k < p.k) add(k, p.k - k);
    for (int i = 0; i < abreast && begin + i < end; i++) p.y[begin + i] += fold<Sum>(sum[i]);
  }
}

// Lines that lie side by side: tiles of one row, as wide as they can be.
template <int Vectors = 8>
inline void add_lines(const MatrixVector &p, int64_t begin, int64_t end) {
  for (; end - begin >= Vectors * lanes; begin += Vectors * lanes)
    Tile::run<1, Vectors>(
        {p.k, p.x, 0, 1, p.matrix.at(begin, 0), p.matrix.step, TileEnds{p.y + begin, 0, p.y + begin, 0}});
  if constexpr (Vectors > 1) {
    add_lines<Vectors / 2>(p, begin, end);
  } else if (begin < end) {
    const int count = static_cast<int>(end - begin);
    FloatLanes sum = load_part(p.y + begin, count);
    for (int64_t k = 0; k < p.k; k++)
      sum = fma_(splat<FloatLanes>(p.x[k]), load_part(p.matrix.at(begin, k), count), sum);
    store_part(p.y + begin, count, sum);
  }
}

}  // namespace dg::DG_ISA
