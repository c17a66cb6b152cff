// What share of the processor's peak do matrix products reach? One thread, by its own time, against the multiply-add
// rate measured just before, for every combination of transposes; and two threads against one, by the clock on the
// wall.
#include <stdio.h>
#include <time.h>

#include <algorithm>
#include <vector>

#include "core/args.h"
#include "cpu/threads.h"

namespace dg {
namespace v3 {
int run_matmul(const MatMulArgs &args);
double fma_peak();
}  // namespace v3
namespace v4 {
int run_matmul(const MatMulArgs &args);
double fma_peak();
}  // namespace v4
}  // namespace dg

using namespace dg;

namespace {

typedef int (*MatMul)(const MatMulArgs &);

// m x k x n; transposes: bit 0 of a, bit 1 of b.
struct Product {
  int64_t m, k, n;
  int transposes = 0;
};

double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Shortest time of a product, of runs long enough for the clock.
double measure(MatMul run, const Product &p, clockid_t clock) {
  std::vector<float> a(p.m * p.k, 0.5f), b(p.k * p.n, 0.25f), y(p.m * p.n);
  const MatMulArgs args = {DG_FLOAT32, a.data(),  b.data(),  nullptr,          y.data(),          1, p.m, p.n,
                           p.k,        p.m * p.k, p.k * p.n, p.transposes & 1, p.transposes >> 1, 0, -1,  0};
  const int64_t repeats = std::max<int64_t>(1, 8000000 / (p.m * p.k * p.n));
  const double begin = seconds(clock);
  double best = 1e9;
  run(args);
  for (int round = 0; round < 5 || seconds(clock) - begin < 0.05; round++) {
    const double start = seconds(clock);
    for (int64_t i = 0; i < repeats; i++) run(args);
    best = std::min(best, (seconds(clock) - start) / static_cast<double>(repeats));
  }
  return best;
}

void report(const char *name, MatMul run, double peak) {
  const Product sizes[] = {{64, 64, 64},     {96, 96, 96},    {128, 128, 128}, {256, 256, 256}, {1024, 1024, 1024},
                           {32, 784, 128},   {784, 32, 128},  {32, 10, 64},    {32, 64, 32},    {32, 32, 1},
                           {1, 784, 128},    {32, 256, 5000}, {32, 5000, 256}, {256, 32, 5000}, {32, 128, 512},
                           {1280, 256, 512}, {256, 1280, 512}};
  printf("%s: peak of one core %.1f GFLOP/s\n", name, peak / 1e9);
  printf("   m    k    n   a . b       a' . b      a . b'      a' . b'     two threads\n");
  for (Product p : sizes) {
    printf("%4d %4d %4d", int(p.m), int(p.k), int(p.n));
    set_thread_count(1);
    for (p.transposes = 0; p.transposes < 4; p.transposes++) {
      const double spent = measure(run, p, CLOCK_THREAD_CPUTIME_ID);
      printf("  %.2f %6.4g us", 2.0 * static_cast<double>(p.m * p.k * p.n) / spent / peak, spent * 1e6);
    }
    p.transposes = 0;
    const double one = measure(run, p, CLOCK_MONOTONIC);
    set_thread_count(2);
    printf("  %.2f x\n", one / measure(run, p, CLOCK_MONOTONIC));
  }
  // Forward, then for each layer from the last: gradient of the weights, gradient of the input.
  const Product step[] = {{32, 10, 64, 0}, {32, 64, 32, 0}, {32, 32, 1, 0},  {32, 32, 1, 1},
                          {32, 1, 32, 2},  {64, 32, 32, 1}, {32, 32, 64, 2}, {10, 32, 64, 1}};
  double total = 0;
  set_thread_count(1);
  for (const Product &p : step) total += measure(run, p, CLOCK_THREAD_CPUTIME_ID);
  printf("all products of a training step of Dense 64/32/1 on 10 inputs, batch 32: %.2f us\n\n", total * 1e6);
}

}  // namespace

int main() {
  if (__builtin_cpu_supports("x86-64-v4")) report("AVX-512", v4::run_matmul, v4::fma_peak());
  if (__builtin_cpu_supports("x86-64-v3")) report("AVX2", v3::run_matmul, v3::fma_peak());
}
