// Recurrent layers of up to 128 units: a block takes a few samples from the first step to the last, without a word to other
// blocks. The kernel stays on the multiprocessor: each thread holds a column (backwards a part of a row) of it, as much as it can
// in registers, then in shared memory; what is left over is read again in each step.
#include <ptx.h>

#include "recurrent.h"

namespace dg {
namespace gpu {
namespace {

constexpr int in_registers = 64;  // values of the kernel per thread: 512 threads have 128 registers each
constexpr int most_threads = static_cast<int>(4 * most_resident_units);

__host__ __device__ constexpr int up_to_four(int n) { return (n + 3) / 4 * 4; }

// A thread's line of the kernel: value k is at first + k * step.
struct Line {
  Dtype type;
  const void *kernel;
  int64_t first, step;
  int n;  // 0 for a thread without one
  __device__ float at(int k) const { return k < n ? read(type, kernel, first + k * step) : 0.0f; }
};

// y[r] = sum over k of line[k] x[r * stride + k]; x is padded with zeros to `depth`, a multiple of 4.
class HeldLine {
 public:
  // `shared` has room for `rows` values of each thread.
  __device__ HeldLine(const Line &line, float *shared, int rows) : line_(line), shared_(shared), rows_(rows) {
#pragma unroll
    for (int k = 0; k < in_registers; k++) held_[k] = line.at(k);
    for (int k = 0; k < rows; k++) shared[k * blockDim.x + threadIdx.x] = line.at(in_registers + k);
  }

  template <int samples>
  __device__ void multiply(const float *x, int stride, int depth, float (&y)[samples]) const {
    for (int r = 0; r < samples; r++) y[r] = 0;
    const auto add = [&](int k, float a, float b, float c, float d) {
#pragma unroll
      for (int r = 0; r < samples; r++) {
        const float4 v = *reinterpret_cast<const float4 *>(x + r * stride + k);
        y[r] = fma_(d, v.w, fma_(c, v.z, fma_(b, v.y, fma_(a, v.x, y[r]))));
      }
    };
#pragma unroll
    for (int k = 0; k < in_registers; k += 4)
      if (k < depth) add(k, held_[k], held_[k + 1], held_[k + 2], held_[k + 3]);
    const auto rest = [&](int k) {
      const int row = k - in_registers;
      return row < rows_ ? shared_[row * blockDim.x + threadIdx.x] : line_.at(k);
    };
    for (int k = in_registers; k < depth; k += 4) add(k, rest(k), rest(k + 1), rest(k + 2), rest(k + 3));
  }

 private:
  float held_[in_registers];
  const Line line_;
  const float *shared_;
  const int rows_;
};

// How a call is laid out in blocks: `samples` in each, a thread per column of the sums, and shared memory for so many rows of
// the kernel beyond registers.
struct Layout {
  int rows, threads;
  size_t bytes;

