// Which activations have a derivative that follows from their result? Kernels that end in one of these, or go back through it, take
// its id and keep nothing else of it; -1 is the identity.
#pragma once
#include "elementwise.h"

namespace dg {

// ops.def has the gradient of each under the same name and Grad.
#define DG_SLOPE_ACTIVATIONS(X) X(relu) X(relu6) X(elu) X(selu) X(sigmoid) X(tanh) X(hardSigmoid)

constexpr bool slope_follows(int id) {
  if (id == -1) return true;
#define DG_IS(name) \
  if (id == static_cast<int>(Unary::name)) return true;
  DG_SLOPE_ACTIVATIONS(DG_IS)
#undef DG_IS
  return false;
}
template <class V>
DG_HD V activate_by_id(int id, V x) {
#define DG_CASE(name)                 \
  case static_cast<int>(Unary::name): \
    return unary_op::name::apply(x, V{}, V{});
  switch (id) { DG_SLOPE_ACTIVATIONS(DG_CASE) }
#undef DG_CASE
  return x;
}
// dy times the derivative where the result is y.
template <class V>
DG_HD V slope_from_result(int id, V dy, V y) {
#define DG_CASE(name)                 \
  case static_cast<int>(Unary::name): \
    return binary_op::name##Grad::apply(dy, y);
  switch (id) { DG_SLOPE_ACTIVATIONS(DG_CASE) }
#undef DG_CASE
  return dy;
}

}  // namespace dg
