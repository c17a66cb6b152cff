// What share of the processor's peak do convolutions reach? One thread, by its own time, against the multiply-add rate
// measured just before, in all three directions; and two threads against one, by the clock on the wall.
#include <stdio.h>
#include <time.h>

#include <algorithm>
#include <vector>

#include "core/args.h"
#include "cpu/threads.h"

namespace dg {
namespace v3 {
int run_conv(const ConvArgs &args);
double fma_peak();
}  // namespace v3
namespace v4 {
int run_conv(const ConvArgs &args);
double fma_peak();
}  // namespace v4
}  // namespace dg

using namespace dg;

namespace {

typedef int (*Run)(const ConvArgs &);

struct Shape {
  const char *name;
  int64_t batch, in_channels, out_channels, groups;
  Axis height, width;
};

double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Floating-point operations: two for every pair of an input and an output that a filter connects.
double operations(const Shape &s) {
  double n = 2.0 * static_cast<double>(s.batch * s.in_channels / s.groups * s.out_channels);
  for (const Axis &a : {s.height, s.width}) {
    double pairs = 0;
    for (int64_t o = 0; o < a.out; o++)
      for (int64_t w = 0; w < a.window; w++) {
        const int64_t i = o * a.stride + w * a.dilation - a.padding;
        pairs += i >= 0 && i < a.in;
      }
    n *= pairs;
  }
  return n;
}

// Shortest time of a call, of runs long enough for the clock.
double measure(Run run, const Shape &s, int kind, clockid_t clock) {
  const int64_t in = s.batch * s.height.in * s.width.in * s.in_channels;
  const int64_t out = s.batch * s.height.out * s.width.out * s.out_channels;
  const int64_t filter = s.height.window * s.width.window * (s.in_channels / s.groups) * s.out_channels;
  std::vector<float> x(in, 0.5f), y(out, 0.25f), w(filter, 0.125f);
  float *const a = kind == DG_CONV_INPUT ? y.data() : x.data(), *const b = kind == DG_CONV_FILTER ? y.data() : w.data();
  float *const result = kind == DG_CONV_FORWARD ? y.data() : kind == DG_CONV_INPUT ? x.data() : w.data();
  const ConvArgs args = {
      kind, DG_FLOAT32, a, b, nullptr, result, s.batch, s.in_channels, s.out_channels, s.groups,
      {{1, 1, 1, 1, 1, 0}, s.height, s.width}, 0, -1, 0};
  const int64_t repeats = std::max<int64_t>(1, static_cast<int64_t>(1e7 / operations(s)));
  const double begin = seconds(clock);
  double best = 1e9;
  run(args);
  for (int round = 0; round < 5 || seconds(clock) - begin < 0.1; round++) {
    const double start = seconds(clock);
    for (int64_t i = 0; i < repeats; i++) run(args);
    best = std::min(best, (seconds(clock) - start) / static_cast<double>(repeats));
  }
  return best;
}

constexpr Axis valid(int64_t in, int64_t window, int64_t stride = 1) {
  return {in, (in - window) / stride + 1, window, stride, 1, 0};
}
constexpr Axis same(int64_t in, int64_t window, int64_t stride = 1) {
  const int64_t out = (in + stride - 1) / stride, reach = (out - 1) * stride + window;
  return {in, out, window, stride, 1, reach > in ? (reach - in) / 2 : 0};
}

void report(const char *name, Run run, double peak) {
  const Shape shapes[] = {
      {"28x28x1 3x3 32", 32, 1, 32, 1, valid(28, 3), valid(28, 3)},
      {"13x13x32 3x3 64", 32, 32, 64, 1, valid(13, 3), valid(13, 3)},
      {"5x5x64 3x3 64", 32, 64, 64, 1, valid(5, 3), valid(5, 3)},
      {"56x56x64 3x3 64", 8, 64, 64, 1, valid(56, 3), valid(56, 3)},
      {"56x56x64 3x3 64 same", 8, 64, 64, 1, same(56, 3), same(56, 3)},
      {"28x28x1 3x3 32 same", 32, 1, 32, 1, same(28, 3), same(28, 3)},
      {"32x32x3 3x3 32 same", 32, 3, 32, 1, same(32, 3), same(32, 3)},
      {"28x28x64 3x3 128 /2", 8, 64, 128, 1, same(28, 3, 2), same(28, 3, 2)},
      {"14x14x256 3x3 256", 4, 256, 256, 1, same(14, 3), same(14, 3)},
      {"7x7x512 3x3 512", 4, 512, 512, 1, same(7, 3), same(7, 3)},
      {"56x56x64 1x1 128", 4, 64, 128, 1, valid(56, 1), valid(56, 1)},
      {"56x56x64 depthwise", 8, 64, 64, 64, same(56, 3), same(56, 3)},
      {"1x256x32 1x5 64", 16, 32, 64, 1, valid(1, 1), valid(256, 5)},
  };
  printf("%s: peak of one core %.1f GFLOP/s\n", name, peak / 1e9);
  printf("%-22s  %-24s%-24s%s\n", "", "forward", "data gradient", "filter gradient");
  for (const Shape &s : shapes) {
    printf("%-22s", s.name);
    for (int kind : {DG_CONV_FORWARD, DG_CONV_INPUT, DG_CONV_FILTER}) {
      set_thread_count(1);
      const double spent = measure(run, s, kind, CLOCK_THREAD_CPUTIME_ID);
      const double one = measure(run, s, kind, CLOCK_MONOTONIC);
      set_thread_count(2);
      const double two = measure(run, s, kind, CLOCK_MONOTONIC);
      printf("  %.2f %8.4g us %4.2f x", operations(s) / spent / peak, spent * 1e6, one / two);
    }
    printf("\n");
  }
  printf("\n");
}

}  // namespace

int main() {
  if (__builtin_cpu_supports("x86-64-v4")) report("AVX-512", v4::run_conv, v4::fma_peak());
  if (__builtin_cpu_supports("x86-64-v3")) report("AVX2", v3::run_conv, v3::fma_peak());
}
