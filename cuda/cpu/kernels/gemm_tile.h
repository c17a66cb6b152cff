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

// What a tile begins with and where its sums go.
struct TileEnds {
  const float *start;  // the bias (start_line 0), or y itself from the second block of k on
  int64_t start_line;
  float *y;
  int64_t y_line;
};

template <int Rows, int Vectors>
struct Sums {
  FloatLanes of[Rows][Vectors];

  explicit Sums(const TileEnds &ends) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; v++) of[i][v] = load(ends.start + i * ends.start_line + v * lanes);
  }

  // of[i, j] += sum over k of a[i, k] b[k, j], where a[i, k] is a[i * a_line + k * a_step] and b[k, j] is
  // b[k * b_step + j]
  DG_HD void add(const float *a, int64_t a_line, int64_t a_step, const float *b, int64_t b_step, int64_t k) {
    constexpr int groups =
        (Rows + 2) / 3;  // rows share a pointer by three: x86 reaches p, p + line and p + 2 line from it
    const float *group[groups];
#pragma GCC unroll 16
    for (int g = 0; g < groups; g++) group[g] = a + 3 * g * a_line;
    for (; k > 0; k--) {
      FloatLanes row[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; v++) row[v] = load(b + v * lanes);
      b += b_step;
#pragma GCC unroll 16
      for (int i = 0; i < Rows; i++) {
        const FloatLanes value = splat<FloatLanes>(group[i / 3][i % 3 * a_line]);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; v++) of[i][v] = fma_(value, row[v], of[i][v]);
      }
#pragma GCC unroll 16
      for (int g = 0; g < groups; g++) group[g] += a_step;
    }
  }

  void store_to(const TileEnds &ends) const {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; v++) store(ends.y + i * ends.y_line + v * lanes, of[i][v]);
  }
};

// y[i, j] = start[i, j] + sum over k of a[i, k] b[k, j]
struct Tile {
  int64_t k;
  const float *a;
  int64_t a_line, a_step;  // see Sums::add
  const float *b;
  int64_t b_step;
  TileEnds ends;

  template <int Rows, int Vectors>
  static void run(const Tile &tile) {
    Sums<Rows, Vectors> sums(tile.ends);
    sums.add(tile.a, tile.a_line, tile.a_step, tile.b, tile.b_step, tile.k);
    sums.store_to(tile.ends);
  }
};

template <class AnyTile>
struct TileKernels {
  void (*of[tile_vectors][tile_rows])(const AnyTile &);
};
template <class AnyTile, int... I>
constexpr TileKernels<AnyTile> tile_kernels(std::integer_sequence<int, I...>) {
  return {{{AnyTile::template run<I + 1, 1>...}, {AnyTile::template run<I + 1, 2>...}}};
}

// From one row of floats to another.
inline void copy_row(const float *from, float *to, int columns) {
  for (; columns >= lanes; columns -= lanes, from += lanes, to += lanes) store(to, load(from));
  store_part(to, columns, load_part(from, columns));
}

// Runs a tile of up to tile_rows rows and tile_columns columns. b always has whole vectors (filled up); start and y
// need not.
template <class AnyTile>
inline void run_tile(const AnyTile &tile, int rows, int columns) {
  static constexpr TileKernels<AnyTile> kernels = tile_kernels<AnyTile>(std::make_integer_sequence<int, tile_rows>());
  const int vectors = (columns + lanes - 1) / lanes;
  const auto kernel = kernels.of[vectors - 1][rows - 1];
  if (columns == vectors * lanes) return kernel(tile);
  float room[tile_rows * tile_columns];
  AnyTile whole = tile;
  whole.ends = {room, tile_columns, room, tile_columns};
  const TileEnds &ends = tile.ends;
  for (int i = 0; i < rows; i++) copy_row(ends.start + i * ends.start_line, room + i * tile_columns, columns);
  kernel(whole);
  for (int i = 0; i < rows; i++) copy_row(room + i * tile_columns, ends.y + i * ends.y_line, columns);
}

}  // namespace dg::DG_ISA
