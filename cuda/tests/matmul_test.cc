// Is every matrix product right at every edge of its tiles and blocks, and the same on every instruction set and any
// number of threads?
#include "half_values.h"

using namespace dg;

namespace {

struct Shape {
  int64_t m, n, k, batch = 1;
  bool share_a = false, share_b = false, bias = false;
};

// One product, with operands of exactly the size they may have, so that the sanitizer sees reads beyond them.
template <class T>
class Case {
 public:
  Case(const Shape &shape, int transposes)
      : s_(shape),
        a_(all_stored<T>(random_values((shape.share_a ? 1 : shape.batch) * shape.m * shape.k))),
        b_(all_stored<T>(random_values((shape.share_b ? 1 : shape.batch) * shape.k * shape.n))),
        bias_(all_stored<T>(random_values(shape.n))),
        transpose_a_(transposes & 1),
        transpose_b_(transposes >> 1) {}

  std::vector<T> run(int activation = -1, float alpha = 0) const {
    return run_everywhere<T>(name(), s_.batch * s_.m * s_.n, [&](const Kernels &kernels, T *y) {
      return kernels.matmul({float_type<T>, a_.data(), b_.data(), s_.bias ? bias_.data() : nullptr, y, s_.batch, s_.m,
                             s_.n, s_.k, s_.share_a ? 0 : s_.m * s_.k, s_.share_b ? 0 : s_.k * s_.n, transpose_a_,
                             transpose_b_, 0, activation, alpha});
    });
  }

  // Against sums of doubles: k + 1 roundings of at most half a unit each, and that of the result.
  void check() const {
    const std::vector<T> y = run();
    double worst = 0;  // error over its bound
    for (int64_t t = 0, at = 0; t < s_.batch; t++)
      for (int64_t i = 0; i < s_.m; i++)
        for (int64_t j = 0; j < s_.n; j++, at++) {
          double sum = s_.bias ? number(bias_[j]) : 0, size = fabs(sum);
          for (int64_t k = 0; k < s_.k; k++) {
            const double term = a(t, i, k) * b(t, k, j);
            sum += term;
            size += fabs(term);
          }
          const double error = fabs(number(y[at]) - sum);
          const double bound =
              size * static_cast<double>(s_.k + 1) * 6e-8 + half_place<T> * fabs(sum) + half_smallest<T>;
          if (!(error <= bound * worst)) worst = error / bound;
        }
    CHECK(worst <= 1, "%s: an error is %g times its bound", name().c_str(), worst);
  }

  std::string name() const {
    const auto text = [](int64_t n) { return std::to_string(n); };
    return float_name<T> + (": " + text(s_.batch)) + " of " + text(s_.m) + " x " + text(s_.k) + " x " + text(s_.n) +
           (transpose_a_ ? " a'" : "") + (transpose_b_ ? " b'" : "") + (s_.share_a ? " one a" : "") +
           (s_.share_b ? " one b" : "") + (s_.bias ? " bias" : "");
  }

 private:
  double a(int64_t t, int64_t i, int64_t k) const {
    return number(a_[(s_.share_a ? 0 : t * s_.m * s_.k) + (transpose_a_ ? k * s_.m + i : i * s_.k + k)]);
  }
  double b(int64_t t, int64_t k, int64_t j) const {
    return number(b_[(s_.share_b ? 0 : t * s_.k * s_.n) + (transpose_b_ ? j * s_.k + k : k * s_.n + j)]);
  }

