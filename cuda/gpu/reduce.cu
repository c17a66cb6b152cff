// Reductions over any set of axes.
#include "../core/args.h"
#include "../math/families.h"
#include "../math/reductions.h"
#include "reduce.h"

namespace dg {
namespace gpu {
namespace {

template <class R, class T>
struct Plain {
  using In = T;
  using Value = T;
  using Out = T;
  __device__ T start() const { return R::start(T{}); }
  __device__ T add(T value, T x, int64_t) const { return R::add(value, x); }
  __device__ T join(T a, T b) const { return R::join(a, b); }
  __device__ T finish(T value) const { return value; }
};

struct Mean : Plain<Sum, float> {
  float n;
  explicit Mean(int64_t count) : n(static_cast<float>(count)) {}
  __device__ float finish(float sum) const { return sum / n; }
};

template <class Op>
int reduce_with(const ReduceArgs &args, const Op &op) {
  ReduceShape shape;
  for (int d = 0; d < args.rank; d++) shape.push(args.size[d], args.reduced[d]);
  return reduce(op, static_cast<const typename Op::In *>(args.x), static_cast<typename Op::Out *>(args.y), shape.end());
}

int reduce_float(const ReduceArgs &args) {
  switch (static_cast<Reduce>(args.op)) {
    case Reduce::sum:
      return reduce_with(args, Plain<Sum, float>());
    case Reduce::mean:
      return reduce_with(args, Mean(args.n_red));
    case Reduce::prod:
      return reduce_with(args, Plain<Product, float>());
    case Reduce::max:
      return reduce_with(args, Plain<Max, float>());
    case Reduce::min:
      return reduce_with(args, Plain<Min, float>());
    case Reduce::sumSquares:
      return reduce_with(args, Plain<SumSquares, float>());
    default:
      return fail(DG_E_ARGUMENT, reduce_name(args.op), " does not take float32");
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
  if (args.type == DG_FLOAT32) return gpu::reduce_float(args);
  if (args.type == DG_INT32) return gpu::reduce_int(args);
  const Reduce op = static_cast<Reduce>(args.op);
  if (args.type == DG_BOOL && op == Reduce::all) return gpu::reduce_with(args, gpu::Plain<All, uint8_t>());
  if (args.type == DG_BOOL && op == Reduce::any) return gpu::reduce_with(args, gpu::Plain<Any, uint8_t>());
  return fail(DG_E_ARGUMENT, reduce_name(args.op), " does not take this type");
}

}  // namespace dg
