// Memory of the CUDA build: where does it come from, and how do values get there and back?
#include "../core/backend.h"
#include "gpu.h"

namespace dg::backend {

using gpu::status;

void *allocate(int device, size_t bytes) {
  void *memory = nullptr;
  if (!gpu::open(device) || !cudaMalloc(&memory, bytes)) return memory;
  cudaGetLastError();  // the pool frees what it holds and asks again, or says that memory is short
  return nullptr;
}
void release(int device, void *memory, size_t) {
  if (gpu::open(device)) cudaFree(memory);
}

// Arenas are made of ordinary allocations here.
void *reserve(int, size_t) { return nullptr; }
bool grow(int, void *, size_t, size_t) { return false; }
void unreserve(int, void *, size_t, size_t) {}

// Pageable memory is read before the call returns (CUDA stages it), so the caller may change it at once.
int upload(int device, void *to, const void *from, size_t bytes) {
  gpu::Gpu *gpu = gpu::open(device);
  if (!gpu) return DG_E_DEVICE;
  return status(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, gpu->stream), "Copying to the GPU");
}
int download(int device, void *to, const void *from, size_t bytes) {
  gpu::Gpu *gpu = gpu::open(device);
  if (!gpu) return DG_E_DEVICE;
  if (int failed =
          status(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, gpu->stream), "Copying from the GPU"))
    return failed;
  return status(cudaStreamSynchronize(gpu->stream), "Copying from the GPU");
}

namespace {
// What `after` is given from now on waits for what `before` was given so far.
cudaError_t order(cudaStream_t before, cudaStream_t after) {
  cudaEvent_t done = nullptr;
  cudaError_t error = cudaEventCreateWithFlags(&done, cudaEventDisableTiming);
  if (!error) error = cudaEventRecord(done, before);
  if (!error) error = cudaStreamWaitEvent(after, done, 0);
  if (done) cudaEventDestroy(done);
  return error;
}
}  // namespace

// In the stream of the device that has the values; the other one waits before and after.
int transfer(int to_device, void *to, int from_device, const void *from, size_t bytes) {
  const gpu::Gpu *target = gpu::open(to_device), *source = gpu::open(from_device);
  if (!target || !source) return DG_E_DEVICE;
  cudaError_t error = order(target->stream, source->stream);
  if (!error) error = cudaMemcpyPeerAsync(to, target->ordinal, from, source->ordinal, bytes, source->stream);
  if (!error) error = order(source->stream, target->stream);
  return status(error, "Copying between GPUs");
}

}  // namespace dg::backend
