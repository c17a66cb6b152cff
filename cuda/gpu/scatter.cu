// Scatter-add and coalesce: a warp adds all terms of one row, for a piece of its columns, in ascending order of their
// positions. Which warp is a row's first? Of few positions each finds out by itself, many are sorted.
#include "../core/args.h"
#include "group.h"
#include "index.h"
#include "launch.h"
#include "number.h"
#include "sort.h"

namespace dg {
namespace gpu {
namespace {

constexpr int lane_columns = 4, piece = warp_width * lane_columns;  // columns of a warp

template <class T>
struct Scatter {
  const T *x;
  T *y;
  int64_t rows, count, inner;  // count: positions of x, of which a call may be about a part
  RowNames names;
  int32_t n;  // positions of this call
  Divider pieces, places;

  template <class Args>
  Scatter(const Args &args, int64_t begin, int64_t end)
      : x(static_cast<const T *>(args.x) + begin * args.inner),
        y(static_cast<T *>(args.y)),
        rows(args.rows),
        count(args.count),
        inner(args.inner),
        names(args.index + begin, args.rows),
        n(static_cast<int32_t>(end - begin)),
        pieces(divide_up(args.inner, piece)),
        places(n) {}
  __device__ T *row(int64_t outer, int64_t number) const { return y + (outer * rows + number) * inner; }
};

// A row's sum of one warp, which starts from 0 or from what y holds. Every lane has some columns.
template <class T>
class RowSum {
 public:
  __device__ RowSum(const Scatter<T> &s, int64_t outer, T *y, int64_t column)
      : x_(s.x + outer * s.count * s.inner + column),
        y_(y + column),
        inner_(s.inner),
        left_(static_cast<int>(s.inner - column < piece ? s.inner - column : piece)) {}
  __device__ void load() {
    each([&](int k) { sum_[k] = number(y_[k * warp_width]); });
  }
  // The terms at the positions of the lanes in `mask`, in the order of lanes. Several are on their way at a time.
  __device__ void add(unsigned mask, int32_t position) {
    constexpr int batch = 4;
    while (mask) {
      Number<T> term[batch][lane_columns];
      for (int b = 0; b < batch; b++) {
        const int lane = mask ? __ffs(static_cast<int>(mask)) - 1 : 0;
        const T *from = x_ + int64_t{__shfl_sync(all_lanes, position, lane)} * inner_;
        for (int k = 0; k < lane_columns; k++) term[b][k] = static_cast<Number<T>>(-0.0f);  // changes no sum
        if (mask) each([&](int k) { term[b][k] = number(from[k * warp_width]); });
        mask &= mask - 1;
      }
      for (int b = 0; b < batch; b++)
        for (int k = 0; k < lane_columns; k++) sum_[k] += term[b][k];
    }
  }
  __device__ void store() const {
    each([&](int k) { y_[k * warp_width] = element<T>(sum_[k]); });
  }

 private:
  template <class F>
  __device__ void each(const F &f) const {
    for (int k = 0; k < lane_columns; k++)
      if (k * warp_width < left_) f(k);
  }

