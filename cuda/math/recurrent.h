// How do recurrent cells go from step to step, and their gradients back? See dg_recurrent for the cells; formulas are over a
// float or a vector of floats.
#pragma once
#include "../core/args.h"
#include "slope.h"

namespace dg {

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
  const V d = dc + slope_from_result(activation, dh * o, fc);
  return {slope_from_result(gate, d * n, i), slope_from_result(gate, d * before, f),
          slope_from_result(activation, d * i, n), slope_from_result(gate, dh * fc, o), d * f};
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
  return {slope_from_result(gate, dh * (before - n), z), slope_from_result(activation, fma_(-z, dh, dh), n), dh * z};
}

}  // namespace dg
