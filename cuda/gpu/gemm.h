// What is a matrix product to an engine, and what happens to a sum when it is done? Engines (simt.h) differ in how they
// make the sums; everything else is here.
#pragma once
#include <cuda_runtime.h>

#include "../core/args.h"
#include "../math/elementwise.h"

namespace dg::gpu {

// The lines of a matrix run along k: rows of a, columns of b. Strides are in elements.
template <class T>
struct Lines {
  const T *data;
  int64_t count;       // of one matrix
  int64_t line, step;  // from one line to the next, and along k
  int64_t matrix;      // from one matrix of the batch to the next
};

template <class T>
struct Gemm {
  Lines<T> a, b;
  int64_t batch, k;
  const float *bias;
  int32_t activation;  // unary operation or -1
  float alpha;
  int64_t tiles_m, tiles_n;
  int64_t parts, length;  // k is cut into parts of this length, each with sums of its own
};

template <class Op>
__device__ float activate_with(float x, float alpha) {
  if constexpr ((Op::flags & FLOAT) != 0 && (Op::flags & TEST) == 0) return Op::apply(x, alpha, 0.0f);
  return x;  // core lets no other operation come here
}
// A call, because it is large and used once per result.
__device__ __attribute__((noinline)) static float activate(int op, float x, float alpha) {
  switch (static_cast<Unary>(op)) {
#define DG_UNARY(name, ...) \
  case Unary::name:         \
    return activate_with<unary_op::name>(x, alpha);
#include "../ops.def"
  }
  return x;
}

__device__ inline float multiply_add(float a, float b, float sum) { return fma_(a, b, sum); }
__device__ inline uint32_t multiply_add(uint32_t a, uint32_t b, uint32_t sum) { return a * b + sum; }

// What becomes of the sum of column j.
__device__ inline float finish(const Gemm<float> &p, int64_t j, float sum) {
  if (p.bias) sum += p.bias[j];
  return p.activation < 0 ? sum : activate(p.activation, sum, p.alpha);
}
__device__ inline uint32_t finish(const Gemm<uint32_t> &, int64_t, uint32_t sum) { return sum; }

}  // namespace dg::gpu
