// Normalization of what lies in many rows (batch and group normalization). Columns are measured, what blocks found is joined in
// the workspace, and rows are read again to be written. Samples are taken as many at a time as the workspace has room for.
#include <ptx.h>

#include "../math/normalize.h"
#include "columns.h"
#include "group.h"
#include "normalize.h"
#include "number.h"

namespace dg {
namespace gpu {
namespace {

constexpr int least_tiles = 4;  // blocks on a multiprocessor: leaves registers enough

__device__ float or_one(const float *p, int64_t i) { return p ? p[i] : 1.0f; }
__device__ float or_zero(const float *p, int64_t i) { return p ? p[i] : 0.0f; }

struct Sums {
  float plain, weighted;  // of dy, and of dy z with the normalised x as z
};
__device__ Sums join(const Sums &a, const Sums &b) { return {a.plain + b.plain, a.weighted + b.weighted}; }

// ---- Forward -------------------------------------------------------------------------------------------------------

template <class T>
__global__ void __launch_bounds__(block_threads, least_tiles)
    measure_columns(const Columns __grid_constant__ c, const T *x, bool centred, Moments<float> *partial) {
  DG_SHARED(Moments<float>, shared);
  const Column column(c);
  Shifted<float> sums;
  if (centred && column.begin < column.end) sums.shift = number(x[column.begin]);
  column.each<pack_size<T>>([&](int64_t i) { sums.add(number(x[i])); });
  Moments<float> m = {};
  if (const int64_t n = column.taken(column.row)) m = sums.moments(static_cast<float>(n), centred);
  int64_t before = column.taken(0);
  m = column.over_rows(m, shared, [&](Moments<float> &all, const Moments<float> &other, int row) {
    const int64_t n = column.taken(row);
    if (n) all = dg::join(all, static_cast<float>(before), other, static_cast<float>(n));
    before += n;
  });
  if (column.row == 0 && column.rows) partial[column.partial] = m;
}

// The numbers of a warp, and f(i, run, channel) for its lane's share of what a statistic is made of.
__device__ int64_t this_warp() { return int64_t{blockIdx.x} * (block_threads / warp_width) + threadIdx.x / warp_width; }
__device__ int this_lane() { return static_cast<int>(threadIdx.x) % warp_width; }
template <class F>
__device__ void each_partial(const Columns &c, int64_t statistic, const F &f) {
  const int64_t sample = statistic / c.groups, first = statistic % c.groups * c.size;
  for (int64_t k = this_lane(); k < c.runs() * c.size; k += warp_width) {
    int64_t rest;
    const int64_t run = c.by_size.divide(k, rest);
    f((sample * c.runs() + run) * c.channels + first + rest, run, first + rest);
  }
}
__device__ float warp_sum(float value) {
  return join_lanes(value, warp_width, [](float a, float b) { return a + b; });
}

// A warp for each statistic.
__global__ void __launch_bounds__(block_threads)
    join_moments(const Columns __grid_constant__ c, const Moments<float> *partial, float *mean, float *variance) {
  const int64_t statistic = this_warp();
  if (statistic >= c.batch * c.groups) return;
  const int64_t folds = c.columns / c.channels, whole = (c.parts - 1) * folds;  // runs of all rows of a part
  const float n = static_cast<float>(c.rows * folds * c.size);
  const float length = static_cast<float>(c.length), rest = static_cast<float>(c.rows_in(c.parts - 1));
  const auto rows = [&](int64_t run) { return run < whole ? length : rest; };
  float sum = 0, squares = 0;
  each_partial(c, statistic, [&](int64_t i, int64_t run, int64_t) { sum = fma_(partial[i].mean, rows(run) / n, sum); });
  const float centre = warp_sum(sum);
  each_partial(c, statistic, [&](int64_t i, int64_t run, int64_t) {
    const float apart = partial[i].mean - centre;
    squares += fma_(apart * apart, rows(run), partial[i].squares);
  });
  squares = warp_sum(squares);
  if (this_lane()) return;
  if (mean) mean[statistic] = centre;
  variance[statistic] = squares / n;
}

template <class T>
__global__ void __launch_bounds__(block_threads, least_tiles)
    normalize_tiles(const Columns __grid_constant__ c, const T *x, const float *scale, const float *offset,
                    const float *mean, const float *variance, T *y, float epsilon) {
  const Column column(c);
  if (!column.rows) return;
  const float centre = or_zero(mean, column.statistic), shift = or_zero(offset, column.channel);
  const float factor = inverse_deviation(variance[column.statistic], epsilon) * or_one(scale, column.channel);
  column.write<pack_size<T>>(y, [&](int64_t i) { return element<T>(normalized(number(x[i]), centre, factor, shift)); });
}

// ---- Backward ------------------------------------------------------------------------------------------------------

// own_rows: each row has statistics of its own.
template <class T, bool own_rows>
__global__ void __launch_bounds__(block_threads, least_tiles)
    sum_columns(const Columns __grid_constant__ c, const T *x, const T *dy, const float *mean, const float *variance,
                float epsilon, Sums *partial) {
  DG_SHARED(Sums, shared);
  const Column column(c);
  Sums sums = {};
  const auto add = [&](int64_t i, float centre, float inverse) {
    const float g = number(dy[i]);
    sums.plain += g;
    sums.weighted = fma_(g, (number(x[i]) - centre) * inverse, sums.weighted);
  };
  if constexpr (own_rows) {
    column.each<pack_size<T>>([&](int64_t i) {
      int64_t rest;
      const int64_t statistic = c.by_size.divide(i, rest);
      add(i, or_zero(mean, statistic), inverse_deviation(variance[statistic], epsilon));
    });
  } else if (column.rows) {
    const float centre = or_zero(mean, column.statistic);
    const float inverse = inverse_deviation(variance[column.statistic], epsilon);
    column.each<pack_size<T>>([&](int64_t i) { add(i, centre, inverse); });
  }
  sums = column.over_rows(sums, shared, [](Sums &all, const Sums &other, int) { all = join(all, other); });
  if (column.row == 0 && column.rows) partial[column.partial] = sums;
}

// The means of g and of g z over what is normalised together, with g = dy * scale. A warp for each.
__global__ void __launch_bounds__(block_threads)
    join_groups(const Columns __grid_constant__ c, const Sums *partial, const float *scale, Sums *means) {
  const int64_t statistic = this_warp();
  if (statistic >= c.batch * c.groups) return;
  Sums sums = {};
  each_partial(c, statistic, [&](int64_t i, int64_t, int64_t channel) {
    const float s = or_one(scale, channel);
    sums.plain = fma_(partial[i].plain, s, sums.plain);
    sums.weighted = fma_(partial[i].weighted, s, sums.weighted);
  });
  sums = join_lanes(sums, warp_width, join);
  const float n = static_cast<float>(c.rows * (c.columns / c.channels) * c.size);
  if (this_lane() == 0) means[statistic] = {sums.plain / n, sums.weighted / n};
}

// dscale and doffset, or, if these are more samples, what those come to with them. A warp for each channel.
__global__ void __launch_bounds__(block_threads)
    join_channels(const Columns __grid_constant__ c, const Sums *partial, float *dscale, float *doffset, bool more) {
  const int64_t channel = this_warp();
  if (channel >= c.channels) return;
  Sums sums = {};
  for (int64_t k = this_lane(); k < c.batch * c.runs(); k += warp_width)
    sums = join(sums, partial[k * c.channels + channel]);
  sums = join_lanes(sums, warp_width, join);
  if (this_lane()) return;
  if (dscale) dscale[channel] = sums.weighted + (more ? dscale[channel] : 0);
  if (doffset) doffset[channel] = sums.plain + (more ? doffset[channel] : 0);
}

template <class T>
__global__ void __launch_bounds__(block_threads, least_tiles)
    normalize_grad_tiles(const Columns __grid_constant__ c, const T *x, const T *dy, const float *scale,
                         const float *mean, const float *variance, const Sums *means, T *dx, float epsilon) {
  const Column column(c);
  if (!column.rows) return;
  const int64_t statistic = column.statistic;
  const Slope<float> slope =
      slope_of(or_zero(mean, statistic), inverse_deviation(variance[statistic], epsilon), or_one(scale, column.channel),
               mean ? means[statistic].plain : 0, means[statistic].weighted);
  column.write<pack_size<T>>(dx, [&](int64_t i) { return element<T>(slope(number(x[i]), number(dy[i]))); });
}

// ---- Launches ------------------------------------------------------------------------------------------------------

constexpr int64_t most_partials = int64_t{1} << 21;  // of 8 bytes; as many means beside them fill the workspace
static_assert(2 * most_partials * sizeof(Sums) <= workspace_bytes && sizeof(Sums) == sizeof(Moments<float>));

template <auto kernel, class... Arguments>
int launch_warps(int64_t warps, const Arguments &...arguments) {
  return launch<kernel>(divide_up(warps, block_threads / warp_width), block_threads, 0, arguments...);
}
template <auto kernel, class... Arguments>
int launch_tiles(const Columns &c, const Arguments &...arguments) {
  return launch<kernel>(c.blocks(), block_threads, block_threads * sizeof(Sums), c, arguments...);
}

int need_room(const Columns &c) {
  if (c.partials() <= most_partials) return 0;
  return fail(DG_E_MEMORY, "Too many channels to normalize at once: ", c.channels);
}

float *moved(float *p, int64_t by) { return p ? p + by : nullptr; }
const float *moved(const float *p, int64_t by) { return p ? p + by : nullptr; }

// f(samples, the first of them) for all samples, as many at a time as there is room for.
template <class F>
int for_samples(const NormalSizes &sizes, const F &f) {
  int64_t most = most_partials / (sizes.channels() < 2 * tile_width ? 2 * tile_width : sizes.channels());
  if (most < 1) most = 1;
  for (int64_t first = 0; first < sizes.batch; first += most) {
    const int64_t samples = sizes.batch - first < most ? sizes.batch - first : most;
    const Columns c(samples, sizes.rows, sizes.groups, sizes.size);
    if (const int failed = f(c, first)) return failed;
  }
  return 0;
}

}  // namespace

int normalize_columns(const NormalizeArgs &args) {
  const NormalSizes &sizes = args.sizes;
  auto *const partial = static_cast<Moments<float> *>(current().workspace);
  return with_floats(args.type, [&]<class T>() {
    return for_samples(sizes, [&](const Columns &c, int64_t first) {
      const int64_t at = first * sizes.rows * sizes.channels();
      const T *const x = static_cast<const T *>(args.x) + at;
      float *const mean = moved(args.mean, first * sizes.groups), *const variance =
                                                                      args.variance + first * sizes.groups;
      if (args.measure) {
        if (const int failed = need_room(c)) return failed;
        if (const int failed = launch_tiles<measure_columns<T>>(c, x, args.mean != nullptr, partial)) return failed;
        if (const int failed = launch_warps<join_moments>(c.batch * c.groups, c, partial, mean, variance))
          return failed;
      }
      return launch_tiles<normalize_tiles<T>>(c, x, args.scale, args.offset, mean, variance,
                                              static_cast<T *>(args.y) + at, args.epsilon);
    });
  });
}

int normalize_grad_columns(const NormalizeGradArgs &args) {
  const NormalSizes &sizes = args.sizes;
  auto *const partial = static_cast<Sums *>(current().workspace), *const means = partial + most_partials;
  return with_floats(args.type, [&]<class T>() {
    return for_samples(sizes, [&](const Columns &c, int64_t first) {
      const int64_t at = first * sizes.rows * sizes.channels();
      const T *const x = static_cast<const T *>(args.x) + at, *const dy = static_cast<const T *>(args.dy) + at;
      const float *const mean = moved(args.mean, first * sizes.groups);
      const float *const variance = args.variance + first * sizes.groups;
      if (const int failed = need_room(c)) return failed;
      if (const int failed = launch_tiles<sum_columns<T, false>>(c, x, dy, mean, variance, args.epsilon, partial))
        return failed;
      if (const int failed = launch_warps<join_groups>(c.batch * c.groups, c, partial, args.scale, means))
        return failed;
      if (const int failed = launch_warps<join_channels>(c.channels, c, partial, args.dscale, args.doffset, first != 0))
        return failed;
      return launch_tiles<normalize_grad_tiles<T>>(c, x, dy, args.scale, mean, variance, means,
                                                   static_cast<T *>(args.dx) + at, args.epsilon);
    });
  });
}

int sum_samples(const NormalizeGradArgs &args) {
  const Columns c(1, args.sizes.batch, args.sizes.groups, args.sizes.size);
  auto *const partial = static_cast<Sums *>(current().workspace);
  if (const int failed = need_room(c)) return failed;
  return with_floats(args.type, [&]<class T>() {
    if (const int failed =
            launch_tiles<sum_columns<T, true>>(c, static_cast<const T *>(args.x), static_cast<const T *>(args.dy),
                                               args.mean, args.variance, args.epsilon, partial))
      return failed;
    return launch_warps<join_channels>(c.channels, c, partial, args.dscale, args.doffset, false);
  });
}

}  // namespace gpu
}  // namespace dg
