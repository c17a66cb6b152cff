// Random arrays: each thread turns counters into words, and words into four values.
#include "../core/args.h"
#include "../math/families.h"
#include "../math/philox.h"
#include "last_block.h"
#include "launch.h"
#include "number.h"

namespace dg {
namespace gpu {
namespace {

using Words = Four<uint32_t>;

// Element i of a draw is value i % 4 of make(philox of counter + i / 4). The last block advances the counter.
template <class T, class Make>
__global__ void __launch_bounds__(block_threads)
    draw(int32_t *state, T *y, int64_t n, bool whole, unsigned *ticket, Make make) {
  const uint32_t key_low = state[0], key_high = state[1];
  const uint64_t counter = static_cast<uint32_t>(state[2]) | static_cast<uint64_t>(state[3]) << 32;
  for (int64_t i = first_index() * 4; i < n; i += index_step() * 4) {
    const uint64_t place = counter + i / 4;
    const Words words = {{static_cast<uint32_t>(place), static_cast<uint32_t>(place >> 32), 0, 0}};
    const Four<Number<T>> four = make(philox(words, key_low, key_high));
    Pack<T, 4> pack;
    for (int j = 0; j < 4; j++) pack.at[j] = element<T>(four.at[j]);
    store_pack(y, i, n, whole, pack);
  }
  __syncthreads();
  if (threadIdx.x == 0 && last_block(ticket)) {
    const uint64_t next = counter + (n + 3) / 4;
    state[2] = static_cast<int32_t>(next);
    state[3] = static_cast<int32_t>(next >> 32);
  }
}

template <class T, class Make>
int launch_draw(const RandomArgs &args, const Make &make) {
  auto *y = static_cast<T *>(args.y);
  return launch<draw<T, Make>>(grid_for(divide_up(args.n, 4)), block_threads, 0, args.state, y, args.n, aligned<4>(y),
                               current().ticket, make);
}

// One value from each word.
template <class T, class Value>
struct EachWord {
  Value value;
  __device__ Four<T> operator()(const Words &w) const {
    return {{value(w.at[0]), value(w.at[1]), value(w.at[2]), value(w.at[3])}};
  }
};

struct UniformValue {
  Uniform uniform;
  __device__ float operator()(uint32_t word) const { return uniform(word); }
};
struct TruncatedNormal {
  float mean, deviation;
  __device__ float operator()(uint32_t word) const { return fma_(truncated_normal(word), deviation, mean); }
};
template <class T>
struct Bernoulli {
  float probability;
  __device__ T operator()(uint32_t word) const { return unit(word) < probability; }
};
struct UniformInt {
  uint32_t start, range;  // range 0: all of them
  __device__ int32_t operator()(uint32_t word) const {
    const uint32_t offset = range ? wide_product(word, range).high : word;
    return static_cast<int32_t>(offset + start);
  }
};
struct Normal {
  float mean, deviation;
  __device__ Four<float> operator()(const Words &w) const {
    const auto [c, s] = normal_pair(w.at[0], w.at[1]);
    const auto [c2, s2] = normal_pair(w.at[2], w.at[3]);
    return {{fma_(c, deviation, mean), fma_(s, deviation, mean), fma_(c2, deviation, mean), fma_(s2, deviation, mean)}};
  }
};

template <class T, class Value>
int draw_each(const RandomArgs &args, const Value &value) {
  return launch_draw<T>(args, EachWord<Number<T>, Value>{value});
}

template <class T>
int draw_floats(const RandomArgs &args) {
  const float a = args.a, b = args.b;
  switch (static_cast<Random>(args.op)) {
    case Random::uniform:
      return draw_each<T>(args, UniformValue{Uniform(a, b)});
    case Random::normal:
      return launch_draw<T>(args, Normal{a, b});
    case Random::truncatedNormal:
      return draw_each<T>(args, TruncatedNormal{a, b});
    case Random::bernoulli:
      return draw_each<T>(args, Bernoulli<float>{a});
    default:
      return fail(DG_E_ARGUMENT, random_name(args.op), " does not make floats");
  }
}

int draw_integers(const RandomArgs &args) {
  if (static_cast<Random>(args.op) == Random::bernoulli) return draw_each<int32_t>(args, Bernoulli<int32_t>{args.a});
  if (static_cast<Random>(args.op) != Random::uniformInt)
    return fail(DG_E_ARGUMENT, random_name(args.op), " does not make int32");
  const double low = __builtin_ceil(args.a), high = __builtin_ceil(args.b);
  return draw_each<int32_t>(args, UniformInt{static_cast<uint32_t>(static_cast<int32_t>(low)),
                                             static_cast<uint32_t>(static_cast<int64_t>(high - low))});
}

}  // namespace
}  // namespace gpu

int run_random(const RandomArgs &args) {
  if (args.type == DG_INT32) return gpu::draw_integers(args);
  return gpu::with_floats(args.type, [&]<class T>() { return gpu::draw_floats<T>(args); });
}

}  // namespace dg
