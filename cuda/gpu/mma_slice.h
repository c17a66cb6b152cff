// How does a slice of an operand lie in shared memory, and how do its numbers get from there into a warp's registers?
//
// A slice is 64 bytes of k, deep, for each of the tile's lines: 32 elements of 16 bits, or 16 of 32. It lies there as it
// does in memory, in rows along k or along the lines, made of chunks of 16 bytes. Where the chunks of a row go depends
// on the row, so that the eight rows that are read at a time come from different banks.
#pragma once
#include <ptx.h>

#include "../math/half.h"

namespace dg::gpu {

// ---- Formats: what tensor cores multiply. A step is 32 bytes of k: 16 elements of 16 bits, or 8 of 32. -----------------

// A lane's n registers of one operand as they are multiplied.
template <int n>
struct Stored {
  uint32_t bits[n];
  __device__ void take(const uint32_t *stored) {
    for (int i = 0; i < n; i++) bits[i] = stored[i];
  }
};
template <int n>
struct Rounded {
  uint32_t bits[n];
  __device__ void take(const uint32_t *stored) {
    for (int i = 0; i < n; i++) bits[i] = ptx::to_tf32(from_bits(static_cast<int32_t>(stored[i])));
  }
};
// x = big + small, each with TF32's 11 bits: all but the last two of float32's 24. Where big is not finite, products are NaN.
template <int n>
struct Split {
  uint32_t big[n], small[n];
  __device__ void take(const uint32_t *stored) {
    constexpr uint32_t kept = ~0x1fffu;
    for (int i = 0; i < n; i++) {
      const float x = from_bits(static_cast<int32_t>(stored[i]));
      big[i] = ptx::to_tf32(x) & kept;
      small[i] = ptx::to_tf32(x - from_bits(static_cast<int32_t>(big[i])));
    }
  }
};

struct F16 {
  using Element = Half;
  template <int n>
  using Factor = Stored<n>;
  __device__ static void mma(float (&d)[4], const Stored<4> &a, const Stored<2> &b) { ptx::mma_f16(d, a.bits, b.bits); }
};
struct Bf16 {
  using Element = Brain;
  template <int n>
  using Factor = Stored<n>;
  __device__ static void mma(float (&d)[4], const Stored<4> &a, const Stored<2> &b) {
    ptx::mma_bf16(d, a.bits, b.bits);
  }
};
// float32 in memory, rounded in registers.
struct Tf32 {
  using Element = float;
  template <int n>
  using Factor = Rounded<n>;
  __device__ static void mma(float (&d)[4], const Rounded<4> &a, const Rounded<2> &b) {
    ptx::mma_tf32(d, a.bits, b.bits);
  }
};
// The same in two parts: the product of the small ones, below what float32 holds of the result, is left out. The smaller terms are
// added first.
struct Tf32x3 {
  using Element = float;
  template <int n>
  using Factor = Split<n>;
  __device__ static void mma(float (&d)[4], const Split<4> &a, const Split<2> &b) {
    ptx::mma_tf32(d, a.small, b.big);
    ptx::mma_tf32(d, a.big, b.small);
    ptx::mma_tf32(d, a.big, b.big);
  }
};

// ---- Slices ------------------------------------------------------------------------------------------------------------

constexpr int slice_bytes = 64;  // of each line
constexpr int slice_steps = 2;

// In which order a warp's four registers hold 8 x (4 words) matrices of 16 lines and a step: of a, lines [0, 8) and [8, 16)
// of the step's first half, then of its second; of b both halves of lines [0, 8), then of [8, 16).
enum class Side { a, b };

template <class T_, bool along_k_, int lines_>
struct Slice {
  using T = T_;
  static constexpr bool along_k = along_k_;
  static constexpr int lines = lines_, depth = slice_bytes / sizeof(T), step = depth / slice_steps;
  static constexpr int size = lines * depth;  // elements
  static constexpr int chunk = 16 / sizeof(T);
  static constexpr int rows = along_k ? lines : depth, row_size = along_k ? depth : lines,
                       row_chunks = row_size / chunk;

  // Where chunk c of row r starts.
  __host__ __device__ static constexpr int place(int r, int c) { return r * row_size + (c ^ turn(r)) * chunk; }

  // What a lane reads of 16 lines and a step at a time: with ldmatrix one row, of whose place this is the start. 32-bit
  // elements that lie along the lines are read one by one, `word` being the register. `line` is the first of the warp's
  // lines, at a multiple of their number, and so a distance from there changes a place by constants and one XOR.
  __host__ __device__ static constexpr int first_place(Side side, int line, int lane) {
    const int quarter = lane / 8;
    if (along_k) return place(line + half_line(side, quarter) * 8 + lane % 8, half_step(side, quarter));
    if (!loads_words) return place(half_step(side, quarter) * 8 + lane % 8, line / chunk + half_line(side, quarter));
    return place(lane % 4, (line + lane / 4) / chunk) + lane / 4 % chunk;
  }
  // The same for lines 16 i and step s from there.
  __host__ __device__ static constexpr int next_place(int first, Side side, int i, int s, int word) {
    const int r = along_k ? i * 16 : s * step + (loads_words ? half_step(side, word) * 4 : 0);
    const int c = along_k ? s * 2 : (i * 16 + (loads_words ? half_line(side, word) * 8 : 0)) / chunk;
    return (first ^ c % 8 * chunk) + r * row_size + c / 8 * 8 * chunk;
  }

  __device__ static void load(const T *slice, int first, Side side, int i, int s, uint32_t (&r)[4]) {
    if constexpr (loads_words) {
#pragma unroll
      for (int word = 0; word < 4; word++)
        r[word] = static_cast<uint32_t>(bits(slice[next_place(first, side, i, s, word)]));
    } else if constexpr (along_k) {
      ptx::load_matrices(r, slice + next_place(first, side, i, s, 0));
    } else {
      ptx::load_matrices_transposed(r, slice + next_place(first, side, i, s, 0));
    }
  }

  static constexpr bool loads_words = !along_k && sizeof(T) == 4;

 private:
  __host__ __device__ static constexpr int half_line(Side side, int i) { return side == Side::a ? i % 2 : i / 2; }
  __host__ __device__ static constexpr int half_step(Side side, int i) { return side == Side::a ? i / 2 : i % 2; }
  __host__ __device__ static constexpr int turn(int r) {
    if (row_chunks == 4) return r / 2 % 4;  // two rows share the 128 bytes of all banks
    return loads_words ? r % 4 * 2 : r % 8;
  }
};

}  // namespace dg::gpu
