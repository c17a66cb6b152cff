// How do values get to a GPU, from it, and from one to another? All in the order of the GPU's stream; see staging.h for the way.
#include <string.h>

#include "../core/backend.h"
#include "staging.h"

#define DG_CUDA(call) \
  if (const cudaError_t error_ = (call)) return error_

namespace dg::gpu {
namespace {

size_t least(size_t a, size_t b) { return a < b ? a : b; }

// From pageable memory CUDA stages by itself. Waiting makes sure that it is done with the caller's memory.
cudaError_t copy_pageable(Gpu &gpu, void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  DG_CUDA(cudaMemcpyAsync(to, from, bytes, kind, gpu.stream));
  return cudaStreamSynchronize(gpu.stream);
}

cudaError_t upload_small(Gpu &gpu, Ring &ring, char *to, const char *from, size_t bytes) {
  char *pinned;
  DG_CUDA(ring.take(gpu.stream, bytes, &pinned));
  memcpy(pinned, from, bytes);
  return cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyHostToDevice, gpu.stream);
}

cudaError_t upload_large(Gpu &gpu, Slots &s, char *to, const char *from, size_t bytes) {
  for (size_t at = 0; at < bytes; at += Slots::bytes) {
    const size_t n = least(bytes - at, Slots::bytes);
    const int slot = s.next;
    s.next = (slot + 1) % Slots::count;
    char *const pinned = s.pinned + slot * Slots::bytes, *const device = s.device + slot * Slots::bytes;
    DG_CUDA(cudaEventSynchronize(s.arrived[slot]));
    memcpy(pinned, from + at, n);
    DG_CUDA(cudaStreamWaitEvent(s.copies, s.drained[slot], 0));
    DG_CUDA(cudaMemcpyAsync(device, pinned, n, cudaMemcpyHostToDevice, s.copies));
    DG_CUDA(cudaEventRecord(s.arrived[slot], s.copies));
    DG_CUDA(cudaStreamWaitEvent(gpu.stream, s.arrived[slot], 0));
    DG_CUDA(cudaMemcpyAsync(to + at, device, n, cudaMemcpyDeviceToDevice, gpu.stream));
    DG_CUDA(cudaEventRecord(s.drained[slot], gpu.stream));
  }
  return cudaSuccess;
}

cudaError_t download_small(Gpu &gpu, Ring &ring, char *to, const char *from, size_t bytes) {
  char *pinned;
  DG_CUDA(ring.take(gpu.stream, bytes, &pinned));
  DG_CUDA(cudaMemcpyAsync(pinned, from, bytes, cudaMemcpyDeviceToHost, gpu.stream));
  DG_CUDA(cudaStreamSynchronize(gpu.stream));
  memcpy(to, pinned, bytes);
  return cudaSuccess;
}

// The GPU fills slots ahead of the host, which empties them in turn. It is the GPU's stream that fills them, so it has passed all
// uploads from them.
cudaError_t download_large(Gpu &gpu, Slots &s, char *to, const char *from, size_t bytes) {
  const auto slot = [&](size_t at) { return (s.next + at / Slots::bytes) % Slots::count; };
  for (size_t asked = 0, got = 0; got < bytes; got += Slots::bytes) {
    for (; asked < least(bytes, got + Slots::count * Slots::bytes); asked += Slots::bytes) {
      const size_t n = least(bytes - asked, Slots::bytes);
      DG_CUDA(
          cudaMemcpyAsync(s.pinned + slot(asked) * Slots::bytes, from + asked, n, cudaMemcpyDeviceToHost, gpu.stream));
      DG_CUDA(cudaEventRecord(s.drained[slot(asked)], gpu.stream));
    }
    DG_CUDA(cudaEventSynchronize(s.drained[slot(got)]));
    memcpy(to + got, s.pinned + slot(got) * Slots::bytes, least(bytes - got, Slots::bytes));
  }
  return cudaSuccess;
}

cudaError_t send(Gpu &gpu, char *to, const char *from, size_t bytes) {
  if (bytes <= Ring::largest) {
    if (Ring *r = ring(gpu)) return upload_small(gpu, *r, to, from, bytes);
  } else if (Slots *s = slots(gpu)) {
    return upload_large(gpu, *s, to, from, bytes);
  }
  return copy_pageable(gpu, to, from, bytes, cudaMemcpyHostToDevice);
}
cudaError_t fetch(Gpu &gpu, char *to, const char *from, size_t bytes) {
  if (bytes <= Ring::largest) {
    if (Ring *r = ring(gpu)) return download_small(gpu, *r, to, from, bytes);
  } else if (Slots *s = slots(gpu)) {
    return download_large(gpu, *s, to, from, bytes);
  }
  return copy_pageable(gpu, to, from, bytes, cudaMemcpyDeviceToHost);
}

// After a failure nothing may be on its way when the buffers are used again.
int ended(Gpu &gpu, cudaError_t error, const char *what) {
  if (!error) return 0;
  const int failed = status(gpu, error, what);
  if (gpu.staging && gpu.staging->slots.copies) cudaStreamSynchronize(gpu.staging->slots.copies);
  cudaStreamSynchronize(gpu.stream);
  cudaGetLastError();
  return failed;
}

// What `after` is given from now on waits for what `before`, the selected GPU, was given so far.
constexpr const char *between = "Copying between GPUs";
int order(Gpu &before, Gpu &after) {
  cudaError_t error = before.place ? cudaSuccess : cudaEventCreateWithFlags(&before.place, cudaEventDisableTiming);
  if (!error) error = cudaEventRecord(before.place, before.stream);
  if (int failed = status(before, error, between)) return failed;
  return status(after, cudaStreamWaitEvent(after.stream, before.place, 0), between);
}

}  // namespace
}  // namespace dg::gpu

namespace dg::backend {

using gpu::Gpu;

int upload(int device, void *to, const void *from, size_t bytes) {
  Gpu *gpu = gpu::open(device);
  if (!gpu) return DG_E_DEVICE;
  return gpu::ended(*gpu, gpu::send(*gpu, static_cast<char *>(to), static_cast<const char *>(from), bytes),
                    "Copying to the GPU");
}

int download(int device, void *to, const void *from, size_t bytes) {
  Gpu *gpu = gpu::open(device);
  if (!gpu) return DG_E_DEVICE;
  return gpu::ended(*gpu, gpu::fetch(*gpu, static_cast<char *>(to), static_cast<const char *>(from), bytes),
                    "Copying from the GPU");
}

// In the stream of the device that has the values; the other one waits before and after.
int transfer(int to_device, void *to, int from_device, const void *from, size_t bytes) {
  Gpu *const source = gpu::open(from_device), *const target = gpu::open(to_device);
  if (!source || !target) return DG_E_DEVICE;
  if (int failed = gpu::order(*target, *source)) return failed;
  if (!gpu::open(from_device)) return DG_E_DEVICE;
  const cudaError_t error = cudaMemcpyPeerAsync(to, target->ordinal, from, source->ordinal, bytes, source->stream);
  if (int failed = gpu::status(*source, error, gpu::between)) return failed;
  return gpu::order(*source, *target);
}

}  // namespace dg::backend
