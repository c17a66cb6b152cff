// How do the inputs of an elementwise kernel reach it? As packs, whether their elements lie in order, are one for all
// or are broadcast, so that a formula is compiled once per type.
#pragma once
#include "../math/op_table.h"
#include "index.h"
#include "number.h"

namespace dg::gpu {

// Elements that one thread takes at a time. Where arithmetic and not memory takes the time, few: they are unrolled.
template <class Op, class T>
constexpr int pack_for = Op::flags & HEAVY ? 4 : pack_size<T>;

template <class T, int size>
struct Operand {
  enum Kind : int32_t { in_order, single, broadcast };
  const T *data;
  Kind kind;
  bool whole;  // packs may be read at once

  // Input i of a broadcast.
  Operand(const void *p, const Space &space, int i) : data(static_cast<const T *>(p)), whole(aligned<size>(data)) {
    bool ordered = true, moves = false;
    int64_t step = 1;
    for (int d = space.rank - 1; d >= 0; d--) {
      ordered = ordered && space.stride[i][d] == step;
      moves = moves || space.stride[i][d] != 0;
      step *= space.size[d];
    }
    kind = ordered ? in_order : moves ? broadcast : single;
  }

  template <int operands>
  __device__ Pack<T, size> load(int64_t i, int64_t n, const Offsets<operands> &offsets, int operand) const {
    if (kind == in_order) return load_pack<size>(data, i, n, whole);
    Pack<T, size> pack = {};
    if (kind == single) {
      for (int j = 0; j < size; j++) pack.at[j] = data[0];
      return pack;
    }
    for (int j = 0; j < size; j++)
      if (i + j < n) pack.at[j] = data[offsets.at(i + j, operand)];
    return pack;
  }
};

template <int operands>
Offsets<operands> offsets_of(const Space &space) {
  Offsets<operands> offsets;
  offsets.rank = space.rank;
  for (int d = 0; d < space.rank; d++) {
    offsets.size[d] = Divider(space.size[d]);
    for (int i = 0; i < operands; i++) offsets.stride[i][d] = space.stride[i][d];
  }
  return offsets;
}

}  // namespace dg::gpu
