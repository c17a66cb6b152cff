// How does a kernel work on the rows of a matrix? A part of a warp, a warp or a block takes each row; its second
// reading of the row comes from the cache.
#pragma once
#include <ptx.h>

#include "../math/reductions.h"
#include "../math/softmax.h"
#include "group.h"
#include "launch.h"
#include "number.h"

namespace dg::gpu {

struct RowShape {
  int64_t rows, n;
  int width;  // threads per row

  RowShape(int64_t rows_, int64_t n_) : rows(rows_), n(n_), width(group_width(n_, block_threads)) {}
};

// The row that a thread helps with.
struct Row {
  int64_t index, n;  // n is 0 past the last row: such threads only take part in what all must do
  int lane, width;
  float *shared;

  __device__ Row(const RowShape &shape, float *shared_) : width(shape.width), shared(shared_) {
    lane = static_cast<int>(threadIdx.x) % width;
    index = int64_t{blockIdx.x} * (blockDim.x / width) + threadIdx.x / width;
    n = index < shape.rows ? shape.n : 0;
  }
  // f(i) for the thread's own elements: the same ones every time, so results may take the place of inputs.
  template <class F>
  __device__ void each(const F &f) const {
    for (int64_t i = lane; i < n; i += width) f(i);
  }
  // Reduces f(i) over the row.
  template <class R, class F>
  __device__ float reduce(const F &f) const {
    float value = R::start(0.0f);
    each([&](int64_t i) { value = R::add(value, f(i)); });
    return join_group(value, width, shared, [](float a, float b) { return R::join(a, b); });
  }
};

// What a row's exponents are relative to, and the sum of their exponentials.
struct Scale {
  float max, sum;
};
template <class T>
__device__ Scale measure(const Row &row, const T *x) {
  const float max = row.reduce<Max>([&](int64_t i) { return number(x[i]); });
  return {max, row.reduce<Sum>([&](int64_t i) { return exp_below(number(x[i]) - max); })};
}

template <auto kernel, class... Arguments>
int launch_rows(const RowShape &shape, const Arguments &...arguments) {
  const int64_t blocks = divide_up(shape.rows, block_threads / shape.width);
  return launch<kernel>(blocks, block_threads, block_threads / warp_width * sizeof(float), shape, arguments...);
}

}  // namespace dg::gpu
