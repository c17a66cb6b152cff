// Binary operations with broadcasting: one loop per line of ops.def and operand type.
#include "../../core/error.h"
#include "../../math/elementwise.h"
#include "elementwise.h"

namespace dg::DG_ISA {
namespace {

template <class Op, class V>
void binary_loop(const Stream *in, char *y, int64_t vectors, const float *) {
  const char *a = in[0].data, *b = in[1].data;
  for (; vectors > 0; vectors--, a += in[0].step, b += in[1].step, y += vector_bytes) {
    const auto result = Op::apply(load_vector<V>(a), load_vector<V>(b));
    if constexpr (Op::flags & TEST) {
      store_vector(y, result & 1);
    } else {
      store_vector(y, result);
    }
  }
}

template <class Op, class V, unsigned types>
constexpr Loop loop_for() {
  if constexpr (Op::flags & types) return binary_loop<Op, V>;
  return nullptr;
}

constexpr Loop float_loops[] = {
#define DG_BINARY(name, ...) loop_for<binary_op::name, FloatLanes, FLOAT>(),
#include "../../ops.def"
};
constexpr Loop int_loops[] = {
#define DG_BINARY(name, ...) loop_for<binary_op::name, IntLanes, INT | BOOL>(),
#include "../../ops.def"
};

}  // namespace

int run_binary(const BinaryArgs &args) {
  if (!binary_accepts(args.op, args.in)) return fail(DG_E_ARGUMENT, "No kernel for binary operation ", args.op);
  Walk walk((type_flag(args.in) == FLOAT ? float_loops : int_loops)[args.op], nullptr, args.y, args.out, args.space.n);
  walk.add_input(args.a, args.in, args.space, 0);
  walk.add_input(args.b, args.in, args.space, 1);
  walk.run(binary_flags(args.op) & HEAVY);
  return 0;
}

}  // namespace dg::DG_ISA
