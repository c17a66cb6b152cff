// Is every matrix product right, on every instruction set, at every edge of its tiles and blocks, with the same bits on
// any number of threads?
#include <string.h>

#include <string>
#include <vector>

#include "check.h"
#include "core/args.h"
#include "cpu/threads.h"

namespace dg {
namespace v3 {
int run_matmul(const MatMulArgs &args);
void apply_unary_inplace(int op, float *x, int64_t n, float alpha);
}  // namespace v3
namespace v4 {
int run_matmul(const MatMulArgs &args);
void apply_unary_inplace(int op, float *x, int64_t n, float alpha);
}  // namespace v4
}  // namespace dg

using namespace dg;

namespace {

struct Isa {
  const char *name;
  bool here;
  int (*run)(const MatMulArgs &);
  void (*apply)(int, float *, int64_t, float);
};
std::vector<Isa> isas() {
  return {{"v3", bool(__builtin_cpu_supports("x86-64-v3")), v3::run_matmul, v3::apply_unary_inplace},
          {"v4", bool(__builtin_cpu_supports("x86-64-v4")), v4::run_matmul, v4::apply_unary_inplace}};
}

uint32_t random_bits() {
  static uint64_t state = 42;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state >> 32);
}
float random_value() { return static_cast<float>(random_bits() >> 8) / (1 << 23) - 1; }

struct Shape {
  int64_t m, n, k, batch = 1;
  bool share_a = false, share_b = false, bias = false;
};

// One product with operands of exactly the size they may have, so that the sanitizer sees reads beyond them.
class Case {
 public:
  Case(const Shape &shape, int transposes)
      : s_(shape),
        a_((shape.share_a ? 1 : shape.batch) * shape.m * shape.k),
        b_((shape.share_b ? 1 : shape.batch) * shape.k * shape.n),
        bias_(shape.n),
        transpose_a_(transposes & 1),
        transpose_b_(transposes >> 1) {
    for (auto *values : {&a_, &b_, &bias_})
      for (float &value : *values) value = random_value();
  }

  // All of y, between guards that are checked and dropped.
  std::vector<float> run(const Isa &isa, int activation = -1, float alpha = 0) const {
    const float guard = 12345;
    const int64_t margin = 64;
    std::vector<float> y(s_.batch * s_.m * s_.n + 2 * margin, guard);
    const int status = isa.run({DG_FLOAT32, a_.data(), b_.data(), s_.bias ? bias_.data() : nullptr, y.data() + margin,
                                s_.batch, s_.m, s_.n, s_.k, s_.share_a ? 0 : s_.m * s_.k, s_.share_b ? 0 : s_.k * s_.n,
                                transpose_a_, transpose_b_, activation, alpha});
    CHECK(status == 0, "%s", name(isa).c_str());
    bool kept = true;
    for (int64_t i = 0; i < margin; i++) kept = kept && y[i] == guard && y[y.size() - 1 - i] == guard;
    CHECK(kept, "%s writes outside of y", name(isa).c_str());
    return {y.begin() + margin, y.end() - margin};
  }

  void check(const Isa &isa) const {
    const std::vector<float> y = run(isa);
    double worst = 0;  // error over its bound
    for (int64_t t = 0, at = 0; t < s_.batch; t++)
      for (int64_t i = 0; i < s_.m; i++)
        for (int64_t j = 0; j < s_.n; j++, at++) {
          double sum = s_.bias ? bias_[j] : 0, size = fabs(sum);
          for (int64_t k = 0; k < s_.k; k++) {
            const double term = a(t, i, k) * b(t, k, j);
            sum += term;
            size += fabs(term);
          }
          const double error = fabs(y[at] - sum), bound = size * static_cast<double>(s_.k + 2) * 6e-8;
          if (!(error <= bound * worst)) worst = error / bound;
        }
    CHECK(worst <= 1, "%s: an error is %g times its bound", name(isa).c_str(), worst);
  }

  std::string name(const Isa &isa) const {
    char text[160];
    snprintf(text, sizeof text, "%s [%ld x] %ld x %ld x %ld%s%s%s%s%s", isa.name, long(s_.batch), long(s_.m),
             long(s_.k), long(s_.n), transpose_a_ ? " a'" : "", transpose_b_ ? " b'" : "", s_.share_a ? " one a" : "",
             s_.share_b ? " one b" : "", s_.bias ? " bias" : "");
    return text;
  }

 private:
  double a(int64_t t, int64_t i, int64_t k) const {
    return a_[(s_.share_a ? 0 : t * s_.m * s_.k) + (transpose_a_ ? k * s_.m + i : i * s_.k + k)];
  }
  double b(int64_t t, int64_t k, int64_t j) const {
    return b_[(s_.share_b ? 0 : t * s_.k * s_.n) + (transpose_b_ ? j * s_.k + k : k * s_.n + j)];
  }

  Shape s_;
  std::vector<float> a_, b_, bias_;
  int transpose_a_, transpose_b_;
};

