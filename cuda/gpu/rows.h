// How does a kernel work on the rows of a matrix? A part of a warp, a warp or a block takes each row, and reads it from
// memory once: every thread keeps its elements in shared memory between maximum, sum and result. Rows that are too long
// for that (more than 12,256 elements, of two inputs 6,128) are read a second time for the result.
#pragma once
#include <ptx.h>

#include "../math/reductions.h"
#include "../math/softmax.h"
#include "group.h"
#include "launch.h"
#include "number.h"

namespace dg::gpu {

constexpr int long_row_threads = 2 * block_threads, least_blocks = 2;  // of a block; on a multiprocessor at a time
constexpr size_t join_bytes = long_row_threads / warp_width * 2 * sizeof(float);  // two values per warp
constexpr size_t most_kept = (48 << 10) - join_bytes;  // a block has this much shared memory without asking for more

struct RowShape {
  int64_t rows, n;
  int threads, width;  // of a block; of a row
  bool packed;        // a thread's elements lie side by side; else, where the row's length allows no packs, width apart
  size_t kept_bytes;  // 0: too long to be kept

  // Threads take `pack` elements at a time, and want to keep those of so many inputs.
  RowShape(int64_t rows_, int64_t n_, int pack, int inputs)
      : rows(rows_), n(n_), threads(block_threads), width(1), packed(n_ % pack == 0) {
    const auto bytes = [&] { return static_cast<size_t>(threads / width * n * inputs) * sizeof(float); };
    while (width < warp_width && width * pack < n) width *= 2;
    if (n > 8 * warp_width * pack || bytes() > most_kept)
      width = threads = n > 16 * block_threads ? long_row_threads : block_threads;
    kept_bytes = bytes() <= most_kept ? bytes() : 0;
  }
};

// f of each element of packs.
template <class F, int size, class... Packs>
__device__ Pack<float, size> map(const F &f, const Pack<float, size> &a, const Packs &...others) {
  Pack<float, size> y;
  for (int j = 0; j < size; j++) y.at[j] = f(a.at[j], others.at[j]...);
  return y;
}

// The row that a thread helps with. Its elements come in packs of `size`, each named by its first element.
template <class T>
struct Row {
  static constexpr int size = pack_size<T>;
  using Values = Pack<float, size>;

  int64_t index, n;  // n is 0 past the last row: such threads only take part in what all must do
  int lane, width;
  bool packed, kept;
  float *joins;

  __device__ Row(const RowShape &shape, float *shared)
      : width(shape.width), packed(shape.packed), kept(shape.kept_bytes != 0), joins(shared) {
    lane = static_cast<int>(threadIdx.x) % width;
    index = int64_t{blockIdx.x} * (blockDim.x / width) + threadIdx.x / width;
    n = index < shape.rows ? shape.n : 0;
  }
  // Element j of pack i.
  __device__ int64_t at(int64_t i, int j) const { return packed ? i + j : i + j * width; }
  // f(i) for the thread's own packs: the same ones every time, so results may take the place of inputs.
  template <class F>
  __device__ void each(const F &f) const {
    for (int64_t i = packed ? lane * size : lane; i < n; i += width * size) f(i);
  }
  // Reduces the elements of f(i) over the row.
  template <class R, class F>
  __device__ float reduce(const F &f) const {
    float value = R::start(0.0f);
    each([&](int64_t i) {
      const Values v = f(i);
      for (int j = 0; j < size; j++) value = R::add(value, v.at[j]);
    });
    return join_group(value, width, joins, [](float a, float b) { return R::join(a, b); });
  }
  // y of the row = f(i).
  template <class F>
  __device__ void write(T *y, const F &f) const {
    y += index * n;
    const bool whole = aligned<size>(y);
    each([&](int64_t i) {
      const Pack<T, size> out = elements<T>(f(i));
      if (packed) return store_pack(y, i, n, whole, out);
      for (int j = 0; j < size; j++)
        if (at(i, j) < n) y[at(i, j)] = out.at[j];
    });
  }
};

// The row's elements of one input. Behind the row's end they are all `rest`, which changes no result.
template <class T>
class RowInput {
 public:
  using Values = typename Row<T>::Values;

