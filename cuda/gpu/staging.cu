#include "staging.h"

namespace dg::gpu {
namespace {

// Each is made once; what an attempt that failed has made is there for the next.
cudaError_t make_event(cudaEvent_t &event) {
  return event ? cudaSuccess : cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
}
cudaError_t pin(char *&memory, size_t bytes) {
  return memory ? cudaSuccess : cudaHostAlloc(reinterpret_cast<void **>(&memory), bytes, cudaHostAllocPortable);
}

Staging &staging(Gpu &gpu) {
  if (!gpu.staging) gpu.staging = new Staging{};
  return *gpu.staging;
}

template <class Part>
Part *prepared(Part &part) {
  if (!part.prepare()) return &part;
  cudaGetLastError();
  return nullptr;
}

}  // namespace

cudaError_t Ring::prepare() {
  if (pinned) return cudaSuccess;
  for (cudaEvent_t &event : passed)
    if (const cudaError_t error = make_event(event)) return error;
  return pin(pinned, sections * section_bytes);
}

cudaError_t Ring::take(cudaStream_t stream, size_t bytes, char **at) {
  if (used + bytes > section_bytes) {
    if (const cudaError_t error = cudaEventRecord(passed[section], stream)) return error;
    section = (section + 1) % sections;
    used = 0;
    if (const cudaError_t error = cudaEventSynchronize(passed[section])) return error;
  }
  *at = pinned + section * section_bytes + used;
  used += (bytes + 255) / 256 * 256;
  return cudaSuccess;
}

cudaError_t Slots::prepare() {
  if (device) return cudaSuccess;
  for (int i = 0; i < count; i++) {
    cudaError_t error = make_event(arrived[i]);
    if (!error) error = make_event(drained[i]);
    if (error) return error;
  }
  cudaError_t error = copies ? cudaSuccess : cudaStreamCreateWithFlags(&copies, cudaStreamNonBlocking);
  if (!error) error = pin(pinned, count * bytes);
  return error ? error : cudaMalloc(reinterpret_cast<void **>(&device), count * bytes);
}

Ring *ring(Gpu &gpu) { return prepared(staging(gpu).ring); }
Slots *slots(Gpu &gpu) { return prepared(staging(gpu).slots); }

}  // namespace dg::gpu
