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

template <class T>
DG_HD auto load_lanes(const T *p, int64_t left) {
  const FloatLanes v = load_block<lanes>(reinterpret_cast<const float *>(p), left, 0).v;
  if constexpr (std::is_same_v<T, float>) {
    return v;
  } else {
    return bits(v);
  }
}

// The extreme value first, then its first place: two quick passes.
template <class Op, class T>
int32_t position(const T *x, int64_t n) {
  const T best = reduce_row<Op>(x, n);
  int64_t i = 0;
  while (i + lanes <= n) {
    const auto v = load_lanes(x + i, lanes);
    if (any(same(v, best - decltype(v){}))) break;
    i += lanes;
  }
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

// A register of columns side by side, each keeping the best so far and where it was.
template <class Op, class T>
void arg_columns(const ArgReduceArgs &args) {
  const int64_t n = args.n, inner = args.inner, groups = (inner + lanes - 1) / lanes;
  const int64_t grain = n * lanes < elements_per_piece ? elements_per_piece / (n * lanes) : 1;
  parallel_for(args.outer * groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; g++) {
      const int64_t outer = g / groups, column = g % groups * lanes, left = inner - column;
      const T *x = static_cast<const T *>(args.x) + outer * n * inner + column;
      auto best = load_lanes(x, left);
      IntLanes at = {};
      for (int64_t i = 1; i < n; i++) {
        const auto better = Op::add(best, load_lanes(x + i * inner, left));
        at = same(better, best) ? at : static_cast<int32_t>(i) - IntLanes{};
        best = better;
      }
      store_block<lanes>(reinterpret_cast<float *>(args.y + outer * inner + column), left, {from_bits(at)});
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
  if (args.type == DG_FLOAT32) return arg_type<float>(args);
  if (args.type == DG_INT32) return arg_type<int32_t>(args);
  return fail(DG_E_ARGUMENT, argreduce_name(args.op), " takes float32 or int32");
}

}  // namespace dg::DG_ISA
