// Are gradients usable? Their limits by value and by norm, and the check that all are finite.
#include "../core/args.h"
#include "../math/families.h"
#include "../math/reductions.h"
#include "last_block.h"
#include "reduce.h"
#include "segments.h"

namespace dg {
namespace gpu {
namespace {

template <int capacity>
__global__ void __launch_bounds__(block_threads)
    clip_values(const SegmentTable<capacity> __grid_constant__ table, float *grads, float limit) {
  const Chunk chunk(table);
  float *x = grads + chunk.offset;
  for (int64_t i = chunk.begin + threadIdx.x; i < chunk.end; i += blockDim.x) x[i] = clamp_(x[i], -limit, limit);
}

// What brings a norm within the limit. A norm that is NaN makes everything NaN, so that it is noticed.
__device__ float factor(float squares, float limit) {
  const float norm = sqrt_(squares);
  return norm <= limit ? 1.0f : limit / norm;
}

__device__ float add(float a, float b) { return a + b; }

// The sum of x [begin, end) over one block.
template <class F>
__device__ float block_sum(int64_t begin, int64_t end, float *shared, const F &f) {
  float sum = 0;
  for (int64_t i = begin + threadIdx.x; i < end; i += block_threads) sum = f(sum, i);
  return join_group(sum, block_threads, shared, add);
}

// sums [chunks]: sums of squares. The last block turns them into factors [segments]: of each segment, or of all.
template <int capacity>
__global__ void __launch_bounds__(block_threads)
    measure_norms(const SegmentTable<capacity> __grid_constant__ table, const float *grads, float limit, bool global,
                  float *sums, float *factors, unsigned *ticket) {
  DG_SHARED(float, shared);
  bool *const last = reinterpret_cast<bool *>(shared + block_threads / warp_width);
  const Chunk chunk(table);
  const float *x = grads + chunk.offset;
  const float squares =
      block_sum(chunk.begin, chunk.end, shared, [&](float sum, int64_t i) { return fma_(x[i], x[i], sum); });
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = squares;
    *last = last_block(ticket);
  }
  __syncthreads();
  if (!*last) return;
  const auto total = [&](int64_t begin, int64_t end) {
    return block_sum(begin, end, shared, [&](float sum, int64_t i) { return sum + sums[i]; });
  };
  const float of_all = global ? factor(total(0, table.chunks), limit) : 0;
  for (int s = 0; s < table.count; s++) {
    const int64_t end = s + 1 < table.count ? table.segments[s + 1].first_chunk : table.chunks;
    const float of_segment = global ? of_all : factor(total(table.segments[s].first_chunk, end), limit);
    if (threadIdx.x == 0) factors[s] = of_segment;
  }
}

template <int capacity>
__global__ void __launch_bounds__(block_threads)
    scale_segments(const SegmentTable<capacity> __grid_constant__ table, float *grads, const float *factors) {
  const Chunk chunk(table);
  const float by = factors[chunk.segment];
  if (by == 1.0f) return;
  float *x = grads + chunk.offset;
  for (int64_t i = chunk.begin + threadIdx.x; i < chunk.end; i += blockDim.x) x[i] *= by;
}

template <int capacity>
int clip_segments(const ClipArgs &args, const SegmentTable<capacity> &table) {
  if (table.count == 0) return 0;
  const Clip op = static_cast<Clip>(args.op);
  if (op == Clip::clipvalue)
    return launch<clip_values<capacity>>(table.chunks, block_threads, 0, table, args.grads, args.limit);
  float *const factors = static_cast<float *>(current().workspace), *const sums = factors + most_segments;
  if ((table.chunks + most_segments) * sizeof(float) > workspace_bytes)
    return fail(DG_E_MEMORY, "Too many gradients to clip at once");
  if (int failed = launch<measure_norms<capacity>>(
          table.chunks, block_threads, (block_threads / warp_width + 1) * sizeof(float), table, args.grads, args.limit,
          op == Clip::globalClipnorm, sums, factors, current().ticket))
    return failed;
  return launch<scale_segments<capacity>>(table.chunks, block_threads, 0, table, args.grads, factors);
}

struct AllFinite {
  using In = float;
  using Value = int32_t;
  using Out = int32_t;
  __device__ int32_t start() const { return 1; }
  __device__ int32_t add(int32_t all, float x, int64_t) const { return all & (abs_(x) < infinity); }
  __device__ int32_t join(int32_t a, int32_t b) const { return a & b; }
  __device__ int32_t finish(int32_t all) const { return all; }
};

}  // namespace
}  // namespace gpu

int run_clip(const ClipArgs &args) {
  return gpu::with_segments(args.segments, args.count,
                            [&](const auto &table) { return gpu::clip_segments(args, table); });
}

int run_all_finite(const AllFiniteArgs &args) {
  gpu::ReduceShape shape;
  shape.push(args.n, true);
  return gpu::reduce(gpu::AllFinite(), args.x, args.flag, shape.end());
}

}  // namespace dg
