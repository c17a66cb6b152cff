// How is a matrix product divided? Into blocks of columns and of k whose part of b stays in the second-level cache;
// within a block every row of tiles takes a panel of a, which stays in the first-level cache, past all of it. Threads
// share tiles.
#pragma once
#include "../../dinograd.h"
#include "../threads.h"
#include "elementwise.h"
#include "gemm_pack.h"
#include "scratch.h"

namespace dg::DG_ISA {

constexpr int64_t block_k = 256;
constexpr int64_t block_columns = 64 * lanes;
constexpr int64_t block_panels = block_columns / tile_columns;
constexpr int64_t piece_work = 1 << 18;  // multiply-adds worth handing to another thread: about 2 us with AVX-512

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// y [m, n] = activation(a . b + bias)
struct Gemm {
  int64_t m, n, k;
  const float *bias;  // [n] or null
  float *y;           // rows of n, one after the other
  int activation;     // id of a unary operation or -1
  float alpha;
};

// Columns [column, column + columns) and k values [k0, k0 + k) of b.
struct GemmBlock {
  int64_t column, columns, k0, k;
  View panel[block_panels];

  int64_t panels() const { return divide_up(columns, tile_columns); }
  int width(int64_t i) const {
    const int64_t left = columns - i * tile_columns;
    return static_cast<int>(left < tile_columns ? left : tile_columns);
  }
};

template <class B>
void find_panels(const B &b, GemmBlock &block, float *room, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i++)
    block.panel[i] = b.template view<tile_columns>(block.column + i * tile_columns, block.width(i), block.k0, block.k,
                                                   room + i * tile_columns * block.k);
}

// Panels [from, to) of the block for row number `tile` of `tiles` rows of tiles, which are about equally high: a low one would
// have too few sums to hide the latency of a multiply-add.
template <class A>
void multiply_row(const A &a, const Gemm &p, const GemmBlock &block, int64_t tile, int64_t tiles, int64_t from,
                  int64_t to) {
  static const float zeros[tile_columns] = {};
  alignas(64) float room[tile_rows * block_k + lanes];
  const int64_t row = p.m * tile / tiles;
  const int rows = static_cast<int>(p.m * (tile + 1) / tiles - row);
  const View panel = a.template view<tile_rows>(row, rows, block.k0, block.k, room);
  const int64_t begin = block.column + from * tile_columns;
  const int64_t end = to == block.panels() ? block.column + block.columns : block.column + to * tile_columns;
  float *const y = p.y + row * p.n;
  for (int64_t i = from; i < to; i++) {
    const int64_t at = block.column + i * tile_columns;
    const float *start = block.k0 > 0 ? y + at : p.bias ? p.bias + at : zeros;
    run_tile(Tile{block.k, panel.data, panel.line, panel.step, block.panel[i].data, block.panel[i].step,
                  TileEnds{start, block.k0 > 0 ? p.n : 0, y + at, p.n}},
             rows, block.width(i));
  }
  if (p.activation < 0 || block.k0 + block.k < p.k) return;
  if (end - begin == p.n) return apply_unary_inplace(p.activation, y, rows * p.n, p.alpha);
  for (int i = 0; i < rows; i++) apply_unary_inplace(p.activation, y + i * p.n + begin, end - begin, p.alpha);
}

template <class A, class B>
void multiply_block(const A &a, const B &b, const Gemm &p, GemmBlock &block, float *room) {
  const int64_t rows = divide_up(p.m, tile_rows), panels = block.panels();
  // In tiles; to write a result, where k is short, costs like eight multiply-adds.
  const int64_t piece = divide_up(piece_work, tile_rows * tile_columns * (block.k + 8));
  // A flat product is cut across, and whoever takes some panels copies them, too: fetched from another core's cache they
  // cost as much again. Where panels of a are copied, each serves four tiles at least.
  if (rows < 8) {
    const int64_t fair = divide_up(piece, rows), across = a.copied && fair < 4 ? 4 : fair;
    return parallel_for(panels, across, [&](int64_t from, int64_t to) {
      find_panels(b, block, room, from, to);
      for (int64_t row = 0; row < rows; row++) multiply_row(a, p, block, row, rows, from, to);
    });
  }
  // Copying a value costs like eight multiply-adds; panels in place cost nothing.
  const int64_t grain = b.copied ? divide_up(piece_work / 8, tile_columns * (block.k + 1)) : panels;
  parallel_for(panels, grain, [&](int64_t from, int64_t to) { find_panels(b, block, room, from, to); });
  // A piece is whole rows of tiles, so that a panel of a serves them all.
  parallel_for(rows, divide_up(piece, panels), [&](int64_t row, int64_t end) {
    for (; row < end; row++) multiply_row(a, p, block, row, rows, 0, panels);
  });
}

// Null where there is no memory.
inline float *gemm_room(int64_t floats) {
  static thread_local Scratch scratch;
  if (static_cast<uint64_t>(floats) > SIZE_MAX / (2 * sizeof(float))) return nullptr;
  return static_cast<float *>(scratch.room(floats * sizeof(float)));
}

// a and b: see Matrix. Panels of b are asked for once, panels of a once per block of columns. 0 or DG_E_MEMORY.
template <class A, class B>
int gemm(const A &a, const B &b, const Gemm &p) {
  const int64_t k_size = p.k > block_k ? divide_up(p.k, divide_up(p.k, block_k)) : p.k;
  const int64_t widest = p.n < block_columns ? divide_up(p.n, tile_columns) * tile_columns : block_columns;
  float *const room = gemm_room(widest * k_size + lanes);
  if (!room) return DG_E_MEMORY;
  GemmBlock block;
  for (block.column = 0; block.column < p.n; block.column += block_columns) {
    block.columns = p.n - block.column < block_columns ? p.n - block.column : block_columns;
    block.k0 = 0;
    do {  // once at least: k may be 0
      block.k = p.k - block.k0 < k_size ? p.k - block.k0 : k_size;
      multiply_block(a, b, p, block, room);
      block.k0 += block.k;
    } while (block.k0 < p.k);
  }
  return 0;
}

}  // namespace dg::DG_ISA
