// Reductions over any set of axes.
#include "../core/args.h"
#include "../math/families.h"
#include "../math/reductions.h"
#include "number.h"
#include "reduce.h"

namespace dg {
namespace gpu {
namespace {

template <class R, class T>
struct Plain {
  using In = T;
  using Value = Number<T>;
  using Out = T;
  __device__ Value start() const { return R::start(Value{}); }
  __device__ Value add(Value value, T x, int64_t) const { return R::add(value, number(x)); }
  __device__ Value join(Value a, Value b) const { return R::join(a, b); }
  __device__ T finish(Value value) const { return element<T>(value); }
};

template <class T>
struct Mean : Plain<Sum, T> {
  float n;
  explicit Mean(int64_t count) : n(static_cast<float>(count)) {}
  __device__ T finish(float sum) const { return element<T>(sum / n); }
};

template <class Op>
int reduce_with(const ReduceArgs &args, const Op &op) {
  ReduceShape shape;
  for (int d = 0; d < args.rank; d++) shape.push(args.size[d], args.reduced[d]);
  return reduce(op, static_cast<const typename Op::In *>(args.x), static_cast<typename Op::Out *>(args.y), shape.end());
}

template <class T>
int reduce_floats(const ReduceArgs &args) {
  switch (static_cast<Reduce>(args.op)) {
    case Reduce::sum:
      return reduce_with(args, Plain<Sum, T>());
    case Reduce::mean:
      return reduce_with(args, Mean<T>(args.n_red));
    case Reduce::prod:
      return reduce_with(args, Plain<Product, T>());
    case Reduce::max:
      return reduce_with(args, Plain<Max, T>());
    case Reduce::min:
      return reduce_with(args, Plain<Min, T>());
    case Reduce::sumSquares:
      return reduce_with(args, Plain<SumSquares, T>());
    default:
      return fail(DG_E_ARGUMENT, reduce_name(args.op), " does not take floats");
  }
}

int reduce_int(const ReduceArgs &args) {
  switch (static_cast<Reduce>(args.op)) {
    case Reduce::sum:
      return reduce_with(args, Plain<Sum, uint32_t>());
    case Reduce::prod:
      return reduce_with(args, Plain<Product, uint32_t>());
    case Reduce::max:
      return reduce_with(args, Plain<Max, int32_t>());
    case Reduce::min:
      return reduce_with(args, Plain<Min, int32_t>());
    case Reduce::sumSquares:
      return reduce_with(args, Plain<SumSquares, uint32_t>());
    default:
      return fail(DG_E_ARGUMENT, reduce_name(args.op), " does not take int32");
  }
}

}  // namespace
}  // namespace gpu

int run_reduce(const ReduceArgs &args) {
  if (args.n_out == 0) return 0;
  if (args.type == DG_INT32) return gpu::reduce_int(args);
  const Reduce op = static_cast<Reduce>(args.op);
  if (args.type == DG_BOOL && op == Reduce::all) return gpu::reduce_with(args, gpu::Plain<All, uint8_t>());
  if (args.type == DG_BOOL && op == Reduce::any) return gpu::reduce_with(args, gpu::Plain<Any, uint8_t>());
  return gpu::with_floats(args.type, [&]<class T>() { return gpu::reduce_floats<T>(args); });
}

}  // namespace dg
