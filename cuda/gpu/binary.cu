// Binary operations with broadcasting: one kernel per line of ops.def and operand type.
#include "../core/args.h"
#include "../math/elementwise.h"
#include "launch.h"
#include "operand.h"

namespace dg {
namespace gpu {
namespace {

template <class Op, class In, class Out>
__global__ void __launch_bounds__(block_threads)
    binary(Operand<In> a, Operand<In> b, Out *y, int64_t n, bool whole, const Offsets<2> __grid_constant__ offsets) {
  for (int64_t i = first_index() * pack_size; i < n; i += index_step() * pack_size) {
    const Pack<In> in_a = a.load(i, n, offsets, 0), in_b = b.load(i, n, offsets, 1);
    Pack<Out> out;
    for (int j = 0; j < pack_size; j++)
      out.at[j] = static_cast<Out>(Op::apply(static_cast<Number<In>>(in_a.at[j]), static_cast<Number<In>>(in_b.at[j])));
    store_pack(y, i, n, whole, out);
  }
}

template <class Op, class In>
int launch_binary(const BinaryArgs &args) {
  using Out = std::conditional_t<(Op::flags & TEST) != 0, uint8_t, In>;
  auto *y = static_cast<Out *>(args.y);
  return launch<binary<Op, In, Out>>(grid_for(divide_up(args.space.n, pack_size)), block_threads, 0,
                                     Operand<In>(args.a, args.space, 0), Operand<In>(args.b, args.space, 1), y,
                                     args.space.n, aligned(y), offsets_of<2>(args.space));
}

using Launcher = int (*)(const BinaryArgs &);
template <class Op, class In, unsigned types>
constexpr Launcher launcher() {
  if constexpr ((Op::flags & types) != 0) return launch_binary<Op, In>;
  return nullptr;
}

constexpr Launcher of_float[] = {
#define DG_BINARY(name, ...) launcher<binary_op::name, float, FLOAT>(),
#include "../ops.def"
};
constexpr Launcher of_int[] = {
#define DG_BINARY(name, ...) launcher<binary_op::name, int32_t, INT>(),
#include "../ops.def"
};
constexpr Launcher of_byte[] = {
#define DG_BINARY(name, ...) launcher<binary_op::name, uint8_t, INT | BOOL>(),
#include "../ops.def"
};

}  // namespace
}  // namespace gpu

int run_binary(const BinaryArgs &args) {
  if (!binary_accepts(args.op, args.in)) return fail(DG_E_ARGUMENT, "No kernel for binary operation ", args.op);
  if (args.in == DG_FLOAT32) return gpu::of_float[args.op](args);
  return (args.in == DG_INT32 ? gpu::of_int : gpu::of_byte)[args.op](args);
}

}  // namespace dg
