// How are the columns of [batch, rows, channels] walked? A block takes 32 of them and some rows of a sample, a thread every
// eighth of those rows. Where blocks would be few, rows are divided among several; in which order results meet depends on the
// sizes alone.
#pragma once
#include "../core/args.h"
#include "index.h"
#include "launch.h"

namespace dg::gpu {

constexpr int tile_width = 32, tile_height = block_threads / tile_width;

// Rows that are short are taken several at a time, as one: its column k * channels + c is one of channel c.
struct Columns {
  int64_t batch, rows, columns, channels, groups, size, parts, length, tiles;
  Divider by_channels, by_size, by_tiles, by_parts;

  Columns(int64_t batch_, int64_t rows_, int64_t groups_, int64_t size_)
      : batch(batch_), rows(rows_), columns(groups_ * size_), channels(columns), groups(groups_), size(size_) {
    constexpr int64_t enough_blocks = 1024, least_rows = 64;
    for (; columns < tile_width && rows % 2 == 0; rows /= 2) columns *= 2;
    tiles = divide_up(columns, tile_width);
    parts = enough_blocks / (batch * tiles);
    if (parts > rows / least_rows) parts = rows / least_rows;
    if (parts < 1) parts = 1;
    length = divide_up(rows, parts);
    parts = divide_up(rows, length);
    by_channels = Divider(channels);
    by_size = Divider(size);
    by_tiles = Divider(tiles);
    by_parts = Divider(parts);
  }
  int64_t blocks() const { return batch * parts * tiles; }
  // Results of blocks: [batch, parts, columns], which is [batch, runs, channels].
  int64_t partials() const { return batch * parts * columns; }
  __host__ __device__ int64_t runs() const { return parts * (columns / channels); }
  __device__ int64_t rows_in(int64_t part) const { return (part + 1) * length < rows ? length : rows - part * length; }
};

// The column of the calling thread.
struct Column {
  int64_t channel, statistic, partial;
  int64_t rows;              // of the block
  int64_t begin, end, step;  // its elements
  int row;                   // the first of them, among those of the block

  __device__ explicit Column(const Columns &c) : row(static_cast<int>(threadIdx.x) / tile_width) {
    int64_t tile, part, rest;
    const int64_t unit = c.by_tiles.divide(blockIdx.x, tile), sample = c.by_parts.divide(unit, part);
    const int64_t column = tile * tile_width + static_cast<int>(threadIdx.x) % tile_width;
    const int64_t first = sample * c.rows + part * c.length;
    c.by_channels.divide(column, channel);
    statistic = sample * c.groups + c.by_size.divide(channel, rest);
    partial = unit * c.columns + column;
    rows = column < c.columns ? c.rows_in(part) : 0;  // 0: past the last column
    begin = (first + row) * c.columns + column;
    end = (first + rows) * c.columns;
    step = tile_height * c.columns;
  }
  // Rows of the block that a thread whose first one is `at` takes.
  __device__ int64_t taken(int at) const { return rows > at ? (rows - at + tile_height - 1) / tile_height : 0; }

  // f(i) for the thread's elements.
  template <int at_once, class F>
  __device__ void each(const F &f) const {
#pragma unroll at_once
    for (int64_t i = begin; i < end; i += step) f(i);
  }
  // y[i] = f(i) for the thread's elements, where f reads memory: for several of them before the first is written.
  template <int at_once, class T, class F>
  __device__ void write(T *y, const F &f) const {
    int64_t i = begin;
    for (; i + (at_once - 1) * step < end; i += at_once * step) {
      T values[at_once];
#pragma unroll
      for (int k = 0; k < at_once; k++) values[k] = f(i + k * step);
#pragma unroll
      for (int k = 0; k < at_once; k++) y[i + k * step] = values[k];
    }
    for (; i < end; i += step) y[i] = f(i);
  }
  // To be called by all threads: join(all, value, row) takes in those of further rows; only the first row's threads get them all.
  template <class T, class Join>
  __device__ T over_rows(T value, T *shared, const Join &join) const {
    shared[threadIdx.x] = value;
    __syncthreads();
    if (row == 0)
      for (int i = 1; i < tile_height; i++) join(value, shared[i * tile_width + threadIdx.x], i);
    return value;
  }
};

}  // namespace dg::gpu
