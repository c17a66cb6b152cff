// Are softmax, cross-entropy and their gradients right, also where exponentials would overflow or vanish?
#include "half_values.h"

using namespace dg;

namespace {

struct Size {
  int64_t rows, n;
};
const Size sizes[] = {{1, 1},    {3, 2},    {32, 10},  {5, 16},    {7, 17}, {4, 33},
                      {3, 1000}, {2, 1025}, {2, 5000}, {9000, 10}, {0, 4},  {4, 0}};

// Logits of all magnitudes: rows of moderate, of large and of far apart values, some of them masked by -inf.
template <class T>
std::vector<T> logits(const Size &s) {
  const float far = std::is_same_v<T, Half> ? 1e4f : 1e6f;
  std::vector<float> x = random_values(s.rows * s.n);
  for (int64_t r = 0; r < s.rows; r++) {
    for (int64_t j = 0; j < s.n; j++) {
      float &v = x[r * s.n + j];
      v = r % 4 == 1 ? v * 1000 : r % 4 == 2 ? v * 3 + far : v * 5;
      if (r % 4 == 3 && j % 3 == 1) v = -INFINITY;
    }
  }
  return all_stored<T>(x);
}

template <class T>
std::vector<double> log_softmax(const std::vector<T> &stored_x, const Size &s) {
  const std::vector<float> x = numbers_of(stored_x);
  std::vector<double> y(x.size());
  for (int64_t r = 0; r < s.rows; r++) {
    double max = -INFINITY, sum = 0;
    for (int64_t j = 0; j < s.n; j++) max = fmax(max, x[r * s.n + j]);
    for (int64_t j = 0; j < s.n; j++) sum += exp(x[r * s.n + j] - max);
    for (int64_t j = 0; j < s.n; j++) y[r * s.n + j] = x[r * s.n + j] - max - log(sum);
  }
  return y;
}

template <class T>
void check_softmax(const Size &s) {
  constexpr Dtype type = float_type<T>;
  const std::vector<T> x = logits<T>(s), dy = all_stored<T>(random_values(s.rows * s.n));
  const std::vector<double> log_y = log_softmax(x, s);
  for (int log : {0, 1}) {
    const std::string what = (log ? "log-softmax of " : "softmax of ") + std::to_string(s.n);
    const auto y = run_everywhere<T>(what, x.size(), [&](const Kernels &k, T *out) {
      return k.softmax({type, x.data(), out, s.rows, s.n, log});
    });
    std::vector<double> expected = log_y;
    if (!log)
      for (double &e : expected) e = exp(e);
    check_stored(what, y, expected, log ? 2e-6 : 1e-5, log ? 1e-6 : 1e-37);  // x - max is rounded before it is raised
    const auto in_place = run_everywhere<T>(
        what + " in place", x.size(),
        [&](const Kernels &k, T *out) {
          return k.softmax({type, out, out, s.rows, s.n, log});
        },
        0, x);
    CHECK(same_bits(in_place, y), "%s in place", what.c_str());

    const auto dx = run_everywhere<T>(what + " gradient", x.size(), [&](const Kernels &k, T *out) {
      return k.softmax_grad({type, dy.data(), y.data(), out, s.rows, s.n, log});
    });
    std::vector<double> gradient(x.size());
    for (int64_t r = 0; r < s.rows; r++) {
      double sum = 0;
      const auto at = [](const std::vector<T> &values, int64_t i) { return double(number(values[i])); };
      for (int64_t i = r * s.n; i < (r + 1) * s.n; i++) sum += log ? at(dy, i) : at(dy, i) * at(y, i);
      for (int64_t i = r * s.n; i < (r + 1) * s.n; i++)
        gradient[i] = log ? at(dy, i) - exp(at(y, i)) * sum : at(y, i) * (at(dy, i) - sum);
    }
    check_stored(what + " gradient", dx, gradient, 1e-5, 2e-6);
  }
}

template <class T>
void check_cross_entropy(const Size &s) {
  constexpr Dtype type = float_type<T>;
  const std::vector<T> x = logits<T>(s);
  const std::vector<float> dloss = random_values(s.rows);
  std::vector<T> labels(s.rows * s.n);
  std::vector<float> one_hot(labels.size());
  std::vector<int32_t> classes(s.rows);
  for (int64_t r = 0; r < s.rows; r++) {
    for (int64_t j = 0; j < s.n; j++)
      labels[r * s.n + j] = stored<T>(r % 4 == 3 && j % 3 == 1 ? 0.0f : random_value() + 1);
    if (s.n == 0) continue;
    classes[r] = static_cast<int32_t>(random_bits() % s.n / 3 * 3);
    one_hot[r * s.n + classes[r]] = 1;
  }
  const std::vector<double> log_y = log_softmax(x, s);
  const auto check = [&](const char *what, const T *dense, const int32_t *sparse, const std::vector<float> &p) {
    const auto loss = run_everywhere<float>(what, s.rows, [&](const Kernels &k, float *out) {
      return k.cross_entropy({type, x.data(), dense, sparse, out, s.rows, s.n});
    });
    const auto dx = run_everywhere<T>(what, x.size(), [&](const Kernels &k, T *out) {
      return k.cross_entropy_grad({type, x.data(), dense, sparse, dloss.data(), out, s.rows, s.n});
    });
    std::vector<double> expected(s.rows), gradient(x.size());
    for (int64_t r = 0; r < s.rows; r++) {
      double weight = 0;
      for (int64_t i = r * s.n; i < (r + 1) * s.n; i++) {
        if (p[i] != 0) expected[r] -= p[i] * log_y[i];
        weight += p[i];
      }
      for (int64_t i = r * s.n; i < (r + 1) * s.n; i++) gradient[i] = dloss[r] * (exp(log_y[i]) * weight - p[i]);
    }
    check_close(std::string(what) + " loss", loss, expected, 2e-6, 1e-6);
    check_stored(std::string(what) + " gradient", dx, gradient, 1e-5, 2e-6);
  };
  check("cross-entropy", labels.data(), nullptr, numbers_of(labels));
  if (s.n > 0) check("sparse cross-entropy", nullptr, classes.data(), one_hot);

  // The gradient may replace the labels.
  const auto over_labels = [&](const Kernels &k, T *out) {
    return k.cross_entropy_grad({type, x.data(), out, nullptr, dloss.data(), out, s.rows, s.n});
  };
  const auto beside = [&](const Kernels &k, T *out) {
    return k.cross_entropy_grad({type, x.data(), labels.data(), nullptr, dloss.data(), out, s.rows, s.n});
  };
  const auto a = run_everywhere<T>("over labels", x.size(), over_labels, 0, labels);
  const auto b = run_everywhere<T>("beside labels", x.size(), beside);
  CHECK(same_bits(a, b), "gradient over its labels, n %ld", s.n);
}

void check_hopeless_rows() {
  const float infinite = INFINITY;
  for (float fill : {-infinite, infinite, NAN}) {
    const std::vector<float> x(20, fill);
    const auto y = run_everywhere<float>("hopeless rows", 20, [&](const Kernels &k, float *out) {
      return k.softmax({DG_FLOAT32, x.data(), out, 2, 10, 0});
    });
    for (float v : y) CHECK(v != v, "softmax of %g is %g", fill, v);
  }
  const std::vector<float> x(20);
  const std::vector<int32_t> classes = {3, 10};
  const auto loss = run_everywhere<float>(
      "class outside", 2,
      [&](const Kernels &k, float *out) {
        return k.cross_entropy({DG_FLOAT32, x.data(), nullptr, classes.data(), out, 2, 10});
      },
      bad_index);
  CHECK(loss[0] == loss[0] && loss[1] != loss[1], "%g %g", loss[0], loss[1]);
  const std::string message(failure().data(), failure().length());
  CHECK(!bad_index || message == "Row 1 has class 10, which is outside [0, 10)", "%s", message.c_str());
}

}  // namespace

int main() {
  for (const Size &s : sizes) {
    for_float_types([&](auto type) {
      check_softmax<decltype(type)>(s);
      check_cross_entropy<decltype(type)>(s);
    });
  }
  check_hopeless_rows();
  return check_report("softmax_test");
}
