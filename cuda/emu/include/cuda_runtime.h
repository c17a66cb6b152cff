// What does a .cu file find here instead of NVIDIA's header? CUDA C++ as plain C++: keywords that vanish, functions of
// the device that the emulator answers, and the runtime API.
#pragma once
#include <stdint.h>
#include <string.h>

#include "../runtime.h"
#include "../warp.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
// `const T __grid_constant__ name`: one copy for the whole grid.
#define __grid_constant__ &

inline void __threadfence() {}

// Fibers switch at barriers only, so plain arithmetic is atomic.
template <class T>
T atomicAdd(T *at, T value) {
  const T old = *at;
  *at = old + value;
  return old;
}
template <class T>
T atomicExch(T *at, T value) {
  const T old = *at;
  *at = value;
  return old;
}
template <class T>
T atomicCAS(T *at, T expected, T value) {
  const T old = *at;
  if (old == expected) *at = value;
  return old;
}
// Counts 0, 1, ... last, 0, ...
inline unsigned atomicInc(unsigned *at, unsigned last) {
  const unsigned old = *at;
  *at = old >= last ? 0 : old + 1;
  return old;
}

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(uint64_t{a} * b >> 32); }
