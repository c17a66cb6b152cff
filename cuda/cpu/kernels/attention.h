// How does attention work on one block of queries and keys at a time? Rows of inputs are copied to where the tiles of
// matrix products take them, scores of a block of queries with a block of keys stay in the second-level cache.
#pragma once
#include "../../math/attention.h"
#include "gemm.h"
#include "rows.h"

namespace dg::DG_ISA {

constexpr int64_t most_queries = 128, most_keys = 128;  // of a block
constexpr int64_t score_line = most_keys + 16;          // so that a column of scores spreads over the cache

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t padded(int64_t columns) { return divide_up(columns, tile_columns) * tile_columns; }

// The rows of one head of one sample: row i is at data + i * line.
template <class T>
struct HeadRows {
  T *data;
  int64_t line;
  T *row(int64_t i) const { return data + i * line; }
};
template <class T>
HeadRows<T> head_rows(T *data, int64_t batch, int64_t rows, int64_t heads, int64_t head, int64_t size) {
  return {data + (batch * rows * heads + head) * size, heads * size};
}

// to [count, padded(size)] = scale * rows from `first` on, filled up with zeros.
inline void copy_rows(const HeadRows<const float> &from, int64_t first, int64_t count, int64_t size, float scale,
                      float *to) {
  const int64_t line = padded(size);
  for (int64_t i = 0; i < count; i++, to += line) {
    const float *const row = from.row(first + i);
    for (int64_t j = 0; j < line; j += lanes) {
      const FloatLanes v = size - j >= lanes ? load(row + j)
                           : j < size        ? load_part(row + j, static_cast<int>(size - j))
                                             : FloatLanes{};
      store(to + j, v * scale);
    }
  }
}

// All rows as the columns of a second factor: panels of tile_columns rows. Takes padded(count) * size + lanes floats.
inline void turn_rows(const HeadRows<const float> &from, int64_t count, int64_t size, float *to) {
  for (int64_t i = 0; i < count; i += tile_columns)
    pack_turned<tile_columns>({from.row(i), from.line, 1}, static_cast<int>(smaller(count - i, tile_columns)), size,
                              to + i * size);
}

// The second factor of a product, by panels of tile_columns columns: value k of column j is at
// data + j / tile_columns * panel + k * step + j % tile_columns.
struct Panels {
  const float *data;
  int64_t panel, step;
};
// Rows from `first` (a multiple of most_keys) on as its columns, after turn_rows; as its rows, after copy_rows.
inline Panels turned(const float *data, int64_t first, int64_t size) {
  return {data + first * size, tile_columns * size, tile_columns};
}
inline Panels straight(const float *data, int64_t first, int64_t size) {
  return {data + first * padded(size), tile_columns, padded(size)};
}

// y [rows, columns] = a . b, or y += a . b.
inline void multiply(const View &a, int64_t rows, const Panels &b, int64_t columns, int64_t k, float *y, int64_t y_line,
                     bool add) {
  static const float zeros[tile_columns] = {};
  const int64_t tiles = divide_up(rows, tile_rows);
  for (int64_t tile = 0; tile < tiles; tile++) {
    const int64_t row = rows * tile / tiles, end = rows * (tile + 1) / tiles;
    for (int64_t j = 0; j < columns; j += tile_columns) {
      float *const to = y + row * y_line + j;
      run_tile(Tile{k, a.at(row, 0), a.line, a.step, b.data + j / tile_columns * b.panel, b.step,
                    TileEnds{add ? to : zeros, add ? y_line : 0, to, y_line}},
               static_cast<int>(end - row), static_cast<int>(smaller(columns - j, tile_columns)));
    }
  }
}

// Hides those of a row of scores, of a query with keys from `first` on, that do not count. `mask`: the row's, or null.
inline void hide(float *scores, const uint8_t *mask, int64_t first, int64_t count, int64_t in_sight) {
  if (mask)
    for (int64_t j = 0; j < count; j++) scores[j] = mask[first + j] ? scores[j] : hidden_score;
  for (int64_t j = in_sight > first ? in_sight - first : 0; j < count; j++) scores[j] = hidden_score;
}

// Maximum and sum of the rows of scores of a head, from query `first` on.
template <class T>
T *stats_of(T *stats, const AttentionShape &s, int64_t batch, int64_t head, int64_t first) {
  return stats + ((batch * s.heads + head) * s.queries + first) * 2;
}

// Cuts memory into the parts that a task needs, one after another; without memory, only counts what they take.
class Parts {
 public:
  explicit Parts(float *memory) : memory_(memory) {}
  float *take(int64_t floats) {
    float *const part = memory_ ? memory_ + taken_ : nullptr;
    taken_ += divide_up(floats, 16) * 16;
    return part;
  }
  int64_t taken() const { return taken_; }

 private:
  float *const memory_;
  int64_t taken_ = 0;
};

}  // namespace dg::DG_ISA
