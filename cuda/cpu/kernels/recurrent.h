// What do steps of recurrent layers share, forwards and backwards? A product with a matrix that was packed once for all
// of them, and threads that each take some samples of the batch from the first step to the last: nothing is waited for
// in between. No sum is split, so that results do not depend on the threads.
#pragma once
#include <string.h>

#include "../../core/args.h"
#include "../../core/error.h"
#include "gemm.h"
#include "vectors.h"

namespace dg::DG_ISA {

// Rows of a matrix in memory.
template <class T>
struct Lines {
  T *data;
  int64_t line;
  T *at(int64_t row) const { return data + row * line; }
  Lines from(int64_t column) const { return {data + column, line}; }
  operator Lines<const T>() const { return {data, line}; }
};
using Floats = Lines<float>;
using ConstFloats = Lines<const float>;

// Asks for the cache's lines of a row before they are needed.
inline void fetch(const float *row, int64_t n) {
  constexpr int64_t line = 64 / sizeof(float);
  for (int64_t i = 0; i < n; i += line) __builtin_prefetch(row + i);
}

// b [k, n], as tiles take it.
class Packed {
 public:
  static int64_t floats(int64_t k, int64_t n) { return divide_up(n, tile_columns) * tile_columns * k; }

  // Lines of `from` are the columns of b.
  Packed(const View &from, int64_t k, int64_t n, float *room) : k_(k), n_(n), data_(room) {
    const Matrix matrix{from, true};
    parallel_for(divide_up(n, tile_columns), divide_up(piece_work / 8, tile_columns * (k + 1)),
                 [&](int64_t i, int64_t end) {
                   for (; i < end; i++)
                     matrix.view<tile_columns>(i * tile_columns, width(i), 0, k, data_ + i * tile_columns * k);
                 });
  }

  // y = start + a . b, for so many rows
  void multiply(int64_t rows, ConstFloats a, ConstFloats start, Floats y) const {
    const int64_t tiles = divide_up(rows, tile_rows);
    for (int64_t i = 0, column = 0; column < n_; i++, column += tile_columns)
      for (int64_t tile = 0; tile < tiles; tile++) {
        const int64_t row = rows * tile / tiles, below = rows * (tile + 1) / tiles;
        // Rows of samples lie whole sequences apart, where no processor looks ahead by itself: asking for what the next
        // panel starts from and writes takes 100 steps of 128 units in 0.88 of the time.
        for (int64_t r = row; r < below && column + tile_columns < n_; r++) {
          fetch(start.at(r) + column + tile_columns, tile_columns);
          fetch(y.at(r) + column + tile_columns, tile_columns);
        }
        run_tile(Tile{k_, a.at(row), a.line, 1, data_ + i * tile_columns * k_, tile_columns,
                      TileEnds{start.at(row) + column, start.line, y.at(row) + column, y.line}},
                 static_cast<int>(below - row), width(i));
      }
  }

 private:
  int width(int64_t i) const {
    const int64_t left = n_ - i * tile_columns;
    return static_cast<int>(left < tile_columns ? left : tile_columns);
  }

  int64_t k_, n_;
  float *data_;
};

// y = f(some of the inputs...), vector by vector.
template <class F, class... In>
inline void combine(int64_t n, float *y, const F &f, const In *...in) {
  each_vector(0, n, [&](int64_t i, const auto &load_some, const auto &store_some) {
    store_some(y + i, f(load_some(in + i)...));
  });
}
inline void activate(int activation, float *x, int64_t n) {
  if (activation >= 0) apply_unary_inplace(activation, x, n, 0);
}

// The samples that a thread takes through a call, and its room.
template <class Args>
struct Samples {
  const Args &p;
  int64_t begin, count, units;

  // Row r of a thing [batch, steps, width] in step t.
  template <class T>
  auto step(T *data, int64_t steps, int64_t width, int64_t t) const {
    using Element = std::conditional_t<std::is_const_v<T>, const float, float>;
    Element *const floats = static_cast<Element *>(data);
    return Lines<Element>{floats ? floats + (begin * steps + t) * width : nullptr, steps * width};
  }
  // Of a thing [batch, units] that may be none: zeros then.
  ConstFloats state(const void *data, const float *zeros) const {
    return data ? ConstFloats{static_cast<const float *>(data) + begin * units, units} : ConstFloats{zeros, 0};
  }
  bool masked(int64_t row, int64_t t) const { return p.mask && !p.mask[(begin + row) * p.steps + t]; }
  // What dropout keeps of a state.
  const float *keep(int64_t row) const { return static_cast<const float *>(p.keep) + (begin + row) * units; }
};

// Calls f(samples) for all of the batch, on as many threads as that is worth.
template <class Args, class F>
void share_samples(const Args &p, const F &f) {
  const int64_t work = p.steps * p.units * p.units * cell_parts(p.kind);
  const int64_t fair = divide_up(p.batch, thread_count()), least = divide_up(piece_work, work);
  parallel_for(p.batch, fair > least ? fair : least, [&](int64_t begin, int64_t end) {
    f(Samples<Args>{p, begin, end - begin, p.units});
  });
}

// Room of a thread for one call.
inline float *recurrent_room(int64_t floats) {
  static thread_local Scratch scratch;
  return static_cast<float *>(scratch.room(static_cast<size_t>(floats) * sizeof(float)));
}

// Lets walk(p, cell, samples) take all samples with the cell of p's kind, one of Cells in the order of dg_cell, which packs the
// kernel into `floats` of room. Lines are what the tiles take of it.
template <class Cell, class Args, class Walk>
int walk_with(const Args &p, const View &lines, int64_t floats, const Walk &walk) {
  float *const room = gemm_room(floats);
  int status = room ? 0 : DG_E_MEMORY;
  if (room) {
    const Cell cell(p, lines, room);
    share_samples(p, [&](const Samples<Args> &samples) {
      if (const int failed = walk(p, cell, samples)) __atomic_store_n(&status, failed, __ATOMIC_RELAXED);
    });
  }
  return status ? fail(status, "Out of memory: a recurrent layer has no room to work in") : 0;
}
template <class... Cells, class Args, class Walk>
int walk_with_cell(const Args &p, const View &lines, int64_t floats, const Walk &walk) {
  int status = 0, kind = 0;
  (void)((kind++ == p.kind && (status = walk_with<Cells>(p, lines, floats, walk), true)) || ...);
  return status;
}

}  // namespace dg::DG_ISA
