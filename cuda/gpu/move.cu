// Elementwise without arithmetic: where, cast, fill, copy.
#include "../core/args.h"
#include "../math/real.h"
#include "launch.h"
#include "operand.h"

namespace dg {
namespace gpu {
namespace {

template <class T>
__global__ void __launch_bounds__(block_threads)
    where(Operand<uint8_t> condition, Operand<T> a, Operand<T> b, T *y, int64_t n, bool whole,
          const Offsets<3> __grid_constant__ offsets) {
  for (int64_t i = first_index() * pack_size; i < n; i += index_step() * pack_size) {
    const Pack<uint8_t> chosen = condition.load(i, n, offsets, 0);
    const Pack<T> in_a = a.load(i, n, offsets, 1), in_b = b.load(i, n, offsets, 2);
    Pack<T> out;
    for (int j = 0; j < pack_size; j++) out.at[j] = chosen.at[j] ? in_a.at[j] : in_b.at[j];
    store_pack(y, i, n, whole, out);
  }
}

template <class T>
int launch_where(const WhereArgs &args) {
  auto *y = static_cast<T *>(args.y);
  const Space &space = args.space;
  return launch<where<T>>(grid_for(divide_up(space.n, pack_size)), block_threads, 0,
                          Operand<uint8_t>(args.condition, space, 0), Operand<T>(args.a, space, 1),
                          Operand<T>(args.b, space, 2), y, space.n, aligned(y), offsets_of<3>(space));
}

// Conversions from a Number; Type is how the result lies in memory.
template <class T>
struct To {
  using Type = T;
  template <class V>
  __device__ static T of(V x) {
    return static_cast<T>(x);
  }
  __device__ static T of(float x) {
    if constexpr (std::is_same_v<T, float>) return x;
    return static_cast<T>(to_int_saturated(x));
  }
};
struct ToBool {
  using Type = uint8_t;
  template <class V>
  __device__ static uint8_t of(V x) {
    return x != 0;
  }
};

template <class In, class Conversion>
__global__ void __launch_bounds__(block_threads)
    cast(const In *x, typename Conversion::Type *y, int64_t n, bool whole) {
  for (int64_t i = first_index() * pack_size; i < n; i += index_step() * pack_size) {
    const Pack<In> in = load_pack(x, i, n, whole);
    Pack<typename Conversion::Type> out;
    for (int j = 0; j < pack_size; j++) out.at[j] = Conversion::of(static_cast<Number<In>>(in.at[j]));
    store_pack(y, i, n, whole, out);
  }
}

template <class In, class Conversion>
int launch_cast(const CastArgs &args) {
  const auto *x = static_cast<const In *>(args.x);
  auto *y = static_cast<typename Conversion::Type *>(args.y);
  return launch<cast<In, Conversion>>(grid_for(divide_up(args.n, pack_size)), block_threads, 0, x, y, args.n,
                                      aligned(x) && aligned(y));
}

template <class In>
int cast_from(const CastArgs &args) {
  switch (args.out) {
    case DG_FLOAT32:
      return launch_cast<In, To<float>>(args);
    case DG_INT32:
      return launch_cast<In, To<int32_t>>(args);
    case DG_UINT8:
      return launch_cast<In, To<uint8_t>>(args);
    default:
      return launch_cast<In, ToBool>(args);
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads) fill(T *y, int64_t n, T value, bool whole) {
  Pack<T> pack;
  for (int j = 0; j < pack_size; j++) pack.at[j] = value;
  for (int64_t i = first_index() * pack_size; i < n; i += index_step() * pack_size) store_pack(y, i, n, whole, pack);
}

template <class T>
int launch_fill(const FillArgs &args, T value) {
  auto *y = static_cast<T *>(args.y);
  return launch<fill<T>>(grid_for(divide_up(args.n, pack_size)), block_threads, 0, y, args.n, value, aligned(y));
}

bool has_kernels(Dtype type) { return type != DG_FLOAT16 && type != DG_BFLOAT16; }

int32_t saturated(double value) {
  if (value != value) return 0;
  return static_cast<int32_t>(value < INT32_MIN ? INT32_MIN : value > INT32_MAX ? INT32_MAX : value);
}

}  // namespace
}  // namespace gpu

int run_where(const WhereArgs &args) {
  if (!gpu::has_kernels(args.type)) return fail(DG_E_ARGUMENT, "where has no kernel for 16-bit floats");
  const bool wide = args.type == DG_FLOAT32 || args.type == DG_INT32;
  return wide ? gpu::launch_where<int32_t>(args) : gpu::launch_where<uint8_t>(args);
}

int run_cast(const CastArgs &args) {
  if (!gpu::has_kernels(args.in) || !gpu::has_kernels(args.out))
    return fail(DG_E_ARGUMENT, "cast has no kernel for 16-bit floats");
  if (args.in == DG_FLOAT32) return gpu::cast_from<float>(args);
  return args.in == DG_INT32 ? gpu::cast_from<int32_t>(args) : gpu::cast_from<uint8_t>(args);
}

int run_fill(const FillArgs &args) {
  switch (args.type) {
    case DG_FLOAT32:
      return gpu::launch_fill(args, static_cast<float>(args.value));
    case DG_INT32:
      return gpu::launch_fill(args, gpu::saturated(args.value));
    case DG_UINT8:
      return gpu::launch_fill(args, static_cast<uint8_t>(gpu::saturated(args.value)));
    case DG_BOOL:
      return gpu::launch_fill<uint8_t>(args, args.value != 0);
    default:
      return fail(DG_E_ARGUMENT, "fill has no kernel for 16-bit floats");
  }
}

int run_copy(const CopyArgs &args) {
  const size_t bytes = static_cast<size_t>(args.bytes);
  return gpu::status(cudaMemcpyAsync(args.y, args.x, bytes, cudaMemcpyDeviceToDevice, gpu::current().stream), "copy");
}

}  // namespace dg
