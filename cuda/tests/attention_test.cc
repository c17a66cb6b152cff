// Is attention right, forward and backward, across blocks, with masks, causal or not, with heads that share keys, and the same on
// every instruction set and any number of threads?
#include "math/attention.h"

#include "half_values.h"
#include "variants.h"

using namespace dg;

namespace {

enum Masks { no_mask, of_keys, of_samples, of_all };

struct Problem {
  AttentionShape s;
  std::vector<float> q, k, v, dy;
  std::vector<uint8_t> mask;

  Problem(AttentionShape shape, Masks masks) : s(shape) {
    q = random_values(s.batch * s.queries * s.heads * s.size);
    k = random_values(s.batch * s.keys * s.key_heads * s.size);
    v = random_values(s.batch * s.keys * s.key_heads * s.value_size);
    dy = random_values(results());
    if (masks == no_mask) return;
    s.mask_batch = masks == of_keys ? 1 : s.batch;
    s.mask_heads = masks == of_all ? s.heads : 1;
    s.mask_queries = masks == of_all ? s.queries : 1;
    for (int64_t i = 0; i < s.mask_batch * s.mask_heads * s.mask_queries * s.keys; i++)
      mask.push_back(random_bits() % 4 != 0);
    // A row of which nothing counts.
    if (masks != of_keys) std::fill(mask.begin(), mask.begin() + s.keys, 0);
  }
  int64_t results() const { return s.batch * s.queries * s.heads * s.value_size; }
  int64_t rows() const { return s.batch * s.heads * s.queries; }
  const uint8_t *mask_data() const { return mask.empty() ? nullptr : mask.data(); }
};

struct Answer {
  std::vector<double> y, dq, dk, dv;

  explicit Answer(const Problem &p) : y(p.results(), 0), dq(p.q.size(), 0), dk(p.k.size(), 0), dv(p.v.size(), 0) {
    for (int64_t b = 0; b < p.s.batch; b++)
      for (int64_t h = 0; h < p.s.heads; h++)
        for (int64_t i = 0; i < p.s.queries; i++) add_row(p, b, h, i);
  }

