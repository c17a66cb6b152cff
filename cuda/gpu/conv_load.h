// How do the factors of a convolution get into shared memory? By loaders as in mma_load.h, that look each chunk of 16 bytes
// up where it lies: in a pixel, or in the filter. k, or the lines for a filter's gradient, counts (tap, channel); where
// channels are no multiple of a chunk, each element has a tap of its own.
#pragma once
#include "mma_load.h"
#include "windows.h"

namespace dg::gpu {

// What lines see through taps: a channel of a pixel.
template <class T_>
struct Pixels {
  using T = T_;
  using Line = Spot;
  struct Tap : Spot {
    int32_t channel;
  };
  const Windows &windows;
  Windows::Phases phases;
  const T *data;  // of the group
  uint32_t pitch;
  const Divider &depth;  // channels of the group
  int64_t count;         // lines

  __device__ Line line(int64_t i) const {
    return i < count ? windows.line(phases, static_cast<int32_t>(i)) : Windows::outside;
  }
  __device__ Tap tap(int32_t i) const {
    Tap tap;
    static_cast<Spot &>(tap) = windows.tap(phases, depth.divide(i, tap.channel));
    return tap;
  }
  __device__ bool there(const Line &line, const Tap &tap) const { return windows.inside(line, tap); }
  __device__ const T *at(const Line &line, const Tap &tap) const {
    return data + int64_t{line.pixel + tap.pixel} * pitch + tap.channel;
  }
};

// The filter seen from its input channels, which are its lines: k counts (tap, output channel).
template <class T_>
struct Filters {
  using T = T_;
  using Line = int32_t;
  struct Tap {
    uint32_t row;
    int32_t channel;
  };
  const Windows &windows;
  Windows::Phases phases;
  const T *data;
  uint32_t pitch;
  const Divider &depth;
  int64_t count;

  __device__ Line line(int64_t i) const { return static_cast<Line>(i); }
  __device__ Tap tap(int32_t i) const {
    Tap tap;
    tap.row = windows.tap(phases, depth.divide(i, tap.channel)).number * static_cast<uint32_t>(count);
    return tap;
  }
  __device__ bool there(Line line, const Tap &) const { return line < count; }
  __device__ const T *at(Line line, const Tap &tap) const {
    return data + int64_t{tap.row + static_cast<uint32_t>(line)} * pitch + tap.channel;
  }
};

// Of lines whose k counts (tap, channel).
template <class Source, bool wide, int lines, int threads>
class TapsAlongK {
  using T = typename Source::T;

 public:
  using Slice = gpu::Slice<T, true, lines>;
  static constexpr bool late = true;

  __device__ TapsAlongK(const Source &source, int64_t line, int64_t k)
      : source_(source), k_(static_cast<int32_t>(k) + first_chunk() * Slice::chunk) {
#pragma unroll
    for (int i = 0; i < each; i++) line_[i] = source.line(line + first_row() + i * apart);
  }

  __device__ void copy(T *to, int there) {
    const int elements = (there < Slice::depth ? there : Slice::depth) - first_chunk() * Slice::chunk;
    to += Slice::place(first_row(), first_chunk());
    if constexpr (wide) {
      const auto tap = source_.tap(k_);
#pragma unroll
      for (int i = 0; i < each; i++)
        ptx::copy_async_16(to + i * apart * Slice::row_size, source_.at(line_[i], tap),
                           elements > 0 && source_.there(line_[i], tap));
    } else {
#pragma unroll 2
      for (int e = 0; e < Slice::chunk; e++) {
        const auto tap = source_.tap(k_ + e);
#pragma unroll
        for (int i = 0; i < each; i++)
          to[i * apart * Slice::row_size + e] =
              e < elements && source_.there(line_[i], tap) ? *source_.at(line_[i], tap) : T{};
      }
    }
    k_ += Slice::depth;
  }

 private:
  static constexpr int each = Slice::size / Slice::chunk / threads, apart = threads / Slice::row_chunks;
  static_assert(Slice::place(apart, 0) == apart * Slice::row_size && Slice::rows % apart == 0);

  __device__ static int first_row() { return static_cast<int>(threadIdx.x) / Slice::row_chunks; }
  __device__ static int first_chunk() { return static_cast<int>(threadIdx.x) % Slice::row_chunks; }

  Source source_;
  typename Source::Line line_[each];
  int32_t k_;  // the thread's first element of the next slice
};

// Of lines that are (tap, channel), whose k counts what sees through them: `taps` of them.
template <class T, bool wide, int lines, int threads>
class TapsAlongLines {
 public:
  using Slice = gpu::Slice<T, false, lines>;
  static constexpr bool late = true;

  __device__ TapsAlongLines(const Pixels<T> &source, int64_t taps, int64_t line, int64_t k)
      : source_(source),
        k_(k + first_row()),
        line_(static_cast<int32_t>(line) + first_chunk() * Slice::chunk),
        lines_left_(static_cast<int32_t>(taps) - line_),
        tap_(source.tap(line_)) {}

  __device__ void copy(T *to, int there) {
    const int rows = (there < Slice::depth ? there : Slice::depth) - first_row();
    to += Slice::place(first_row(), first_chunk());
    if constexpr (wide) {
#pragma unroll
      for (int i = 0; i < each; i++) {
        const Spot from = source_.line(k_ + i * apart);
        ptx::copy_async_16(to + i * apart * Slice::row_size, source_.at(from, tap_),
                           i * apart < rows && lines_left_ > 0 && source_.there(from, tap_));
      }
    } else {
      Spot from[each];
#pragma unroll
      for (int i = 0; i < each; i++) from[i] = i * apart < rows ? source_.line(k_ + i * apart) : Windows::outside;
#pragma unroll 4
      for (int e = 0; e < Slice::chunk; e++) {
        const auto tap = source_.tap(line_ + e);
#pragma unroll
        for (int i = 0; i < each; i++)
          to[i * apart * Slice::row_size + e] =
              e < lines_left_ && source_.there(from[i], tap) ? *source_.at(from[i], tap) : T{};
      }
    }
    k_ += Slice::depth;
  }

 private:
  static constexpr int each = Slice::size / Slice::chunk / threads, apart = threads / Slice::row_chunks;
  static_assert(Slice::place(apart, 0) == apart * Slice::row_size && Slice::rows % apart == 0);

  __device__ static int first_row() { return static_cast<int>(threadIdx.x) / Slice::row_chunks; }
  __device__ static int first_chunk() { return static_cast<int>(threadIdx.x) % Slice::row_chunks; }

  Pixels<T> source_;
  int64_t k_;
  int32_t line_, lines_left_;
  typename Pixels<T>::Tap tap_;  // of the first
};

}  // namespace dg::gpu
