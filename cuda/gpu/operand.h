// How do the inputs of an elementwise kernel reach it? As packs, whether their elements lie in order, are one for all
// or are broadcast, so that a formula is compiled once per type.
#pragma once
#include <type_traits>

#include "index.h"
#include "pack.h"

namespace dg::gpu {

// Formulas take float or int32; uint8 and bool are widened to int32, and results keep the low byte.
template <class T>
using Number = std::conditional_t<std::is_same_v<T, float>, float, int32_t>;

template <class T>
struct Operand {
  enum Kind : int32_t { in_order, single, broadcast };
  const T *data;
  Kind kind;
  bool whole;  // packs may be read at once

  explicit Operand(const void *p) : data(static_cast<const T *>(p)), kind(in_order), whole(aligned(data)) {}
  // Input i of a broadcast.
  Operand(const void *p, const Space &space, int i) : Operand(p) {
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
  __device__ Pack<T> load(int64_t i, int64_t n, const Offsets<operands> &offsets, int operand) const {
    if (kind == in_order) return load_pack(data, i, n, whole);
    Pack<T> pack = {};
    if (kind == single) {
      for (int j = 0; j < pack_size; j++) pack.at[j] = data[0];
      return pack;
    }
    for (int j = 0; j < pack_size; j++)
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
