// Recurrent layers of many units: a kernel per step, of blocks that each take a few units of a few samples, because their
// weights fit no multiprocessor. The product of the states and what follows from it are one kernel.
#include <ptx.h>

#include "recurrent.h"

namespace dg {
namespace gpu {
namespace {

constexpr int wide = 32, high = 16, depth = 32;                // units and samples of a block; values of k at a time
constexpr int per_thread = 2, rows_apart = high / per_thread;  // samples; threads are wide x rows_apart
constexpr int pitch = depth + 1;

// y[r] = sum over k of a(sample, k) b(unit, k) for the thread's unit and samples; and that for `parts` b's at once.
template <int parts, class A, class B>
__device__ void multiply(int64_t size, const A &a, const B &b, float (&y)[per_thread][parts]) {
  DG_SHARED(float, shared);
  float *const slice_a = shared, *const slice_b = shared + high * pitch;
  const int thread = static_cast<int>(threadIdx.x), unit = thread % wide, row = thread / wide;
  for (int r = 0; r < per_thread; r++)
    for (int g = 0; g < parts; g++) y[r][g] = 0;
  for (int64_t k = 0; k < size; k += depth) {
    for (int i = thread; i < high * depth; i += block_threads)
      slice_a[i / depth * pitch + i % depth] = k + i % depth < size ? a(i / depth, k + i % depth) : 0;
    for (int i = thread; i < parts * wide * depth; i += block_threads) b.load(slice_b, i, k, size);
    __syncthreads();
    for (int j = 0; j < depth; j++)
#pragma unroll
      for (int r = 0; r < per_thread; r++) {
        const float value = slice_a[(row + r * rows_apart) * pitch + j];
        for (int g = 0; g < parts; g++) y[r][g] = fma_(value, slice_b[(g * wide + unit) * pitch + j], y[r][g]);
      }
    __syncthreads();
  }
}
constexpr size_t shared_bytes(int parts) { return sizeof(float) * static_cast<size_t>((high + parts * wide) * pitch); }

// What a block works on.
struct Tile {
  int64_t sample, unit;  // its first
  __device__ explicit Tile(int64_t units) {
    const int64_t across = divide_up(units, wide);
    sample = blockIdx.x / across * high;
    unit = blockIdx.x % across * wide;
  }
  __device__ int64_t own_unit() const { return unit + static_cast<int>(threadIdx.x) % wide; }
  __device__ int64_t own_sample(int r) const { return sample + static_cast<int>(threadIdx.x) / wide + r * rows_apart; }
};
int64_t tiles(int64_t batch, int64_t units) { return divide_up(batch, high) * divide_up(units, wide); }

// Columns of the kernel [size, all * units], parts from `first` on: neighbouring threads read neighbouring columns.
struct Columns {
  Dtype type;
  const void *kernel;
  int64_t units, unit;
  int all, first;
  __device__ void load(float *slice, int i, int64_t k, int64_t size) const {
    const int column = i % wide, j = i / wide % depth, part = i / wide / depth;
    const bool there = k + j < size && unit + column < units;
    slice[(part * wide + column) * pitch + j] =
        there ? read(type, kernel, ((k + j) * all + first + part) * units + unit + column) : 0;
  }
};
// The same of its rows, values from `first` on of `line` each.
struct Rows {
  Dtype type;
  const void *kernel;
  int64_t units, unit, line, first;
  __device__ void load(float *slice, int i, int64_t k, int64_t size) const {
    const int j = i % depth, row = i / depth;
    const bool there = k + j < size && unit + row < units;
    slice[row * pitch + j] = there ? read(type, kernel, (unit + row) * line + first + k + j) : 0;
  }
};

// ---- Forwards --------------------------------------------------------------------------------------------------------

// Step t. DG_CELL_GRU_BEFORE takes two: its gates first, and then (`second`) the rest.
template <int kind, bool second>
__global__ void __launch_bounds__(block_threads) step(const RecurrentArgs __grid_constant__ p, int64_t t) {
  constexpr bool gates_first = kind == DG_CELL_GRU_BEFORE;
  constexpr int all = parts_of<kind>, first = second ? 2 : 0;
  constexpr int parts = gates_first ? (second ? 1 : 2) : all;
  const Tile tile(p.units);
  const auto a = [&](int row, int64_t k) {
    const ForwardUnit<kind> unit{{p, tile.sample + row, k}};
    if (unit.sample >= p.batch) return 0.0f;
    return second ? unit.traced(t, 3) : unit.before(t) * unit.keep();
  };
  float y[per_thread][parts];
  multiply<parts>(p.units, a, Columns{p.type, p.kernel, p.units, tile.unit, all, first}, y);
#pragma unroll
  for (int r = 0; r < per_thread; r++) {
    const ForwardUnit<kind> unit{{p, tile.own_sample(r), tile.own_unit()}};
    if (unit.sample >= p.batch || unit.unit >= p.units) continue;
    float sums[all] = {}, fresh = 0;
    for (int g = 0; g < parts; g++) sums[first + g] = y[r][g];
    if constexpr (gates_first && !second) {
      const float kept = unit.before(t) * unit.keep();
      unit.open_gates(t, sums[0] + unit.projected(t, 0), sums[1] + unit.projected(t, 1), kept);
      continue;
    }
    if constexpr (kind == DG_CELL_GRU || gates_first) {
      fresh = unit.projected(t, 2);
      if (kind == DG_CELL_GRU) sums[2] += read_or(0, p.type, p.bias, unit.unit);
    }
    constexpr int ready = kind == DG_CELL_GRU ? 2 : gates_first ? 0 : all;
    for (int g = 0; g < ready; g++) sums[g] += unit.projected(t, g);
    unit.advance(t, sums, fresh, unit.before(t));
  }
}

// ---- Backwards -------------------------------------------------------------------------------------------------------
// What steps later say lies in dh (past the product) and dc between kernels.

// From the gradients of step t + 1 to those of step t; t = -1: to the states before the first.
template <int kind>
__global__ void __launch_bounds__(block_threads) step_back(const RecurrentGradArgs __grid_constant__ p, int64_t t) {
  constexpr int all = parts_of<kind>, joined = kind == DG_CELL_GRU_BEFORE ? 2 : all;
  const Tile tile(p.units);
  const void *const given = kind == DG_CELL_GRU ? p.dproduct : p.dprojected;
  const bool last = t == p.steps - 1;
  const auto a = [&](int row, int64_t k) {
    const BackwardUnit<kind> unit{{p, tile.sample + row, 0}};
    return unit.sample < p.batch ? read(p.type, given, unit.sum(t + 1, 0) + k) : 0.0f;
  };
  float y[per_thread][1];
  const int64_t line = p.units * all;
  multiply<1>(last ? 0 : p.units * joined, a, Rows{p.type, p.kernel, p.units, tile.unit, line, 0}, y);
#pragma unroll
  for (int r = 0; r < per_thread; r++) {
    const BackwardUnit<kind> unit{{p, tile.own_sample(r), tile.own_unit()}};
    if (unit.sample >= p.batch || unit.unit >= p.units) continue;
    Later later = last ? unit.last() : Later{p.dh[unit.state()], kind == DG_CELL_LSTM ? p.dc[unit.state()] : 0};
    if (t >= 0) {
      float d[all], product[all];
      unit.turn_back(t, y[r][0], later, d, product);
      unit.note_all(t, d, product);
      y[r][0] = 0;
    }
    unit.finish(y[r][0], later);
  }
}

// Then, of DG_CELL_GRU_BEFORE, the gradient of r, which follows from the product of n's.
__global__ void __launch_bounds__(block_threads)
    step_back_reset(const RecurrentGradArgs __grid_constant__ p, int64_t t) {
  using ThisUnit = BackwardUnit<DG_CELL_GRU_BEFORE>;
  const Tile tile(p.units);
  const auto a = [&](int row, int64_t k) {
    const ThisUnit unit{{p, tile.sample + row, k}};
    return unit.sample < p.batch ? read(p.type, p.dprojected, unit.sum(t, 2)) : 0.0f;
  };
  float y[per_thread][1];
  multiply<1>(p.units, a, Rows{p.type, p.kernel, p.units, tile.unit, 3 * p.units, 2 * p.units}, y);
#pragma unroll
  for (int r = 0; r < per_thread; r++) {
    const ThisUnit unit{{p, tile.own_sample(r), tile.own_unit()}};
    if (unit.sample >= p.batch || unit.unit >= p.units) continue;
    Later later{p.dh[unit.state()], 0};
    unit.note(t, 1, unit.reset_gradient(t, y[r][0], later));
    p.dh[unit.state()] = later.direct;
  }
}

}  // namespace

int walk_stepwise(const RecurrentArgs &args) {
  return with_cell(args.kind, [&]<int kind>() {
    constexpr bool gates_first = kind == DG_CELL_GRU_BEFORE;
    constexpr int parts = gates_first ? 2 : parts_of<kind>;
    const int64_t blocks = tiles(args.batch, args.units);
    for (int64_t t = 0; t < args.steps; t++) {
      int status = launch<step<kind, false>>(blocks, block_threads, shared_bytes(parts), args, t);
      if (gates_first && !status)
        status = launch<step<kind, gates_first>>(blocks, block_threads, shared_bytes(1), args, t);
      if (status) return status;
    }
    return 0;
  });
}
int walk_stepwise(const RecurrentGradArgs &args) {
  return with_cell(args.kind, [&]<int kind>() {
    const int64_t blocks = tiles(args.batch, args.units);
    for (int64_t t = args.steps - 1; t >= -1; t--) {
      int status = launch<step_back<kind>>(blocks, block_threads, shared_bytes(1), args, t);
      if (kind == DG_CELL_GRU_BEFORE && t >= 0 && !status)
        status = launch<step_back_reset>(blocks, block_threads, shared_bytes(1), args, t);
      if (status) return status;
    }
    return 0;
  });
}

}  // namespace gpu
}  // namespace dg
