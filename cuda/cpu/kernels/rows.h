// How is a contiguous run of elements combined into one value? In blocks of lanes, folded every `leaf` elements, and a
// binary tree over the leaves: an error like that of pairwise summation, in an order that depends on the length only.
#pragma once
#include <stdint.h>

#include <type_traits>

#include "../../math/reductions.h"
#include "../threads.h"
#include "lanes.h"

namespace dg::DG_ISA {

// Where a tree over n elements splits: the largest leaf * 2^k below n.
inline int64_t split_point(int64_t n, int64_t leaf) {
  int64_t half = leaf;
  while (half * 2 < n) half *= 2;
  return half;
}

template <class Op, int width>
DG_HD Block<width> add_block(Block<width> acc, Block<width> x) {
  return map([](auto a, auto b) { return Op::add(a, b); }, acc, x);
}

// Combines what get(i), a block, gives for i = begin, begin + width, ... below end. Lanes past the end must be Op's
// start.
template <class Op, int width, class Get>
float reduce_blocks(int64_t begin, int64_t end, const Get &get) {
  constexpr int64_t leaf = 1024;
  if (end - begin > leaf) {
    const int64_t middle = begin + split_point(end - begin, leaf);
    const float left = reduce_blocks<Op, width>(begin, middle, get);
    return Op::join(left, reduce_blocks<Op, width>(middle, end, get));
  }
  Block<width> acc = splat_block<width>(Op::start(0.0f));
  for (int64_t i = begin; i < end; i += width) acc = add_block<Op>(acc, get(i));
  return fold<Op>(acc);
}

template <class Op, class T>
T reduce_row(const T *x, int64_t n) {
  if constexpr (std::is_same_v<T, float>) {
    return reduce_blocks<Op, 32>(0, n, [=](int64_t i) { return load_block<32>(x + i, n - i, Op::start(0.0f)); });
  } else {  // exact in any order, so the compiler may choose it
    T acc = Op::start(T{});
    for (int64_t i = 0; i < n; i++) acc = Op::add(acc, x[i]);
    return acc;
  }
}

}  // namespace dg::DG_ISA
