// Is every normalization right, forward and backward, and the same on every instruction set and any number of threads?
#include "math/half.h"
#include "variants.h"

using namespace dg;

namespace {

constexpr float epsilon = 1e-3f;

// x and what goes with it, and what must come of it, from the definition in dinograd.h.
struct Problem {
  NormalSizes sizes;
  bool centred, scaled;
  std::vector<float> x, dy, scale, offset;
  std::vector<double> mean, variance, y, dx, dscale, doffset;

  // x lies around `far`.
  Problem(const NormalSizes &s, bool centred_, bool scaled_, float far)
      : sizes(s),
        centred(centred_),
        scaled(scaled_),
        x(random_values(s.elements())),
        dy(random_values(s.elements())),
        scale(random_values(s.channels())),
        offset(random_values(s.channels())) {
    for (float &v : x) v += far;
    solve();
  }
  void solve() {
    const int64_t channels = sizes.channels(), statistics = sizes.batch * sizes.groups;
    const double n = double(sizes.rows * sizes.size);
    for (auto *list : {&mean, &variance}) list->assign(statistics, 0);
    for (auto *list : {&y, &dx}) list->assign(x.size(), 0);
    for (auto *list : {&dscale, &doffset}) list->assign(channels, 0);
    std::vector<double> g(statistics, 0), gz(statistics, 0);
    const auto each = [&](const auto &f) {
      for (int64_t i = 0; i < int64_t(x.size()); i++) {
        const int64_t channel = i % channels;
        f(i, channel, i / (channels * sizes.rows) * sizes.groups + channel / sizes.size);
      }
    };
    const auto by = [&](int64_t c) { return scaled ? double(scale[c]) : 1; };
    const auto z = [&](int64_t i, int64_t s) { return (double(x[i]) - mean[s]) / sqrt(variance[s] + double(epsilon)); };
    if (centred) each([&](int64_t i, int64_t, int64_t s) { mean[s] += double(x[i]) / n; });
    each(
        [&](int64_t i, int64_t, int64_t s) { variance[s] += (double(x[i]) - mean[s]) * (double(x[i]) - mean[s]) / n; });
    each([&](int64_t i, int64_t c, int64_t s) {
      y[i] = z(i, s) * by(c) + (scaled ? double(offset[c]) : 0);
      dscale[c] += double(dy[i]) * z(i, s);
      doffset[c] += double(dy[i]);
      if (centred) g[s] += double(dy[i]) * by(c) / n;
      gz[s] += double(dy[i]) * by(c) * z(i, s) / n;
    });
    each([&](int64_t i, int64_t c, int64_t s) {
      dx[i] = (double(dy[i]) * by(c) - g[s] - z(i, s) * gz[s]) / sqrt(variance[s] + double(epsilon));
    });
  }
};

float widened(float v) { return v; }
template <class T>
float widened(T v) {
  return widen(v);
}

// What is measured and written, one after another: y, variance and, where there is one, mean.
template <class T>
std::vector<float> forward(const Problem &p, Dtype type, const T *x, const std::string &what) {
  const int64_t n = p.sizes.elements(), statistics = p.sizes.batch * p.sizes.groups;
  return run_everywhere<float>(what, n + 2 * statistics, [&](const Kernels &kernels, float *to) {
    std::vector<T> y(n);
    const float *const scale = p.scaled ? p.scale.data() : nullptr, *const offset =
                                                                        p.scaled ? p.offset.data() : nullptr;
    float *const variance = to + n, *const mean = variance + statistics;
    std::fill(mean, mean + statistics, 0.0f);
    const NormalizeArgs args = {type,     x,        scale,   offset, p.centred ? mean : nullptr,
                                variance, y.data(), p.sizes, 1,      epsilon};
    const int status = kernels.normalize(args);
    for (int64_t i = 0; i < n; i++) to[i] = widened(y[i]);
    return status;
  });
}

// dx, dscale and doffset, one after another, with statistics that were measured.
template <class T>
std::vector<float> backward(const Problem &p, Dtype type, const T *x, const T *dy, const float *variance,
                            const float *mean, const std::string &what) {
  const int64_t n = p.sizes.elements(), channels = p.sizes.channels();
  return run_everywhere<float>(what, n + 2 * channels, [&](const Kernels &kernels, float *to) {
    std::vector<T> dx(n);
    const int status =
        kernels.normalize_grad({type, x, dy, p.scaled ? p.scale.data() : nullptr, p.centred ? mean : nullptr, variance,
                                dx.data(), to + n, to + n + channels, p.sizes, epsilon});
    for (int64_t i = 0; i < n; i++) to[i] = widened(dx[i]);
    return status;
  });
}

std::vector<double> joined(std::initializer_list<const std::vector<double> *> parts) {
  std::vector<double> all;
  for (const auto *part : parts) all.insert(all.end(), part->begin(), part->end());
  return all;
}

void check(const NormalSizes &sizes, bool centred, bool scaled, float far, Dtype type = DG_FLOAT32) {
  const Problem p(sizes, centred, scaled, far);
  char what[96];
  snprintf(what, sizeof what, "%ld x %ld x %ld x %ld%s%s around %g", long(sizes.batch), long(sizes.rows),
           long(sizes.groups), long(sizes.size), centred ? "" : ", not centred", scaled ? ", scaled" : "", double(far));
  // What rounding of the mean makes of deviations, and sums of many.
  const double near = 2e-6 + 4e-7 * double(fabsf(far)) * (centred ? 1 : 4);
  const double many = near * (2 + sqrt(double(sizes.batch * sizes.rows))) * 4;
  const auto got = forward(p, type, p.x.data(), what);
  check_close(what, got, joined({&p.y, &p.variance, &p.mean}), 4e-6, near * 4);
  const float *const variance = got.data() + p.x.size(), *const mean = variance + p.variance.size();
  const auto grads = backward(p, type, p.x.data(), p.dy.data(), variance, mean, what);
  check_close(what, grads, joined({&p.dx, &p.dscale, &p.doffset}), 4e-6, many);
  // With statistics that are given, the same comes out.
  const auto again = run_everywhere<float>(what, int64_t(p.x.size()), [&](const Kernels &kernels, float *y) {
    return kernels.normalize({type, p.x.data(), p.scaled ? p.scale.data() : nullptr,
                              p.scaled ? p.offset.data() : nullptr, centred ? const_cast<float *>(mean) : nullptr,
                              const_cast<float *>(variance), y, sizes, 0, epsilon});
  });
  CHECK(same_bits(again, std::vector<float>(got.begin(), got.begin() + int64_t(p.x.size()))), "%s", what);
}

// Of 16-bit floats, statistics and sums are those of float32.
template <class T>
void check_half(Dtype type, const NormalSizes &sizes, double rounding) {
  Problem p(sizes, true, true, 2);
  std::vector<T> x, dy;
  for (float &v : p.x) v = widen(x.emplace_back(narrow<T>(v)));
  for (float &v : p.dy) v = widen(dy.emplace_back(narrow<T>(v)));
  p.solve();
  const auto got = forward(p, type, x.data(), "16-bit values");
  const auto split = [](const std::vector<float> &all, size_t n) {
    return std::pair(std::vector<float>(all.begin(), all.begin() + int64_t(n)),
                     std::vector<float>(all.begin() + int64_t(n), all.end()));
  };
  const auto [y, statistics] = split(got, x.size());
  check_close("16-bit values", y, p.y, rounding, rounding / 100);
  check_close("statistics of 16-bit values", statistics, joined({&p.variance, &p.mean}), 1e-5, 1e-5);
  const float *const variance = statistics.data(), *const mean = variance + p.variance.size();
  const auto [dx, sums] = split(backward(p, type, x.data(), dy.data(), variance, mean, "16-bit gradients"), x.size());
  check_close("16-bit gradients", dx, p.dx, rounding, rounding / 100);
  check_close("sums of 16-bit gradients", sums, joined({&p.dscale, &p.doffset}), 1e-5, 1e-4);
}

// One value far from all others is no reason to lose them.
void check_outlier() {
  Problem p({1, 4096, 64, 1}, true, false, 0);
  for (int c = 0; c < 64; c++) p.x[c] = 1e6f;
  p.solve();
  const auto got = forward(p, DG_FLOAT32, p.x.data(), "an outlier");
  check_close("an outlier", got, joined({&p.y, &p.variance, &p.mean}), 1e-4, 1e-4);
}

}  // namespace

