// Which memory lies at which address, when a program says so itself? Addresses are reserved first and cannot be touched; memory
// is made, mapped to them and opened. As on a GPU, nothing here waits for streams: work that still uses memory which was
// unmapped ends the process.
#include <cuda.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <map>

#include "control.h"
#include "memory.h"

namespace {

constexpr size_t granule = size_t{2} << 20;

struct Memory {
  size_t bytes;
  int device;
  int users;  // the handle, and what is mapped
};
struct Mapping {
  size_t bytes;
  CUmemGenericAllocationHandle memory;
};
std::map<CUmemGenericAllocationHandle, Memory> memories;
std::map<CUdeviceptr, Mapping> mappings;
std::map<CUdeviceptr, size_t> reservations;
CUmemGenericAllocationHandle last_handle;

void drop(CUmemGenericAllocationHandle handle) {
  Memory &m = memories[handle];
  if (--m.users) return;
  emu::give_bytes(m.device, m.bytes);
  memories.erase(handle);
}

void *address(CUdeviceptr at) { return reinterpret_cast<void *>(static_cast<uintptr_t>(at)); }
bool whole(CUdeviceptr n) { return n && n % granule == 0; }

bool reserved(CUdeviceptr at, size_t bytes) {
  auto after = reservations.upper_bound(at);
  if (after == reservations.begin()) return false;
  --after;
  return at + bytes <= after->first + after->second;
}

}  // namespace

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute, CUdevice) {
  *value = emu::limits().virtual_memory;
  return CUDA_SUCCESS;
}
CUresult cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp *,
                                       CUmemAllocationGranularity_flags) {
  *granularity = granule;
  return CUDA_SUCCESS;
}

CUresult cuMemAddressReserve(CUdeviceptr *at, size_t bytes, size_t, CUdeviceptr, unsigned long long) {
  if (!whole(bytes)) return CUDA_ERROR_INVALID_VALUE;
  void *base = mmap(nullptr, bytes + granule, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  const uintptr_t start = (reinterpret_cast<uintptr_t>(base) + granule - 1) / granule * granule;
  munmap(base, start - reinterpret_cast<uintptr_t>(base));
  munmap(reinterpret_cast<void *>(start + bytes), reinterpret_cast<uintptr_t>(base) + granule - start);
  *at = start;
  reservations[*at] = bytes;
  emu::counts().reservations++;
  return CUDA_SUCCESS;
}
CUresult cuMemAddressFree(CUdeviceptr at, size_t bytes) {
  const auto found = reservations.find(at);
  if (found == reservations.end() || found->second != bytes) return CUDA_ERROR_INVALID_VALUE;
  const auto mapped = mappings.lower_bound(at);
  if (mapped != mappings.end() && mapped->first < at + bytes) return CUDA_ERROR_INVALID_VALUE;
  munmap(address(at), bytes);
  reservations.erase(found);
  emu::counts().reservations--;
  return CUDA_SUCCESS;
}

CUresult cuMemCreate(CUmemGenericAllocationHandle *handle, size_t bytes, const CUmemAllocationProp *properties,
                     unsigned long long) {
  const int device = properties->location.id;
  if (!whole(bytes)) return CUDA_ERROR_INVALID_VALUE;
  if (!emu::take_bytes(device, bytes)) return CUDA_ERROR_OUT_OF_MEMORY;
  *handle = ++last_handle;
  memories[*handle] = {bytes, device, 1};
  return CUDA_SUCCESS;
}
CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
  if (!memories.count(handle)) return CUDA_ERROR_INVALID_VALUE;
  drop(handle);
  return CUDA_SUCCESS;
}

CUresult cuMemMap(CUdeviceptr at, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle,
                  unsigned long long) {
  const auto memory = memories.find(handle);
  if (memory == memories.end() || offset || bytes != memory->second.bytes || at % granule || !reserved(at, bytes))
    return CUDA_ERROR_INVALID_VALUE;
  const auto after = mappings.lower_bound(at);
  if (after != mappings.end() && after->first < at + bytes) return CUDA_ERROR_INVALID_VALUE;
  memory->second.users++;
  mappings[at] = {bytes, handle};
  emu::device_memory()[static_cast<char *>(address(at))] = {bytes, memory->second.device};
  emu::counts().mappings++;
  return CUDA_SUCCESS;
}
CUresult cuMemUnmap(CUdeviceptr at, size_t bytes) {
  for (const CUdeviceptr end = at + bytes; at < end;) {
    const auto found = mappings.find(at);
    if (found == mappings.end() || found->first + found->second.bytes > end) return CUDA_ERROR_INVALID_VALUE;
    const Mapping m = found->second;
    mappings.erase(found);
    emu::device_memory().erase(static_cast<char *>(address(at)));
    mmap(address(at), m.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    drop(m.memory);
    emu::counts().mappings--;
    at += m.bytes;
  }
  return CUDA_SUCCESS;
}
CUresult cuMemSetAccess(CUdeviceptr at, size_t bytes, const CUmemAccessDesc *access, size_t count) {
  const auto found = mappings.find(at);
  if (count != 1 || found == mappings.end() || found->second.bytes != bytes) return CUDA_ERROR_INVALID_VALUE;
  const bool opened = access->flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  mprotect(address(at), bytes, opened ? PROT_READ | PROT_WRITE : PROT_NONE);
  if (opened) memset(address(at), 0xff, bytes);  // NaN: what was never written is seen
  return CUDA_SUCCESS;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *symbol, void **function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult *result) {
#define DG_KNOWN(name) \
  { #name, reinterpret_cast<void *>(name) }
  static const std::pair<const char *, void *> known[] = {DG_KNOWN(cuDeviceGetAttribute),
                                                          DG_KNOWN(cuMemGetAllocationGranularity),
                                                          DG_KNOWN(cuMemAddressReserve),
                                                          DG_KNOWN(cuMemAddressFree),
                                                          DG_KNOWN(cuMemCreate),
                                                          DG_KNOWN(cuMemRelease),
                                                          DG_KNOWN(cuMemMap),
                                                          DG_KNOWN(cuMemUnmap),
                                                          DG_KNOWN(cuMemSetAccess)};
#undef DG_KNOWN
  *function = nullptr;
  for (const auto &[name, at] : known)
    if (!strcmp(name, symbol)) *function = at;
  *result = *function ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}
