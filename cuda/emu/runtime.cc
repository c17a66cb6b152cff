#include "runtime.h"

#include <stdlib.h>

#include <map>
#include <utility>

#include "control.h"
#include "streams.h"

namespace emu {
namespace {

constexpr size_t shared_default = 48 << 10, shared_most = 163 << 10;
constexpr int version = 13000;

int selected;
cudaError_t last_error;
const char *failure = "";                      // of the last launch that went wrong
std::map<const void *, size_t> shared_limits;  // of kernels that asked for more than the default
std::map<int, cudaError_t> broken_devices;

struct Fault {
  int kernels_left;  // 0: none is to come
  cudaError_t error;
};
Fault next_fault = [] {
  const char *text = getenv("DINOGRAD_EMU_FAULT");
  return Fault{text ? atoi(text) : 0, cudaErrorIllegalAddress};
}();

int device_count() {
  const char *text = getenv("DINOGRAD_EMU_DEVICES");
  return text ? atoi(text) : 1;
}

bool valid(const dim3 &d, unsigned x, unsigned y, unsigned z) {
  return d.x && d.y && d.z && d.x <= x && d.y <= y && d.z <= z;
}

}  // namespace

cudaError_t note(cudaError_t error) {
  if (error) last_error = error;
  return error;
}
cudaError_t broken(int device) {
  const auto found = broken_devices.find(device);
  return found == broken_devices.end() ? cudaSuccess : found->second;
}
void break_device(int device, cudaError_t error) { broken_devices[device] = error; }
void revive(int device) {
  drain(device);
  broken_devices.erase(device);
  last_error = cudaSuccess;
}
void fault(int number, cudaError_t error) { next_fault = {number, error}; }
int current_device() { return selected; }

cudaError_t check(const cudaLaunchConfig_t &c, const void *kernel) {
  if (const cudaError_t error = broken(c.stream->device)) return note(error);
  auto limit = shared_limits.find(kernel);
  const size_t shared = limit == shared_limits.end() ? shared_default : limit->second;
  const dim3 &b = c.blockDim;
  if (valid(c.gridDim, 0x7fffffff, 65535, 65535) && valid(b, most_threads, most_threads, 64) &&
      b.x * b.y * b.z <= most_threads && c.dynamicSmemBytes <= shared && c.stream->device == selected)
    return cudaSuccess;
  return note(cudaErrorInvalidConfiguration);
}

cudaError_t launch(const cudaLaunchConfig_t &config, Kernel kernel) {
  if (next_fault.kernels_left && !--next_fault.kernels_left) return next_fault.error;
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
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure:
      return failure;
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    case cudaErrorGraphExecUpdateFailure:
      return "the graph update was not performed because it included changes which violated constraints specific to "
             "instantiated graph update";
    default:
      return "unrecognized error code";
  }
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

cudaError_t cudaGetDeviceCount(int *count) {
  *count = device_count();
  return *count ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
  if (device < 0 || device >= device_count()) return cudaErrorInvalidDevice;
  *properties = {"emulated", limits().device_bytes, 8, 0, 2, 4 << 20, 0};
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
  selected = device;
  return note(broken(device));
}