// Around tiles (6 x 16 and 14 x 32), blocks (256 of k; 512 and 1024 columns), and where operands start being copied.
std::vector<Shape> edge_shapes() {
  std::vector<Shape> all;
  for (int64_t m : {1, 2, 5, 6, 7, 13, 14, 15, 29})
    for (int64_t n : {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65})
      for (int64_t k : {0, 1, 3, 17}) all.push_back({m, n, k, 1, false, false, (m + n + k) % 2 == 0});
  for (int64_t k : {15, 16, 255, 256, 257, 513})
    for (Shape s : {Shape{1, 40, k}, Shape{40, 1, k}, Shape{1, 1, k}, Shape{9, 21, k}}) all.push_back(s);
  for (int64_t n : {511, 512, 513, 1023, 1025}) all.push_back({9, n, 5, 1, false, false, true});
  for (Shape s :
       {Shape{120, 1030, 12}, Shape{1030, 270, 12}, Shape{15, 270, 1030}, Shape{1, 1300, 300}, Shape{1300, 1, 300}})
    all.push_back(s);
  return all;
}

std::vector<Shape> batch_shapes() {
  return {{5, 9, 4, 3},
          {5, 9, 4, 3, true},
          {5, 9, 4, 3, false, true, true},
          {5, 9, 4, 3, true, true},
          {1, 9, 4, 3, false, true},
          {9, 1, 4, 3, false, true},
          {33, 35, 34, 17},
          {130, 140, 270, 2}};
}

void test_values(const Isa &isa) {
  for (const auto &shapes : {edge_shapes(), batch_shapes()})
    for (const Shape &shape : shapes)
      for (int transposes = 0; transposes < 4; transposes++) Case(shape, transposes).check(isa);
}

// Large enough to be split, by rows, across, within a batch and over it.
void test_threads(const std::vector<Isa> &present) {
  const Shape shapes[] = {{150, 200, 300},  {20, 1100, 260}, {200, 30, 64, 5},
                          {40, 50, 60, 30}, {1, 900, 300},   {900, 1, 300}};
  for (const Shape &shape : shapes)
    for (int transposes = 0; transposes < 4; transposes++) {
      const Case product(shape, transposes);
      set_thread_count(1);
      const std::vector<float> wanted = product.run(present[0]);
      for (const Isa &isa : present)
        for (int threads : {1, 2, 3}) {
          set_thread_count(threads);
          const std::vector<float> y = product.run(isa);
          CHECK(!memcmp(y.data(), wanted.data(), y.size() * sizeof(float)), "%s with %d threads",
                product.name(isa).c_str(), threads);
        }
    }
}

int unary_id(const char *wanted) {
  static double scratch[DG_SCRATCH];
  dg_open(scratch);
  for (int id = 0;; id++) {
    const int length = dg_name(DG_NAMES_UNARY, id);
    if (length < 0) return -1;
    if (std::string(reinterpret_cast<char *>(scratch), length) == wanted) return id;
  }
}

void test_activation(const Isa &isa) {
  const int op = unary_id("leakyRelu");
  CHECK(op >= 0);
  for (const Shape &shape : {Shape{31, 45, 20, 1, false, false, true}, Shape{31, 1100, 300}, Shape{1, 45, 20},
                             Shape{45, 1, 20}, Shape{8, 8, 0, 1, false, false, true}, Shape{7, 9, 11, 3, true}}) {
    const Case product(shape, 0);
    std::vector<float> wanted = product.run(isa);
    const std::vector<float> before = wanted;
    isa.apply(op, wanted.data(), static_cast<int64_t>(wanted.size()), 0.25f);
    CHECK(product.run(isa, op, 0.25f) == wanted, "%s", product.name(isa).c_str());
    CHECK(wanted != before || (shape.k == 0 && !shape.bias), "%s: the activation changes nothing",
          product.name(isa).c_str());
  }
}

void test_int(const Isa &isa) {
  for (int transposes = 0; transposes < 4; transposes++)
    for (const Shape &s : {Shape{1, 1, 1}, Shape{7, 19, 33}, Shape{40, 70, 50}, Shape{3, 5, 0}}) {
      std::vector<uint32_t> a(s.m * s.k), b(s.k * s.n), y(s.m * s.n, 7), wanted(s.m * s.n, 0);
      for (auto &value : a) value = random_bits();
      for (auto &value : b) value = random_bits();
      const int ta = transposes & 1, tb = transposes >> 1;
      for (int64_t i = 0; i < s.m; i++)
        for (int64_t j = 0; j < s.n; j++)
          for (int64_t k = 0; k < s.k; k++)
            wanted[i * s.n + j] += a[ta ? k * s.m + i : i * s.k + k] * b[tb ? j * s.k + k : k * s.n + j];
      isa.run({DG_INT32, a.data(), b.data(), nullptr, y.data(), 1, s.m, s.n, s.k, s.m * s.k, s.k * s.n, ta, tb, -1, 0});
      CHECK(y == wanted, "%s int32 %ld x %ld x %ld, transposes %d", isa.name, long(s.m), long(s.k), long(s.n),
            transposes);
    }
}

void test_nothing(const Isa &isa) {
  for (const Shape &shape : {Shape{0, 5, 5}, Shape{5, 0, 5}, Shape{5, 5, 5, 0}}) CHECK(Case(shape, 0).run(isa).empty());
}

}  // namespace

int main() {
  std::vector<Isa> present;
  for (const Isa &isa : isas())
    if (isa.here) present.push_back(isa);
  for (const Isa &isa : present) {
    test_values(isa);
    test_activation(isa);
    test_int(isa);
    test_nothing(isa);
  }
  if (!present.empty()) test_threads(present);
  return check_report("matmul_test");
}
