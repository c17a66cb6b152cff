// Where is the first largest or smallest element along an axis?
#include "../../core/args.h"
#include "../../core/error.h"
#include "../../math/families.h"
#include "rows.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 15;

template <class V>
DG_HD Mask<V> same(V a, V b) {
  if constexpr (is_float<V>) return (a == b) | ((a != a) & (b != b));
  return a == b;
}

DG_HD FloatLanes load_lanes(const float *p) { return load(p); }
DG_HD IntLanes load_lanes(const int32_t *p) { return bits(load(reinterpret_cast<const float *>(p))); }

// The extreme value first, then its first place: two quick passes.
template <class Op, class T>
int32_t position(const T *x, int64_t n) {
  const T best = reduce_row<Op>(x, n);
  int64_t i = 0;
  while (i + lanes <= n && !any(same(load_lanes(x + i), splat<decltype(load_lanes(x))>(best)))) i += lanes;
  while (!same(x[i], best)) i++;
  return static_cast<int32_t>(i);
}

template <class Op, class T>
void arg_rows(const ArgReduceArgs &args) {
  const int64_t grain = args.n < elements_per_piece ? elements_per_piece / args.n : 1;
  parallel_for(args.outer, grain, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; o++) args.y[o] = position<Op>(static_cast<const T *>(args.x) + o * args.n, args.n);
  });
}

// Columns side by side, each keeping the best so far and where it was.
template <class Op, class T>
void arg_columns(const ArgReduceArgs &args) {
  constexpr int64_t panel = 64;
  const int64_t n = args.n, inner = args.inner, panels = (inner + panel - 1) / panel;
  const int64_t grain = n * panel < elements_per_piece ? elements_per_piece / (n * panel) : 1;
  parallel_for(args.outer * panels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p++) {
      const int64_t column = p % panels * panel, width = inner - column < panel ? inner - column : panel;
      const T *x = static_cast<const T *>(args.x) + p / panels * n * inner + column;
      T best[panel];
      int32_t at[panel];
      for (int64_t j = 0; j < width; j++) best[j] = x[j], at[j] = 0;
      for (int64_t i = 1; i < n; i++) {
        for (int64_t j = 0; j < width; j++) {
          const T better = Op::add(best[j], x[i * inner + j]);
          at[j] = same(better, best[j]) ? at[j] : static_cast<int32_t>(i);
          best[j] = better;
        }
      }
      for (int64_t j = 0; j < width; j++) args.y[p / panels * inner + column + j] = at[j];
    }
  });
}

template <class T>
int arg_type(const ArgReduceArgs &args) {
  const bool max = static_cast<ArgReduce>(args.op) == ArgReduce::argMax, rows = args.inner == 1;
  if (max && rows) arg_rows<Max, T>(args);
  if (max && !rows) arg_columns<Max, T>(args);
  if (!max && rows) arg_rows<Min, T>(args);
  if (!max && !rows) arg_columns<Min, T>(args);
  return 0;
}

}  // namespace

int run_argreduce(const ArgReduceArgs &args) {
  if (args.outer * args.inner == 0) return 0;
  if (args.n < 1 || args.n > INT32_MAX)
    return fail(DG_E_ARGUMENT, argreduce_name(args.op), " needs 1 to 2^31 - 1 elements along its axis, got ", args.n);
  if (args.type == DG_FLOAT32) return arg_type<float>(args);
  if (args.type == DG_INT32) return arg_type<int32_t>(args);
  return fail(DG_E_ARGUMENT, argreduce_name(args.op), " takes float32 or int32");
}

}  // namespace dg::DG_ISA