int main() {
  if (kernels_here().empty()) return check_report("normalize_test");
  const NormalSizes shapes[] = {{1, 1, 1, 1},     {1, 2, 1, 1},     {1, 7, 3, 1},    {1, 64, 5, 1},
                                {1, 100, 16, 1},  {1, 333, 130, 1}, {1, 5001, 5, 1}, {1, 4096, 64, 1},
                                {1, 640, 300, 1}, {2, 9, 4, 1},     {3, 10, 2, 3},   {40, 50, 4, 8},
                                {3, 300, 1, 300}, {5, 1, 1, 7},     {37, 1, 1, 129}, {4, 1, 3, 5},
                                {300, 1, 1, 8},   {2000, 1, 1, 33}, {3, 1, 2, 600},  {2, 1, 1, 13000}};
  for (const NormalSizes &sizes : shapes)
    for (bool centred : {true, false}) {
      check(sizes, centred, true, 0);
      check(sizes, centred, false, 100);
    }
  for (const NormalSizes &sizes : {NormalSizes{1, 200, 24, 1}, NormalSizes{4, 30, 2, 5}, NormalSizes{6, 1, 1, 50}}) {
    check_half<Half>(DG_FLOAT16, sizes, 1e-3);
    check_half<Brain>(DG_BFLOAT16, sizes, 8e-3);
  }
  check_outlier();
  return check_report("normalize_test");
}
