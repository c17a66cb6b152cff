// Which way is a convolution computed? As a product of matrices where windows are single pixels. On tensor cores (conv_mma.h)
// where the type allows it. Otherwise as a matrix product in tiles, whose factors are looked up where they lie, or result by
// result where groups have few channels. Where there are few results and k is long, k is cut into parts, and a second pass
// adds them in order. The choice depends on the shape and the type alone.
#include <ptx.h>

#include "../core/backend.h"
#include "conv_mma.h"
#include "conv_operands.h"

namespace dg {
namespace gpu {
namespace {

constexpr int tile = 64, depth = 16, pitch = tile + 4, each = 4;  // a thread makes each x each results
constexpr int tile_threads = tile / each * (tile / each), loads = tile * depth / tile_threads;

struct Tiles {
  int64_t m, n, k, groups;  // n of a group
  int64_t tiles_m, tiles_n;
  int64_t parts, length;  // of k

  int64_t results() const { return m * n * groups; }
};

template <class T>
struct Epilogue {
  const T *bias;  // or null
  int32_t activation;
  float alpha;

  __device__ T finish(int64_t column, float sum) const {
    if (bias) sum += widen(bias[column]);
    return narrow<T>(activation < 0 ? sum : activate(activation, sum, alpha));
  }
};

// A thread's loads of a slice: neighbours in the block are neighbours in memory. Those along k share their k, those along
// the lines their line.
template <bool along_k>
struct Loads {
  int line = along_k ? static_cast<int>(threadIdx.x) / depth : static_cast<int>(threadIdx.x) % tile;
  int k = along_k ? static_cast<int>(threadIdx.x) % depth : static_cast<int>(threadIdx.x) / tile;

