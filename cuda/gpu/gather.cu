// Gather and one-hot: what does an index array select?
#include "../core/args.h"
#include "../math/real.h"
#include "index.h"
#include "launch.h"
#include "number.h"
#include "widen.h"

namespace dg {
namespace gpu {
namespace {

__device__ bool inside(int64_t row, int64_t rows) { return row >= 0 && row < rows; }

template <class T>
__global__ void __launch_bounds__(block_threads)
    gather(const T *x, const int32_t *index, const int32_t *start, T *y, int64_t n, int64_t rows, Divider count,
           Divider inner, int64_t inner_size, int64_t index_count) {
  const int64_t first = start ? *start : 0;
  for (int64_t i = first_index(); i < n; i += index_step()) {
    int64_t j, position;
    const int64_t o = count.divide(inner.divide(i, j), position) * rows;
    const int64_t row = inside(first + position, index_count) ? index[first + position] : -1;
    y[i] = inside(row, rows) ? x[(o + row) * inner_size + j] : T{};
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    one_hot(const int32_t *index, T *y, int64_t n, Divider depth, T on, T off) {
  for (int64_t i = first_index(); i < n; i += index_step()) {
    int64_t column;
    const int64_t row = depth.divide(i, column);
    y[i] = index[row] == column ? on : off;
  }
}

template <class T>
int launch_one_hot(const OneHotArgs &args, T on, T off) {
  const int64_t n = args.count * args.depth;
  return launch<one_hot<T>>(grid_for(n), block_threads, 0, args.index, static_cast<T *>(args.y), n, Divider(args.depth),
                            on, off);
}

}  // namespace
}  // namespace gpu

int run_gather(const GatherArgs &args) {
  int width = args.width;
  int64_t inner = args.inner;
  for (; width < gpu::widest && inner % 2 == 0 && gpu::even(args.x, width) && gpu::even(args.y, width); width *= 2)
    inner /= 2;
  const int64_t n = args.outer * args.count * inner;
  return gpu::with_width(width, [&]<int bytes>() {
    using T = gpu::Word<bytes>;
    return gpu::launch<gpu::gather<T>>(gpu::grid_for(n), gpu::block_threads, 0, static_cast<const T *>(args.x),
                                       args.index, args.start, static_cast<T *>(args.y), n, args.rows,
                                       gpu::Divider(args.count), gpu::Divider(inner), inner, args.index_count);
  });
}

int run_one_hot(const OneHotArgs &args) {
  switch (args.out) {
    case DG_INT32:
      return gpu::launch_one_hot(args, to_int_saturated(args.on), to_int_saturated(args.off));
    case DG_UINT8:
      return gpu::launch_one_hot(args, static_cast<uint8_t>(to_int_saturated(args.on)),
                                 static_cast<uint8_t>(to_int_saturated(args.off)));
    case DG_BOOL:
      return gpu::launch_one_hot<uint8_t>(args, args.on != 0, args.off != 0);
    default:
      return gpu::with_floats(
          args.out, [&]<class T>() { return gpu::launch_one_hot(args, narrow<T>(args.on), narrow<T>(args.off)); });
  }
}

}  // namespace dg