 private:
  void add_row(const Problem &p, int64_t b, int64_t h, int64_t i) {
    const AttentionShape &s = p.s;
    const int64_t query = (b * s.queries + i) * s.heads + h;
    const auto key = [&](int64_t j) { return (b * s.keys + j) * s.key_heads + h / (s.heads / s.key_heads); };
    std::vector<double> weight(s.keys), grad(s.keys, 0);
    std::vector<bool> counts(s.keys);
    double sum = 0, mean = 0;
    bool any = false;
    for (int64_t j = 0; j < s.keys; j++) {
      const int64_t bm = s.mask_batch == 1 ? 0 : b, hm = s.mask_heads == 1 ? 0 : h, im = s.mask_queries == 1 ? 0 : i;
      counts[j] = (p.mask.empty() || p.mask[((bm * s.mask_heads + hm) * s.mask_queries + im) * s.keys + j]) &&
                  (!s.causal || j <= i);
      any = any || counts[j];
    }
    for (int64_t j = 0; j < s.keys; j++) {
      double score = 0;
      for (int64_t c = 0; c < s.size; c++) score += double(p.q[query * s.size + c]) * p.k[key(j) * s.size + c];
      sum += weight[j] = counts[j] ? exp(s.scale * score) : any ? 0 : 1;
    }
    for (int64_t j = 0; j < s.keys; j++) {
      weight[j] /= sum;
      for (int64_t c = 0; c < s.value_size; c++) {
        const double value = p.v[key(j) * s.value_size + c], dy = p.dy[query * s.value_size + c];
        y[query * s.value_size + c] += weight[j] * value;
        dv[key(j) * s.value_size + c] += weight[j] * dy;
        grad[j] += dy * value;
      }
      mean += weight[j] * grad[j];
    }
    for (int64_t j = 0; j < s.keys; j++) {
      const double ds = counts[j] ? s.scale * weight[j] * (grad[j] - mean) : 0;
      for (int64_t c = 0; c < s.size; c++) {
        dq[query * s.size + c] += ds * p.k[key(j) * s.size + c];
        dk[key(j) * s.size + c] += ds * p.q[query * s.size + c];
      }
    }
  }
};

// Results of type T, one array after another.
template <class T>
struct Results {
  std::vector<T> y, dq, dk, dv;
};

template <class T>
Results<T> run(const Problem &p, const std::string &what) {
  const Dtype type = float_type<T>;
  const auto q = all_stored<T>(p.q), k = all_stored<T>(p.k), v = all_stored<T>(p.v), dy = all_stored<T>(p.dy);
  const int64_t n = p.results();
  std::vector<float> stats(2 * p.rows());
  Results<T> all;
  all.y = run_everywhere<T>(what, n, [&](const Kernels &kernels, T *y) {
    return kernels.attention({type, q.data(), k.data(), v.data(), p.mask_data(), y, nullptr, p.s});
  });
  stats = run_everywhere<float>(what + " stats", 2 * p.rows(), [&](const Kernels &kernels, float *to) {
    std::vector<T> y(n);
    return kernels.attention({type, q.data(), k.data(), v.data(), p.mask_data(), y.data(), to, p.s});
  });
  const auto gradient = [&](const char *of, size_t count, int which) {
    return run_everywhere<T>(what + of, count, [&](const Kernels &kernels, T *to) {
      std::vector<T> dq(q.size()), dk(k.size()), dv(v.size());
      return kernels.attention_grad({type, q.data(), k.data(), v.data(), p.mask_data(), all.y.data(), stats.data(),
                                     dy.data(), which == 0 ? to : dq.data(), which == 1 ? to : dk.data(),
                                     which == 2 ? to : dv.data(), p.s});
    });
  };
  all.dq = gradient(" dq", q.size(), 0);
  all.dk = gradient(" dk", k.size(), 1);
  all.dv = gradient(" dv", v.size(), 2);
  return all;
}

void check(const AttentionShape &shape, Masks masks) {
  const Problem p(shape, masks);
  const AttentionShape &s = p.s;
  char what[128];
  snprintf(what, sizeof what, "%ld x %ld queries, %ld keys, %ld of %ld heads of %ld and %ld, mask %d%s", long(s.batch),
           long(s.queries), long(s.keys), long(s.heads), long(s.key_heads), long(s.size), long(s.value_size), masks,
           s.causal ? ", causal" : "");
  const Answer want(p);
  const Results<float> got = run<float>(p, what);
  check_close(what, got.y, want.y, 1e-5, 2e-6);
  check_close(std::string(what) + " dq", got.dq, want.dq, 1e-4, 1e-5);
  check_close(std::string(what) + " dk", got.dk, want.dk, 1e-4, 2e-5);
  check_close(std::string(what) + " dv", got.dv, want.dv, 1e-4, 2e-5);
}

// What 16-bit attention gives is what it would of the float32 values, rounded once.
template <class T>
void check_half() {
  Problem p({2, 5, 7, 4, 2, 9, 6, 0, 0, 0, 0.5f, 1}, of_all);
  for (auto *values : {&p.q, &p.k, &p.v, &p.dy})
    for (float &x : *values) x = widen(narrow<T>(x));
  const auto got = run<T>(p, float_name<T>);
  auto want = run<float>(p, "its float32");
  for (size_t i = 0; i < want.y.size(); i++) CHECK(widen(got.y[i]) == widen(narrow<T>(want.y[i])), "%zu", i);
  // The gradient reads the rounded y.
  check_stored(float_name<T>, got.dq, want.dq, 1e-2, 1e-2);
  check_stored(float_name<T>, got.dk, want.dk, 1e-2, 1e-2);
  check_stored(float_name<T>, got.dv, want.dv, 1e-2, 1e-2);
}

}  // namespace

int main() {
  if (kernels_here().empty()) return check_report("attention_test");
  const AttentionShape shapes[] = {
      {1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0},          {2, 3, 5, 2, 2, 4, 4, 0, 0, 0, 0.5f, 0},
      {1, 7, 6, 4, 2, 17, 5, 0, 0, 0, 0.3f, 0},      {3, 5, 9, 3, 1, 8, 33, 0, 0, 0, 1, 0},
      {1, 130, 20, 1, 1, 5, 3, 0, 0, 0, 1, 0},       {1, 20, 270, 2, 1, 16, 64, 0, 0, 0, 0.25f, 0},
      {1, 140, 150, 1, 1, 40, 70, 0, 0, 0, 0.2f, 0}, {1, 260, 131, 1, 1, 3, 2, 0, 0, 0, 1, 0},
  };
  for (AttentionShape shape : shapes)
    for (Masks masks : {no_mask, of_keys, of_samples, of_all})
      for (int causal : {0, 1}) {
        shape.causal = causal;
        check(shape, masks);
      }
  check_half<Half>();
  check_half<Brain>();
  return check_report("attention_test");
}
