// How do recurrent cells go from step to step, and their gradients back? See dg_recurrent for the cells; formulas are over a
// float or a vector of floats.
#pragma once
#include "../core/args.h"
#include "elementwise.h"

namespace dg {

// ---- Activations -----------------------------------------------------------------------------------------------------

// Those of cells: ops.def has the gradient of each, from its result, under the same name and Grad.
#define DG_CELL_ACTIVATIONS(X) X(relu) X(relu6) X(elu) X(selu) X(sigmoid) X(tanh) X(hardSigmoid)

constexpr bool is_cell_activation(int id) {
  if (id == -1) return true;
#define DG_IS(name) \
  if (id == static_cast<int>(Unary::name)) return true;
  DG_CELL_ACTIVATIONS(DG_IS)
#undef DG_IS
  return false;
}
template <class V>
DG_HD V cell_activate(int id, V x) {
#define DG_CASE(name)                 \
  case static_cast<int>(Unary::name): \
    return unary_op::name::apply(x, V{}, V{});
  switch (id) { DG_CELL_ACTIVATIONS(DG_CASE) }
#undef DG_CASE
  return x;
}
// dy times the derivative where the result is y.
template <class V>
DG_HD V cell_slope(int id, V dy, V y) {
#define DG_CASE(name)                 \
  case static_cast<int>(Unary::name): \
    return binary_op::name##Grad::apply(dy, y);
  switch (id) { DG_CELL_ACTIVATIONS(DG_CASE) }
#undef DG_CASE
  return dy;
}

// Which row of dy is that of step t; below 0: none.
DG_HD int64_t row_of_dy(const RecurrentGradArgs &p, int64_t t) { return p.given == p.rows ? t : t - p.steps + 1; }

// ---- Cells -----------------------------------------------------------------------------------------------------------

template <class V>
DG_HD V lstm_cell(V i, V f, V n, V c) {
  return fma_(f, c, i * n);
}
template <class V>
struct LstmGradient {
  V i, f, n, o;  // of the sums
  V c;           // of the c before
};
// dh, dc: of h and, beyond h, of c. fc: f(c).
template <class V>
DG_HD LstmGradient<V> lstm_gradient(int activation, int gate, V i, V f, V n, V o, V before, V fc, V dh, V dc) {
  const V d = dc + cell_slope(activation, dh * o, fc);
  return {cell_slope(gate, d * n, i), cell_slope(gate, d * before, f), cell_slope(activation, d * i, n),
          cell_slope(gate, dh * fc, o), d * f};
}

template <class V>
DG_HD V gru_state(V z, V n, V h) {
  return fma_(z, h - n, n);
}
template <class V>
struct GruGradient {
  V z, n;  // of the sums
  V h;     // of the h before, past the product
};
template <class V>
DG_HD GruGradient<V> gru_gradient(int activation, int gate, V z, V n, V before, V dh) {
  return {cell_slope(gate, dh * (before - n), z), cell_slope(activation, fma_(-z, dh, dh), n), dh * z};
}

}  // namespace dg
