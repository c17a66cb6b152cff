// How does a reduction run, whatever it computes? Results are rows of x where its fastest dimension is reduced, and
// columns where that is kept; where results are few, each is split into parts whose partial results a second pass
// combines. How that is done depends on the shape alone.
//
// Op says what is computed: In, Value, Out; start() the value of nothing, add(value, element, its index in the reduced
// elements), join(a, b) of two values of which neither need come first, finish(value) the result.
#pragma once
#include <ptx.h>

#include "group.h"
#include "index.h"
#include "launch.h"
#include "pack.h"

namespace dg::gpu {

struct ReduceShape {
  Offsets<1> kept, reduced;
  int64_t n_out = 1, n_red = 1;
  bool columns = false;  // the fastest dimension is kept

  // Adds a dimension faster than those before; strides are set by end().
  void push(int64_t size, bool is_reduced) {
    Dimension &d = dims_[rank_++];
    d = {size, is_reduced};
    (is_reduced ? n_red : n_out) *= size;
    columns = !is_reduced;
  }
  // All dimensions are there.
  ReduceShape &end() {
    int64_t stride = 1, strides[max_rank];
    for (int i = rank_ - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= dims_[i].size;
    }
    for (int i = 0; i < rank_; i++) (dims_[i].reduced ? reduced : kept).push(dims_[i].size, strides[i]);
    return *this;
  }

