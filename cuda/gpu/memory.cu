// Where does the memory of a GPU come from? Allocations, and addresses for arenas that are backed with memory as they grow.
#include <cuda.h>

#include "../core/backend.h"
#include "gpu.h"

namespace dg::backend {

using gpu::Gpu;
using gpu::status;

int allocate(int device, size_t bytes, void **memory) {
  Gpu *gpu = gpu::open(device);
  if (!gpu) return DG_E_DEVICE;
  const cudaError_t error = cudaMalloc(memory, bytes);
  if (error != cudaErrorMemoryAllocation) return status(*gpu, error, "Allocating memory");
  cudaGetLastError();
  return DG_E_MEMORY;
}
void release(int device, void *memory, size_t) {
  if (gpu::open(device)) cudaFree(memory);
}

namespace {

// The driver's functions, which no library that is linked offers; `reserve` is null where the driver lacks one of them.
struct Driver {
  decltype(&cuDeviceGetAttribute) attribute = nullptr;
  decltype(&cuMemGetAllocationGranularity) granularity = nullptr;
  decltype(&cuMemCreate) create = nullptr;
  decltype(&cuMemRelease) release = nullptr;
  decltype(&cuMemMap) map = nullptr;
  decltype(&cuMemUnmap) unmap = nullptr;
  decltype(&cuMemSetAccess) set_access = nullptr;
  decltype(&cuMemAddressFree) address_free = nullptr;
  decltype(&cuMemAddressReserve) reserve = nullptr;

  Driver() {
    (void)(find(attribute, "cuDeviceGetAttribute") && find(granularity, "cuMemGetAllocationGranularity") &&
           find(create, "cuMemCreate") && find(release, "cuMemRelease") && find(map, "cuMemMap") &&
           find(unmap, "cuMemUnmap") && find(set_access, "cuMemSetAccess") && find(address_free, "cuMemAddressFree") &&
           find(reserve, "cuMemAddressReserve"));
  }

 private:
  template <class F>
  static bool find(F &function, const char *name) {
    constexpr unsigned version = 12000;  // whose signatures these are
    void *at = nullptr;
    cudaDriverEntryPointQueryResult result{};
    if (cudaGetDriverEntryPointByVersion(name, &at, version, cudaEnableDefault, &result)) {
      cudaGetLastError();
      return false;
    }
    function = reinterpret_cast<F>(at);
    return at != nullptr;
  }
};
const Driver &driver() {
  static const Driver all;
  return all;
}

CUdeviceptr address(void *base, size_t offset) { return reinterpret_cast<CUdeviceptr>(base) + offset; }

CUmemAllocationProp properties_of(const Gpu &gpu) {
  CUmemAllocationProp p{};
  p.type = CU_MEM_ALLOCATION_TYPE_PINNED;  // as all memory of a device is: it does not move
  p.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  p.location.id = gpu.ordinal;
  return p;
}

// Bytes of which memory at given addresses must be a multiple; 0 where the GPU cannot have such memory.
size_t granularity(const Gpu &gpu) {
  int supported = 0;
  if (!driver().reserve ||
      driver().attribute(&supported, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, gpu.ordinal) ||
      !supported)
    return 0;
  const CUmemAllocationProp properties = properties_of(gpu);
  size_t bytes = 0;
  return driver().granularity(&bytes, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM) ? 0 : bytes;
}

}  // namespace

void *reserve(int device, size_t *bytes, size_t step) {
  const Gpu *gpu = gpu::open(device);
  const size_t granule = gpu ? granularity(*gpu) : 0;
  if (!granule || step % granule) return nullptr;
  *bytes = (*bytes + step - 1) / step * step;
  CUdeviceptr base = 0;
  return driver().reserve(&base, *bytes, 0, 0, 0) ? nullptr : reinterpret_cast<void *>(base);
}

int grow(int device, void *base, size_t backed, size_t bytes) {
  Gpu *gpu = gpu::open(device);
  if (!gpu) return DG_E_DEVICE;
  const CUmemAllocationProp properties = properties_of(*gpu);
  const size_t more = bytes - backed;
  CUmemGenericAllocationHandle memory = 0;
  if (driver().create(&memory, more, &properties, 0)) return DG_E_MEMORY;
  const bool mapped = !driver().map(address(base, backed), more, 0, memory, 0);
  driver().release(memory);  // lives as long as it is mapped
  if (!mapped) return DG_E_MEMORY;
  const CUmemAccessDesc access{properties.location, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
  if (!driver().set_access(address(base, backed), more, &access, 1)) return 0;
  driver().unmap(address(base, backed), more);
  return DG_E_MEMORY;
}

// Unlike cudaFree, none of this waits for the GPU.
void unreserve(int device, void *base, size_t bytes, size_t backed) {
  Gpu *gpu = gpu::open(device);
  if (!gpu) return;
  cudaStreamSynchronize(gpu->stream);
  if (backed) driver().unmap(address(base, 0), backed);
  driver().address_free(address(base, 0), bytes);
}

}  // namespace dg::backend
