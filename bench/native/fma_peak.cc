// How many floating-point operations can one core do in a second, at best? Multiply-adds in registers, and nothing
// else.
#include <chrono>

#include "math/real.h"

namespace dg::DG_ISA {

double fma_peak() {
  constexpr int chains = 12;  // hide the latency of a multiply-add on every current core, and fit sixteen registers
  constexpr int64_t turns = 500000;
  FloatLanes sum[chains];
  for (int i = 0; i < chains; i++) sum[i] = splat<FloatLanes>(1.0f + i);
  const FloatLanes scale = splat<FloatLanes>(0.999999f), shift = splat<FloatLanes>(1e-6f);
  double best = 0;  // of many short runs, which other processes seldom all disturb
  for (int run = 0; run < 60; run++) {
    const auto start = std::chrono::steady_clock::now();
    for (int64_t turn = 0; turn < turns; turn++)
#pragma GCC unroll 12
      for (int i = 0; i < chains; i++) sum[i] = fma_(scale, sum[i], shift);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    const double rate = 2.0 * DG_LANES * chains * turns / spent.count();
    if (rate > best) best = rate;
  }
  for (int i = 0; i < chains; i++) {
    volatile float used = sum[i][0];
    (void)used;
  }
  return best;
}

}  // namespace dg::DG_ISA
