// Quotients rounded down and their remainders, of floats and of integers.
// Integer division by zero gives 0, and so does its remainder; the smallest integer divided by -1 wraps. Nothing traps.
#pragma once
#include "exponential.h"

namespace dg {

DG_SLOW int32_t integer_floor_div(int32_t a, int32_t b) {
  if (b == 0) return 0;
  if (b == -1) return neg_(a);
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
DG_SLOW int32_t integer_mod(int32_t a, int32_t b) {
  if (b == 0 || b == -1) return 0;
  const int32_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

// a - trunc(a / b) b exactly, for any a, b >= 0: long division of the significands, 40 bits at a time.
DG_SLOW float remainder_slow(float a, float b) {
  if (!(a < infinity) || !(b > 0)) return not_a_number;
  if (a < b) return a;
  struct Parts {
    int32_t exponent;
    uint64_t significand;
    DG_HD explicit Parts(float x) {
      const int32_t i = bits(x);
      exponent = i < 0x800000 ? 1 : i >> 23;
      significand = i - ((exponent - 1) << 23);
    }
  } pa(a), pb(b);
  uint64_t r = pa.significand % pb.significand;
  for (int left = pa.exponent - pb.exponent; left > 0; left -= 40) r = (r << (left < 40 ? left : 40)) % pb.significand;
  return scale(static_cast<float>(r), pb.exponent - 150);
}

// The remainder of truncated division, with the sign of a: exact.
template <class V>
DG_HD V fmod_(V a, V b) {
  const V x = abs_(a), y = abs_(b), t = trunc_(x / y);
  const Pair<V> back = two_product(t, y);
  V r = x - back.hi - back.lo;  // the rounded quotient may have been one too large
  r = select(r < 0.0f, r + y, r);
  const auto fast = (t < 0x1p22f) & (y < 0x1p60f);
  if (any(fast == decltype(fast){})) r = each_lane(remainder_slow, x, y);
  return copysign_(r, a);
}

// floor(a / b)
template <class V>
DG_HD V floor_div_(V a, V b) {
  if constexpr (is_float<V>) {
    return floor_(a / b);
  } else {
    return each_lane(integer_floor_div, a, b);
  }
}
// The quotient; of integers, rounded down.
template <class V>
DG_HD V div_(V a, V b) {
  if constexpr (is_float<V>) {
    return a / b;
  } else {
    return floor_div_(a, b);
  }
}
// The remainder with the sign of b.
template <class V>
DG_HD V mod_(V a, V b) {
  if constexpr (is_float<V>) {
    const V r = fmod_(a, b);
    return select((r != 0.0f) & ((r < 0.0f) != (b < 0.0f)), r + b, r);
  } else {
    return each_lane(integer_mod, a, b);
  }
}

}  // namespace dg
