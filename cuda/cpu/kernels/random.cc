// Random arrays: DG_LANES counters at a time become four registers of words, then of values, and are woven into order.
#include <string.h>

#include "../../core/args.h"
#include "../../core/error.h"
#include "../../math/families.h"
#include "../../math/philox.h"
#include "../threads.h"
#include "lanes.h"

namespace dg::DG_ISA {
namespace {

using Words = Four<UnsignedLanes>;
using Values = Four<FloatLanes>;

// Lanes of a and b in turn: those of the lower halves (part 0) or of the upper ones (part 1).
template <int part, int... i>
DG_HD FloatLanes weave(FloatLanes a, FloatLanes b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (part * lanes / 2 + i / 2 + i % 2 * lanes)...);
}

// From value j of every counter to the values of counter after counter.
DG_HD Values interleave(Values v) {
  const FloatLanes even_low = weave<0>(v.at[0], v.at[2], all_lanes), even_high = weave<1>(v.at[0], v.at[2], all_lanes);
  const FloatLanes odd_low = weave<0>(v.at[1], v.at[3], all_lanes), odd_high = weave<1>(v.at[1], v.at[3], all_lanes);
  return {{weave<0>(even_low, odd_low, all_lanes), weave<1>(even_low, odd_low, all_lanes),
           weave<0>(even_high, odd_high, all_lanes), weave<1>(even_high, odd_high, all_lanes)}};
}

// Fills y with make(words), whose values are float32, or int32 as bits, and advances the counter.
template <class Make>
int fill(const RandomArgs &args, const Make &make) {
  constexpr int block = 4 * lanes;
  constexpr int64_t elements_per_piece = 1 << 14;
  const uint32_t key_low = args.state[0], key_high = args.state[1];
  const uint64_t counter = static_cast<uint32_t>(args.state[2]) | static_cast<uint64_t>(args.state[3]) << 32;
  parallel_for(args.n, elements_per_piece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += block) {
      const uint64_t first = counter + i / 4;
      const uint32_t first_low = static_cast<uint32_t>(first), first_high = static_cast<uint32_t>(first >> 32);
      const UnsignedLanes low = (UnsignedLanes)lane_numbers() + first_low;
      const UnsignedLanes high = first_high - (UnsignedLanes)(low < first_low);  // a carry is -1
      const Words numbers = {{low, high, UnsignedLanes{}, UnsignedLanes{}}};
      const Values y = interleave(make(philox(numbers, key_low, key_high)));
      const int64_t left = end - i;
      memcpy(static_cast<float *>(args.y) + i, &y, (left < block ? left : block) * sizeof(float));
    }
  });
  const uint64_t next = counter + (args.n + 3) / 4;
  args.state[2] = static_cast<int32_t>(next);
  args.state[3] = static_cast<int32_t>(next >> 32);
  return 0;
}

template <class F>
DG_HD Values each_word(const F &f, Words w) {
  return {{f(w.at[0]), f(w.at[1]), f(w.at[2]), f(w.at[3])}};
}

int fill_bernoulli(const RandomArgs &args) {
  const FloatLanes one = splat<FloatLanes>(args.type == DG_INT32 ? from_bits(1) : 1.0f);
  return fill(args, [&](Words w) {
    return each_word([&](UnsignedLanes x) { return select(unit(x) < args.a, one, 0.0f); }, w);
  });
}

int fill_integers(const RandomArgs &args) {
  const double low = __builtin_ceil(args.a), high = __builtin_ceil(args.b);
  const int64_t range = static_cast<int64_t>(high - low);
  const uint32_t start = static_cast<uint32_t>(static_cast<int32_t>(low));
  return fill(args, [&](Words w) {
    return each_word(
        [&](UnsignedLanes x) {
          const UnsignedLanes offset = range >> 32 ? x : wide_product(x, static_cast<uint32_t>(range)).high;
          return from_bits((IntLanes)(offset + start));
        },
        w);
  });
}

int fill_floats(const RandomArgs &args) {
  const float a = args.a, b = args.b;
  switch (static_cast<Random>(args.op)) {
    case Random::uniform: {
      const Uniform uniform(a, b);
      return fill(args, [&](Words w) { return each_word(uniform, w); });
    }
    case Random::normal:
      return fill(args, [&](Words w) -> Values {
        const auto [c, s] = normal_pair(w.at[0], w.at[1]);
        const auto [c2, s2] = normal_pair(w.at[2], w.at[3]);
        return {{fma_(c, b, a), fma_(s, b, a), fma_(c2, b, a), fma_(s2, b, a)}};
      });
    case Random::truncatedNormal:
      return fill(args, [&](Words w) {
        return each_word([&](UnsignedLanes x) { return fma_(truncated_normal(x), b, a); }, w);
      });
    default:
      return fail(DG_E_ARGUMENT, random_name(args.op), " does not make float32");
  }
}

}  // namespace

int run_random(const RandomArgs &args) {
  if (args.type != DG_FLOAT32 && args.type != DG_INT32)
    return fail(DG_E_ARGUMENT, random_name(args.op), " makes float32 or int32");
  if (static_cast<Random>(args.op) == Random::bernoulli) return fill_bernoulli(args);
  if (args.type == DG_FLOAT32) return fill_floats(args);
  if (static_cast<Random>(args.op) == Random::uniformInt) return fill_integers(args);
  return fail(DG_E_ARGUMENT, random_name(args.op), " does not make int32");
}

}  // namespace dg::DG_ISA
