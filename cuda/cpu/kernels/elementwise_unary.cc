// Unary operations: one loop per line of ops.def and operand type.
#include "../../core/error.h"
#include "../../math/elementwise.h"
#include "elementwise.h"

namespace dg::DG_ISA {
namespace {

template <class Op, class V>
void unary_loop(const Stream *in, char *y, int64_t vectors, const float *params) {
  const V a = parameter<V>(params[0]), b = parameter<V>(params[1]);
  const char *x = in[0].data;
  for (; vectors > 0; vectors--, x += in[0].step, y += vector_bytes) {
    const auto result = Op::apply(load_vector<V>(x), a, b);
    if constexpr (Op::flags & TEST) {
      store_vector(y, result & 1);
    } else {
      store_vector(y, result);
    }
  }
}

template <class Op, class V, unsigned types>
constexpr Loop loop_for() {
  if constexpr (Op::flags & types) return unary_loop<Op, V>;
  return nullptr;
}

constexpr Loop float_loops[] = {
#define DG_UNARY(name, ...) loop_for<unary_op::name, FloatLanes, FLOAT>(),
#include "../../ops.def"
};
constexpr Loop int_loops[] = {
#define DG_UNARY(name, ...) loop_for<unary_op::name, IntLanes, INT | BOOL>(),
#include "../../ops.def"
};

}  // namespace

int run_unary(const UnaryArgs &args) {
  if (!unary_accepts(args.op, args.in)) return fail(DG_E_ARGUMENT, "No kernel for unary operation ", args.op);
  const float params[] = {args.a, args.b};
  Walk walk((type_flag(args.in) == FLOAT ? float_loops : int_loops)[args.op], params, args.y, args.out, args.n);
  walk.add_input(args.x, args.in);
  walk.run(unary_flags(args.op) & HEAVY);
  return 0;
}

void apply_unary_inplace(int op, float *x, int64_t n, float alpha) {
  const float params[] = {alpha, 0};
  const Loop loop = float_loops[op];
  const int64_t whole = n / DG_LANES, ragged = n % DG_LANES;
  char *const bytes = reinterpret_cast<char *>(x);
  const Stream in{bytes, vector_bytes};
  loop(&in, bytes, whole, params);
  if (ragged == 0) return;
  alignas(vector_bytes) char last[vector_bytes] = {};
  const Stream padded{last, 0};
  memcpy(last, bytes + whole * vector_bytes, 4 * ragged);
  loop(&padded, last, 1, params);
  memcpy(bytes + whole * vector_bytes, last, 4 * ragged);
}

}  // namespace dg::DG_ISA
