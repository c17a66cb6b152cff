// How do the lines of a matrix get into shared memory? By a loader, the one part of the tensor core engine that knows
// where an operand's numbers come from.
//
// A loader is made by each thread of a block for one operand and the block's tile. The engine asks of it:
//   Slice            a type of mma_slice.h: how its slices lie in shared memory;
//   late             (that of a) whether copies start when the first step's factors are used up, because making their
//                    addresses takes the registers of these;
//   copy(to, there)  starts copying the calling thread's part of the next slice to `to`. `there` elements of k are left
//                    from the slice's first on; beyond them, and for lines that there are not, go zeros. The copies join
//                    the thread's current group of asynchronous copies, or are done on return.
#pragma once
#include "gemm.h"
#include "mma_slice.h"

namespace dg::gpu {

// 16 bytes of a row, of which the first `there` elements are to be read. `by_4`: rows begin and end at multiples of 4 bytes.
template <class T>
__device__ void copy_narrow(T *to, const T *from, int there, bool by_4) {
  constexpr int words = 4, size = 16 / sizeof(T) / words;
  if (by_4) {
#pragma unroll
    for (int i = 0; i < words; i++) ptx::copy_async_4(to + i * size, from + i * size, there > i * size);
  } else if constexpr (sizeof(T) == 2) {
    uint32_t word[words];
#pragma unroll
    for (int i = 0; i < words; i++) {
      const uint32_t low = there > 2 * i ? from[2 * i].bits : 0, high = there > 2 * i + 1 ? from[2 * i + 1].bits : 0;
      word[i] = low | high << 16;
    }
    *reinterpret_cast<uint4 *>(to) = {word[0], word[1], word[2], word[3]};
  }
}

// Whether 16 bytes may be read at a time: always, never, or as the matrix says.
enum class Reads { wide, narrow, either };

// Of a matrix in memory, from element `k` on.
template <class T, bool along_k, Reads reads, int lines, int threads>
class MatrixLoader {
 public:
  using Slice = gpu::Slice<T, along_k, lines>;
  static constexpr bool late = false;

  __device__ MatrixLoader(const Lines<T> &matrix, int64_t batch, int64_t line, int64_t k)
      : by_16_(matrix.width == 16),
        by_4_(matrix.width >= 4),
        pitch_(along_k ? matrix.line : matrix.step),
        lines_left_(matrix.count - line < lines ? static_cast<int>(matrix.count - line) : lines) {
    const int64_t row = first_row() + (along_k ? line : k),
                  column = first_chunk() * Slice::chunk + (along_k ? k : line);
    from_ = matrix.data + batch * matrix.matrix + row * pitch_ + column;
  }

  __device__ void copy(T *to, int64_t there) {
    const int deep = there < Slice::depth ? static_cast<int>(there) : Slice::depth;
    const int rows = (along_k ? lines_left_ : deep) - first_row();
    const int elements = (along_k ? deep : lines_left_) - first_chunk() * Slice::chunk;
    to += Slice::place(first_row(), first_chunk());
    // Rows that are so far apart are turned alike.
    if (reads == Reads::wide || (reads == Reads::either && by_16_)) {
#pragma unroll
      for (int i = 0; i < each; i++)
        ptx::copy_async_16(to + i * apart * Slice::row_size, from_ + i * apart * pitch_,
                           i * apart < rows && elements > 0);
    } else {
#pragma unroll 1
      for (int i = 0; i < each; i++)
        copy_narrow(to + i * apart * Slice::row_size, from_ + i * apart * pitch_, i * apart < rows ? elements : 0,
                    by_4_);
    }
    from_ += along_k ? Slice::depth : Slice::depth * pitch_;
  }

 private:
  static constexpr int each = Slice::size / Slice::chunk / threads, apart = threads / Slice::row_chunks;
  static_assert(Slice::place(apart, 0) == apart * Slice::row_size && Slice::rows % apart == 0);

  __device__ static int first_row() { return static_cast<int>(threadIdx.x) / Slice::row_chunks; }
  __device__ static int first_chunk() { return static_cast<int>(threadIdx.x) % Slice::row_chunks; }

  bool by_16_, by_4_;
  int64_t pitch_;
  int lines_left_;
  const T *from_;  // the thread's first chunk of the next slice
};

}  // namespace dg::gpu
