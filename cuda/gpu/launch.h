// How does a kernel start? Every one through launch<kernel>(), in the stream of the current GPU.
#pragma once
#include <stdint.h>

#include <utility>

#include "gpu.h"

namespace dg::gpu {

// A block gets more shared memory than this only from a kernel that was prepared for it, on each GPU.
constexpr size_t shared_default = size_t{48} << 10;

template <auto kernel>
cudaError_t allow_shared(size_t bytes) {
  static struct {
    int gpu = -1;
    size_t bytes = 0;
  } allowed;
  const int gpu = current().ordinal;
  if (bytes <= shared_default || (gpu == allowed.gpu && bytes <= allowed.bytes)) return cudaSuccess;
  const auto attribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
  const cudaError_t error = cudaFuncSetAttribute(kernel, attribute, static_cast<int>(bytes));
  if (!error) allowed = {gpu, bytes};
  return error;
}

// A row of blocks; none are no work, and more than a grid can have are refused by CUDA.
template <auto kernel, class... Arguments>
int launch(int64_t blocks, dim3 block, size_t shared_bytes, Arguments &&...arguments) {
  if (blocks == 0) return 0;
  cudaLaunchConfig_t config{};
  config.gridDim = static_cast<unsigned>(blocks < UINT32_MAX ? blocks : UINT32_MAX);
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = current().stream;
  cudaError_t error = allow_shared<kernel>(shared_bytes);
  if (!error) error = cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
  return launched(error, {__PRETTY_FUNCTION__, 1});
}

constexpr int block_threads = 256;  // of a kernel that has no reason to choose otherwise

__host__ __device__ constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Blocks for a loop over n pieces of work, one per thread and stride of the grid: enough to fill the GPU a few times
// over.
inline int64_t grid_for(int64_t n) {
  const int64_t blocks = divide_up(n, block_threads), most = int64_t{current().multiprocessors} * 32;
  return blocks < most ? blocks : most;
}

// The loop itself: for (int64_t i = first_index(); i < n; i += index_step())
__device__ inline int64_t first_index() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ inline int64_t index_step() { return int64_t{gridDim.x} * blockDim.x; }

}  // namespace dg::gpu
