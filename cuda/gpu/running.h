// What have the threads of a block before the calling one? Running sums and products over a block's threads.
#pragma once
#include "group.h"
#include "launch.h"

namespace dg::gpu {

constexpr int block_warps = block_threads / warp_width;

struct RunningSum {
  template <class A>
  __device__ static A start() {
    return 0;
  }
  template <class A>
  __device__ static A join(A a, A b) {
    return a + b;
  }
};
struct RunningProduct {
  template <class A>
  __device__ static A start() {
    return 1;
  }
  template <class A>
  __device__ static A join(A a, A b) {
    return a * b;
  }
};

template <class A>
__device__ A shuffle_up(A value, int by) {
  constexpr int words = sizeof(A) / 4;
  uint32_t word[words];
  memcpy(word, &value, sizeof(A));
  for (int i = 0; i < words; i++) word[i] = __shfl_up_sync(all_lanes, word[i], by);
  memcpy(&value, word, sizeof(A));
  return value;
}

// The join of what all threads before the calling one have, and of what all have. `shared` holds a value per warp.
template <class R, class A>
struct Before {
  A before, all;
  __device__ Before(A mine, A *shared) {
    const int lane = static_cast<int>(threadIdx.x) % warp_width, warp = static_cast<int>(threadIdx.x) / warp_width;
    for (int by = 1; by < warp_width; by *= 2) {
      const A left = shuffle_up(mine, by);
      if (lane >= by) mine = R::join(left, mine);
    }
    if (lane == warp_width - 1) shared[warp] = mine;
    before = shuffle_up(mine, 1);
    if (lane == 0) before = R::template start<A>();
    __syncthreads();
    all = R::template start<A>();
    for (int i = 0; i < block_warps; i++) {
      if (i == warp) before = R::join(all, before);
      all = R::join(all, shared[i]);
    }
    __syncthreads();
  }
};

}  // namespace dg::gpu
