// What does each elementwise operation compute? One functor per line of ops.def, for V a number or a vector of them.
#pragma once
#include "functions.h"
#include "op_table.h"

namespace dg::unary_op {
#define DG_UNARY(name, flags_, ...)                                            \
  struct name {                                                                \
    static constexpr unsigned flags = flags_;                                  \
    template <class V>                                                         \
    static DG_HD auto apply(V x, [[maybe_unused]] V a, [[maybe_unused]] V b) { \
      return __VA_ARGS__;                                                      \
    }                                                                          \
  };
#include "../ops.def"
}  // namespace dg::unary_op

namespace dg::binary_op {
#define DG_BINARY(name, flags_, ...)          \
  struct name {                               \
    static constexpr unsigned flags = flags_; \
    template <class V>                        \
    static DG_HD auto apply(V a, V b) {       \
      return __VA_ARGS__;                     \
    }                                         \
  };
#include "../ops.def"
}  // namespace dg::binary_op

namespace dg {

// A parameter of a call in the operands' type: integers truncate it.
template <class V>
DG_HD V parameter(float value) {
  if constexpr (is_float<V>) {
    return splat<V>(value);
  } else {
    return splat<V>(to_int_saturated(value));
  }
}

}  // namespace dg