 private:
  struct Dimension {
    int64_t size;
    bool reduced;
  };
  Dimension dims_[max_rank];
  int rank_ = 0;
};

// What of a result one block works on: elements [part * length, (part + 1) * length) of the reduced ones.
struct Parts {
  int64_t count = 1, length = 0;
};

// Calls f(offset, i) for i = begin, begin + step, ... below end, so that 16 bytes of T are on their way at a time.
template <class T, class F>
__device__ void each_reduced(const Offsets<1> &reduced, int64_t begin, int64_t end, int step, const F &f) {
  if (reduced.rank > 1) {
    for (int64_t i = begin; i < end; i += step) f(reduced.at(i, 0), i);
  } else {
    const int64_t stride = reduced.stride[0][0];
    [[maybe_unused]] constexpr int unrolled = pack_size<T>;
#pragma unroll unrolled
    for (int64_t i = begin; i < end; i += step) f(i * stride, i);
  }
}

constexpr int least_reducing = 4;  // blocks on a multiprocessor: leaves registers enough
constexpr int column_width = 32, column_height = block_threads / column_width;

// width threads per result, side by side.
template <class Op>
__global__ void __launch_bounds__(block_threads, least_reducing)
    reduce_rows(const typename Op::In *x, typename Op::Out *y, Op op, int64_t n_out, int64_t n_red, Parts parts,
                int width, const Offsets<1> __grid_constant__ kept, const Offsets<1> __grid_constant__ reduced) {
  using Value = typename Op::Value;
  DG_SHARED(Value, shared);
  const int lane = static_cast<int>(threadIdx.x) % width;
  const int64_t group = int64_t{blockIdx.x} * (blockDim.x / width) + threadIdx.x / width;
  const int64_t out = group / parts.count, part = group % parts.count;
  Value value = op.start();
  if (out < n_out) {
    const typename Op::In *row = x + kept.at(out, 0);
    const int64_t begin = part * parts.length, end = begin + parts.length < n_red ? begin + parts.length : n_red;
    each_reduced<typename Op::In>(reduced, begin + lane, end, width,
                                  [&](int64_t offset, int64_t i) { value = op.add(value, row[offset], i); });
  }
  value = join_group(value, width, shared, [&](const Value &a, const Value &b) { return op.join(a, b); });
  if (lane == 0 && out < n_out) y[group] = op.finish(value);
}

// A block takes 32 results that lie side by side, each with several threads.
template <class Op>
__global__ void __launch_bounds__(block_threads, least_reducing)
    reduce_columns(const typename Op::In *x, typename Op::Out *y, Op op, int64_t n_out, int64_t n_red, Parts parts,
                   const Offsets<1> __grid_constant__ kept, const Offsets<1> __grid_constant__ reduced) {
  using Value = typename Op::Value;
  DG_SHARED(Value, shared);
  const int column = static_cast<int>(threadIdx.x), row = static_cast<int>(threadIdx.y);
  const int64_t out = blockIdx.x / parts.count * column_width + column, part = blockIdx.x % parts.count;
  Value value = op.start();
  if (out < n_out) {
    const typename Op::In *from = x + kept.at(out, 0);
    const int64_t begin = part * parts.length, end = begin + parts.length < n_red ? begin + parts.length : n_red;
    each_reduced<typename Op::In>(reduced, begin + row, end, column_height,
                                  [&](int64_t offset, int64_t i) { value = op.add(value, from[offset], i); });
  }
  shared[row * column_width + column] = value;
  __syncthreads();
  if (row || out >= n_out) return;
  for (int i = 1; i < column_height; i++) value = op.join(value, shared[i * column_width + column]);
  y[part * n_out + out] = op.finish(value);
}

// The first of two passes leaves values as they are, the second joins them.
template <class Op>
struct FirstPass : Op {
  using Out = typename Op::Value;
  explicit FirstPass(const Op &op) : Op(op) {}
  __device__ Out finish(const typename Op::Value &value) const { return value; }
};
template <class Op>
struct SecondPass : Op {
  using In = typename Op::Value;
  explicit SecondPass(const Op &op) : Op(op) {}
  __device__ typename Op::Value add(const typename Op::Value &value, const In &x, int64_t) const {
    return Op::join(value, x);
  }
};

template <class Op>
int reduce_pass(const Op &op, const typename Op::In *x, typename Op::Out *y, const ReduceShape &shape, Parts parts) {
  using Value = typename Op::Value;
  if (shape.columns) {
    const int64_t blocks = divide_up(shape.n_out, column_width) * parts.count;
    return launch<reduce_columns<Op>>(blocks, dim3(column_width, column_height), block_threads * sizeof(Value), x, y,
                                      op, shape.n_out, shape.n_red, parts, shape.kept, shape.reduced);
  }
  const int width = group_width(parts.length, block_threads);
  const int64_t blocks = divide_up(shape.n_out * parts.count, block_threads / width);
  return launch<reduce_rows<Op>>(blocks, block_threads, block_threads / warp_width * sizeof(Value), x, y, op,
                                 shape.n_out, shape.n_red, parts, width, shape.kept, shape.reduced);
}

// y [n_out] in the order of the kept dimensions. Needs workspace for at most 2^15 values.
template <class Op>
int reduce(const Op &op, const typename Op::In *x, typename Op::Out *y, const ReduceShape &shape) {
  constexpr int64_t enough_blocks = 1024, least_rows = 4096, least_columns = 256;
  const int64_t blocks = shape.columns ? divide_up(shape.n_out, column_width) : shape.n_out;
  const int64_t least = shape.columns ? least_columns : least_rows;  // elements that are worth a part
  Parts parts{enough_blocks / blocks, shape.n_red};
  if (parts.count > shape.n_red / least) parts.count = shape.n_red / least;
  if (parts.count < 2) return reduce_pass(op, x, y, shape, Parts{1, shape.n_red});
  parts.length = divide_up(shape.n_red, parts.count);
  parts.count = divide_up(shape.n_red, parts.length);
  auto *partial = static_cast<typename Op::Value *>(current().workspace);
  if (int failed = reduce_pass(FirstPass<Op>(op), x, partial, shape, parts)) return failed;
  ReduceShape second;
  if (shape.columns) second.push(parts.count, true);
  second.push(shape.n_out, false);
  if (!shape.columns) second.push(parts.count, true);
  return reduce_pass(SecondPass<Op>(op), partial, y, second.end(), Parts{1, parts.count});
}

}  // namespace dg::gpu
