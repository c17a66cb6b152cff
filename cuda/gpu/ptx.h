// What can CUDA C++ not say by itself? The few PTX instructions that kernels use, and dynamic shared memory.
// cuda/emu/include/ptx.h is this header's twin for tests on the CPU; both are included as <ptx.h>.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>
#include <string.h>

// T *name: the block's dynamic shared memory, aligned to 128 bytes.
#define DG_SHARED(T, name)                                          \
  extern __shared__ __align__(128) unsigned char dg_shared_bytes[]; \
  T *const name = reinterpret_cast<T *>(dg_shared_bytes)

namespace dg::ptx {

__device__ inline unsigned shared_address(const void *p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }

// blockIdx.x, read anew: what follows from it is made again rather than kept in registers until then.
__device__ inline unsigned block_again() {
  unsigned block;
  asm volatile("mov.u32 %0, %%ctaid.x;" : "=r"(block));
  return block;
}

// Writes 16 bytes at once, which compilers do not make of elements that calls made one by one.
template <class T, int n>
__device__ inline void store_16(void *global, const T (&elements)[n]) {
  static_assert(sizeof elements == 16);
  uint32_t word[4];
  memcpy(word, elements, 16);
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(global), "r"(word[0]), "r"(word[1]), "r"(word[2]),
               "r"(word[3])
               : "memory");
}

// Starts copying 4 (or 16, both sides aligned) bytes to shared memory, or writes zeros if not `valid`. They have
// arrived after copy_async_wait, for the other threads after a barrier as well.
__device__ inline void copy_async_4(void *shared, const void *global, bool valid) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(valid ? 4 : 0)
               : "memory");
#else
  *static_cast<uint32_t *>(shared) = valid ? *static_cast<const uint32_t *>(global) : 0;
#endif
}
__device__ inline void copy_async_16(void *shared, const void *global, bool valid) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(valid ? 16 : 0)
               : "memory");
#else
  *static_cast<uint4 *>(shared) = valid ? *static_cast<const uint4 *>(global) : uint4{};
#endif
}
// Closes the group of the copies started since the last commit.
__device__ inline void copy_async_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Waits until at most the last `pending` groups of the calling thread are still on their way.
template <int pending>
__device__ inline void copy_async_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#endif
}

// ---- Tensor cores, from compute capability 8.0 on ----------------------------------------------------------------------
// Kernels that use what follows are empty where tensor_cores is false, and never launched there.
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
constexpr bool tensor_cores = true;
#define DG_TENSOR(...) asm __VA_ARGS__
#else
constexpr bool tensor_cores = false;
#define DG_TENSOR(...) __trap()
#endif

// Four 8x8 matrices of 16-bit elements: lane l gives the address (a multiple of 16) of row l % 8 of matrix l / 8 and
// receives, of each, elements 2 (l % 4) and 2 (l % 4) + 1 of row l / 4; transposed: of column l / 4.
__device__ inline void load_matrices(uint32_t (&r)[4], const void *row) {
  DG_TENSOR(volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(shared_address(row))
                     : "memory"));
}
__device__ inline void load_matrices_transposed(uint32_t (&r)[4], const void *row) {
  DG_TENSOR(volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(shared_address(row))
                     : "memory"));
}

// The nearest TF32 number, as mma_tf32 takes it.
__device__ inline uint32_t to_tf32(float x) {
  uint32_t bits = 0;
  DG_TENSOR(("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x)));
  return bits;
}

// d += a . b of one warp: a [16, k], b [k, 8], d [16, 8] float32, spread over the lanes as the PTX manual's figures for
// m16n8k8 .tf32 and m16n8k16 .f16 and .bf16 show.
#define DG_MMA(shape)                                                                                     \
  DG_TENSOR(("mma.sync.aligned." shape " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
             : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                             \
             : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])))

__device__ inline void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  DG_MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
}
__device__ inline void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  DG_MMA("m16n8k16.row.col.f32.f16.f16.f32");
}
__device__ inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  DG_MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
}

#undef DG_MMA
#undef DG_TENSOR

}  // namespace dg::ptx
