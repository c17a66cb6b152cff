// Strided copy: how do elements get from one layout into another? One by one in y's order, or, where x's fastest
// dimension is not y's, in tiles that are turned in shared memory, so that both sides are touched in whole lines.
#include <ptx.h>

#include "../core/args.h"
#include "index.h"
#include "launch.h"
#include "widen.h"

namespace dg {
namespace gpu {
namespace {

template <class T>
__global__ void __launch_bounds__(block_threads)
    copy_elements(const T *x, T *y, int64_t n, const Offsets<2> __grid_constant__ offsets) {
  for (int64_t i = first_index(); i < n; i += index_step()) y[offsets.at(i, 1)] = x[offsets.at(i, 0)];
}

constexpr int tile = 32, tile_rows = 8;  // a block of tile x tile_rows threads moves a tile

// y[i * ys + j] = x[j * xs + i] for i < m, j < n, for each position of `outer`.
struct Turn {
  int64_t m, n, xs, ys;
  int64_t tiles_m, tiles_n;
};

template <class T>
__global__ void __launch_bounds__(tile *tile_rows)
    copy_tiles(const T *x, T *y, Turn turn, const Offsets<2> __grid_constant__ outer) {
  DG_SHARED(T, kept);
  constexpr int pitch = tile + 1;  // one more than the banks, so that columns are read without conflicts
  const int column = static_cast<int>(threadIdx.x), row = static_cast<int>(threadIdx.y);
  const int64_t i0 = blockIdx.x % turn.tiles_m * tile, rest = blockIdx.x / turn.tiles_m;
  const int64_t j0 = rest % turn.tiles_n * tile, position = rest / turn.tiles_n;
  const T *from = x + outer.at(position, 0);
  T *to = y + outer.at(position, 1);
  for (int r = row; r < tile; r += tile_rows)
    if (i0 + column < turn.m && j0 + r < turn.n) kept[r * pitch + column] = from[(j0 + r) * turn.xs + i0 + column];
  __syncthreads();
  for (int r = row; r < tile; r += tile_rows)
    if (i0 + r < turn.m && j0 + column < turn.n) to[(i0 + r) * turn.ys + j0 + column] = kept[column * pitch + r];
}

// The slower dimension along which x is contiguous while y is along the last; -1 if that is not how they lie.
int turned_dimension(const StridedArgs &args) {
  const int last = args.rank - 1;
  if (last < 1 || args.ys[last] != 1 || args.xs[last] == 1 || args.size[last] < 4) return -1;
  for (int d = 0; d < last; d++)
    if (args.xs[d] == 1 && args.size[d] >= 4) return d;
  return -1;
}

template <class T>
int turn_tiles(const StridedArgs &args, int fast) {
  const int last = args.rank - 1;
  Turn turn{args.size[fast], args.size[last], args.xs[last], args.ys[fast], 0, 0};
  turn.tiles_m = divide_up(turn.m, tile);
  turn.tiles_n = divide_up(turn.n, tile);
  Offsets<2> outer;
  for (int d = 0; d < last; d++)
    if (d != fast) outer.push(args.size[d], args.xs[d], args.ys[d]);
  const int64_t blocks = turn.tiles_m * turn.tiles_n * (args.n / (turn.m * turn.n));
  return launch<copy_tiles<T>>(blocks, dim3(tile, tile_rows), tile * (tile + 1) * sizeof(T),
                               static_cast<const T *>(args.x), static_cast<T *>(args.y), turn, outer);
}

template <class T>
int copy_strided(const StridedArgs &args) {
  if (const int fast = turned_dimension(args); fast >= 0) return turn_tiles<T>(args, fast);
  Offsets<2> offsets;
  for (int d = 0; d < args.rank; d++) offsets.push(args.size[d], args.xs[d], args.ys[d]);
  return launch<copy_elements<T>>(grid_for(args.n), block_threads, 0, static_cast<const T *>(args.x),
                                  static_cast<T *>(args.y), args.n, offsets);
}

// Takes pairs of neighbours as one element of twice the width, as long as all runs are even.
void widen(StridedArgs &args) {
  const int last = args.rank - 1;
  if (last < 0 || args.xs[last] != 1 || args.ys[last] != 1) return;
  while (args.width < widest && even(args.x, args.width) && even(args.y, args.width) && args.size[last] % 2 == 0) {
    for (int d = 0; d < last; d++)
      if (args.xs[d] % 2 || args.ys[d] % 2) return;
    for (int d = 0; d < last; d++) args.xs[d] /= 2, args.ys[d] /= 2;
    args.size[last] /= 2;
    args.n /= 2;
    args.width *= 2;
  }
}

}  // namespace
}  // namespace gpu

int run_strided(const StridedArgs &args) {
  if (args.n == 0) return 0;
  StridedArgs wide = args;
  gpu::widen(wide);
  return gpu::with_width(wide.width, [&]<int width>() { return gpu::copy_strided<gpu::Word<width>>(wide); });
}

}  // namespace dg