  const T *x_;
  T *y_;
  int64_t inner_;
  int left_;  // columns from the lane's first one on
  Number<T> sum_[lane_columns] = {};
};

// f(place of [0, n), outer, the lane's first column) for the tasks of the calling warp.
template <class T, class F>
__device__ void each_task(const Scatter<T> &s, int64_t tasks, const F &f) {
  const int lane = static_cast<int>(threadIdx.x) % warp_width;
  for (int64_t t = first_index() / warp_width; t < tasks; t += index_step() / warp_width) {
    int64_t place, column;
    const int64_t outer = s.places.divide(s.pieces.divide(t, column), place);
    f(static_cast<int32_t>(place), outer, column * piece + lane);
  }
}

// The first position of a row looks at all that follow.
template <class T>
__global__ void __launch_bounds__(block_threads) scatter_few(const Scatter<T> __grid_constant__ s, int64_t tasks) {
  const int lane = static_cast<int>(threadIdx.x) % warp_width;
  each_task(s, tasks, [&](int32_t place, int64_t outer, int64_t column) {
    const uint32_t row = s.names.of(place);
    if (row == s.names.limit) return;
    for (int32_t i = lane; i - lane < place; i += warp_width)
      if (__any_sync(all_lanes, i < place && s.names.of(i) == row)) return;
    RowSum<T> sum(s, outer, s.row(outer, row), column);
    sum.load();
    for (int32_t i = place + lane; i - lane < s.n; i += warp_width)
      sum.add(__ballot_sync(all_lanes, i < s.n && s.names.of(i) == row), i);
    sum.store();
  });
}

// Whether a place of the sorted order is the first one of its row.
template <class T>
__device__ bool is_first(const Scatter<T> &s, const int32_t *sorted, int32_t place, uint32_t row) {
  return row != s.names.limit && !(place && s.names.of(sorted[place - 1]) == row);
}
// Terms lie side by side in the sorted order, from the first one's place on.
template <class T>
__device__ void add_sorted(const Scatter<T> &s, const int32_t *sorted, int32_t place, uint32_t row, RowSum<T> &sum) {
  unsigned mask = all_lanes;
  for (int32_t i = place + static_cast<int>(threadIdx.x) % warp_width; mask == all_lanes; i += warp_width) {
    const int32_t position = i < s.n ? sorted[i] : 0;
    mask = __ballot_sync(all_lanes, i < s.n && s.names.of(position) == row);
    sum.add(mask, position);
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    scatter_sorted(const Scatter<T> __grid_constant__ s, const int32_t *sorted, int64_t tasks) {
  each_task(s, tasks, [&](int32_t place, int64_t outer, int64_t column) {
    const uint32_t row = s.names.of(sorted[place]);
    if (!is_first(s, sorted, place, row)) return;
    RowSum<T> sum(s, outer, s.row(outer, row), column);
    sum.load();
    add_sorted(s, sorted, place, row, sum);
    sum.store();
  });
}

// Sums lie where the first term of each would.
__global__ void __launch_bounds__(block_threads)
    coalesce(const Scatter<float> __grid_constant__ s, const int32_t *sorted, int32_t *order, int64_t tasks) {
  each_task(s, tasks, [&](int32_t place, int64_t, int64_t column) {
    const uint32_t row = s.names.of(sorted[place]);
    if (column == 0) order[place] = static_cast<int32_t>(row);
    RowSum<float> sum(s, 0, s.row(0, place), column);
    if (is_first(s, sorted, place, row)) add_sorted(s, sorted, place, row, sum);
    sum.store();
  });
}

template <class T>
int scatter_add(const ScatterAddArgs &args) {
  const int64_t warps_per_place = args.outer * divide_up(args.inner, piece);
  const bool few = args.count <= 64 || args.count * args.count * warps_per_place <= 1 << 24;
  for (int64_t begin = 0; begin < args.count; begin += most_sorted) {
    const Scatter<T> s(args, begin, begin + most_sorted < args.count ? begin + most_sorted : args.count);
    const int64_t tasks = s.n * warps_per_place, blocks = grid_for(tasks * warp_width);
    if (few) return launch<scatter_few<T>>(blocks, block_threads, 0, s, tasks);
    const int32_t *sorted = nullptr;
    if (int failed = sort_positions(s.names, s.n, sorted)) return failed;
    if (int failed = launch<scatter_sorted<T>>(blocks, block_threads, 0, s, sorted, tasks)) return failed;
  }
  return 0;
}

}  // namespace
}  // namespace gpu

int run_coalesce(const CoalesceArgs &args) {
  const gpu::Scatter<float> s(args, 0, args.count);
  const int64_t tasks = args.count * gpu::divide_up(args.inner, gpu::piece);
  const int32_t *sorted = nullptr;
  if (int failed = gpu::sort_positions(s.names, s.n, sorted)) return failed;
  return gpu::launch<gpu::coalesce>(gpu::grid_for(tasks * gpu::warp_width), gpu::block_threads, 0, s, sorted,
                                    args.order, tasks);
}

int run_scatter_add(const ScatterAddArgs &args) {
  if (!args.outer || !args.count || !args.rows || !args.inner) return 0;
  if (args.type == DG_INT32) return gpu::scatter_add<uint32_t>(args);  // wraps
  return gpu::with_floats(args.type, [&]<class T>() { return gpu::scatter_add<T>(args); });
}

}  // namespace dg
