// The matrix product on the ordinary cores: exact float32, and int32.
//
// A block makes a tile of y. Slices of a and b, `depth` deep, flow through a ring of buffers in shared memory, copied
// ahead of the arithmetic; each thread keeps thread_m x thread_n sums in registers.
#pragma once
#include <ptx.h>

#include "gemm.h"
#include "launch.h"

namespace dg::gpu {

// thread_m and thread_n are multiples of 4: a thread's rows are groups of 4 neighbours, which it reads from shared
// memory in one access each, and its columns likewise.
template <int tile_m_, int tile_n_, int thread_m_, int thread_n_>
struct Tile {
  static constexpr int m = tile_m_, n = tile_n_, thread_m = thread_m_, thread_n = thread_n_;
  static constexpr int depth = 8, stages = 4, group = 4;
  static constexpr int threads_n = n / thread_n, threads = m / thread_m * threads_n;
  static constexpr int pitch_a = m + 4, pitch_b = n + 4;  // without bank conflicts, whichever way a slice is written
  static constexpr int stage_size = depth * (pitch_a + pitch_b), shared_size = stages * stage_size;
  // The i-th row (column) of thread t among `of` threads, in a tile of `size`.
  __device__ static int place(int t, int i, int size, int per_thread) {
    return i / group * (size / (per_thread / group)) + t * group + i % group;
  }
};

// Starts copying a slice: shared[k][line] for `lines` lines from `line` and depth values of k, zeros where there are
// none.
template <class T, int lines, int pitch, int depth, int threads>
__device__ void copy_slice(T *shared, const Lines<T> &matrix, const T *data, int64_t line, int64_t k, int64_t k_end) {
  constexpr int each = lines * depth / threads;
  const bool along_k = matrix.step == 1;
#pragma unroll
  for (int e = 0; e < each; e++) {
    const int i = e * threads + static_cast<int>(threadIdx.x);  // neighbours in the block are neighbours in memory
    const int at = along_k ? i / depth : i % lines, deep = along_k ? i % depth : i / lines;
    ptx::copy_async_4(shared + deep * pitch + at, data + (line + at) * matrix.line + (k + deep) * matrix.step,
                      line + at < matrix.count && k + deep < k_end);
  }
}

// y [parts, batch, m, n]: finished results, or with several parts the sums of each.
template <class T, class Tile>
__global__ void __launch_bounds__(Tile::threads) simt_gemm(const Gemm<T> __grid_constant__ p, T *y) {
  DG_SHARED(T, shared);
  int64_t block = blockIdx.x;
  const int64_t column0 = block % p.tiles_n * Tile::n;
  block /= p.tiles_n;
  const int64_t row0 = block % p.tiles_m * Tile::m;
  block /= p.tiles_m;
  const int64_t part = block % p.parts, batch = block / p.parts;
  const T *a = p.a.data + batch * p.a.matrix, *b = p.b.data + batch * p.b.matrix;
  const int64_t begin = part * p.length, end = begin + p.length < p.k ? begin + p.length : p.k;
  const int slices = static_cast<int>(divide_up(end - begin, Tile::depth));

  const auto copy = [&](int slice) {
    if (slice < slices) {
      T *stage = shared + slice % Tile::stages * Tile::stage_size;
      const int64_t k = begin + slice * Tile::depth;
      copy_slice<T, Tile::m, Tile::pitch_a, Tile::depth, Tile::threads>(stage, p.a, a, row0, k, end);
      stage += Tile::depth * Tile::pitch_a;
      copy_slice<T, Tile::n, Tile::pitch_b, Tile::depth, Tile::threads>(stage, p.b, b, column0, k, end);
    }
    ptx::copy_async_commit();  // an empty group at the end keeps the count
  };
  for (int slice = 0; slice < Tile::stages - 1; slice++) copy(slice);

  const int thread_row = static_cast<int>(threadIdx.x) / Tile::threads_n;
  const int thread_column = static_cast<int>(threadIdx.x) % Tile::threads_n;
  T sum[Tile::thread_m][Tile::thread_n] = {};
  for (int slice = 0; slice < slices; slice++) {
    ptx::copy_async_wait<Tile::stages - 2>();
    __syncthreads();  // the slice is there for all, and all are done with the one whose place is taken next
    copy(slice + Tile::stages - 1);
    const T *stage_a = shared + slice % Tile::stages * Tile::stage_size,
            *stage_b = stage_a + Tile::depth * Tile::pitch_a;
#pragma unroll
    for (int k = 0; k < Tile::depth; k++) {
      T row[Tile::thread_m], column[Tile::thread_n];
#pragma unroll
      for (int i = 0; i < Tile::thread_m; i++)
        row[i] = stage_a[k * Tile::pitch_a + Tile::place(thread_row, i, Tile::m, Tile::thread_m)];
#pragma unroll
      for (int j = 0; j < Tile::thread_n; j++)
        column[j] = stage_b[k * Tile::pitch_b + Tile::place(thread_column, j, Tile::n, Tile::thread_n)];
#pragma unroll
      for (int i = 0; i < Tile::thread_m; i++)
#pragma unroll
        for (int j = 0; j < Tile::thread_n; j++) sum[i][j] = multiply_add(row[i], column[j], sum[i][j]);
    }
  }

  y += (part * p.batch + batch) * p.a.count * p.b.count;
#pragma unroll
  for (int i = 0; i < Tile::thread_m; i++) {
    const int64_t row = row0 + Tile::place(thread_row, i, Tile::m, Tile::thread_m);
#pragma unroll
    for (int j = 0; j < Tile::thread_n; j++) {
      const int64_t column = column0 + Tile::place(thread_column, j, Tile::n, Tile::thread_n);
      if (row < p.a.count && column < p.b.count)
        y[row * p.b.count + column] = p.parts > 1 ? sum[i][j] : finish(p, column, sum[i][j]);
    }
  }
}

}  // namespace dg::gpu
