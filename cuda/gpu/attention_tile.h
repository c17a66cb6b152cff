// How does a block of threads work on scores of 64 queries with 64 keys? Each thread keeps 4 x 4 of them, or of results, in
// registers; operands pass through shared memory, a few columns or rows at a time.
#pragma once
#include <ptx.h>

#include "../math/attention.h"
#include "group.h"
#include "launch.h"
#include "number.h"

namespace dg::gpu {

constexpr int side = 64, each = 4, row_threads = side / each, tile_threads = row_threads * row_threads;
constexpr int depth = 16, pitch = side + 4;  // of a slice; from one of its lines to the next
constexpr int slice_size = depth * pitch, tile_size = side * pitch;
constexpr size_t attention_bytes = (2 * slice_size + tile_size) * sizeof(float);

// The rows of one head of one sample.
template <class T>
struct HeadRows {
  T *data;
  int64_t line, count, size;
};
template <class T>
__device__ HeadRows<T> head_rows(T *data, int64_t batch, int64_t rows, int64_t heads, int64_t head, int64_t size) {
  return {data + (batch * rows * heads + head) * size, heads * size, rows, size};
}

// The thread's part of a tile: rows from `row` on, columns from `column` on.
struct Place {
  int row, column;
  __device__ Place()
      : row(static_cast<int>(threadIdx.x) / row_threads * each),
        column(static_cast<int>(threadIdx.x) % row_threads * each) {}
};

// sum[i][j] += sum over k of a[k][row + i] b[k][column + j], for k < depth.
__device__ inline void add_products(float (&sum)[each][each], const float *a, const float *b) {
  const Place place;
#pragma unroll
  for (int k = 0; k < depth; k++) {
    float row[each], column[each];
#pragma unroll
    for (int i = 0; i < each; i++) row[i] = a[k * pitch + place.row + i];
#pragma unroll
    for (int j = 0; j < each; j++) column[j] = b[k * pitch + place.column + j];
#pragma unroll
    for (int i = 0; i < each; i++)
#pragma unroll
      for (int j = 0; j < each; j++) sum[i][j] = fma_(row[i], column[j], sum[i][j]);
  }
}

// A value of a head, or zero where there is none.
template <class T>
__device__ float value_at(const HeadRows<const T> &rows, int64_t row, int64_t column) {
  return row < rows.count && column < rows.size ? number(rows.data[row * rows.line + column]) : 0;
}

// slice[k][i] = value `column + k` of row `first + i`.
template <class T>
__device__ void load_turned(float *slice, const HeadRows<const T> &rows, int64_t first, int64_t column, float scale) {
  for (int e = static_cast<int>(threadIdx.x); e < side * depth; e += tile_threads)
    slice[e % depth * pitch + e / depth] = value_at(rows, first + e / depth, column + e % depth) * scale;
}
// slice[k][j] = value `column + j` of row `first + k`.
template <class T>
__device__ void load_straight(float *slice, const HeadRows<const T> &rows, int64_t first, int64_t column) {
  for (int e = static_cast<int>(threadIdx.x); e < side * depth; e += tile_threads)
    slice[e / side * pitch + e % side] = value_at(rows, first + e / side, column + e % side);
}

// Products of rows of a, times `scale`, with rows of b. Begins and ends where all threads are done with the slices.
template <class T>
__device__ void row_products(float (&sum)[each][each], const HeadRows<const T> &a, int64_t a_first, float scale,
                             const HeadRows<const T> &b, int64_t b_first, float *slices) {
  for (int i = 0; i < each; i++)
    for (int j = 0; j < each; j++) sum[i][j] = 0;
  for (int64_t column = 0; column < a.size; column += depth) {
    load_turned(slices, a, a_first, column, scale);
    load_turned(slices + slice_size, b, b_first, column, 1);
    __syncthreads();
    add_products(sum, slices, slices + slice_size);
    __syncthreads();
  }
}

// sum += the columns of a tile, each of `side` values, with columns from `column` on of rows from `first` on. Begins once the
// tile is written, with a barrier before it is read; ends where all threads are done with tile and slices.
template <class T>
__device__ void add_rows(float (&sum)[each][each], const float *tile, const HeadRows<const T> &rows, int64_t first,
                         int64_t column, float *slices) {
  for (int k = 0; k < side; k += depth) {
    load_straight(slices, rows, first + k, column);
    __syncthreads();
    add_products(sum, tile + k * pitch, slices);
    __syncthreads();
  }
}

// Scores of keys that do not count, and of places behind the last key, become what they are.
__device__ inline void hide(float (&score)[each][each], const AttentionShape &s, const uint8_t *mask, int64_t batch,
                            int64_t head, int64_t query, int64_t key) {
  for (int i = 0; i < each; i++) {
    if (query + i >= s.queries) continue;
    const uint8_t *const row = mask ? mask_row(s, mask, batch, head, query + i) : nullptr;
    const int64_t in_sight = keys_in_sight(s, query + i);
    for (int j = 0; j < each; j++) {
      const int64_t at = key + j;
      if (at >= s.keys)
        score[i][j] = -infinity;
      else if (at >= in_sight || (row && !row[at]))
        score[i][j] = hidden_score;
    }
  }
}

// The join of a row's values, which the threads of the row get.
template <class R>
__device__ float join_row(float value) {
  return join_lanes(value, row_threads, [](float a, float b) { return R::join(a, b); });
}

// Rows of results times `scale`.
template <class T>
__device__ void write_rows(const HeadRows<T> &to, int64_t first, int64_t column, const float (&sum)[each][each],
                           float scale) {
  const Place place;
  for (int i = 0; i < each; i++)
    for (int j = 0; j < each; j++) {
      const int64_t row = first + place.row + i, at = column + place.column + j;
      if (row < to.count && at < to.size) to.data[row * to.line + at] = narrow<T>(sum[i][j] * scale);
    }
}

// What a block makes: `side` rows of a head of a sample, and as many of their columns.
struct Share {
  int64_t batch, head, first, column;

  __device__ Share(int64_t heads, int64_t rows, int64_t columns) {
    const int64_t row_blocks = divide_up(rows, side), column_blocks = divide_up(columns, side);
    int64_t i = blockIdx.x;
    column = i % column_blocks * side;
    i /= column_blocks;
    first = i % row_blocks * side;
    i /= row_blocks;
    head = i % heads;
    batch = i / heads;
  }
  static int64_t count(int64_t batch, int64_t heads, int64_t rows, int64_t columns) {
    return batch * heads * divide_up(rows, side) * divide_up(columns, side);
  }
};

}  // namespace dg::gpu
