// What share of the processor's peak does attention reach, forward and backward, and what would it take composed of matrix
// products and softmax, which need no heads side by side? One thread, by its own time.
#include <stdio.h>
#include <time.h>

#include <algorithm>
#include <vector>

#include "core/args.h"
#include "cpu/threads.h"

namespace dg {
#define DG_DECLARE(isa)                              \
  namespace isa {                                    \
  int run_attention(const AttentionArgs &);          \
  int run_attention_grad(const AttentionGradArgs &); \
  int run_matmul(const MatMulArgs &);                \
  int run_softmax(const SoftmaxArgs &);              \
  int run_softmax_grad(const SoftmaxGradArgs &);     \
  double fma_peak();                                 \
  }
DG_DECLARE(v3)
DG_DECLARE(v4)
}  // namespace dg

using namespace dg;

namespace {

struct Kernels {
  int (*attention)(const AttentionArgs &);
  int (*attention_grad)(const AttentionGradArgs &);
  int (*matmul)(const MatMulArgs &);
  int (*softmax)(const SoftmaxArgs &);
  int (*softmax_grad)(const SoftmaxGradArgs &);
};

double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
template <class F>
double measure(const F &run) {
  double best = 1e9;
  run();
  for (int round = 0; round < 5; round++) {
    const double start = thread_seconds();
    run();
    best = std::min(best, thread_seconds() - start);
  }
  return best;
}

void report(const char *name, const Kernels &kernels, double peak) {
  printf("%s: peak of one core %.1f GFLOP/s\n", name, peak / 1e9);
  printf("batch  rows heads size         forward      backward   both       composed: forward  both\n");
  const AttentionShape shapes[] = {{8, 512, 512, 8, 8, 64, 64, 0, 0, 0, 0.125f, 0},
                                   {8, 512, 512, 8, 8, 64, 64, 0, 0, 0, 0.125f, 1},
                                   {32, 64, 64, 4, 4, 32, 32, 0, 0, 0, 0.2f, 0},
                                   {1, 2048, 2048, 4, 4, 64, 64, 0, 0, 0, 0.125f, 0},
                                   {32, 16, 16, 2, 2, 16, 16, 0, 0, 0, 0.25f, 0}};
  for (const AttentionShape &s : shapes) {
    const int64_t n = s.batch * s.queries * s.heads * s.size, rows = s.batch * s.heads * s.queries;
    std::vector<float> q(n), k(n), v(n), dy(n), y(n), dq(n), dk(n), dv(n), stats(2 * rows), weights(rows * s.keys),
        grads(rows * s.keys), turned(n);
    for (auto *values : {&q, &k, &v, &dy})
      for (size_t i = 0; i < values->size(); i++) (*values)[i] = static_cast<float>(i * 7919 % 1009) / 505 - 1;
    const auto forward = [&] {
      kernels.attention({DG_FLOAT32, q.data(), k.data(), v.data(), nullptr, y.data(), stats.data(), s});
    };
    const auto backward = [&] {
      kernels.attention_grad({DG_FLOAT32, q.data(), k.data(), v.data(), nullptr, y.data(), stats.data(), dy.data(),
                              dq.data(), dk.data(), dv.data(), s});
    };
    const auto product = [&](std::vector<float> &a, std::vector<float> &b, std::vector<float> &to, int64_t m,
                             int64_t of, int64_t depth, bool ta, bool tb) {
      kernels.matmul({DG_FLOAT32, a.data(), b.data(), nullptr, to.data(), s.batch * s.heads, m, of, depth, m * depth,
                      depth * of, ta, tb, 0, -1, 0});
    };
    const auto composed = [&] {
      product(q, k, weights, s.queries, s.keys, s.size, false, true);
      kernels.softmax({DG_FLOAT32, weights.data(), weights.data(), rows, s.keys, 0});
      product(weights, v, y, s.queries, s.size, s.keys, false, false);
    };
    const auto composed_both = [&] {
      composed();
      product(dy, v, grads, s.queries, s.keys, s.size, false, true);
      product(weights, dy, dv, s.keys, s.size, s.queries, true, false);
      kernels.softmax_grad({DG_FLOAT32, grads.data(), weights.data(), grads.data(), rows, s.keys, 0});
      product(grads, k, dq, s.queries, s.size, s.keys, false, false);
      product(grads, q, dk, s.keys, s.size, s.queries, true, false);
    };
    set_thread_count(1);
    const double f = measure(forward), b = measure(backward), c = measure(composed), both = measure(composed_both);
    double pairs = static_cast<double>(s.queries * s.keys);
    if (s.causal) pairs = (pairs + static_cast<double>(s.keys)) / 2;
    const double once = 2 * static_cast<double>(s.batch * s.heads * s.size) * pairs;  // one product
    printf("%5d %5d %5d %4d %-7s %.2f %8.5g us %.2f %8.5g us %.2f %8.5g us   %8.5g us %8.5g us\n", int(s.batch),
           int(s.queries), int(s.heads), int(s.size), s.causal ? "causal" : "", 2 * once / f / peak, f * 1e6,
           5 * once / b / peak, b * 1e6, 7 * once / (f + b) / peak, (f + b) * 1e6, c * 1e6, both * 1e6);
  }
  printf("\n");
}

#define DG_ENTRIES(isa) \
  { isa::run_attention, isa::run_attention_grad, isa::run_matmul, isa::run_softmax, isa::run_softmax_grad }

}  // namespace

int main() {
  if (__builtin_cpu_supports("x86-64-v4")) report("AVX-512", DG_ENTRIES(v4), v4::fma_peak());
  if (__builtin_cpu_supports("x86-64-v3")) report("AVX2", DG_ENTRIES(v3), v3::fma_peak());
}
