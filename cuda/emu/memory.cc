#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include <vector>

#include "control.h"
#include "streams.h"

namespace emu {
namespace {

std::map<int, size_t> in_use;     // bytes, by device
std::map<char *, size_t> pinned;  // bytes, by first byte
size_t pinned_bytes;

// Whether [memory, memory + bytes) lies in what is mapped of a device, maybe in several pieces side by side. `elsewhere` is the
// answer for memory of the host: true where a device that shares its addresses would do.
bool on_device(const void *memory, size_t bytes, int device, bool elsewhere = false) {
  char *at = static_cast<char *>(const_cast<void *>(memory));
  auto piece = device_memory().upper_bound(at);
  if (piece == device_memory().begin()) return elsewhere;
  --piece;
  if (at >= piece->first + piece->second.bytes) return elsewhere;
  for (char *end = at + bytes;; ++piece) {
    if (piece == device_memory().end() || piece->first > at || piece->second.device != device) return false;
    at = piece->first + piece->second.bytes;
    if (at >= end) return true;
  }
}

bool is_pinned(const void *memory, size_t bytes) {
  char *at = static_cast<char *>(const_cast<void *>(memory));
  auto after = pinned.upper_bound(at);
  if (after == pinned.begin()) return false;
  const auto &[base, size] = *--after;
  return at + bytes <= base + size;
}

cudaError_t move(void *to, const void *from, size_t bytes, cudaStream_t stream) {
  return submit(stream, Kind::copy, [=] {
    memmove(to, from, bytes);
    return cudaSuccess;
  });
}

}  // namespace

std::map<char *, Allocation> &device_memory() {
  static auto *all = new std::map<char *, Allocation>;
  return *all;
}

bool take_bytes(int device, size_t bytes) {
  if (in_use[device] + bytes > limits().device_bytes) return false;
  in_use[device] += bytes;
  return true;
}
void give_bytes(int device, size_t bytes) { in_use[device] -= bytes; }

Limits &limits() {
  static Limits all = [] {
    const char *text = getenv("DINOGRAD_EMU_MEMORY");
    return Limits{text ? strtoull(text, nullptr, 10) : size_t{4} << 30, size_t{1} << 30, true, true};
  }();
  return all;
}

}  // namespace emu

using namespace emu;

cudaError_t cudaMalloc(void **memory, size_t bytes) {
  const int device = current_device();
  if (const cudaError_t error = broken(device)) return note(error);
  if (!take_bytes(device, bytes)) return note(cudaErrorMemoryAllocation);
  if (posix_memalign(memory, 256, bytes)) {
    give_bytes(device, bytes);
    return note(cudaErrorMemoryAllocation);
  }
  memset(*memory, 0xff, bytes);  // NaN: what was never written is seen
  device_memory()[static_cast<char *>(*memory)] = {bytes, device};
  counts().allocations++;
  return cudaSuccess;
}
cudaError_t cudaFree(void *memory) {
  if (!memory) return cudaSuccess;
  const auto found = device_memory().find(static_cast<char *>(memory));
  if (found == device_memory().end()) return note(cudaErrorInvalidValue);
  const Allocation a = found->second;
  drain(a.device);
  if (const cudaError_t error = broken(a.device)) return note(error);
  device_memory().erase(found);
  give_bytes(a.device, a.bytes);
  free(memory);
  counts().allocations--;
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned) {
  if (const cudaError_t error = broken(current_device())) return note(error);
  if (pinned_bytes + bytes > limits().pinned_bytes) return note(cudaErrorMemoryAllocation);
  *memory = malloc(bytes);
  if (!*memory) return note(cudaErrorMemoryAllocation);
  memset(*memory, 0xff, bytes);
  pinned[static_cast<char *>(*memory)] = bytes;
  pinned_bytes += bytes;
  counts().pinned++;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void *memory) {
  if (!memory) return cudaSuccess;
  const auto found = pinned.find(static_cast<char *>(memory));
  if (found == pinned.end()) return note(cudaErrorInvalidValue);
  drain(current_device());
  pinned_bytes -= found->second;
  pinned.erase(found);
  free(memory);
  counts().pinned--;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *available, size_t *total) {
  if (const cudaError_t error = broken(current_device())) return note(error);
  *total = limits().device_bytes;
  const size_t used = in_use[current_device()];
  *available = used < *total ? *total - used : 0;
  return cudaSuccess;
}

// A copy from or to pageable memory is made at once, when all before it is done.
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (const cudaError_t error = broken(stream->device)) return note(error);
  const bool within = kind == cudaMemcpyDeviceToDevice;
  const bool to_known = kind == cudaMemcpyDeviceToHost || on_device(to, bytes, stream->device, within);
  const bool from_known = kind == cudaMemcpyHostToDevice || on_device(from, bytes, stream->device, within);
  if (!to_known || !from_known) return note(cudaErrorInvalidValue);
  if (within || is_pinned(kind == cudaMemcpyHostToDevice ? from : to, bytes)) return move(to, from, bytes, stream);
  if (const cudaError_t error = cudaStreamSynchronize(stream)) return error;
  memmove(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t bytes,
                                cudaStream_t stream) {
  if (!on_device(to, bytes, to_device) || !on_device(from, bytes, from_device)) return note(cudaErrorInvalidValue);
  if (const cudaError_t error = broken(to_device)) return note(error);
  return move(to, from, bytes, stream);
}
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream) {
  if (!on_device(memory, bytes, stream->device)) return note(cudaErrorInvalidValue);
  return submit(stream, Kind::fill, [=] {
    memset(memory, value, bytes);
    return cudaSuccess;
  });
}
