// Which GPU does the work? Each has one stream, so that calls take effect in the order they were made, and a workspace.
#pragma once
#include <cuda_runtime.h>
#include <stddef.h>

#include "../core/error.h"

namespace dg::gpu {

// Scratch memory for kernels that work in two passes. A kernel may rely on nothing in it; how much a kernel needs is
// bounded by its shape rules, so that nothing need be allocated while a graph is captured.
constexpr size_t workspace_bytes = size_t{32} << 20;

struct Staging;

// What a GPU was given last. Its failures come to light later, and then this is the best that can be said.
struct Work {
  const char *kernel;  // its name, or launch()'s, which holds it; null: a recorded step
  int calls;           // of the recorded step; 0: nothing was given yet
};

struct Gpu {
  int ordinal;  // CUDA's number of the device
  int multiprocessors;
  int capability;  // major * 10 + minor
  cudaStream_t stream;
  void *workspace;
  unsigned *ticket;       // see last_block.h
  cudaEvent_t place;      // in the stream, for the stream of another GPU to wait for
  Staging *staging;       // see staging.h; null before the first transfer
  cudaGraphExec_t spare;  // left by a program, for the next one
  Work last;
  bool lost;       // failed in a way that only the end of the process cures
  bool capturing;  // whether the stream is being made into a graph
};

// The GPU that backend::use selected.
Gpu &current();
// The GPU with the contract's number `device`, made ready on first use and selected; null after fail().
Gpu *open(int device);

// 0, or DG_E_DEVICE after fail(): "<what> failed: <CUDA's reason>". An error that a kernel left behind takes the GPU out of
// use, and the sentence says what it was doing.
int status(Gpu &gpu, cudaError_t error, const char *what);
int status(cudaError_t error, const char *what);  // of the current GPU
// DG_E_DEVICE after fail() for a GPU that was lost earlier.
int lost_earlier(const Gpu &gpu);
// Notes what the current GPU was given, and what came of it. With DINOGRAD_SYNC=1 it waits for the end.
int launched(cudaError_t error, Work work);
// Whether DINOGRAD_SYNC asks to wait after each kernel, so that a failure is reported where it happens.
bool one_at_a_time();

}  // namespace dg::gpu
