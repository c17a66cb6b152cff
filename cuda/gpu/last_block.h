// Which block of a grid ends last? It may rely on all that the others did, and does what is left for the whole grid.
#pragma once
#include <cuda_runtime.h>

namespace dg::gpu {

// To be called once per block, after a barrier behind the block's work, by one thread. `ticket` (Gpu::ticket) is 0
// before the grid and after it.
__device__ inline bool last_block(unsigned *ticket) {
  __threadfence();
  const unsigned last = gridDim.x - 1;
  const bool is_last = atomicInc(ticket, last) == last;
  __threadfence();
  return is_last;
}

}  // namespace dg::gpu
