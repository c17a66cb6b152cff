// Which GPU does the work? Each has one stream, so that calls take effect in the order they were made, and a workspace.
#pragma once
#include <cuda_runtime.h>
#include <stddef.h>

#include "../core/error.h"

namespace dg::gpu {

// Scratch memory for kernels that work in two passes. A kernel may rely on nothing in it; how much a kernel needs is
// bounded by its shape rules, so that nothing need be allocated while a graph is captured.
constexpr size_t workspace_bytes = size_t{16} << 20;

struct Gpu {
  int ordinal;  // CUDA's number of the device
  int multiprocessors;
  int capability;  // major * 10 + minor
  cudaStream_t stream;
  void *workspace;
  unsigned *ticket;  // see last_block.h
};

// The GPU that backend::use selected.
Gpu &current();
// The GPU with the contract's number `device`, made ready on first use and selected; null after fail().
Gpu *open(int device);

// 0, or DG_E_DEVICE after fail(): "<what> failed: <CUDA's reason>".
int status(cudaError_t error, const char *what);

}  // namespace dg::gpu
