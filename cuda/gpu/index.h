// Where is element i of a shape? Positions become offsets by a division per dimension, which are multiplications here.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>

#include "../core/args.h"

namespace dg::gpu {

// Division of 0 <= n < 2^31 by a size known at launch: (n magic / 2^32 + n) / 2^shift. What is larger takes the long
// way.
class Divider {
 public:
  Divider() = default;
  explicit Divider(int64_t size) : size_(size) {
    if (size < 1 || size >> 31) return;
    while (int64_t{1} << shift_ < size) shift_++;
    magic_ = static_cast<uint32_t>((((int64_t{1} << shift_) - size) << 32) / size + 1);
  }
  __device__ int64_t divide(int64_t n, int64_t &rest) const {
    const int64_t quotient = (n | size_) >> 31 ? n / size_ : fast(static_cast<uint32_t>(n));
    rest = n - quotient * size_;
    return quotient;
  }
  // For sizes and numbers that are known to be below 2^31.
  __device__ int32_t divide(int32_t n, int32_t &rest) const {
    const auto quotient = static_cast<int32_t>(fast(static_cast<uint32_t>(n)));
    rest = n - quotient * static_cast<int32_t>(size_);
    return quotient;
  }
  __host__ __device__ int64_t size() const { return size_; }

 private:
  __device__ int64_t fast(uint32_t n) const { return (__umulhi(n, magic_) + n) >> shift_; }

  int64_t size_ = 1;
  uint32_t magic_ = 1, shift_ = 0;
};

// An index space walked by several operands, each with strides of its own.
template <int operands>
struct Offsets {
  int rank = 0;
  Divider size[max_rank];
  int64_t stride[operands][max_rank] = {};

  // Adds a dimension faster than those before.
  template <class... Strides>
  void push(int64_t n, Strides... strides) {
    static_assert(sizeof...(Strides) == operands);
    int k = 0;
    ((stride[k++][rank] = strides), ...);
    size[rank++] = Divider(n);
  }
  // A call, because inlined into every kernel it would be most of the library.
  __device__ __attribute__((noinline)) int64_t at(int64_t i, int operand) const {
    int64_t offset = 0, rest;
#pragma unroll 1
    for (int d = rank - 1; d > 0; d--) {
      i = size[d].divide(i, rest);
      offset += rest * stride[operand][d];
    }
    return offset + i * stride[operand][0];
  }
};

}  // namespace dg::gpu
