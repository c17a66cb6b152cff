// Which way is a matrix product computed? In the largest tiles of which there are enough to fill a GPU; where even small
// ones are few and k is long, k is split and a second pass adds the parts in order. The choice depends on the shape alone.
#include "../core/args.h"
#include "simt.h"

namespace dg {
namespace gpu {
namespace {

using Large = Tile<128, 128, 8, 8>;
using Middle = Tile<64, 64, 4, 4>;
using Small = Tile<32, 32, 4, 4>;

constexpr int64_t enough_tiles = 128;

// y = finish(sum over parts), for all elements of the batch.
template <class T>
__global__ void __launch_bounds__(block_threads)
    add_parts(const Gemm<T> __grid_constant__ p, const T *partial, T *y, int64_t n) {
  for (int64_t i = first_index(); i < n; i += index_step()) {
    T sum = partial[i];
    for (int64_t part = 1; part < p.parts; part++) sum += partial[part * n + i];
    y[i] = finish(p, i % p.b.count, sum);
  }
}

template <class T>
int64_t tile_count(const Gemm<T> &p, int m, int n) {
  return divide_up(p.a.count, m) * divide_up(p.b.count, n) * p.batch;
}

// Parts of k that are worth their second pass.
template <class T>
void split(Gemm<T> &p, int64_t tiles) {
  constexpr int64_t least_length = 128, enough_blocks = 256;
  const int64_t results = p.batch * p.a.count * p.b.count;
  const int64_t most = static_cast<int64_t>(workspace_bytes / sizeof(T)) / results;
  int64_t parts = enough_blocks / tiles;
  if (parts > p.k / least_length) parts = p.k / least_length;
  if (parts > most) parts = most;
  if (parts < 2) return;
  p.length = divide_up(divide_up(p.k, parts), 16) * 16;
  p.parts = divide_up(p.k, p.length);
}

template <class Tile, class T>
int multiply_tiles(Gemm<T> p, T *y) {
  p.tiles_m = divide_up(p.a.count, Tile::m);
  p.tiles_n = divide_up(p.b.count, Tile::n);
  const int64_t tiles = p.tiles_m * p.tiles_n * p.batch, n = p.batch * p.a.count * p.b.count;
  split(p, tiles);
  T *const sums = p.parts > 1 ? static_cast<T *>(current().workspace) : y;
  if (int failed = launch<simt_gemm<T, Tile>>(tiles * p.parts, Tile::threads, Tile::shared_size * sizeof(T), p, sums))
    return failed;
  return p.parts > 1 ? launch<add_parts<T>>(grid_for(n), block_threads, 0, p, sums, y, n) : 0;
}

template <class T>
int multiply(const MatMulArgs &args) {
  const auto *a = static_cast<const T *>(args.a), *b = static_cast<const T *>(args.b);
  Gemm<T> p{};
  p.a = args.transpose_a ? Lines<T>{a, args.m, 1, args.m, args.a_step} : Lines<T>{a, args.m, args.k, 1, args.a_step};
  p.b = args.transpose_b ? Lines<T>{b, args.n, args.k, 1, args.b_step} : Lines<T>{b, args.n, 1, args.n, args.b_step};
  p.batch = args.batch;
  p.k = p.length = args.k;
  p.parts = 1;
  p.bias = static_cast<const float *>(args.bias);
  p.activation = args.activation;
  p.alpha = args.alpha;
  T *y = static_cast<T *>(args.y);
  if (tile_count(p, Large::m, Large::n) >= enough_tiles) return multiply_tiles<Large>(p, y);
  if (tile_count(p, Middle::m, Middle::n) >= enough_tiles) return multiply_tiles<Middle>(p, y);
  return multiply_tiles<Small>(p, y);
}

}  // namespace
}  // namespace gpu

int run_matmul(const MatMulArgs &args) {
  if (args.batch * args.m * args.n == 0) return 0;
  if (args.type == DG_FLOAT32) return gpu::multiply<float>(args);
  if (args.type == DG_INT32) return gpu::multiply<uint32_t>(args);  // wraps
  return fail(DG_E_ARGUMENT, "A matrix product takes float32 or int32");
}

}  // namespace dg
