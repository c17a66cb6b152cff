// Do the GPU's softmax and cross-entropy hold at every row length where something changes: packs or single elements, a part
// of a warp, a warp or a block per row, rows that are kept and rows that are read twice?
#include "math/half.h"
#include "variants.h"

using namespace dg;

namespace {

using Doubles = std::vector<double>;

template <class T>
constexpr Dtype type_of = std::is_same_v<T, Half>    ? DG_FLOAT16
                          : std::is_same_v<T, Brain> ? DG_BFLOAT16
                                                     : DG_FLOAT32;
// Of a result near 1, a rounding; of a sum in float32, little more.
template <class T>
constexpr double rounding = type_of<T> == DG_FLOAT16    ? 0x1p-11
                            : type_of<T> == DG_BFLOAT16 ? 0x1p-8
                                                        : 0;

template <class T>
std::vector<float> wide(const std::vector<T> &x) {
  std::vector<float> y(x.size());
  for (size_t i = 0; i < x.size(); i++) y[i] = widen(x[i]);
  return y;
}

// Rows of different kinds: moderate values; values far apart; the largest one last; most of them masked.
template <class T>
std::vector<T> logits(int64_t rows, int64_t n) {
  std::vector<T> x(rows * n);
  for (int64_t i = 0; i < rows * n; i++) {
    const int64_t row = i / n, column = i % n;
    float v = random_value() * (row % 4 == 1 ? 200 : 4);
    if (row % 4 == 2 && column == n - 1) v = 300;
    if (row % 4 == 3 && column != n / 2 && column % 7) v = -INFINITY;
    x[i] = narrow<T>(v);
  }
  return x;
}

// x - max and the logarithm of the sum of its exponentials, row by row.
struct Reference {
  Doubles shifted, log_sum;
  Reference(const std::vector<float> &x, int64_t rows, int64_t n) : shifted(x.begin(), x.end()), log_sum(rows) {
    for (int64_t r = 0; r < rows; r++) {
      double max = -INFINITY, sum = 0;
      for (int64_t i = r * n; i < (r + 1) * n; i++) max = fmax(max, shifted[i]);
      for (int64_t i = r * n; i < (r + 1) * n; i++) sum += exp(shifted[i] -= max);
      log_sum[r] = log(sum);
    }
  }
};

template <class T>
void check_rows(int64_t rows, int64_t n) {
  const std::vector<T> x = logits<T>(rows, n);
  std::vector<T> dy(rows * n), labels(rows * n);
  for (T &v : dy) v = narrow<T>(random_value());
  for (T &v : labels) v = narrow<T>(random_bits() % 3 ? 0 : random_value() + 1);
  for (int64_t i = 0; i < rows * n; i++)
    if (widen(x[i]) == -INFINITY) labels[i] = narrow<T>(0);
  const std::vector<float> wide_dy = wide(dy), wide_labels = wide(labels), dloss = random_values(rows);
  std::vector<int32_t> classes(rows);
  for (int64_t r = 0; r < rows; r++) classes[r] = static_cast<int32_t>(r % 2 ? n - 1 : n / 2);
  const Reference reference(wide(x), rows, n);
  const std::string size = " of " + std::to_string(n) + " in type " + std::to_string(type_of<T>);
  const auto run = [&](const std::string &what, const auto &call, const std::vector<T> &before = {}) {
    return run_everywhere<T>(what + size, rows * n, call, 0, before);
  };
  const auto check = [&](const std::string &what, const std::vector<T> &got, const auto &expected_at, double absolute) {
    Doubles expected(rows * n);
    for (int64_t i = 0; i < rows * n; i++) expected[i] = expected_at(i, i / n);
    check_close(what + size, wide(got), expected, 1e-5 + rounding<T>, absolute);
  };
  const auto p = [&](int64_t i, int64_t r) { return exp(reference.shifted[i] - reference.log_sum[r]); };
  const auto sum_of = [&](const auto &f) {
    Doubles sums(rows);
    for (int64_t i = 0; i < rows * n; i++) sums[i / n] += f(i);
    return sums;
  };

  for (int log : {0, 1}) {
    const std::string what = log ? "log-softmax" : "softmax";
    const std::vector<T> y = run(what, [&](const Kernels &k, T *out) {
      return k.softmax({type_of<T>, x.data(), out, rows, n, log});
    });
    check(
        what, y, [&](int64_t i, int64_t r) { return log ? reference.shifted[i] - reference.log_sum[r] : p(i, r); },
        1e-6);
    const std::vector<T> in_place = run(
        what,
        [&](const Kernels &k, T *out) {
          return k.softmax({type_of<T>, out, out, rows, n, log});
        },
        x);
    CHECK(same_bits(in_place, y), "%s in place", (what + size).c_str());

    const std::vector<float> wide_y = wide(y);
    const auto gradient = [&](const Kernels &k, T *out) {
      return k.softmax_grad({type_of<T>, dy.data(), y.data(), out, rows, n, log});
    };
    const Doubles sums = sum_of([&](int64_t i) { return log ? wide_dy[i] : double(wide_dy[i]) * wide_y[i]; });
    const double terms = 1e-6 * sqrt(static_cast<double>(n));  // what rounding may make of the sum
    check(
        what + " gradient", run(what + " gradient", gradient),
        [&](int64_t i, int64_t r) {
          return log ? wide_dy[i] - exp(double(wide_y[i])) * sums[r] : wide_y[i] * (wide_dy[i] - sums[r]);
        },
        terms);
    const std::vector<T> over_y = run(
        what + " gradient over y",
        [&](const Kernels &k, T *out) {
          return k.softmax_grad({type_of<T>, dy.data(), out, out, rows, n, log});
        },
        y);
    CHECK(same_bits(over_y, run(what, gradient)), "%s gradient in place", (what + size).c_str());
  }

  const auto cross_entropy = [&](const std::string &what, const T *dense, const int32_t *sparse, const auto &label) {
    Doubles expected = sum_of([&](int64_t i) {
      const double l = label(i);
      return l ? l * (reference.log_sum[i / n] - reference.shifted[i]) : 0;
    });
    const auto loss = run_everywhere<float>(what + size, rows, [&](const Kernels &k, float *out) {
      return k.cross_entropy({type_of<T>, x.data(), dense, sparse, out, rows, n});
    });
    check_close(what + size, loss, expected, 1e-5, 1e-6);
    const auto gradient = [&](const Kernels &k, T *out) {
      return k.cross_entropy_grad({type_of<T>, x.data(), dense, sparse, dloss.data(), out, rows, n});
    };
    const Doubles weight = sum_of(label);
    const std::vector<T> dx = run(what + " gradient", gradient);
    check(
        what + " gradient", dx, [&](int64_t i, int64_t r) { return dloss[r] * (p(i, r) * weight[r] - label(i)); },
        1e-6);
    const std::vector<T> over_x = run(
        what + " gradient over the logits",
        [&](const Kernels &k, T *out) {
          return k.cross_entropy_grad({type_of<T>, out, dense, sparse, dloss.data(), out, rows, n});
        },
        x);
    CHECK(same_bits(over_x, dx), "%s gradient in place", (what + size).c_str());
  };
  cross_entropy("cross-entropy", labels.data(), nullptr, [&](int64_t i) { return double(wide_labels[i]); });
  cross_entropy("sparse cross-entropy", nullptr, classes.data(),
                [&](int64_t i) { return double(i % n == classes[i / n]); });
}

// Rows without a finite maximum give NaN, and leave their neighbours alone.
template <class T>
void check_hopeless_rows(int64_t n) {
  std::vector<T> x(4 * n);
  for (int64_t i = 0; i < 4 * n; i++) x[i] = narrow<T>(i / n == 1 ? -INFINITY : 1);
  x[2 * n + n / 2] = narrow<T>(INFINITY);
  x[4 * n - 1] = narrow<T>(NAN);
  for (int log : {0, 1}) {
    const auto y = run_everywhere<T>("hopeless rows", 4 * n, [&](const Kernels &k, T *out) {
      return k.softmax({type_of<T>, x.data(), out, 4, n, log});
    });
    int64_t numbers = 0;
    for (int64_t i = 0; i < 4 * n; i++) {
      const float v = widen(y[i]);
      if (i >= n) CHECK(v != v, "row %ld of %ld", i / n, n);
      numbers += i < n && v == v;
    }
    CHECK(numbers == n, "row 0 of %ld", n);
  }
}

// A start that no pack has gives the same bits.
template <class T>
void check_alignment(int64_t n) {
  const std::vector<T> x = logits<T>(3, n);
  std::vector<T> shifted(x.size() + 1), aside(x.size() + 1);
  std::copy(x.begin(), x.end(), shifted.begin() + 1);
  const auto y = run_everywhere<T>("softmax", x.size(), [&](const Kernels &k, T *out) {
    return k.softmax({type_of<T>, x.data(), out, 3, n, 0});
  });
  CHECK(kernels_here()[0].softmax({type_of<T>, shifted.data() + 1, aside.data() + 1, 3, n, 0}) == 0);
  CHECK(same_bits(y, std::vector<T>(aside.begin() + 1, aside.end())), "%ld elements", n);
}

template <class T>
void check_all() {
  // Packs of 4 or 8; all of a warp; what a block keeps of warps' rows; one or two inputs kept; blocks of more threads.
  for (int64_t n :
       {1,   2,   4,    5,    7,    8,    9,    16,   31,   32,   33,   64,   127,  128,  130,   256,   257,   764,
        766, 768, 1000, 1024, 1025, 1532, 1536, 2048, 2049, 4096, 4097, 6128, 6129, 6136, 12256, 12257, 12264, 20000}) {
    check_rows<T>(n < 40 ? 70 : n < 2000 ? 9 : 4, n);
  }
  for (int64_t n : {1, 3, 12, 1000, 5000, 13000}) {
    check_hopeless_rows<T>(n);
    check_alignment<T>(n);
  }
}

}  // namespace

int main() {
  check_all<float>();
  check_all<Half>();
  check_all<Brain>();
  return check_report("emu_rows_test");
}
