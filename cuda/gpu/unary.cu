// Unary operations: one kernel per line of ops.def and operand type.
#include "../core/args.h"
#include "../math/elementwise.h"
#include "launch.h"
#include "operand.h"

namespace dg {
namespace gpu {
namespace {

template <class Op, class In, class Out>
__global__ void __launch_bounds__(block_threads)
    unary(const In *x, Out *y, int64_t n, Number<In> a, Number<In> b, bool whole) {
  for (int64_t i = first_index() * pack_size; i < n; i += index_step() * pack_size) {
    const Pack<In> in = load_pack(x, i, n, whole);
    Pack<Out> out;
    for (int j = 0; j < pack_size; j++)
      out.at[j] = static_cast<Out>(Op::apply(static_cast<Number<In>>(in.at[j]), a, b));
    store_pack(y, i, n, whole, out);
  }
}

template <class Op, class In>
int launch_unary(const UnaryArgs &args) {
  using Out = std::conditional_t<(Op::flags & TEST) != 0, uint8_t, In>;
  const auto *x = static_cast<const In *>(args.x);
  auto *y = static_cast<Out *>(args.y);
  return launch<unary<Op, In, Out>>(grid_for(divide_up(args.n, pack_size)), block_threads, 0, x, y, args.n,
                                    parameter<Number<In>>(args.a), parameter<Number<In>>(args.b),
                                    aligned(x) && aligned(y));
}

using Launcher = int (*)(const UnaryArgs &);
template <class Op, class In, unsigned types>
constexpr Launcher launcher() {
  if constexpr ((Op::flags & types) != 0) return launch_unary<Op, In>;
  return nullptr;
}

constexpr Launcher of_float[] = {
#define DG_UNARY(name, ...) launcher<unary_op::name, float, FLOAT>(),
#include "../ops.def"
};
constexpr Launcher of_int[] = {
#define DG_UNARY(name, ...) launcher<unary_op::name, int32_t, INT>(),
#include "../ops.def"
};
constexpr Launcher of_byte[] = {
#define DG_UNARY(name, ...) launcher<unary_op::name, uint8_t, INT | BOOL>(),
#include "../ops.def"
};

}  // namespace
}  // namespace gpu

int run_unary(const UnaryArgs &args) {
  if (!unary_accepts(args.op, args.in)) return fail(DG_E_ARGUMENT, "No kernel for unary operation ", args.op);
  if (args.in == DG_FLOAT32) return gpu::of_float[args.op](args);
  return (args.in == DG_INT32 ? gpu::of_int : gpu::of_byte)[args.op](args);
}

}  // namespace dg