  // Rows of floats, each as wide as the units, that a block needs beside the kernel.
  Layout(int64_t units, int parts, int lines) : threads(static_cast<int>(divide_up(units * parts, 32) * 32)) {
    const int capability = current().capability;
    const size_t most = size_t{capability == 75                       ? 64u
                               : capability == 80 || capability == 87 ? 163u
                               : capability >= 90 && capability < 120 ? 227u
                                                                      : 99u}
                        << 10;
    bytes = sizeof(float) * static_cast<size_t>(lines * up_to_four(static_cast<int>(units)));
    const size_t line = sizeof(float) * static_cast<size_t>(threads), fit = (most - bytes) / line;
    const size_t beyond =
        units > in_registers ? static_cast<size_t>(up_to_four(static_cast<int>(units)) - in_registers) : 0;
    rows = static_cast<int>(beyond < fit ? beyond : fit);
    bytes += static_cast<size_t>(rows) * line;
  }
};

// ---- Forwards --------------------------------------------------------------------------------------------------------

// Lines of shared memory: states that meet the kernel (of DG_CELL_GRU_BEFORE also r h'), sums, and p of n.
template <int kind>
constexpr int forward_lines(int samples) {
  return samples * (parts_of<kind> + 3);
}

template <int kind, int samples>
__global__ void __launch_bounds__(most_threads, 1) walk(const RecurrentArgs __grid_constant__ p, int rows) {
  constexpr int parts = parts_of<kind>;
  DG_SHARED(float, shared);
  const int units = static_cast<int>(p.units), pitch = up_to_four(units), column = static_cast<int>(threadIdx.x);
  float *const kept = shared, *const reset = kept + samples * pitch, *const fresh = reset + samples * pitch;
  float *const sums = fresh + samples * pitch, *const weights = sums + samples * parts * pitch;
  const int part = column / units, own = column % units;  // of the column
  const int64_t first = int64_t{blockIdx.x} * samples;

  const Line line{p.type, p.kernel, column, int64_t{parts} * units, part < parts ? units : 0};
  const HeldLine kernel(line, weights, rows);

  // The unit of a sample that the thread takes from step to step.
  const ForwardUnit<kind> unit{{p, first + column / units, own}};
  const int mine = column / units * pitch + own;
  const bool takes = column < samples * units && unit.sample < p.batch;
  const float keep = takes ? unit.keep() : 0;
  float state = takes ? unit.before(0) : 0;
  for (int i = column; i < 2 * samples * pitch; i += static_cast<int>(blockDim.x)) kept[i] = 0;
  __syncthreads();
  if (takes) kept[mine] = state * keep;
  const float bias = kind == DG_CELL_GRU && part == 2 ? read_or(0, p.type, p.bias, own) : 0;

  for (int64_t t = 0; t < p.steps; t++) {
    float said[samples], y[samples];
    for (int r = 0; r < samples; r++) {
      const ForwardUnit<kind> of{{p, first + r, own}};
      said[r] = part < parts && of.sample < p.batch ? of.projected(t, part) : 0;
    }
    const auto give = [&](bool which) {
      if (!which) return;
      for (int r = 0; r < samples; r++) {
        const bool apart = (kind == DG_CELL_GRU || kind == DG_CELL_GRU_BEFORE) && part == 2;
        sums[(r * parts + part) * pitch + own] = apart ? y[r] + bias : y[r] + said[r];
        if (apart) fresh[r * pitch + own] = said[r];
      }
    };
    __syncthreads();
    kernel.multiply(kept, pitch, pitch, y);
    give(part < parts);
    __syncthreads();
    const float *const of = sums + column / units * parts * pitch + own;
    if constexpr (kind == DG_CELL_GRU_BEFORE) {
      if (takes) reset[mine] = unit.open_gates(t, of[0], of[pitch], kept[mine]);
      __syncthreads();
      kernel.multiply(reset, pitch, pitch, y);
      give(part == 2);
      __syncthreads();
    }
    if (takes) {
      float own_sums[parts];
      for (int g = 0; g < parts; g++) own_sums[g] = of[g * pitch];
      state = unit.advance(t, own_sums, fresh[mine], state);
      kept[mine] = state * keep;
    }
  }
}

// ---- Backwards -------------------------------------------------------------------------------------------------------

// Lines of shared memory: gradients that meet the turned kernel, and what each part of it gives.
template <int kind>
constexpr int backward_lines(int samples) {
  return samples * 2 * parts_of<kind>;
}

template <int kind, int samples>
__global__ void __launch_bounds__(most_threads, 1) walk_back(const RecurrentGradArgs __grid_constant__ p, int rows) {
  constexpr int parts = parts_of<kind>;
  DG_SHARED(float, shared);
  const int units = static_cast<int>(p.units), pitch = up_to_four(units), column = static_cast<int>(threadIdx.x);
  float *const given = shared, *const back = given + samples * parts * pitch;
  float *const weights = back + samples * parts * pitch;
  const int part = column / units, own = column % units;
  const int64_t first = int64_t{blockIdx.x} * samples;

  // Part `part` of the row of unit `own`.
  const int64_t start = (int64_t{own} * parts + part) * units;
  const HeldLine kernel(Line{p.type, p.kernel, start, 1, part < parts ? units : 0}, weights, rows);

  const BackwardUnit<kind> unit{{p, first + column / units, own}};
  const bool takes = column < samples * units && unit.sample < p.batch;
  const int mine = column / units * parts * pitch + own;
  Later later = takes ? unit.last() : Later{};
  for (int i = column; i < 2 * samples * parts * pitch; i += static_cast<int>(blockDim.x)) given[i] = 0;

  const auto multiply = [&](int from, int to) {  // parts
    float y[samples];
    __syncthreads();
    kernel.multiply(given + (part < parts ? part : 0) * pitch, parts * pitch, pitch, y);
    if (part >= from && part < to)
      for (int r = 0; r < samples; r++) back[(r * parts + part) * pitch + own] = y[r];
    __syncthreads();
  };
  const auto through_product = [&](int count) {
    float sum = 0;
    for (int g = 0; g < count; g++) sum += back[mine + g * pitch];
    return sum;
  };
  constexpr int joined = kind == DG_CELL_GRU_BEFORE ? 2 : parts;  // parts whose products make up the gradient of h'
  __syncthreads();
  for (int64_t t = p.steps - 1; t >= 0; t--) {
    float d[parts], product[parts];
    if (takes) {
      unit.turn_back(t, through_product(joined), later, d, product);
      unit.note_all(t, d, product);
      for (int g = 0; g < parts; g++) given[mine + g * pitch] = product[g];
    }
    if constexpr (kind == DG_CELL_GRU_BEFORE) {
      multiply(2, 3);
      if (takes) {
        const float reset = unit.reset_gradient(t, back[mine + 2 * pitch], later);
        unit.note(t, 1, reset);
        given[mine + pitch] = reset;
      }
    }
    multiply(0, joined);
  }
  if (takes) unit.finish(through_product(joined), later);
}

// As many samples in a block as leave no multiprocessor idle, and no more than threads are there for.
template <int most>
int samples_of_block(int64_t batch) {
  return most > 1 && batch > current().multiprocessors ? most : 1;
}

}  // namespace

int walk_resident(const RecurrentArgs &args) {
  return with_cell(args.kind, [&]<int kind>() {
    constexpr int parts = parts_of<kind>, most = parts > 2 ? parts / 2 * 2 : 1;
    const int samples = samples_of_block<most>(args.batch);
    const Layout layout(args.units, parts, forward_lines<kind>(samples));
    const int64_t blocks = divide_up(args.batch, samples);
    if (samples == 1) return launch<walk<kind, 1>>(blocks, layout.threads, layout.bytes, args, layout.rows);
    return launch<walk<kind, most>>(blocks, layout.threads, layout.bytes, args, layout.rows);
  });
}
int walk_resident(const RecurrentGradArgs &args) {
  return with_cell(args.kind, [&]<int kind>() {
    constexpr int parts = parts_of<kind>, most = parts > 2 ? parts / 2 * 2 : 1;
    const int samples = samples_of_block<most>(args.batch);
    const Layout layout(args.units, parts, backward_lines<kind>(samples));
    const int64_t blocks = divide_up(args.batch, samples);
    if (samples == 1) return launch<walk_back<kind, 1>>(blocks, layout.threads, layout.bytes, args, layout.rows);
    return launch<walk_back<kind, most>>(blocks, layout.threads, layout.bytes, args, layout.rows);
  });
}

}  // namespace gpu

int run_recurrent(const RecurrentArgs &args) {
  return args.units <= gpu::most_resident_units ? gpu::walk_resident(args) : gpu::walk_stepwise(args);
}
int run_recurrent_grad(const RecurrentGradArgs &args) {
  return args.units <= gpu::most_resident_units ? gpu::walk_resident(args) : gpu::walk_stepwise(args);
}

}  // namespace dg
