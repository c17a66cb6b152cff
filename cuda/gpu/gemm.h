// What is a matrix product to an engine, how is it cut into pieces, and what happens to a sum when it is done? Engines
// (simt.h, mma.h) differ in how they make the sums; everything else is here.
#pragma once
#include <cuda_runtime.h>

#include "../core/args.h"
#include "../math/elementwise.h"
#include "../math/half.h"
#include "launch.h"

namespace dg::gpu {

// What products of T are added up in. int32 wraps, so it is unsigned here.
template <class T>
using Sum = std::conditional_t<std::is_same_v<T, uint32_t>, uint32_t, float>;

// The lines of a matrix run along k: rows of a, columns of b. Strides are in elements, and either `line` or `step` is 1.
template <class T>
struct Lines {
  const T *data;
  int64_t count;       // of one matrix
  int64_t line, step;  // from one line to the next, and along k
  int64_t matrix;      // from one matrix of the batch to the next
  int32_t width;       // bytes that may be copied at once: 16, 4 or one element
};

// m x n results for each of a batch of matrices, sums of k products each, and what becomes of them.
template <class T>
struct Product {
  int64_t batch, m, n, k;
  T *y;
  int64_t results, pitch;  // elements of y in all, and from one row to the next
  bool wide;               // rows of y may be written 16 bytes at a time
  const T *bias;           // of a row of y; null: none
  int32_t activation;      // unary operation or -1
  float alpha;
  int64_t tiles_m, tiles_n;
  int64_t parts, length;  // k is cut into parts of this length, each with sums of its own
  Sum<T> *partial;        // where there are several: for each what lies in y in the end
};

template <class T>
struct Gemm : Product<T> {
  Lines<T> a, b;
};

// ---- Problems ----------------------------------------------------------------------------------------------------------

// The widest access that suits an address and distances from it (in elements) alike.
template <class T, class... Distances>
int access_width(const void *address, Distances... distances) {
  const auto bits = (reinterpret_cast<uintptr_t>(address) | ... | (static_cast<uintptr_t>(distances) * sizeof(T)));
  return bits % 16 == 0 ? 16 : bits % 4 == 0 ? 4 : static_cast<int>(sizeof(T));
}

template <class T>
Gemm<T> problem(const MatMulArgs &args) {
  // [lines, k] in memory, or [k, lines].
  const auto lines = [&](const void *p, int64_t count, bool along_k, int64_t matrix) {
    const auto *data = static_cast<const T *>(p);
    const int64_t pitch = along_k ? args.k : count;
    const int width = access_width<T>(p, pitch, matrix);
    return along_k ? Lines<T>{data, count, pitch, 1, matrix, width} : Lines<T>{data, count, 1, pitch, matrix, width};
  };
  Gemm<T> p{};
  p.a = lines(args.a, args.m, !args.transpose_a, args.a_step);
  p.b = lines(args.b, args.n, args.transpose_b, args.b_step);
  p.batch = args.batch;
  p.m = args.m;
  p.n = p.pitch = args.n;
  p.k = p.length = args.k;
  p.y = static_cast<T *>(args.y);
  p.results = p.batch * p.m * p.n;
  p.wide = access_width<T>(args.y, args.n) == 16;
  p.bias = static_cast<const T *>(args.bias);
  p.activation = args.activation;
  p.alpha = args.alpha;
  p.parts = 1;
  return p;
}

// Cuts the results into tiles and, where these are few and k is long, k into parts that are worth their second pass.
template <class Tile, class T>
int64_t cut(Product<T> &p) {
  constexpr int64_t least_length = 128, enough_blocks = 256, rounding = 32;
  p.tiles_m = divide_up(p.m, Tile::m);
  p.tiles_n = divide_up(p.n, Tile::n);
  const int64_t tiles = p.tiles_m * p.tiles_n * p.batch;
  const int64_t most = static_cast<int64_t>(workspace_bytes / sizeof(Sum<T>)) / p.results;
  int64_t parts = enough_blocks / tiles;
  if (parts > p.k / least_length) parts = p.k / least_length;
  if (parts > most) parts = most;
  if (parts > 1) {
    p.length = divide_up(divide_up(p.k, parts), rounding) * rounding;
    p.parts = divide_up(p.k, p.length);
  }
  p.partial = static_cast<Sum<T> *>(current().workspace);
  return tiles * p.parts;  // blocks
}

template <class T>
int64_t tile_count(const Product<T> &p, int m, int n) {
  return divide_up(p.m, m) * divide_up(p.n, n) * p.batch;
}

// ---- Blocks ------------------------------------------------------------------------------------------------------------

// What a block works on: the tile at [row, column] of a matrix of the batch, for elements [begin, end) of k.
struct Share {
  int64_t row, column, part, batch, begin, end;
};

// Blocks that run at the same time take tiles near each other, of `strip` rows of tiles, so that they find most of a and
// b in the cache.
template <class Tile, class T>
__device__ Share share_of_block(const Product<T> &p, unsigned block = blockIdx.x) {
  constexpr unsigned strip = 8;
  const auto tiles_m = static_cast<unsigned>(p.tiles_m), tiles_n = static_cast<unsigned>(p.tiles_n);
  const unsigned tile = block % (tiles_m * tiles_n), matrix = block / (tiles_m * tiles_n);
  const unsigned first = tile / (strip * tiles_n) * strip, within = tile % (strip * tiles_n);
  const unsigned height = tiles_m - first < strip ? tiles_m - first : strip;
  Share share;
  share.row = int64_t{first + within % height} * Tile::m;
  share.column = int64_t{within / height} * Tile::n;
  share.part = matrix % static_cast<unsigned>(p.parts);
  share.batch = matrix / static_cast<unsigned>(p.parts);
  share.begin = share.part * p.length;
  share.end = share.begin + p.length < p.k ? share.begin + p.length : p.k;
  return share;
}

// ---- Results -----------------------------------------------------------------------------------------------------------

template <class Op>
__device__ float activate_with(float x, float alpha) {
  if constexpr ((Op::flags & FLOAT) != 0 && (Op::flags & TEST) == 0) return Op::apply(x, alpha, 0.0f);
  return x;  // core lets no other operation come here
}
// A call, because it is large and used once per result.
__device__ __attribute__((noinline)) static float activate(int op, float x, float alpha) {
  switch (static_cast<Unary>(op)) {
#define DG_UNARY(name, ...) \
  case Unary::name:         \
    return activate_with<unary_op::name>(x, alpha);
#include "../ops.def"
  }
  return x;
}

// What becomes of the sum of column j of y. The usual activation is not worth a call.
template <class T>
__device__ T finish(const Product<T> &p, int64_t j, float sum) {
  if (p.bias) sum += widen(p.bias[j]);
  if (p.activation == static_cast<int>(Unary::relu)) {
    sum = activate_with<unary_op::relu>(sum, p.alpha);
  } else if (p.activation >= 0) {
    sum = activate(p.activation, sum, p.alpha);
  }
  return narrow<T>(sum);
}
__device__ inline uint32_t finish(const Product<uint32_t> &, int64_t, uint32_t sum) { return sum; }

// y = finish(sum over parts), for all of its elements.
template <class T>
__global__ void __launch_bounds__(block_threads) add_parts(const Product<T> __grid_constant__ p) {
  const int64_t n = p.results;
  for (int64_t i = first_index(); i < n; i += index_step()) {
    Sum<T> sum = p.partial[i];
    for (int64_t part = 1; part < p.parts; part++) sum += p.partial[part * n + i];
    p.y[i] = finish(p, i % p.pitch, sum);
  }
}
template <class T>
int join_parts(const Product<T> &p) {
  return p.parts > 1 ? launch<add_parts<T>>(grid_for(p.results), block_threads, 0, p) : 0;
}

}  // namespace dg::gpu
