// Where do values wait on their way between the host's memory and a GPU's? In pinned memory of the host, from which a GPU copies
// by itself while the host goes on: so the caller's memory may change as soon as an upload returns, and nothing enqueued before
// is waited for.
#pragma once
#include <stddef.h>

#include "gpu.h"

namespace dg::gpu {

// Small uploads go from here straight to their place, in the GPU's stream. A section is used again when the stream has passed the
// copies from it.
struct Ring {
  static constexpr size_t largest = size_t{64} << 10, section_bytes = 4 * largest;
  static constexpr int sections = 4;

  char *pinned;
  cudaEvent_t passed[sections];
  int section;
  size_t used;  // bytes of it

  cudaError_t prepare();
  // Room for `bytes` (at most `largest`) that the stream is to read or write.
  cudaError_t take(cudaStream_t stream, size_t bytes, char **at);
};

// Large uploads go in parts through slots, each a piece of pinned memory and one of the GPU's. A stream of its own copies from
// the one to the other, over the bus, while the GPU's stream still works; that stream then copies from the slot to the place.
struct Slots {
  static constexpr size_t bytes = size_t{4} << 20;
  static constexpr int count = 4;

  cudaStream_t copies;
  char *pinned, *device;
  cudaEvent_t arrived[count];  // the pinned piece was read
  cudaEvent_t drained[count];  // the GPU's stream is done with both pieces
  int next;

  cudaError_t prepare();
};

struct Staging {
  Ring ring;
  Slots slots;
};

// Both return false where memory cannot be pinned, or the GPU has none left for the slots: then CUDA must stage.
Ring *ring(Gpu &gpu);
Slots *slots(Gpu &gpu);

}  // namespace dg::gpu
