// What does a call do, in figures? Its floating-point operations (a multiply-add is two), the bytes that it must read and
// write at least, and its sizes as text. Of a family that is not listed nothing is said.
#pragma once
#include "../math/op_table.h"
#include "../math/window.h"
#include "args.h"
#include "arrays.h"
#include "error.h"

namespace dg {

struct Cost {
  double operations = 0, bytes = 0;
  Text sizes;
};

namespace costs {

inline double number(int64_t n) { return static_cast<double>(n); }
inline double bytes(Dtype type, int64_t n) { return number(n * element_size(type)); }
template <class... Parts>
void say(Cost &cost, const Parts &...parts) {
  (cost.sizes.append(parts), ...);
}

// Pairs of an input and an output that windows connect.
inline double pairs(const Axis (&axis)[spatial]) {
  double product = 1;
  for (const Axis &a : axis) {
    int64_t n = 0;
    for (int64_t w = 0; w < a.window; w++) n += outputs_with(a, w).count();
    product *= number(n);
  }
  return product;
}
inline void say_windows(Cost &cost, const Axis (&axis)[spatial]) {
  const auto list = [&](int64_t Axis::*size) {
    for (int d = 0; d < spatial; d++) say(cost, d ? "x" : "", axis[d].*size);
  };
  list(&Axis::in);
  say(cost, " by ");
  list(&Axis::window);
}

inline void of(const UnaryArgs &p, Cost &c) {
  c.operations = number(p.n);
  c.bytes = bytes(p.in, p.n) + bytes(p.out, p.n);
  say(c, unary_name(p.op), " ", p.n);
}
inline void of(const BinaryArgs &p, Cost &c) {
  c.operations = number(p.space.n);
  c.bytes = bytes(p.out, p.space.n);
  for (int i = 0; i < 2; i++) {
    int64_t read = 1;  // what is broadcast is read once
    for (int d = 0; d < p.space.rank; d++)
      if (p.space.stride[i][d]) read *= p.space.size[d];
    c.bytes += bytes(p.in, read);
  }
  say(c, binary_name(p.op), " ", p.space.n);
}
inline void of(const CastArgs &p, Cost &c) {
  c.bytes = bytes(p.in, p.n) + bytes(p.out, p.n);
  say(c, dtype_name(p.in), " to ", dtype_name(p.out), " ", p.n);
}
inline void of(const IterateArgs &p, Cost &c) {
  c.operations = 2 * number(p.turns) * number(p.n);
  c.bytes = 2 * bytes(DG_FLOAT32, p.n);
  say(c, p.turns, " x ", p.n);
}
inline void of(const FillArgs &p, Cost &c) {
  c.bytes = bytes(p.type, p.n);
  say(c, p.n);
}
inline void of(const CopyArgs &p, Cost &c) {
  c.bytes = 2 * number(p.bytes);
  say(c, p.bytes, " bytes");
}
inline void of(const StridedArgs &p, Cost &c) {
  c.bytes = 2 * number(p.n * p.width);
  say(c, p.n);
}
inline void of(const GatherArgs &p, Cost &c) {
  c.bytes = number(p.outer * p.count * p.inner) * 2 * p.width;
  say(c, p.count, " of ", p.rows, " rows of ", p.inner);
}
inline void of(const ActivationGradArgs &p, Cost &c) {
  c.operations = 2 * number(p.rows * p.n);
  c.bytes = 3 * bytes(p.type, p.rows * p.n) + bytes(p.type, p.n);
  say(c, unary_name(p.activation), " ", p.rows, " of ", p.n);
}
inline void of(const ScatterAddArgs &p, Cost &c) {
  c.operations = number(p.outer * p.count * p.inner);
  c.bytes = 3 * bytes(p.type, p.outer * p.count * p.inner);
  say(c, p.count, " to ", p.rows, " rows of ", p.inner);
}
inline void of(const CoalesceArgs &p, Cost &c) {
  c.operations = number(p.count * p.inner);
  c.bytes = 2 * bytes(DG_FLOAT32, p.count * p.inner) + 2 * bytes(DG_INT32, p.count);
  say(c, p.count, " of ", p.rows, " rows of ", p.inner);
}
inline void of(const ReduceArgs &p, Cost &c) {
  c.operations = number(p.n_out * p.n_red);
  c.bytes = bytes(p.type, p.n_out * p.n_red) + bytes(p.type, p.n_out);
  say(c, p.n_out, " of ", p.n_red);
}
inline void of(const MatMulArgs &p, Cost &c) {
  const auto matrices = [&](int64_t step) { return step ? p.batch : 1; };
  c.operations = 2 * number(p.batch * p.m) * number(p.n) * number(p.k);
  c.bytes = bytes(p.type, matrices(p.a_step) * p.m * p.k + matrices(p.b_step) * p.k * p.n + p.batch * p.m * p.n);
  if (p.batch != 1) say(c, p.batch, " x ");
  say(c, p.m, "x", p.k, p.transpose_a ? "T" : "", " by ", p.k, "x", p.n, p.transpose_b ? "T" : "");
}
inline void of(const MatMulGradArgs &p, Cost &c) {
  const int64_t products = (p.da != nullptr) + (p.db != nullptr), read = p.m * p.n * (p.y ? 2 : 1);
  c.operations = 2 * number(products * p.m) * number(p.n) * number(p.k) + 2 * number(p.m * p.n);
  c.bytes = bytes(p.type, read + products * (p.m * p.k + p.k * p.n) + (p.dbias ? p.n : 0));
  say(c, p.activation < 0 ? "" : unary_name(p.activation), p.activation < 0 ? "" : " ", p.m, "x", p.n, " by ");
  if (p.da) say(c, p.n, "x", p.k, "T", p.db ? ", " : "");
  if (p.db) say(c, p.k, "x", p.m, "T");
}
inline void of(const ConvArgs &p, Cost &c) {
  c.operations = 2 * number(p.batch * p.in_channels / p.groups * p.out_channels) * pairs(p.axis);
  c.bytes = bytes(
      p.type, p.batch * (p.in_channels * elements(p.axis, &Axis::in) + p.out_channels * elements(p.axis, &Axis::out)) +
                  elements(p.axis, &Axis::window) * p.in_channels / p.groups * p.out_channels);
  constexpr const char *kinds[] = {"forward ", "input gradient ", "filter gradient "};
  say(c, kinds[p.kind], p.batch, " x ");
  say_windows(c, p.axis);
  say(c, ", ", p.in_channels, " to ", p.out_channels);
}
inline void of(const PoolArgs &p, Cost &c) {
  c.operations = number(p.batch * p.channels) * pairs(p.axis);
  c.bytes = bytes(p.type, p.batch * p.channels * (elements(p.axis, &Axis::in) + elements(p.axis, &Axis::out)));
  say(c, p.batch, " x ");
  say_windows(c, p.axis);
  say(c, ", ", p.channels, " channels");
}
inline void of(const PoolGradArgs &p, Cost &c) {
  c.operations = number(p.batch * p.channels) * pairs(p.axis);
  c.bytes = bytes(p.type, p.batch * p.channels * 2 * (elements(p.axis, &Axis::in) + elements(p.axis, &Axis::out)));
  say(c, p.batch, " x ");
  say_windows(c, p.axis);
  say(c, ", ", p.channels, " channels");
}
template <class Args>
void of_resizing(const Args &p, Cost &c) {
  const int64_t inputs = p.height.in * p.width.in, outputs = p.height.out * p.width.out;
  c.operations = number(p.batch * p.channels * outputs) * (p.kind == DG_RESIZE_BILINEAR ? 6 : 1);
  c.bytes = bytes(p.type, p.batch * p.channels * (inputs + outputs));
  say(c, p.batch, " x ", p.height.in, "x", p.width.in, " to ", p.height.out, "x", p.width.out, ", ", p.channels,
      " channels");
}
inline void of(const ResizeArgs &p, Cost &c) { of_resizing(p, c); }
inline void of(const ResizeGradArgs &p, Cost &c) { of_resizing(p, c); }
inline void say_sizes(Cost &c, const NormalSizes &s) { say(c, s.batch, " x ", s.rows, " x ", s.groups, " x ", s.size); }
inline void of(const NormalizeArgs &p, Cost &c) {
  const bool twice = p.measure && p.sizes.rows > 1;  // what is measured across rows is read before it is known
  c.bytes = (twice ? 3 : 2) * bytes(p.type, p.sizes.elements());
  say_sizes(c, p.sizes);
}
inline void of(const NormalizeGradArgs &p, Cost &c) {
  c.bytes = (p.sizes.rows > 1 ? 5 : 3) * bytes(p.type, p.sizes.elements());
  say_sizes(c, p.sizes);
}
inline void of(const SoftmaxArgs &p, Cost &c) {
  c.bytes = 2 * bytes(p.type, p.rows * p.n);
  say(c, p.rows, " of ", p.n);
}
inline void of(const SoftmaxGradArgs &p, Cost &c) {
  c.bytes = 3 * bytes(p.type, p.rows * p.n);
  say(c, p.rows, " of ", p.n);
}
inline void of(const CrossEntropyArgs &p, Cost &c) {
  c.bytes = bytes(p.type, p.rows * p.n);
  say(c, p.rows, " of ", p.n);
}
inline void of(const CrossEntropyGradArgs &p, Cost &c) {
  c.bytes = 2 * bytes(p.type, p.rows * p.n);
  say(c, p.rows, " of ", p.n);
}
inline void of(const LossArgs &p, Cost &c) {
  c.bytes = bytes(p.type, p.rows * p.n) * (1 + (p.labels != nullptr) + (p.dx != nullptr));
  constexpr const char *kinds[] = {"squared ", "sigmoid ", "softmax "};
  say(c, kinds[p.kind], p.rows, " of ", p.n);
}
template <class Args>
void of_recurrent(const Args &p, int64_t arrays, Cost &c) {
  const int64_t states = p.batch * p.steps * p.units, parts = cell_parts(p.kind);
  c.operations = 2 * number(states) * number(p.units * parts);
  c.bytes = bytes(p.type, states * arrays + p.units * p.units * parts);
  constexpr const char *kinds[] = {"simple ", "LSTM ", "GRU ", "GRU "};
  say(c, kinds[p.kind], p.batch, " x ", p.steps, ", ", p.units, " units");
}
inline void of(const RecurrentArgs &p, Cost &c) { of_recurrent(p, cell_parts(p.kind) + trace_parts(p.kind) + 1, c); }
inline void of(const RecurrentGradArgs &p, Cost &c) {
  of_recurrent(p, cell_parts(p.kind) * (p.dproduct ? 2 : 1) + trace_parts(p.kind) + 2, c);
}
// Products of so many values for each pair of a query and a key that counts, and so many passes over inputs and outputs.
inline void of_attention(const AttentionShape &s, Dtype type, int64_t products, int64_t passes, Cost &c) {
  double pairs = number(s.queries) * number(s.keys);
  if (s.causal) {
    const int64_t seen = s.queries < s.keys ? s.queries : s.keys;  // queries that do not see all keys, and one
    pairs = number(seen) * number(seen + 1) / 2 + number(s.queries - seen) * number(s.keys);
  }
  c.operations = 2 * number(s.batch * s.heads) * pairs * number(products);
  c.bytes =
      number(passes) * bytes(type, s.batch * (s.queries * s.heads + s.keys * s.key_heads) * (s.size + s.value_size));
  say(c, s.batch, " x ", s.queries, " queries, ", s.keys, " keys, ", s.heads, " heads of ", s.size);
  if (s.causal) say(c, ", causal");
}
inline void of(const AttentionArgs &p, Cost &c) {
  of_attention(p.shape, p.type, p.shape.size + p.shape.value_size, 1, c);
}
inline void of(const AttentionGradArgs &p, Cost &c) {
  of_attention(p.shape, p.type, 3 * p.shape.size + 2 * p.shape.value_size, 2, c);
}
inline void of(const RandomArgs &p, Cost &c) {
  c.bytes = bytes(p.type, p.n);
  say(c, p.n);
}
inline void of(const UpdateArgs &p, Cost &c) {
  int64_t n = 0, grads = 0;
  for (int i = 0; i < p.count; i++) {
    const Segment &s = p.segments[i];
    n += s.only_listed ? s.listed * s.inner : s.n;
    grads += s.inner ? s.listed * s.inner : s.n;
  }
  const int arrays = 1 + (p.s1 != nullptr) + (p.s2 != nullptr) + (p.s3 != nullptr);  // read and written
  c.bytes = 2 * arrays * bytes(DG_FLOAT32, n) + bytes(DG_FLOAT32, grads);
  say(c, n, " of ", p.count, " parameters");
}
inline void of(const ClipArgs &p, Cost &c) {
  int64_t n = 0;
  for (int i = 0; i < p.count; i++) n += p.segments[i].n;
  c.bytes = 2 * bytes(DG_FLOAT32, n);
  say(c, n);
}
inline void of(const AllFiniteArgs &p, Cost &c) {
  c.bytes = bytes(DG_FLOAT32, p.n);
  say(c, p.n);
}
template <class Args>
void of(const Args &, Cost &) {}

}  // namespace costs

}  // namespace dg
