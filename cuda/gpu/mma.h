// The matrix product on tensor cores: float16, bfloat16, and float32 rounded to TF32 or in two parts of that.
//
// A block makes a tile of y. Slices of a and b (mma_slice.h) flow through a ring of buffers in shared memory, brought
// there by loaders (mma_load.h) ahead of the arithmetic; each warp keeps the sums of a part of the tile in registers. Its
// factors are read from shared memory a step ahead of their multiplication.
#pragma once
#include "mma_load.h"

namespace dg::gpu {

// m x n of y, made by warps_m x warps_n warps; `stages` slices are on their way or in use; `blocks` share a
// multiprocessor, which bounds their registers.
template <int m_, int n_, int warps_m_, int warps_n_, int stages_, int blocks_>
struct MmaTile {
  static constexpr int m = m_, n = n_, warps_m = warps_m_, warps_n = warps_n_, stages = stages_, blocks = blocks_;
  static constexpr int threads = 32 * warps_m * warps_n, warp_m = m / warps_m, warp_n = n / warps_n;
  static constexpr int stage_bytes = (m + n) * slice_bytes;
  // Results pass through shared memory 32 rows of a warp at a time; the rows' distance keeps them in different banks.
  static constexpr int pass_rows = 32, row_pitch = warp_n + 8, pass_size = pass_rows * row_pitch;
  static constexpr int result_bytes = warps_m * warps_n * pass_size * int{sizeof(float)};
  static constexpr int shared_bytes = stages * stage_bytes > result_bytes ? stages *stage_bytes : result_bytes;
};

// The part of a tile that a warp makes.
template <class Tile>
struct Warp {
  int index = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  int row = index / Tile::warps_n * Tile::warp_m, column = index % Tile::warps_n * Tile::warp_n;
};

// As mma leaves them: [i][j] is rows 16 i + lane / 4 (and + 8), columns 8 j + lane % 4 * 2 (and + 1).
template <class Tile>
using Sums = float[Tile::warp_m / 16][Tile::warp_n / 8][4];

// A warp's factors of a step.
template <class Format, class Tile>
struct Factors {
  uint32_t a[Tile::warp_m / 16][4], b[Tile::warp_n / 16][4];

  // From a stage of the ring; first_a and first_b: see Slice::first_place.
  template <class SliceA, class SliceB, class T>
  __device__ void load(const T *stage, int first_a, int first_b, int step) {
#pragma unroll
    for (int i = 0; i < Tile::warp_m / 16; i++) SliceA::load(stage, first_a, Side::a, i, step, a[i]);
#pragma unroll
    for (int j = 0; j < Tile::warp_n / 16; j++) SliceB::load(stage + SliceA::size, first_b, Side::b, j, step, b[j]);
  }

