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
    where(Operand<uint8_t, pack_size<T>> condition, Operand<T, pack_size<T>> a, Operand<T, pack_size<T>> b, T *y,
          int64_t n, bool whole, const Offsets<3> __grid_constant__ offsets) {
  constexpr int size = pack_size<T>;
  for (int64_t i = first_index() * size; i < n; i += index_step() * size) {
    const Pack<uint8_t, size> chosen = condition.load(i, n, offsets, 0);
    const Pack<T, size> in_a = a.load(i, n, offsets, 1), in_b = b.load(i, n, offsets, 2);
    Pack<T, size> out;
    for (int j = 0; j < size; j++) out.at[j] = chosen.at[j] ? in_a.at[j] : in_b.at[j];
    store_pack(y, i, n, whole, out);
  }
}

template <class T>
int launch_where(const WhereArgs &args) {
  constexpr int size = pack_size<T>;
  auto *y = static_cast<T *>(args.y);
  const Space &space = args.space;
  return launch<where<T>>(grid_for(divide_up(space.n, size)), block_threads, 0,
                          Operand<uint8_t, size>(args.condition, space, 0), Operand<T, size>(args.a, space, 1),
                          Operand<T, size>(args.b, space, 2), y, space.n, aligned<size>(y), offsets_of<3>(space));
}

// Conversions from a Number; Type is how the result lies in memory.
template <class T>
struct To {
  using Type = T;
  template <class V>
  __device__ static T of(V x) {
    if constexpr (std::is_same_v<V, float> && !std::is_same_v<Number<T>, float>) return of(to_int_saturated(x));
    return element<T>(x);
  }
};
struct ToBool {
  using Type = uint8_t;
  template <class V>
  __device__ static uint8_t of(V x) {
    return x != 0;
  }
};

template <class In, class Conversion, int size>
__global__ void __launch_bounds__(block_threads)
    cast(const In *x, typename Conversion::Type *y, int64_t n, bool whole) {
  for (int64_t i = first_index() * size; i < n; i += index_step() * size) {
    const Pack<In, size> in = load_pack<size>(x, i, n, whole);
    Pack<typename Conversion::Type, size> out;
    for (int j = 0; j < size; j++) out.at[j] = Conversion::of(number(in.at[j]));
    store_pack(y, i, n, whole, out);
  }
}

template <class In, class Conversion>
int launch_cast(const CastArgs &args) {
  using Out = typename Conversion::Type;
  constexpr int size = pack_size<In> < pack_size<Out> ? pack_size<In> : pack_size<Out>;
  const auto *x = static_cast<const In *>(args.x);
  auto *y = static_cast<Out *>(args.y);
  return launch<cast<In, Conversion, size>>(grid_for(divide_up(args.n, size)), block_threads, 0, x, y, args.n,
                                            aligned<size>(x) && aligned<size>(y));
}

template <class In>
int cast_from(const CastArgs &args) {
  switch (args.out) {
    case DG_INT32:
      return launch_cast<In, To<int32_t>>(args);
    case DG_UINT8:
      return launch_cast<In, To<uint8_t>>(args);
    case DG_BOOL:
      return launch_cast<In, ToBool>(args);
    default:
      return with_floats(args.out, [&]<class T>() { return launch_cast<In, To<T>>(args); });
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads) fill(T *y, int64_t n, T value, bool whole) {
  constexpr int size = pack_size<T>;
  Pack<T> pack;
  for (int j = 0; j < size; j++) pack.at[j] = value;
  for (int64_t i = first_index() * size; i < n; i += index_step() * size) store_pack(y, i, n, whole, pack);
}

template <class T>
int launch_fill(const FillArgs &args, T value) {
  constexpr int size = pack_size<T>;
  auto *y = static_cast<T *>(args.y);
  return launch<fill<T>>(grid_for(divide_up(args.n, size)), block_threads, 0, y, args.n, value, aligned<size>(y));
}

int32_t saturated(double value) {
  if (value != value) return 0;
  return static_cast<int32_t>(value < INT32_MIN ? INT32_MIN : value > INT32_MAX ? INT32_MAX : value);
}

}  // namespace
}  // namespace gpu

int run_where(const WhereArgs &args) {
  switch (args.type) {
    case DG_FLOAT32:
    case DG_INT32:
      return gpu::launch_where<uint32_t>(args);
    case DG_FLOAT16:
    case DG_BFLOAT16:
      return gpu::launch_where<uint16_t>(args);
    default:
      return gpu::launch_where<uint8_t>(args);
  }
}

int run_cast(const CastArgs &args) {
  switch (args.in) {
    case DG_INT32:
      return gpu::cast_from<int32_t>(args);
    case DG_UINT8:
    case DG_BOOL:
      return gpu::cast_from<uint8_t>(args);
    default:
      return gpu::with_floats(args.in, [&]<class T>() { return gpu::cast_from<T>(args); });
  }
}

int run_fill(const FillArgs &args) {
  switch (args.type) {
    case DG_INT32:
      return gpu::launch_fill(args, gpu::saturated(args.value));
    case DG_UINT8:
      return gpu::launch_fill(args, static_cast<uint8_t>(gpu::saturated(args.value)));
    case DG_BOOL:
      return gpu::launch_fill<uint8_t>(args, args.value != 0);
    default:
      return gpu::with_floats(
          args.type, [&]<class T>() { return gpu::launch_fill(args, narrow<T>(static_cast<float>(args.value))); });
  }
}

int run_copy(const CopyArgs &args) {
  const size_t bytes = static_cast<size_t>(args.bytes);
  const cudaStream_t stream = gpu::current().stream;
  return gpu::launched(cudaMemcpyAsync(args.y, args.x, bytes, cudaMemcpyDeviceToDevice, stream), {"copy", 1});
}

}  // namespace dg
