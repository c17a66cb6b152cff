// How are the columns of [batch, rows, channels] reduced side by side, and walked again? In tiles of rows and columns; how they
// are cut, and the tree along which the rows of a tile meet, depend on the sizes alone.
#pragma once
#include "../../core/args.h"
#include "rows.h"

namespace dg::DG_ISA {

constexpr int panel = 128;  // columns of a tile

// Rows of one sample, and some of their columns.
struct Tile {
  int64_t sample, at;  // where its first element lies
  int64_t rows, stride;
  int64_t column, width;
  int64_t partial;  // where its results lie among those of all tiles: [batch, pieces, columns]
};

// Rows that are short are taken several at a time, as one: its column k * channels + c is one of channel c.
struct Columns {
  NormalSizes sizes;
  int64_t rows, columns, pieces, step;

  explicit Columns(const NormalSizes &given) : sizes(given), rows(given.rows), columns(given.channels()) {
    for (; columns < panel / 2 && rows % 2 == 0; rows /= 2) columns *= 2;
    pieces = least(most_tasks / (sizes.batch * panels()) + 1, rows * columns / elements_per_piece + 1);
    step = (rows + pieces - 1) / pieces;
    pieces = (rows + step - 1) / step;
  }
  int64_t panels() const { return (columns + panel - 1) / panel; }
  int64_t partials() const { return sizes.batch * pieces * columns; }
  int64_t rows_in(int64_t piece) const { return least(step, rows - piece * step); }

  template <class F>
  void each_tile(const F &f) const {
    const int64_t across = panels(), work = step * least(columns, panel);
    parallel_for(sizes.batch * pieces * across, elements_per_piece / work + 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t unit = task / across, piece = unit % pieces, sample = unit / pieces;
        const int64_t column = task % across * panel;
        f(Tile{sample, (sample * rows + piece * step) * columns + column, rows_in(piece), columns, column,
               least(columns - column, panel), unit * columns + column});
      }
    });
  }
  // f(j, channel, statistic) for the tile's columns j.
  template <class F>
  void each_column(const Tile &tile, const F &f) const {
    int64_t channel = tile.column % sizes.channels(), group = channel / sizes.size, rest = channel % sizes.size;
    for (int64_t j = 0; j < tile.width; j++) {
      f(j, channel, tile.sample * sizes.groups + group);
      if (++rest == sizes.size) rest = 0, group++;
      if (++channel == sizes.channels()) channel = group = 0;
    }
  }
  // f(partial, rows) for all that one channel of a sample has, in order.
  template <class F>
  void each_partial(int64_t sample, int64_t channel, const F &f) const {
    for (int64_t piece = 0; piece < pieces; piece++)
      for (int64_t column = channel; column < columns; column += sizes.channels())
        f((sample * pieces + piece) * columns + column, rows_in(piece));
  }

 private:
  static constexpr int64_t elements_per_piece = 1 << 15;  // worth a thread
  static constexpr int64_t most_tasks = 128;
  static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
};

// Two results for each of `width` columns, to a and b. Op has a State for a register's columns: start(column, load) makes it,
// add(state, row, column, load) takes a row in, end(state, rows) gives a pair; join(rows, a, b, more, a, b) joins two runs of rows.
template <class Op>
void reduce_columns(const Op &op, int64_t row, int64_t rows, int64_t width, float *a, float *b) {
  constexpr int64_t leaf = 64;
  constexpr int registers = 4;
  if (rows > leaf) {
    const int64_t half = split_point(rows, leaf);
    float other_a[panel], other_b[panel];
    reduce_columns(op, row, half, width, a, b);
    reduce_columns(op, row + half, rows - half, width, other_a, other_b);
    for (int64_t j = 0; j < width; j++) op.join(half, a[j], b[j], rows - half, other_a[j], other_b[j]);
    return;
  }
  const auto side_by_side = [&]<int n>(std::integer_sequence<int, n>, int64_t j, const auto &load, const auto &store) {
    typename Op::State state[n];
    for (int k = 0; k < n; k++) state[k] = op.start(row, j + k * lanes, load);
    for (int64_t r = row; r < row + rows; r++)
      for (int k = 0; k < n; k++) op.add(state[k], r, j + k * lanes, load);
    for (int k = 0; k < n; k++) {
      const auto pair = op.end(state[k], rows);
      store(a + j + k * lanes, pair.first);
      store(b + j + k * lanes, pair.second);
    }
  };
  const auto load_all = [](const float *p) { return load(p); };
  const auto store_all = [](float *p, FloatLanes v) { store(p, v); };
  int64_t j = 0;
  for (; width - j >= registers * lanes; j += registers * lanes)
    side_by_side(std::integer_sequence<int, registers>(), j, load_all, store_all);
  for (; width - j >= lanes; j += lanes) side_by_side(std::integer_sequence<int, 1>(), j, load_all, store_all);
  if (const int rest = static_cast<int>(width - j))
    side_by_side(
        std::integer_sequence<int, 1>(), j, [rest](const float *p) { return load_part(p, rest); },
        [rest](float *p, FloatLanes v) { store_part(p, rest, v); });
}

}  // namespace dg::DG_ISA