  __device__ void multiply(Sums<Tile> &sums) {
    typename Format::template Factor<4> lines[Tile::warp_m / 16];
#pragma unroll
    for (int i = 0; i < Tile::warp_m / 16; i++) lines[i].take(a[i]);
#pragma unroll
    for (int j = 0; j < Tile::warp_n / 8; j++) {
      typename Format::template Factor<2> column;
      column.take(b[j / 2] + j % 2 * 2);
#pragma unroll
      for (int i = 0; i < Tile::warp_m / 16; i++) Format::mma(sums[i][j], lines[i], column);
    }
  }
};

// sums += a . b over the loaders' next `depth` elements of k. All threads of the block must be here.
template <class Format, class Tile, class LoaderA, class LoaderB, class Depth>
__device__ void multiply_slices(Sums<Tile> &sums, typename Format::Element *shared, LoaderA &a, LoaderB &b,
                                Depth depth) {
  using T = typename Format::Element;
  using SliceA = typename LoaderA::Slice;
  using SliceB = typename LoaderB::Slice;
  constexpr int stage_size = SliceA::size + SliceB::size;
  static_assert(slice_steps == 2 && stage_size * sizeof(T) == Tile::stage_bytes);
  const auto next = [](int stage) { return stage + 1 < Tile::stages ? stage + 1 : 0; };

  int free_stage = 0;
  Depth uncopied = depth;
  const auto copy = [&] {
    if (uncopied > 0) {
      T *const stage = shared + free_stage * stage_size;
      a.copy(stage, uncopied);
      b.copy(stage + SliceA::size, uncopied);
      uncopied -= SliceA::depth;
      free_stage = next(free_stage);
    }
    ptx::copy_async_commit();  // an empty group at the end keeps the count
  };
  // The slice after those that were waited for is there for all, and all are done with the one before.
  const auto wait = [] {
    ptx::copy_async_wait<Tile::stages - 2>();
    __syncthreads();
  };

#pragma unroll 1
  for (int i = 0; i < Tile::stages - 1; i++) copy();
  wait();
  const Warp<Tile> warp;
  const int first_a = SliceA::first_place(Side::a, warp.row, warp.lane);
  const int first_b = SliceB::first_place(Side::b, warp.column, warp.lane);
  int index = 0;
  const auto load = [&](Factors<Format, Tile> &factors, int step) {
    factors.template load<SliceA, SliceB>(shared + index * stage_size, first_a, first_b, step);
  };
  Factors<Format, Tile> first, second;
  load(first, 0);
  const int slices = static_cast<int>(divide_up(depth, SliceA::depth));
#pragma unroll 1
  for (int slice = 0; slice < slices; slice++) {
    load(second, 1);
    if (!LoaderA::late) copy();
    first.multiply(sums);
    if (LoaderA::late) copy();
    wait();
    index = next(index);
    load(first, 0);  // of nothing at the end
    second.multiply(sums);
  }
  __syncthreads();  // shared memory is free again
}

// ---- Results -----------------------------------------------------------------------------------------------------------

// What a block works on, and where its results lie in y. What else has rows elsewhere says so by the same names.
template <class Tile, class T>
struct GemmShare : Share {
  const Product<T> &p;
  __device__ explicit GemmShare(const Product<T> &p_) : Share(share_of_block<Tile>(p_)), p(p_) {}
  __device__ int64_t count() const { return p.m; }
  __device__ int64_t first_column() const { return 0; }
  __device__ int64_t place(int64_t i) const { return (batch * p.m + i) * p.n; }  // of row i
};

// Some rows of a warp's part of the tile, from shared memory to y: `each` neighbours per thread.
template <int each, class Tile, class To, class Result, class OfBlock>
__device__ void store_rows(const OfBlock &share, int64_t columns, const float *sums, int64_t row, int64_t column,
                           int lane, To *y, const Result &result) {
  constexpr int across = Tile::warp_n / each;
#pragma unroll 1
  for (int i = lane; i < Tile::pass_rows * across; i += 32) {
    const int64_t r = row + i / across, c = column + i % across * each;
    if (r >= share.count() || c >= columns) continue;
    constexpr int some = each < 4 ? each : 4;
    struct alignas(sizeof(float) * some) Some {
      float at[some];
    };
    To out[each];
#pragma unroll
    for (int j = 0; j < each; j += some) {
      const float *const from = sums + i / across * Tile::row_pitch + i % across * each + j;
      const Some those = *reinterpret_cast<const Some *>(from);
#pragma unroll
      for (int l = 0; l < some; l++) out[j + l] = result(c + j + l, those.at[l]);
    }
    To *const to = y + share.place(r) + c;
    if constexpr (sizeof out == 16) {
      ptx::store_16(to, out);
    } else {
      *to = out[0];
    }
  }
}

template <class Tile, class T, class OfBlock>
__device__ void store_sums(const Product<T> &p, const OfBlock &share, const Sums<Tile> &sums, float *shared) {
  constexpr int passes = Tile::warp_m / Tile::pass_rows, tall = Tile::pass_rows / 16;
  const Warp<Tile> warp;
  float *const some = shared + warp.index * Tile::pass_size;
  float *const mine = some + warp.lane / 4 * Tile::row_pitch + warp.lane % 4 * 2;
#pragma unroll
  for (int pass = 0; pass < passes; pass++) {
#pragma unroll
    for (int i = 0; i < tall; i++) {
#pragma unroll
      for (int j = 0; j < Tile::warp_n / 8; j++) {
        const float(&four)[4] = sums[pass * tall + i][j];
        float *const upper = mine + i * 16 * Tile::row_pitch + j * 8, *const lower = upper + 8 * Tile::row_pitch;
        *reinterpret_cast<float2 *>(upper) = {four[0], four[1]};
        *reinterpret_cast<float2 *>(lower) = {four[2], four[3]};
      }
    }
    __syncwarp();
    const int64_t row = share.row + warp.row + pass * Tile::pass_rows, column = share.column + warp.column;
    const auto store = [&]<int each>(auto *y, const auto &result) {
      store_rows<each, Tile>(share, p.n, some, row, column, warp.lane, y, result);
    };
    const auto finished = [&](int64_t j, float sum) { return finish(p, share.first_column() + j, sum); };
    if (p.parts > 1) {
      store.template operator()<1>(p.partial + share.part * p.results, [](int64_t, float sum) { return sum; });
    } else if (p.wide) {
      store.template operator()<16 / sizeof(T)>(p.y, finished);
    } else {
      store.template operator()<1>(p.y, finished);
    }
    __syncwarp();
  }
}

// ---- The product of matrices -------------------------------------------------------------------------------------------

// How the operands lie in memory, as bits: each along k or along its lines, and whether both may be read 16 bytes at a time.
enum Layout { wide_reads = 1, b_along_k = 2, a_along_k = 4 };

template <class Format, class Tile, int layout>
__global__ void __launch_bounds__(Tile::threads, Tile::blocks)
    mma_gemm(const Gemm<typename Format::Element> __grid_constant__ p) {
  if constexpr (ptx::tensor_cores) {
    using T = typename Format::Element;
    constexpr bool along_a = (layout & a_along_k) != 0, along_b = (layout & b_along_k) != 0;
    constexpr Reads reads = layout & wide_reads ? Reads::wide : Reads::narrow;
    DG_SHARED(T, shared);
    const GemmShare<Tile, T> share(p);
    MatrixLoader<T, along_a, reads, Tile::m, Tile::threads> a(p.a, share.batch, share.row, share.begin);
    MatrixLoader<T, along_b, reads, Tile::n, Tile::threads> b(p.b, share.batch, share.column, share.begin);
    Sums<Tile> sums = {};
    multiply_slices<Format, Tile>(sums, shared, a, b, share.end - share.begin);
    store_sums<Tile>(p, share, sums, reinterpret_cast<float *>(shared));
  }
}

template <class Format, class Tile, int layout>
int start_mma(const Gemm<typename Format::Element> &p, int64_t blocks) {
  return launch<mma_gemm<Format, Tile, layout>>(blocks, Tile::threads, Tile::shared_bytes, p);
}

template <class Format, class Tile>
int mma_tiles(Gemm<typename Format::Element> p) {
  using Start = int (*)(const Gemm<typename Format::Element> &, int64_t);
  constexpr Start start[] = {start_mma<Format, Tile, 0>, start_mma<Format, Tile, 1>, start_mma<Format, Tile, 2>,
                             start_mma<Format, Tile, 3>, start_mma<Format, Tile, 4>, start_mma<Format, Tile, 5>,
                             start_mma<Format, Tile, 6>, start_mma<Format, Tile, 7>};
  const bool wide = p.a.width == 16 && p.b.width == 16;
  const int layout = (p.a.step == 1) * a_along_k + (p.b.step == 1) * b_along_k + wide * wide_reads;
  const int64_t blocks = cut<Tile>(p);
  if (int failed = start[layout](p, blocks)) return failed;
  return join_parts(p);
}

using LargeMma = MmaTile<128, 128, 2, 2, 3, 2>;
using MiddleMma = MmaTile<128, 64, 2, 2, 4, 3>;
using SmallMma = MmaTile<64, 64, 2, 2, 4, 4>;

// Calls f.operator()<Tile>() for the largest tiles of which there are enough to fill a GPU, parts of a long k counted, and
// which are not half empty.
template <class T, class F>
int with_mma_tile(const Product<T> &p, const F &f) {
  constexpr int64_t enough_tiles = 128, long_part = 2048;
  const int64_t parts = p.k > long_part ? p.k / long_part : 1;
  const auto suits = [&]<class Tile>() {
    return tile_count(p, Tile::m, Tile::n) * parts >= enough_tiles && p.m > Tile::m / 2 && p.n > Tile::n / 2;
  };
  if (suits.template operator()<LargeMma>()) return f.template operator()<LargeMma>();
  if (suits.template operator()<MiddleMma>()) return f.template operator()<MiddleMma>();
  return f.template operator()<SmallMma>();
}

template <class Format>
int mma_multiply(const Gemm<typename Format::Element> &p) {
  return with_mma_tile(p, [&]<class Tile>() { return mma_tiles<Format, Tile>(p); });
}
extern template int mma_multiply<F16>(const Gemm<Half> &);
extern template int mma_multiply<Bf16>(const Gemm<Brain> &);
extern template int mma_multiply<Tf32>(const Gemm<float> &);
extern template int mma_multiply<Tf32x3>(const Gemm<float> &);

}  // namespace dg::gpu
