// How is one tile of a matrix product computed? All its sums stay in registers while k runs.
// Every element is one chain of multiply-adds in ascending k that starts from the bias, whatever tile it falls into:
// blocks, threads and the width of registers leave its bits alone.
#pragma once
#include <stdint.h>

#include <utility>

#include "../../math/real.h"
#include "lanes.h"

namespace dg::DG_ISA {

// Sums, the vectors of b and one value of a must fit the registers: 32 with AVX-512, 16 with AVX2, 15 that V8 leaves.
constexpr int tile_rows = DG_LANES == 16 ? 14 : 6;
constexpr int tile_vectors = 2;
constexpr int tile_columns = tile_vectors * lanes;

// y[i, j] = start[i, j] + sum over k of a[i, k] b[k, j]
struct Tile {
  int64_t k;
  const float *a;
  int64_t a_line, a_step;  // a[i, k] is a[i * a_line + k * a_step]
  const float *b;
  int64_t b_step;      // b[k, j] is b[k * b_step + j]
  const float *start;  // the bias (start_line 0), or y itself from the second block of k on
  int64_t start_line;
  float *y;
  int64_t y_line;
};

template <int Rows, int Vectors>
void run_whole(const Tile &tile) {
  const int64_t a_line = tile.a_line, a_step = tile.a_step, b_step = tile.b_step;
  constexpr int groups =
      (Rows + 2) / 3;  // rows share a pointer by three: x86 reaches p, p + line and p + 2 line from it
  const float *a[groups], *b = tile.b;
  FloatLanes sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int g = 0; g < groups; g++) a[g] = tile.a + 3 * g * a_line;
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; v++) sum[i][v] = load(tile.start + i * tile.start_line + v * lanes);
  for (int64_t k = tile.k; k > 0; k--) {
    FloatLanes row[Vectors];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; v++) row[v] = load(b + v * lanes);
    b += b_step;
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const FloatLanes value = splat<FloatLanes>(a[i / 3][i % 3 * a_line]);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; v++) sum[i][v] = fma_(value, row[v], sum[i][v]);
    }
#pragma GCC unroll 16
    for (int g = 0; g < groups; g++) a[g] += a_step;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; v++) store(tile.y + i * tile.y_line + v * lanes, sum[i][v]);
}

typedef void (*TileKernel)(const Tile &);
struct TileKernels {
  TileKernel of[tile_vectors][tile_rows];
};
template <int... I>
constexpr TileKernels tile_kernels(std::integer_sequence<int, I...>) {
  return {{{run_whole<I + 1, 1>...}, {run_whole<I + 1, 2>...}}};
}

// From one row of floats to another.
inline void copy_row(const float *from, float *to, int columns) {
  for (; columns >= lanes; columns -= lanes, from += lanes, to += lanes) store(to, load(from));
  store_part(to, columns, load_part(from, columns));
}

// Runs a tile of up to tile_rows rows and tile_columns columns. b always has whole vectors (filled up); start and y
// need not.
inline void run_tile(const Tile &tile, int rows, int columns) {
  static constexpr TileKernels kernels = tile_kernels(std::make_integer_sequence<int, tile_rows>());
  const int vectors = (columns + lanes - 1) / lanes;
  const TileKernel kernel = kernels.of[vectors - 1][rows - 1];
  if (columns == vectors * lanes) return kernel(tile);
  float room[tile_rows * tile_columns];
  Tile whole = tile;
  whole.start = whole.y = room;
  whole.start_line = whole.y_line = tile_columns;
  for (int i = 0; i < rows; i++) copy_row(tile.start + i * tile.start_line, room + i * tile_columns, columns);
  kernel(whole);
  for (int i = 0; i < rows; i++) copy_row(room + i * tile_columns, tile.y + i * tile.y_line, columns);
}

}  // namespace dg::DG_ISA
