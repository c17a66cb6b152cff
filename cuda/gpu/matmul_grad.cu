// The gradient of a small product and what it ended in, in one launch: the blocks of either gradient take the slope of the
// activation as they read dz, and those of the weights' first rows sum its columns on the way. Larger ones go in parts.
#include <ptx.h>

#include "../core/backend.h"
#include "../core/matmul_grad.h"
#include "../math/slope.h"
#include "index.h"
#include "launch.h"
#include "number.h"

namespace dg {
namespace gpu {
namespace {

// A block makes tile x tile results; each thread some rows of one column.
constexpr int tile = 32, pitch = tile + 1, rows_each = tile * tile / block_threads,
              threads_apart = block_threads / tile;

template <class T>
struct Grad {
  const T *a, *b, *y, *dy;
  T *da, *db, *dbias;
  int64_t m, n, k;
  int32_t activation;
  int64_t tiles_a;             // blocks of da, which come first
  Divider across_a, across_b;  // tiles next to each other

  // dz, rounded as it would be in memory.
  __device__ float slope(int64_t i, int64_t j) const {
    const int64_t at = i * n + j;
    const float d = number(dy[at]);
    return activation < 0 ? d : number(element<T>(slope_from_result(activation, d, number(y[at]))));
  }
};

// What a thread reads of a slice of one operand: [depth][line] in shared memory, neighbours in memory beside each other.
struct Slice {
  float value[rows_each];

  // get(line, depth) is 0 outside the matrix.
  template <bool along_depth, class Get>
  __device__ void read(const Get &get) {
    const int near = static_cast<int>(threadIdx.x) % tile, far = static_cast<int>(threadIdx.x) / tile;
#pragma unroll
    for (int i = 0; i < rows_each; i++)
      value[i] = along_depth ? get(far + i * threads_apart, near) : get(near, far + i * threads_apart);
  }
  template <bool along_depth>
  __device__ void write(float *shared) const {
    const int near = static_cast<int>(threadIdx.x) % tile, far = static_cast<int>(threadIdx.x) / tile;
#pragma unroll
    for (int i = 0; i < rows_each; i++) {
      const int line = far + i * threads_apart;
      shared[along_depth ? near * pitch + line : line * pitch + near] = value[i];
    }
  }
};

// sum(r) of the tile's column += left(line, depth) right(line, depth) over `depth`; also the sum of right. A slice is read while
// the one before is multiplied.
template <bool along_depth, class Left, class Right>
__device__ float multiply_tiles(float (&sum)[rows_each], float *shared, int64_t depth, const Left &left,
                                const Right &right) {
  const int column = static_cast<int>(threadIdx.x) % tile, row = static_cast<int>(threadIdx.x) / tile * rows_each;
  float *const shared_right = shared + tile * pitch;
  float total = 0;
  Slice a, b;
  const auto read = [&](int64_t k) {
    a.template read<along_depth>([&](int line, int deep) { return k + deep < depth ? left(line, k + deep) : 0.0f; });
    b.template read<along_depth>([&](int line, int deep) { return k + deep < depth ? right(line, k + deep) : 0.0f; });
  };
  read(0);
#pragma unroll 1
  for (int64_t k = 0; k < depth; k += tile) {
    a.template write<along_depth>(shared);
    b.template write<along_depth>(shared_right);
    __syncthreads();
    if (k + tile < depth) read(k + tile);
#pragma unroll
    for (int deep = 0; deep < tile; deep++) {
      const float there = shared_right[deep * pitch + column];
      total += there;
#pragma unroll
      for (int i = 0; i < rows_each; i++) sum[i] = fma_(shared[deep * pitch + row + i], there, sum[i]);
    }
    __syncthreads();
  }
  return total;
}

template <class T>
__global__ void __launch_bounds__(block_threads) matmul_grad(const Grad<T> __grid_constant__ g) {
  DG_SHARED(float, shared);
  const bool of_a = blockIdx.x < g.tiles_a;
  int64_t column;
  int64_t row = of_a ? g.across_a.divide(blockIdx.x, column) : g.across_b.divide(blockIdx.x - g.tiles_a, column);
  row *= tile;
  column *= tile;
  float sum[rows_each] = {};
  float total = 0;
  if (of_a) {
    multiply_tiles<true>(
        sum, shared, g.n, [&](int line, int64_t j) { return row + line < g.m ? g.slope(row + line, j) : 0.0f; },
        [&](int line, int64_t j) { return column + line < g.k ? number(g.b[(column + line) * g.n + j]) : 0.0f; });
  } else {
    total = multiply_tiles<false>(
        sum, shared, g.m,
        [&](int line, int64_t i) { return row + line < g.k ? number(g.a[i * g.k + row + line]) : 0.0f; },
        [&](int line, int64_t i) { return column + line < g.n ? g.slope(i, column + line) : 0.0f; });
  }
  T *const to = of_a ? g.da : g.db;
  const int64_t rows = of_a ? g.m : g.k, columns = of_a ? g.k : g.n;
  column += threadIdx.x % tile;
  if (column >= columns) return;
  if (!of_a && g.dbias && row == 0 && threadIdx.x < tile) g.dbias[column] = element<T>(total);
  if (!to) return;
  row += threadIdx.x / tile * rows_each;
#pragma unroll
  for (int i = 0; i < rows_each; i++)
    if (row + i < rows) to[(row + i) * columns + column] = element<T>(sum[i]);
}

// Each result's sum is made by one thread, without tensor cores: quicker where what a launch costs counts for more than that.
// Limits to start from, until they have been measured.
bool small(const MatMulGradArgs &args) {
  constexpr int64_t most_terms = 512, most_work = 1 << 24;
  return args.m <= most_terms && args.n <= most_terms && args.k <= most_work / (args.m * args.n) &&
         backend::engine(DG_ENGINE_ASK) != DG_ENGINE_CUBLASLT;
}

template <class T>
int in_one(const MatMulGradArgs &args) {
  const int64_t across_a = divide_up(args.k, tile), across_b = divide_up(args.n, tile);
  const int64_t tiles_a = args.da ? divide_up(args.m, tile) * across_a : 0;
  // Without db, the first row of its tiles is there for the sums.
  const int64_t tiles_b = (args.db ? divide_up(args.k, tile) : args.dbias ? 1 : 0) * across_b;
  const auto in = [](const void *p) { return static_cast<const T *>(p); };
  const auto out = [](void *p) { return static_cast<T *>(p); };
  const Grad<T> grad = {in(args.a),        in(args.b),       in(args.y), in(args.dy), out(args.da),    out(args.db),
                        out(args.dbias),   args.m,           args.n,     args.k,      args.activation, tiles_a,
                        Divider(across_a), Divider(across_b)};
  return launch<matmul_grad<T>>(tiles_a + tiles_b, block_threads, 2 * tile * pitch * sizeof(float), grad);
}

}  // namespace
}  // namespace gpu

int run_matmul_grad(const MatMulGradArgs &args) {
  if (!gpu::small(args)) return matmul_grad_in_parts(args, run_activation_grad, run_reduce, run_matmul);
  return gpu::with_floats(args.type, [&]<class T>() { return gpu::in_one<T>(args); });
}

}  // namespace dg
