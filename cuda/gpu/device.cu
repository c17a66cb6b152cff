// Devices of the CUDA build: which are there, what are they like, and if there is none, why?
#include <vector>

#include "../core/backend.h"
#include "../cpu/threads.h"
#include "gpu.h"

namespace dg {

// Work for the processor is not what this build is for.
int thread_count() { return 1; }
int set_thread_count(int) { return 1; }

namespace gpu {
namespace {

constexpr int least_capability = 75;

struct Device {
  cudaDeviceProp properties;
  Gpu gpu;
};
struct Devices {
  std::vector<Device> usable;
  Text why_none;
};

// Says in why_none what keeps CUDA from starting.
void explain(Text &why, cudaError_t error) {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const auto version = [&](int v) {
    why.append(v / 1000);
    why.append(".");
    why.append(v % 1000 / 10);
  };
  if (error == cudaErrorNoDevice) {
    why.append("No NVIDIA GPU was found");
  } else if (driver == 0) {
    why.append("There is no NVIDIA driver: libcuda.so.1 was not found");
  } else if (driver < runtime) {
    why.append("The NVIDIA driver is too old: it supports CUDA ");
    version(driver);
    why.append(", but CUDA ");
    version(runtime);
    why.append(" is needed (driver 580 or newer)");
  } else {
    why.append("CUDA cannot start: ");
    why.append(cudaGetErrorString(error));
  }
}

Devices *find_devices() {
  auto *devices = new Devices;
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error) {
    explain(devices->why_none, error);
    count = 0;
  }
  for (int i = 0; i < count; i++) {
    Device d{};
    if (cudaGetDeviceProperties(&d.properties, i)) continue;
    d.gpu.ordinal = i;
    d.gpu.multiprocessors = d.properties.multiProcessorCount;
    d.gpu.capability = d.properties.major * 10 + d.properties.minor;
    if (d.gpu.capability >= least_capability) {
      devices->usable.push_back(d);
    } else if (!devices->why_none.length()) {
      Text &why = devices->why_none;
      why.append(d.properties.name);
      why.append(" has compute capability ");
      why.append(d.properties.major);
      why.append(".");
      why.append(d.properties.minor);
      why.append("; 7.5 or newer is needed");
    }
  }
  cudaGetLastError();  // a driver that is absent is no failure of the next call
  return devices;
}

// Found once: GPUs do not come and go while a program runs.
Devices &devices() {
  static auto *all = find_devices();
  return *all;
}

Gpu *selected;

int prepare(Gpu &gpu) {
  if (!gpu.stream) {  // there already where memory was short the last time
    if (int failed = status(gpu, cudaStreamCreateWithFlags(&gpu.stream, cudaStreamNonBlocking), "Creating a stream"))
      return failed;
  }
  void *memory = nullptr;
  if (int failed = status(gpu, cudaMalloc(&memory, workspace_bytes + sizeof(unsigned)), "Allocating the workspace"))
    return failed;
  gpu.workspace = memory;
  gpu.ticket = reinterpret_cast<unsigned *>(static_cast<char *>(memory) + workspace_bytes);
  return status(gpu, cudaMemsetAsync(gpu.ticket, 0, sizeof(unsigned), gpu.stream), "Clearing the workspace");
}

}  // namespace

Gpu &current() { return *selected; }

Gpu *open(int device) {
  Gpu &gpu = devices().usable[device].gpu;
  if (gpu.lost) return lost_earlier(gpu), nullptr;
  if (status(gpu, cudaSetDevice(gpu.ordinal), "Selecting the GPU")) return nullptr;
  if (!gpu.workspace && prepare(gpu)) return nullptr;
  return selected = &gpu;
}

}  // namespace gpu

namespace backend {

using gpu::devices;

int device_count() {
  const int count = static_cast<int>(devices().usable.size());
  return count ? count : fail(DG_E_DEVICE, devices().why_none.data());
}

const char *device_text(int device, int what) {
  const gpu::Device &d = devices().usable[device];
  return what == DG_DEVICE_NAME ? d.properties.name : "CUDA";
}

double device_number(int device, int what) {
  const gpu::Device &d = devices().usable[device];
  int value = 0;
  size_t available = 0, total = 0;
  switch (what) {
    case DG_MEMORY_TOTAL:
      return static_cast<double>(d.properties.totalGlobalMem);
    case DG_MEMORY_FREE:
      if (!gpu::open(device) || cudaMemGetInfo(&available, &total)) return 0;
      return static_cast<double>(available);
    case DG_COMPUTE_CAPABILITY:
      return d.gpu.capability;
    case DG_MULTIPROCESSORS:
      return d.properties.multiProcessorCount;
    case DG_CLOCK:
      cudaDeviceGetAttribute(&value, cudaDevAttrClockRate, d.gpu.ordinal);
      return value;
    case DG_DRIVER_VERSION:
      cudaDriverGetVersion(&value);
      return value;
    case DG_RUNTIME_VERSION:
      cudaRuntimeGetVersion(&value);
      return value;
    case DG_L2_BYTES:
      return d.properties.l2CacheSize;
    case DG_ECC:
      return d.properties.ECCEnabled;
  }
  return 0;
}

int use(int device) { return gpu::open(device) ? 0 : DG_E_DEVICE; }

int usable(int device) {
  const gpu::Gpu &gpu = devices().usable[device].gpu;
  return gpu.lost ? lost_earlier(gpu) : 0;
}

int synchronize(int device) {
  gpu::Gpu *gpu = gpu::open(device);
  return gpu ? gpu::status(cudaStreamSynchronize(gpu->stream), "Waiting for the GPU") : DG_E_DEVICE;
}

}  // namespace backend
}  // namespace dg
