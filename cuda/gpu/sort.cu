// A radix sort, least significant digit first. Each digit takes two launches: how often does each value occur in each
// block's share, and so where does each share's first one of a value go; then every position goes there, in order.
#include <ptx.h>

#include "last_block.h"
#include "running.h"
#include "sort.h"

namespace dg::gpu {
namespace {

constexpr int digit_bits = 8, digits = 1 << digit_bits;
constexpr int items = 16;  // positions of a thread
constexpr int warp_share = warp_width * items, share = block_threads * items;
static_assert(digits == block_threads, "a thread per digit");
static_assert((2 * most_sorted + (divide_up(most_sorted, share) + 1) * digits) * sizeof(int32_t) <= workspace_bytes);

// One digit's pass over the positions [0, n) in the order that `from` has them; null: ascending.
struct Pass {
  RowNames names;
  const int32_t *from;
  int32_t *to;
  int32_t n;
  int shift;        // of the digit
  int32_t *counts;  // [blocks, digits]: how many of the digit the blocks before have
  int32_t *starts;  // [digits]: where the digit's positions begin

  __device__ int32_t position(int32_t i) const { return from ? from[i] : i; }
  __device__ int32_t digit(int32_t position) const { return names.of(position) >> shift & (digits - 1); }
};

__global__ void __launch_bounds__(block_threads) count_digits(Pass pass, unsigned *ticket) {
  DG_SHARED(int32_t, shared);
  int32_t *const count = shared + block_warps;
  bool *const last = reinterpret_cast<bool *>(count + digits);
  const int me = static_cast<int>(threadIdx.x);  // also a digit
  count[me] = 0;
  __syncthreads();
  const int32_t begin = static_cast<int32_t>(blockIdx.x) * share;
  for (int32_t i = begin + me; i < begin + share && i < pass.n; i += block_threads)
    atomicAdd(count + pass.digit(pass.position(i)), 1);
  __syncthreads();
  pass.counts[blockIdx.x * digits + me] = count[me];
  __syncthreads();
  if (me == 0) *last = last_block(ticket);
  __syncthreads();
  if (!*last) return;
  int32_t sum = 0;
#pragma unroll 8
  for (unsigned b = 0; b < gridDim.x; b++) {
    const int32_t here = pass.counts[b * digits + me];
    pass.counts[b * digits + me] = sum;
    sum += here;
  }
  pass.starts[me] = Before<RunningSum, int32_t>(sum, shared).before;
}

// The lanes whose digit is the calling one's. All lanes of the warp must be here.
__device__ unsigned lanes_with(int32_t digit, bool valid) {
  unsigned same = __ballot_sync(all_lanes, valid);
  for (int bit = 0; bit < digit_bits; bit++) {
    const bool set = digit >> bit & 1;
    const unsigned others = __ballot_sync(all_lanes, set);
    same &= set ? others : ~others;
  }
  return same;
}

// A warp takes its part of the block's share in order, 32 positions at a time, and counts what it has seen of each digit.
__global__ void __launch_bounds__(block_threads) place_positions(Pass pass) {
  DG_SHARED(int32_t, seen);  // [warps, digits]
  const int me = static_cast<int>(threadIdx.x), lane = me % warp_width;
  int32_t *const mine = seen + me / warp_width * digits;
  for (int w = 0; w < block_warps; w++) seen[w * digits + me] = 0;
  __syncthreads();
  const int32_t begin = static_cast<int32_t>(blockIdx.x) * share + me / warp_width * warp_share + lane;
  int32_t position[items], digit[items], rank[items];
#pragma unroll
  for (int k = 0; k < items; k++) {
    const int32_t i = begin + k * warp_width;
    const bool valid = i < pass.n;
    position[k] = valid ? pass.position(i) : 0;
    digit[k] = pass.digit(position[k]);
    const unsigned same = lanes_with(digit[k], valid);
    const int before = __popc(same & ((1u << lane) - 1));
    rank[k] = mine[digit[k]] + before;
    __syncwarp();
    if (valid && before == 0) mine[digit[k]] += __popc(same);
    __syncwarp();
  }
  __syncthreads();
  int32_t next = pass.starts[me] + pass.counts[blockIdx.x * digits + me];
  for (int w = 0; w < block_warps; w++) {
    const int32_t here = seen[w * digits + me];
    seen[w * digits + me] = next;
    next += here;
  }
  __syncthreads();
#pragma unroll
  for (int k = 0; k < items; k++)
    if (begin + k * warp_width < pass.n) pass.to[mine[digit[k]] + rank[k]] = position[k];
}

}  // namespace

int sort_positions(const RowNames &names, int32_t n, const int32_t *&sorted) {
  const int64_t blocks = divide_up(n, share);
  int32_t *to = static_cast<int32_t *>(current().workspace), *spare = to + most_sorted;
  int32_t *const starts = spare + most_sorted, *const counts = starts + digits;
  sorted = nullptr;
  for (int shift = 0; shift < 32 && names.limit >> shift; shift += digit_bits) {
    const Pass pass{names, sorted, to, n, shift, counts, starts};
    if (int failed = launch<count_digits>(blocks, block_threads, (block_warps + digits + 1) * sizeof(int32_t), pass,
                                          current().ticket))
      return failed;
    if (int failed = launch<place_positions>(blocks, block_threads, block_warps * digits * sizeof(int32_t), pass))
      return failed;
    sorted = to;
    to = spare;
    spare = const_cast<int32_t *>(sorted);
  }
  return 0;
}

}  // namespace dg::gpu
