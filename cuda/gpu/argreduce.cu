// Where is the first largest or smallest element along an axis?
#include "../core/args.h"
#include "../math/families.h"
#include "number.h"
#include "reduce.h"

namespace dg {
namespace gpu {
namespace {

template <class T>
struct Place {
  T value;
  int32_t index;  // -1: nowhere yet
};

// NaN counts as the best; of equal ones the first is.
template <class T, bool largest>
struct Best {
  using In = T;
  using Value = Place<Number<T>>;
  using Out = int32_t;
  __device__ Value start() const { return {{}, -1}; }
  __device__ Value add(const Value &best, T x, int64_t i) const {
    return join(best, {number(x), static_cast<int32_t>(i)});
  }
  __device__ Value join(const Value &a, const Value &b) const {
    if (a.index < 0 || b.index < 0) return a.index < 0 ? b : a;
    if (better(a.value, b.value)) return a;
    if (better(b.value, a.value)) return b;
    return a.index < b.index ? a : b;
  }
  __device__ int32_t finish(const Value &best) const { return best.index; }

 private:
  __device__ static bool better(Number<T> a, Number<T> b) {
    if (a != a || b != b) return b == b;
    return largest ? a > b : a < b;
  }
};

template <class T, bool largest>
int arg_reduce(const ArgReduceArgs &args) {
  ReduceShape shape;
  shape.push(args.outer, false);
  shape.push(args.n, true);
  if (args.inner != 1) shape.push(args.inner, false);
  return reduce(Best<T, largest>(), static_cast<const T *>(args.x), args.y, shape.end());
}

template <class T>
int arg_type(const ArgReduceArgs &args) {
  return static_cast<ArgReduce>(args.op) == ArgReduce::argMax ? arg_reduce<T, true>(args) : arg_reduce<T, false>(args);
}

}  // namespace
}  // namespace gpu

int run_argreduce(const ArgReduceArgs &args) {
  if (args.outer * args.inner == 0) return 0;
  if (args.type == DG_INT32) return gpu::arg_type<int32_t>(args);
  return gpu::with_floats(args.type, [&]<class T>() { return gpu::arg_type<T>(args); });
}

}  // namespace dg