  Shape s_;
  std::vector<T> a_, b_, bias_;
  int transpose_a_, transpose_b_;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  // Around tiles: 6 x 16 and 14 x 32.
  for (int64_t m : {1, 2, 5, 6, 7, 13, 14, 15, 29})
    for (int64_t n : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65})
      for (int64_t k : {0, 1, 17}) all.push_back({m, n, k, 1, false, false, (m + n + k) % 2 == 0});
  // Around blocks: 256 of k, 512 and 1024 columns.
  for (int64_t k : {15, 16, 255, 256, 257, 513})
    for (Shape s : {Shape{1, 40, k}, Shape{40, 1, k}, Shape{1, 1, k}, Shape{9, 21, k}}) all.push_back(s);
  for (int64_t n : {511, 512, 513, 1023, 1025}) all.push_back({9, n, 5, 1, false, false, true});
  // Where operands start being copied.
  for (Shape s : {Shape{120, 1030, 12}, Shape{1030, 270, 12}, Shape{15, 270, 1030}}) all.push_back(s);
  // Split over threads: by rows, across, lines of a matrix, within a batch, over it.
  for (Shape s : {Shape{150, 200, 100}, Shape{20, 1100, 60}, Shape{1, 900, 300}, Shape{900, 1, 300}}) all.push_back(s);
  for (Shape s : {Shape{160, 170, 160, 2}, Shape{40, 50, 60, 9}}) all.push_back(s);
  // One operand for the whole batch.
  for (int64_t m : {1, 5})
    for (int64_t n : {1, 9})
      for (int share = 0; share < 4; share++) all.push_back({m, n, 4, 3, share % 2 == 1, share / 2 == 1, share == 2});
  // Nothing at all.
  for (Shape s : {Shape{0, 5, 5}, Shape{5, 0, 5}, Shape{5, 5, 5, 0}}) all.push_back(s);
  return all;
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

// The epilogue against the same operation in a call of its own: tiles, several blocks, vectors, k = 0, a batch. A
// quarter of a number rounds as the number does, unless it is too small for that.
template <class T>
void test_activation() {
  const int op = unary_id("leakyRelu");
  CHECK(op >= 0);
  for (const Shape &shape : {Shape{31, 45, 20, 1, false, false, true}, Shape{31, 1100, 300}, Shape{1, 45, 20},
                             Shape{45, 1, 20}, Shape{8, 8, 0, 1, false, false, true}, Shape{7, 9, 11, 3, true}}) {
    const Case<T> product(shape, 0);
    const std::vector<T> plain = product.run();
    std::vector<T> wanted(plain.size());
    kernels_here()[0].unary(
        {op, float_type<T>, float_type<T>, plain.data(), wanted.data(), int64_t(plain.size()), 0.25f, 0});
    CHECK(!same_bits(plain, wanted));
    check_close(product.name(), numbers_of(product.run(op, 0.25f)), numbers_of(wanted), 0, half_smallest<T>);
  }
}

void test_int() {
  for (int transposes = 0; transposes < 4; transposes++)
    for (const Shape &s : {Shape{1, 1, 1}, Shape{7, 19, 33}, Shape{40, 70, 50}, Shape{3, 5, 0}}) {
      const int ta = transposes & 1, tb = transposes >> 1;
      std::vector<uint32_t> a(s.m * s.k), b(s.k * s.n), wanted(s.m * s.n, 0);
      for (auto *values : {&a, &b})
        for (uint32_t &value : *values) value = random_bits();
      for (int64_t i = 0; i < s.m; i++)
        for (int64_t j = 0; j < s.n; j++)
          for (int64_t k = 0; k < s.k; k++)
            wanted[i * s.n + j] += a[ta ? k * s.m + i : i * s.k + k] * b[tb ? j * s.k + k : k * s.n + j];
      const auto y = run_everywhere<uint32_t>("int32", s.m * s.n, [&](const Kernels &kernels, uint32_t *y) {
        return kernels.matmul(
            {DG_INT32, a.data(), b.data(), nullptr, y, 1, s.m, s.n, s.k, s.m * s.k, s.k * s.n, ta, tb, 0, -1, 0});
      });
      CHECK(y == wanted, "int32 %ld x %ld x %ld, transposes %d", long(s.m), long(s.k), long(s.n), transposes);
    }
}

}  // namespace

int main() {
  if (kernels_here().empty()) return check_report("matmul_test");
  for_float_types([](auto type) {
    for (const Shape &shape : shapes())
      for (int transposes = 0; transposes < 4; transposes++) Case<decltype(type)>(shape, transposes).check();
    test_activation<decltype(type)>();
  });
  test_int();
  return check_report("matmul_test");
}
