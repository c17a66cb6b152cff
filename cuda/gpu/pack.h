// How does a thread touch memory? Four elements at a time: 16 bytes of float32 in one access where all addresses allow
// it.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>

namespace dg::gpu {

constexpr int pack_size = 4;

template <class T>
struct alignas(sizeof(T) * pack_size) Pack {
  T at[pack_size];
};

template <class T>
__host__ __device__ bool aligned(const T *p) {
  return reinterpret_cast<uintptr_t>(p) % sizeof(Pack<T>) == 0;
}

// Elements [i, i + pack_size) of p, as far as they are below n. `whole`: p is aligned.
template <class T>
__device__ Pack<T> load_pack(const T *p, int64_t i, int64_t n, bool whole) {
  if (whole && i + pack_size <= n) return *reinterpret_cast<const Pack<T> *>(p + i);
  Pack<T> pack = {};
  for (int j = 0; j < pack_size; j++)
    if (i + j < n) pack.at[j] = p[i + j];
  return pack;
}
template <class T>
__device__ void store_pack(T *p, int64_t i, int64_t n, bool whole, const Pack<T> &pack) {
  if (whole && i + pack_size <= n) {
    *reinterpret_cast<Pack<T> *>(p + i) = pack;
    return;
  }
  for (int j = 0; j < pack_size; j++)
    if (i + j < n) p[i + j] = pack.at[j];
}

}  // namespace dg::gpu
