// The matrix product on the ordinary cores: exact float32, int32, and 16-bit floats where tensor cores do not take them.
//
// A block makes a tile of y. Slices of a and b, `depth` deep, flow through a ring of buffers in shared memory, copied
// ahead of the arithmetic; each thread keeps thread_m x thread_n sums in registers.
#pragma once
#include <ptx.h>

#include "gemm.h"

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

__device__ inline float multiply_add(float a, float b, float sum) { return fma_(a, b, sum); }
__device__ inline uint32_t multiply_add(uint32_t a, uint32_t b, uint32_t sum) { return a * b + sum; }

// Starts copying an element, or writes zero. 16-bit floats are too narrow for that, and widened as they are written.
template <class T>
__device__ void copy_element(Sum<T> *shared, const T *from, bool valid) {
  if constexpr (sizeof(T) == sizeof(Sum<T>)) {
    ptx::copy_async_4(shared, from, valid);
  } else {
    *shared = valid ? widen(*from) : 0;
  }
}

// Starts copying a slice: shared[k][line] for `lines` lines from `line` and depth values of k, zeros where there are
// none.
template <class T, int lines, int pitch, int depth, int threads>
__device__ void copy_slice(Sum<T> *shared, const Lines<T> &matrix, const T *data, int64_t line, int64_t k,
                           int64_t k_end) {
  constexpr int each = lines * depth / threads;
  const bool along_k = matrix.step == 1;
#pragma unroll
  for (int e = 0; e < each; e++) {
    const int i = e * threads + static_cast<int>(threadIdx.x);  // neighbours in the block are neighbours in memory
    const int at = along_k ? i / depth : i % lines, deep = along_k ? i % depth : i / lines;
    copy_element<T>(shared + deep * pitch + at, data + (line + at) * matrix.line + (k + deep) * matrix.step,
                    line + at < matrix.count && k + deep < k_end);
  }
}

// Blocks that must be able to share a multiprocessor; 0: as it comes. A few registers keep two of exact float32 from it.
template <class T, class Tile>
constexpr int simt_blocks = std::is_same_v<T, float> && Tile::m == 128 ? 2 : 0;

template <class T, class Tile>
__global__ void __launch_bounds__(Tile::threads, simt_blocks<T, Tile>) simt_gemm(const Gemm<T> __grid_constant__ p) {
  DG_SHARED(Sum<T>, shared);
  const Share share = share_of_block<Tile>(p);
  const T *a = p.a.data + share.batch * p.a.matrix, *b = p.b.data + share.batch * p.b.matrix;
  const int slices = static_cast<int>(divide_up(share.end - share.begin, Tile::depth));

  const auto copy = [&](int slice) {
    if (slice < slices) {
      Sum<T> *stage = shared + slice % Tile::stages * Tile::stage_size;
      const int64_t k = share.begin + slice * Tile::depth;
      copy_slice<T, Tile::m, Tile::pitch_a, Tile::depth, Tile::threads>(stage, p.a, a, share.row, k, share.end);
      stage += Tile::depth * Tile::pitch_a;
      copy_slice<T, Tile::n, Tile::pitch_b, Tile::depth, Tile::threads>(stage, p.b, b, share.column, k, share.end);
    }
    ptx::copy_async_commit();  // an empty group at the end keeps the count
  };
  for (int slice = 0; slice < Tile::stages - 1; slice++) copy(slice);

  const int thread_row = static_cast<int>(threadIdx.x) / Tile::threads_n;
  const int thread_column = static_cast<int>(threadIdx.x) % Tile::threads_n;
  Sum<T> sum[Tile::thread_m][Tile::thread_n] = {};
  for (int slice = 0; slice < slices; slice++) {
    ptx::copy_async_wait<Tile::stages - 2>();
    __syncthreads();  // the slice is there for all, and all are done with the one whose place is taken next
    copy(slice + Tile::stages - 1);
    const Sum<T> *stage_a = shared + slice % Tile::stages * Tile::stage_size,
                 *stage_b = stage_a + Tile::depth * Tile::pitch_a;
#pragma unroll
    for (int k = 0; k < Tile::depth; k++) {
      Sum<T> row[Tile::thread_m], column[Tile::thread_n];
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

#pragma unroll
  for (int i = 0; i < Tile::thread_m; i++) {
    const int64_t row = share.row + Tile::place(thread_row, i, Tile::m, Tile::thread_m);
#pragma unroll
    for (int j = 0; j < Tile::thread_n; j++) {
      const int64_t column = share.column + Tile::place(thread_column, j, Tile::n, Tile::thread_n);
      if (row >= p.m || column >= p.n) continue;
      const int64_t at = (share.batch * p.m + row) * p.n + column;
      if (p.parts > 1) {
        p.partial[share.part * p.results + at] = sum[i][j];
      } else {
        p.y[at] = finish(p, column, sum[i][j]);
      }
    }
  }
}

template <class Tile, class T>
int simt_tiles(Gemm<T> p) {
  const int64_t blocks = cut<Tile>(p);
  if (int failed = launch<simt_gemm<T, Tile>>(blocks, Tile::threads, Tile::shared_size * sizeof(Sum<T>), p))
    return failed;
  return join_parts(p);
}

// In the largest tiles of which there are enough to fill a GPU.
template <class T>
int simt_multiply(const Gemm<T> &p) {
  using Large = Tile<128, 128, 8, 8>;
  using Middle = Tile<64, 64, 4, 4>;
  using Small = Tile<32, 32, 4, 4>;
  constexpr int64_t enough_tiles = 128;
  if (tile_count(p, Large::m, Large::n) >= enough_tiles) return simt_tiles<Large>(p);
  if (tile_count(p, Middle::m, Middle::n) >= enough_tiles) return simt_tiles<Middle>(p);
  return simt_tiles<Small>(p);
}

}  // namespace dg::gpu
