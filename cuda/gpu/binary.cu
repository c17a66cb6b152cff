// Binary operations with broadcasting: one kernel per line of ops.def and operand type.
#include "../core/args.h"
#include "../math/elementwise.h"
#include "launch.h"
#include "operand.h"

namespace dg {
namespace gpu {
namespace {

template <class Op, class In, class Out, int size>
__global__ void __launch_bounds__(block_threads) binary(Operand<In, size> a, Operand<In, size> b, Out *y, int64_t n,
                                                        bool whole, const Offsets<2> __grid_constant__ offsets) {
  for (int64_t i = first_index() * size; i < n; i += index_step() * size) {
    const Pack<In, size> in_a = a.load(i, n, offsets, 0), in_b = b.load(i, n, offsets, 1);
    Pack<Out, size> out;
    for (int j = 0; j < size; j++) out.at[j] = element<Out>(Op::apply(number(in_a.at[j]), number(in_b.at[j])));
    store_pack(y, i, n, whole, out);
  }
}

template <class Op, class In>
int launch_binary(const BinaryArgs &args) {
  using Out = std::conditional_t<(Op::flags & TEST) != 0, uint8_t, In>;
  constexpr int size = pack_for<Op, In>;
  auto *y = static_cast<Out *>(args.y);
  return launch<binary<Op, In, Out, size>>(
      grid_for(divide_up(args.space.n, size)), block_threads, 0, Operand<In, size>(args.a, args.space, 0),
      Operand<In, size>(args.b, args.space, 1), y, args.space.n, aligned<size>(y), offsets_of<2>(args.space));
}

using Launcher = int (*)(const BinaryArgs &);
template <class Op, class In, unsigned types>
constexpr Launcher launcher() {
  if constexpr ((Op::flags & types) != 0) return launch_binary<Op, In>;
  return nullptr;
}

// By operation; null where it does not take these types.
template <class In, unsigned types>
constexpr Launcher launchers[] = {
#define DG_BINARY(name, ...) launcher<binary_op::name, In, types>(),
#include "../ops.def"
};

}  // namespace
}  // namespace gpu

int run_binary(const BinaryArgs &args) {
  if (!binary_accepts(args.op, args.in)) return fail(DG_E_ARGUMENT, "No kernel for binary operation ", args.op);
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
