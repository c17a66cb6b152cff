#include "runtime.h"

#include <stdlib.h>
#include <string.h>

#include <map>
#include <utility>
#include <vector>

struct EmulatedStream {
  int device;
  EmulatedGraph *capture = nullptr;
};
struct EmulatedGraph {
  std::vector<emu::Work> nodes;
};
struct EmulatedEvent {};  // work is done when it is submitted, so there is nothing to wait for

namespace emu {
namespace {

constexpr size_t memory_total = size_t{4} << 30;
constexpr size_t shared_default = 48 << 10, shared_most = 163 << 10;
constexpr int version = 13000;

struct Allocation {
  size_t bytes;
  int device;
};

int current_device;
cudaError_t last_error;
const char *failure = "";                      // of the last launch that went wrong
std::map<char *, Allocation> allocations;      // by address
std::map<const void *, size_t> shared_limits;  // of kernels that asked for more than the default

int device_count() {
  const char *text = getenv("DINOGRAD_EMU_DEVICES");
  return text ? atoi(text) : 1;
}

size_t in_use(int device) {
  size_t bytes = 0;
  for (const auto &[memory, a] : allocations)
    if (a.device == device) bytes += a.bytes;
  return bytes;
}

cudaError_t note(cudaError_t error) {
  if (error) last_error = error;
  return error;
}

// Whether [memory, memory + bytes) lies in one allocation of the device. `elsewhere` is the answer for memory of the host:
// true where a device that shares its addresses would do.
bool on_device(const void *memory, size_t bytes, int device, bool elsewhere = false) {
  char *at = static_cast<char *>(const_cast<void *>(memory));
  auto after = allocations.upper_bound(at);
  if (after == allocations.begin()) return elsewhere;
  const auto &[base, a] = *--after;
  if (at >= base + a.bytes) return elsewhere;
  return a.device == device && at + bytes <= base + a.bytes;
}

bool valid(const dim3 &d, unsigned x, unsigned y, unsigned z) {
  return d.x && d.y && d.z && d.x <= x && d.y <= y && d.z <= z;
}

}  // namespace

cudaError_t submit(cudaStream_t stream, Work work) {
  if (!stream->capture) return note(work());
  stream->capture->nodes.push_back(std::move(work));
  return cudaSuccess;
}

cudaError_t check(const cudaLaunchConfig_t &c, const void *kernel) {
  auto limit = shared_limits.find(kernel);
  const size_t shared = limit == shared_limits.end() ? shared_default : limit->second;
  const dim3 &b = c.blockDim;
  if (valid(c.gridDim, 0x7fffffff, 65535, 65535) && valid(b, most_threads, most_threads, 64) &&
      b.x * b.y * b.z <= most_threads && c.dynamicSmemBytes <= shared && c.stream->device == current_device)
    return cudaSuccess;
  return note(cudaErrorInvalidConfiguration);
}

cudaError_t launch(const cudaLaunchConfig_t &config, Kernel kernel) {
  const char *error = run_grid(config.gridDim, config.blockDim, config.dynamicSmemBytes, kernel);
  if (!error) return cudaSuccess;
  failure = error;
  return cudaErrorLaunchFailure;
}

cudaError_t allow_shared(const void *kernel, size_t bytes) {
  if (bytes > shared_most) return note(cudaErrorInvalidValue);
  shared_limits[kernel] = bytes;
  return cudaSuccess;
}

}  // namespace emu

using namespace emu;

const char *cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorLaunchFailure:
      return failure;
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
  }
  return "unrecognized error code";
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

cudaError_t cudaGetDeviceCount(int *count) {
  *count = device_count();
  return *count ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
  if (device < 0 || device >= device_count()) return cudaErrorInvalidDevice;
  *properties = {"emulated", memory_total, 8, 0, 2, 4 << 20, 0};
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr, int) {
  *value = 1000;  // kHz
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int *v) {
  *v = version;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *v) {
  *v = version;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= device_count()) return cudaErrorInvalidDevice;
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void **memory, size_t bytes) {
  if (bytes > memory_total - in_use(current_device) || posix_memalign(memory, 256, bytes))
    return note(cudaErrorMemoryAllocation);
  memset(*memory, 0xff, bytes);  // NaN: what was never written is seen
  allocations[static_cast<char *>(*memory)] = {bytes, current_device};
  return cudaSuccess;
}
cudaError_t cudaFree(void *memory) {
  if (!memory) return cudaSuccess;
  if (!allocations.erase(static_cast<char *>(memory))) return note(cudaErrorInvalidValue);
  free(memory);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned) {
  *memory = malloc(bytes);
  return *memory ? cudaSuccess : note(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void *memory) {
  free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *available, size_t *total) {
  *total = memory_total;
  *available = memory_total - in_use(current_device);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const bool within = kind == cudaMemcpyDeviceToDevice;
  const bool to_known = kind == cudaMemcpyDeviceToHost || on_device(to, bytes, stream->device, within);
  const bool from_known = kind == cudaMemcpyHostToDevice || on_device(from, bytes, stream->device, within);
  if (!to_known || !from_known) return note(cudaErrorInvalidValue);
  return submit(stream, [=] {
    memmove(to, from, bytes);
    return cudaSuccess;
  });
}
cudaError_t cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t bytes,
                                cudaStream_t stream) {
  if (!on_device(to, bytes, to_device) || !on_device(from, bytes, from_device)) return note(cudaErrorInvalidValue);
  return submit(stream, [=] {
    memmove(to, from, bytes);
    return cudaSuccess;
  });
}
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream) {
  if (!on_device(memory, bytes, stream->device)) return note(cudaErrorInvalidValue);
  return submit(stream, [=] {
    memset(memory, value, bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  *stream = new EmulatedStream{current_device};
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return stream->capture ? note(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  *event = new EmulatedEvent;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->capture) return note(cudaErrorStreamCaptureUnsupported);
  stream->capture = new EmulatedGraph;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  if (!stream->capture) return note(cudaErrorStreamCaptureUnsupported);
  *graph = std::exchange(stream->capture, nullptr);
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *instance, cudaGraph_t graph, unsigned long long) {
  *instance = new EmulatedGraph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t stream) {
  if (stream->capture) return note(cudaErrorStreamCaptureUnsupported);
  for (const Work &node : instance->nodes)
    if (cudaError_t error = node()) return note(error);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t instance) {
  delete instance;
  return cudaSuccess;
}
