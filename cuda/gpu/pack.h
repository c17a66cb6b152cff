// How does a thread touch memory? Several elements at a time: 16 bytes of float32 or of 16-bit floats in one access
// where all addresses allow it.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>

namespace dg::gpu {

template <class T>
constexpr int pack_size = sizeof(T) == 2 ? 8 : 4;

template <class T, int size = pack_size<T>>
struct alignas(sizeof(T) * size < 16 ? sizeof(T) * size : 16) Pack {
  T at[size];
};

template <int size, class T>
__host__ __device__ bool aligned(const T *p) {
  return reinterpret_cast<uintptr_t>(p) % alignof(Pack<T, size>) == 0;
}

// Elements [i, i + size) of p, as far as they are below n. `whole`: p is aligned, and i a multiple of size.
template <int size, class T>
__device__ Pack<T, size> load_pack(const T *p, int64_t i, int64_t n, bool whole) {
  if (whole && i + size <= n) return *reinterpret_cast<const Pack<T, size> *>(p + i);
  Pack<T, size> pack = {};
  for (int j = 0; j < size; j++)
    if (i + j < n) pack.at[j] = p[i + j];
  return pack;
}
template <class T, int size>
__device__ void store_pack(T *p, int64_t i, int64_t n, bool whole, const Pack<T, size> &pack) {
  if (whole && i + size <= n) {
    *reinterpret_cast<Pack<T, size> *>(p + i) = pack;
    return;
  }
  for (int j = 0; j < size; j++)
    if (i + j < n) p[i + j] = pack.at[j];
}

}  // namespace dg::gpu
