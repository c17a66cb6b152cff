// How do the threads of a group agree on one value? Groups are 1 to 32 neighbouring lanes, or a whole block. The order
// in which values meet depends on the group's width only.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>
#include <string.h>

namespace dg::gpu {

constexpr int warp_width = 32;
constexpr unsigned all_lanes = 0xffffffffu;

// A shuffle of any type made of 32-bit words or smaller than one.
template <class T>
__device__ T shuffle_xor(T value, int bits) {
  constexpr int words = (sizeof(T) + 3) / 4;
  uint32_t word[words] = {};
  memcpy(word, &value, sizeof(T));
  for (int i = 0; i < words; i++) word[i] = __shfl_xor_sync(all_lanes, word[i], bits);
  memcpy(&value, word, sizeof(T));
  return value;
}

// Every lane gets the join of its group of `width` (a power of two up to 32) lanes. All lanes of the warp must be here.
template <class T, class Join>
__device__ T join_lanes(T value, int width, const Join &join) {
  for (int bits = width / 2; bits > 0; bits /= 2) value = join(value, shuffle_xor(value, bits));
  return value;
}

// Every thread gets the join of its group: `width` lanes, or, where that is more than 32, all threads of the block,
// which has as many. `shared` holds a value per warp, and is free again on return.
template <class T, class Join>
__device__ T join_group(T value, int width, T *shared, const Join &join) {
  if (width <= warp_width) return join_lanes(value, width, join);
  value = join_lanes(value, warp_width, join);
  const int warps = width / warp_width;
  if (threadIdx.x % warp_width == 0) shared[threadIdx.x / warp_width] = value;
  __syncthreads();
  value = shared[0];
  for (int i = 1; i < warps; i++) value = join(value, shared[i]);
  __syncthreads();
  return value;
}

// Threads worth giving to a row of n elements: a part of a warp, or a block of `most`.
inline int group_width(int64_t n, int most) {
  if (n > 32 * warp_width) return most;
  int width = 1;
  while (width < warp_width && width < n) width *= 2;
  return width;
}

}  // namespace dg::gpu