  // x is the kernel's input number `number`.
  __device__ RowInput(const Row<T> &row, const T *x, float rest, int number = 0)
      : row_(row), x_(x + row.index * row.n), rest_(rest), whole_(aligned<Row<T>::size>(x_)) {
    const int64_t rows = blockDim.x / row.width;
    kept_ = row.joins + join_bytes / sizeof(float) + (number * rows + threadIdx.x / row.width) * row.n;
  }
  __device__ Values read(int64_t i) const {
    if (row_.packed) return numbers(load_pack<Row<T>::size>(x_, i, row_.n, whole_));
    return gather(x_, i);
  }
  __device__ void keep(int64_t i, const Values &v) const {
    if (row_.packed) {
      *reinterpret_cast<Values *>(kept_ + i) = v;
      return;
    }
    for (int j = 0; j < Row<T>::size; j++)
      if (row_.at(i, j) < row_.n) kept_[row_.at(i, j)] = v.at[j];
  }
  // To be read first() once and then again(), from where it was kept if that could be.
  __device__ Values first(int64_t i) const {
    const Values v = read(i);
    if (row_.kept) keep(i, v);
    return v;
  }
  __device__ Values again(int64_t i) const {
    if (!row_.kept) return read(i);
    return row_.packed ? *reinterpret_cast<const Values *>(kept_ + i) : gather(kept_, i);
  }

 private:
  template <class U>
  __device__ Values gather(const U *from, int64_t i) const {
    Values v;
    for (int j = 0; j < Row<T>::size; j++) v.at[j] = row_.at(i, j) < row_.n ? number(from[row_.at(i, j)]) : rest_;
    return v;
  }

  const Row<T> &row_;
  const T *x_;
  float *kept_;
  float rest_;
  bool whole_;
};

// What a row's exponents are relative to, and the sum of their exponentials.
struct Scale {
  float max, sum;
};
// The same sum relative to what is at least as large. The sum of nothing, whose maximum is -inf, is 0 then.
__device__ inline float rescale(const Scale &scale, float max) {
  return scale.sum * exp_below(scale.max - (max == -infinity ? 0 : max));
}
__device__ inline Scale join(const Scale &a, const Scale &b) {
  const float max = Max::join(a.max, b.max);
  return {max, rescale(a, max) + rescale(b, max)};
}

// In one reading: the largest value so far grows, and the sum with it.
template <class T>
__device__ Scale measure(const Row<T> &row, const RowInput<T> &x) {
  Scale scale{-infinity, 0};
  row.each([&](int64_t i) {
    const auto v = x.first(i);
    float max = scale.max;
    for (int j = 0; j < Row<T>::size; j++) max = Max::add(max, v.at[j]);
    float sum = rescale(scale, max);
    for (int j = 0; j < Row<T>::size; j++) sum += rescale({v.at[j], 1.0f}, max);
    scale = {max, sum};
  });
  return join_group(scale, row.width, reinterpret_cast<Scale *>(row.joins), join);
}

// A row's exponentials. They are computed once if they can be kept in the place of the values.
template <class T>
class Exponentials {
 public:
  float max, sum;

  __device__ Exponentials(const Row<T> &row, const RowInput<T> &x) : row_(row), x_(x) {
    if (row.kept) {
      max = row.template reduce<Max>([&](int64_t i) { return x.first(i); });
      sum = row.template reduce<Sum>([&](int64_t i) {
        const auto e = relative(x.again(i));
        x.keep(i, e);
        return e;
      });
    } else {
      const Scale scale = measure(row, x);
      max = scale.max;
      sum = scale.sum;
    }
  }
  __device__ auto at(int64_t i) const { return row_.kept ? x_.again(i) : relative(x_.read(i)); }

 private:
  __device__ auto relative(const typename Row<T>::Values &v) const {
    return map([&](float x) { return exp_below(x - max); }, v);
  }

  const Row<T> &row_;
  const RowInput<T> &x_;
};

template <auto kernel, class... Arguments>
int launch_rows(const RowShape &shape, const Arguments &...arguments) {
  const int64_t blocks = divide_up(shape.rows, shape.threads / shape.width);
  return launch<kernel>(blocks, shape.threads, join_bytes + shape.kept_bytes, shape, arguments...);
}

}  // namespace dg::gpu
