// How many floating-point operations can one core do in a second, at best? Multiply-adds in registers, and nothing
// else.
#include <time.h>

#include "math/real.h"

namespace dg::DG_ISA {

// What this thread has used: other processes do not count.
static double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double fma_peak() {
  constexpr int chains = 12;  // hide the latency of a multiply-add on every current core, and fit sixteen registers
  constexpr int64_t turns = 500000;
  FloatLanes sum[chains];
  for (int i = 0; i < chains; i++) sum[i] = splat<FloatLanes>(1.0f + i);
  const FloatLanes scale = splat<FloatLanes>(0.999999f), shift = splat<FloatLanes>(1e-6f);
  double best = 0;
  for (int run = 0; run < 60; run++) {
    const double start = thread_seconds();
    for (int64_t turn = 0; turn < turns; turn++)
#pragma GCC unroll 12
      for (int i = 0; i < chains; i++) sum[i] = fma_(scale, sum[i], shift);
    const double rate = 2.0 * DG_LANES * chains * turns / (thread_seconds() - start);
    if (rate > best) best = rate;
  }
  for (int i = 0; i < chains; i++) {
    volatile float used = sum[i][0];
    (void)used;
  }
  return best;
}

}  // namespace dg::DG_ISA