  __device__ int line_of(int i) const { return along_k ? line + i * (tile_threads / depth) : line; }
  __device__ int k_of(int i) const { return along_k ? k : k + i * (tile_threads / tile); }
  static constexpr int lines = along_k ? loads : 1, depths = along_k ? 1 : loads;
};

// y [parts, m, groups * n]
template <class Operands, class Write>
__device__ void multiply_tile(const Operands &operands, const Tiles &p, const Write &write) {
  DG_SHARED(float, shared);
  float *const slice_a = shared, *const slice_b = shared + depth * pitch;
  int64_t block = blockIdx.x;
  const int64_t column0 = block % p.tiles_n * tile;
  block /= p.tiles_n;
  const int64_t row0 = block % p.tiles_m * tile;
  block /= p.tiles_m;
  const int64_t group = block % p.groups, part = block / p.groups;
  const int64_t begin = part * p.length, end = begin + p.length < p.k ? begin + p.length : p.k;

  using LoadsA = Loads<Operands::a_along_k>;
  using LoadsB = Loads<Operands::b_along_k>;
  const LoadsA in_a;
  const LoadsB in_b;
  typename Operands::Row row[LoadsA::lines];
#pragma unroll
  for (int i = 0; i < LoadsA::lines; i++) {
    const int64_t m = row0 + in_a.line_of(i);
    row[i] = operands.row(m < p.m ? m : 0);
  }
  // The next slice waits in registers while this one is used.
  float next_a[loads], next_b[loads];
  const auto look_up = [&](int64_t k0) {
#pragma unroll
    for (int i = 0; i < LoadsA::depths; i++) {
      const int64_t k = k0 + in_a.k_of(i);
      const typename Operands::Depth at = operands.at(k < end ? k : begin);
#pragma unroll
      for (int j = 0; j < LoadsA::lines; j++)
        next_a[i + j] = k < end && row0 + in_a.line_of(j) < p.m ? operands.a(group, row[j], at) : 0;
    }
#pragma unroll
    for (int i = 0; i < LoadsB::depths; i++) {
      const int64_t k = k0 + in_b.k_of(i);
      const typename Operands::Depth at = operands.at(k < end ? k : begin);
#pragma unroll
      for (int j = 0; j < LoadsB::lines; j++) {
        const int64_t column = column0 + in_b.line_of(j);
        next_b[i + j] = k < end && column < p.n ? operands.b(group * p.n + column, at) : 0;
      }
    }
  };
  const int thread_row = static_cast<int>(threadIdx.x) / (tile / each) * each;
  const int thread_column = static_cast<int>(threadIdx.x) % (tile / each) * each;
  float sum[each][each] = {};
  if (begin < end) look_up(begin);
#pragma unroll 1
  for (int64_t k0 = begin; k0 < end; k0 += depth) {
#pragma unroll
    for (int i = 0; i < loads; i++) {
      slice_a[in_a.k_of(i) * pitch + in_a.line_of(i)] = next_a[i];
      slice_b[in_b.k_of(i) * pitch + in_b.line_of(i)] = next_b[i];
    }
    __syncthreads();
    if (k0 + depth < end) look_up(k0 + depth);
#pragma unroll
    for (int k = 0; k < depth; k++)
#pragma unroll
      for (int i = 0; i < each; i++)
#pragma unroll
        for (int j = 0; j < each; j++)
          sum[i][j] = fma_(slice_a[k * pitch + thread_row + i], slice_b[k * pitch + thread_column + j], sum[i][j]);
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < each; i++)
#pragma unroll
    for (int j = 0; j < each; j++) {
      const int64_t m = row0 + thread_row + i, n = column0 + thread_column + j;
      if (m < p.m && n < p.n) write(part, (m * p.groups + group) * p.n + n, group * p.n + n, sum[i][j]);
    }
}

// Result `i` of a part by itself.
template <class Operands>
__device__ float multiply_one(const Operands &operands, const Tiles &p, const Divider &columns, const Divider &n,
                              int64_t i, int64_t part) {
  int64_t column, own;
  const typename Operands::Row row = operands.row(columns.divide(i, column));
  const int64_t group = n.divide(column, own);
  const int64_t begin = part * p.length, end = begin + p.length < p.k ? begin + p.length : p.k;
  float sum = 0;
  for (int64_t k = begin; k < end; k++) {
    const typename Operands::Depth at = operands.at(k);
    sum = fma_(operands.a(group, row, at), operands.b(column, at), sum);
  }
  return sum;
}

template <class T, class Operands>
__global__ void __launch_bounds__(tile_threads)
    conv_tiles(const Operands __grid_constant__ operands, const Tiles __grid_constant__ p, Epilogue<T> epilogue,
               float *sums, T *y) {
  const int64_t results = p.m * p.n * p.groups;
  multiply_tile(operands, p, [&](int64_t part, int64_t i, int64_t column, float sum) {
    if (p.parts > 1) {
      sums[part * results + i] = sum;
    } else {
      y[i] = epilogue.finish(column, sum);
    }
  });
}

template <class T, class Operands>
__global__ void __launch_bounds__(block_threads)
    conv_results(const Operands __grid_constant__ operands, const Tiles __grid_constant__ p, Divider columns, Divider n,
                 Divider results, Epilogue<T> epilogue, float *sums, T *y) {
  const int64_t count = p.m * p.n * p.groups;
  for (int64_t at = first_index(); at < count * p.parts; at += index_step()) {
    int64_t i, column;
    const int64_t part = results.divide(at, i);
    const float sum = multiply_one(operands, p, columns, n, i, part);
    columns.divide(i, column);
    if (p.parts > 1) {
      sums[at] = sum;
    } else {
      y[i] = epilogue.finish(column, sum);
    }
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    join_sums(const float *sums, int64_t parts, int64_t n, Divider columns, Epilogue<T> epilogue, T *y) {
  for (int64_t i = first_index(); i < n; i += index_step()) {
    float sum = sums[i];
    for (int64_t part = 1; part < parts; part++) sum += sums[part * n + i];
    int64_t column;
    columns.divide(i, column);
    y[i] = epilogue.finish(column, sum);
  }
}

// Cuts k into parts where `pieces` of work are too few to fill a GPU.
void split(Tiles &p, int64_t pieces, int64_t enough, int64_t least_length) {
  const int64_t most = static_cast<int64_t>(workspace_bytes / sizeof(float)) / p.results();
  int64_t parts = enough / pieces;
  if (parts > p.k / least_length) parts = p.k / least_length;
  if (parts > most) parts = most;
  if (parts < 2) return;
  p.length = divide_up(divide_up(p.k, parts), depth) * depth;
  p.parts = divide_up(p.k, p.length);
}

template <class T, class Operands>
int convolve(const ConvArgs &args) {
  constexpr int64_t few_columns = 16;
  const Operands operands(args);
  Tiles p{operands.m, operands.n, operands.k, args.groups, 0, 0, 1, operands.k};
  p.tiles_m = divide_up(p.m, tile);
  p.tiles_n = divide_up(p.n, tile);
  const Epilogue<T> epilogue{static_cast<const T *>(args.bias), args.activation, args.alpha};
  const Divider columns(p.n * p.groups);
  T *const y = static_cast<T *>(args.y);
  float *const sums = static_cast<float *>(current().workspace);
  int failed;
  if (p.groups > 1 && p.n < few_columns) {
    split(p, divide_up(p.results(), block_threads), 1024, 64);
    failed = launch<conv_results<T, Operands>>(grid_for(p.results() * p.parts), block_threads, 0, operands, p, columns,
                                               Divider(p.n), Divider(p.results()), epilogue, sums, y);
  } else {
    const int64_t tiles = p.tiles_m * p.tiles_n * p.groups;
    split(p, tiles, 256, 128);
    failed = launch<conv_tiles<T, Operands>>(tiles * p.parts, tile_threads, 2 * depth * pitch * sizeof(float), operands,
                                             p, epilogue, sums, y);
  }
  if (failed || p.parts == 1) return failed;
  return launch<join_sums<T>>(grid_for(p.results()), block_threads, 0, sums, p.parts, p.results(), columns, epilogue,
                              y);
}

bool of_single_pixels(const ConvArgs &args) {
  bool single = args.groups == 1;
  for (const Axis &a : args.axis) single = single && a.window == 1 && a.stride == 1 && a.padding == 0 && a.in == a.out;
  return single;
}
int multiply_pixels(const ConvArgs &args) {
  MatMulArgs product{};
  product.type = args.type;
  product.a = args.a;
  product.b = args.b;
  product.bias = args.bias;
  product.y = args.y;
  product.batch = 1;
  product.m = product.k = args.batch * elements(args.axis, &Axis::in);
  product.n = args.kind == DG_CONV_INPUT ? args.in_channels : args.out_channels;
  (args.kind == DG_CONV_FILTER ? product.m : product.k) = args.in_channels + args.out_channels - product.n;
  product.transpose_a = args.kind == DG_CONV_FILTER;
  product.transpose_b = args.kind == DG_CONV_INPUT;
  product.tf32 = args.tf32;
  product.activation = args.activation;
  product.alpha = args.alpha;
  return run_matmul(product);
}

// Groups of fewer channels leave tiles of the tensor cores mostly empty.
bool worth_tensor_cores(const ConvArgs &args) {
  constexpr int64_t channels = 16;
  return args.groups == 1 ||
         (args.in_channels / args.groups >= channels && args.out_channels / args.groups >= channels);
}

template <class T, class Format>
int convolve(const ConvArgs &args, bool tensor_cores) {
  if (tensor_cores && current().capability >= 80 && worth_tensor_cores(args) && windows_fit(args))
    return mma_convolve<Format>(args);
  switch (args.kind) {
    case DG_CONV_FORWARD:
      return convolve<T, ForwardOperands<T>>(args);
    case DG_CONV_INPUT:
      return convolve<T, InputOperands<T>>(args);
    default:
      return convolve<T, FilterOperands<T>>(args);
  }
}

}  // namespace
}  // namespace gpu

int run_conv(const ConvArgs &args) {
  if (gpu::of_single_pixels(args)) return gpu::multiply_pixels(args);
  switch (args.type) {
    case DG_FLOAT32:
      return args.tf32 == tf32_parts ? gpu::convolve<float, gpu::Tf32x3>(args, true)
                                     : gpu::convolve<float, gpu::Tf32>(args, args.tf32);
    case DG_FLOAT16:
      return gpu::convolve<Half, gpu::F16>(args, true);
    case DG_BFLOAT16:
      return gpu::convolve<Brain, gpu::Bf16>(args, true);
  }
  return fail(DG_E_ARGUMENT, "A convolution takes floats");
}

}  // namespace dg
