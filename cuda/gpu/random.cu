// Random arrays: each thread turns counters into words, and words into four values.
#include "../core/args.h"
#include "../math/families.h"
#include "../math/philox.h"
#include "last_block.h"
#include "launch.h"
#include "pack.h"

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
  for (int64_t i = first_index() * pack_size; i < n; i += index_step() * pack_size) {
    const uint64_t number = counter + i / pack_size;
    const Words words = {{static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32), 0, 0}};
    const Four<T> four = make(philox(words, key_low, key_high));
    Pack<T> pack;
    for (int j = 0; j < pack_size; j++) pack.at[j] = four.at[j];
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
  return launch<draw<T, Make>>(grid_for(divide_up(args.n, pack_size)), block_threads, 0, args.state, y, args.n,
                               aligned(y), current().ticket, make);
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
  return launch_draw<T>(args, EachWord<T, Value>{value});
}

int draw_integers(const RandomArgs &args) {
  const double low = __builtin_ceil(args.a), high = __builtin_ceil(args.b);
  return draw_each<int32_t>(args, UniformInt{static_cast<uint32_t>(static_cast<int32_t>(low)),
                                             static_cast<uint32_t>(static_cast<int64_t>(high - low))});
}

int draw_floats(const RandomArgs &args) {
  const float a = args.a, b = args.b;
  switch (static_cast<Random>(args.op)) {
    case Random::uniform:
      return draw_each<float>(args, UniformValue{Uniform(a, b)});
    case Random::normal:
      return launch_draw<float>(args, Normal{a, b});
    case Random::truncatedNormal:
      return draw_each<float>(args, TruncatedNormal{a, b});
    default:
      return fail(DG_E_ARGUMENT, random_name(args.op), " does not make float32");
  }
}

}  // namespace
}  // namespace gpu

int run_random(const RandomArgs &args) {
  if (args.type != DG_FLOAT32 && args.type != DG_INT32)
    return fail(DG_E_ARGUMENT, random_name(args.op), " makes float32 or int32");
  const bool floats = args.type == DG_FLOAT32;
  if (static_cast<Random>(args.op) == Random::bernoulli)
    return floats ? gpu::draw_each<float>(args, gpu::Bernoulli<float>{args.a})
                  : gpu::draw_each<int32_t>(args, gpu::Bernoulli<int32_t>{args.a});
  if (floats) return gpu::draw_floats(args);
  if (static_cast<Random>(args.op) == Random::uniformInt) return gpu::draw_integers(args);
  return fail(DG_E_ARGUMENT, random_name(args.op), " does not make int32");
}

}  // namespace dg
