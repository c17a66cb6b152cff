// Unary operations: one kernel per line of ops.def and operand type.
#include "../core/args.h"
#include "../math/elementwise.h"
#include "launch.h"
#include "operand.h"

namespace dg {
namespace gpu {
namespace {

template <class Op, class In, class Out, int size>
__global__ void __launch_bounds__(block_threads)
    unary(const In *x, Out *y, int64_t n, Number<In> a, Number<In> b, bool whole) {
  for (int64_t i = first_index() * size; i < n; i += index_step() * size) {
    const Pack<In, size> in = load_pack<size>(x, i, n, whole);
    Pack<Out, size> out;
    for (int j = 0; j < size; j++) out.at[j] = element<Out>(Op::apply(number(in.at[j]), a, b));
    store_pack(y, i, n, whole, out);
  }
}

template <class Op, class In>
int launch_unary(const UnaryArgs &args) {
  using Out = std::conditional_t<(Op::flags & TEST) != 0, uint8_t, In>;
  constexpr int size = pack_for<Op, In>;
  const auto *x = static_cast<const In *>(args.x);
  auto *y = static_cast<Out *>(args.y);
  return launch<unary<Op, In, Out, size>>(grid_for(divide_up(args.n, size)), block_threads, 0, x, y, args.n,
                                          parameter<Number<In>>(args.a), parameter<Number<In>>(args.b),
                                          aligned<size>(x) && aligned<size>(y));
}

using Launcher = int (*)(const UnaryArgs &);
template <class Op, class In, unsigned types>
constexpr Launcher launcher() {
  if constexpr ((Op::flags & types) != 0) return launch_unary<Op, In>;
  return nullptr;
}

// By operation; null where it does not take these types.
template <class In, unsigned types>
constexpr Launcher launchers[] = {
#define DG_UNARY(name, ...) launcher<unary_op::name, In, types>(),
#include "../ops.def"
};

}  // namespace
}  // namespace gpu

int run_unary(const UnaryArgs &args) {
  if (!unary_accepts(args.op, args.in)) return fail(DG_E_ARGUMENT, "No kernel for unary operation ", args.op);
  switch (args.in) {
    case DG_INT32:
      return gpu::launchers<int32_t, INT>[args.op](args);
    case DG_UINT8:
    case DG_BOOL:
      return gpu::launchers<uint8_t, INT | BOOL>[args.op](args);
    default:
      return gpu::with_floats(args.in, [&]<class T>() { return gpu::launchers<T, FLOAT>[args.op](args); });
  }
}

}  // namespace dg
