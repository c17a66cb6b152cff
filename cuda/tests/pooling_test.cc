// Is every pooling right, forward and backward, wherever windows overlap, leave gaps, reach outside or hold equal values,
// and the same on every instruction set and any number of threads?
#include "variants.h"

using namespace dg;

namespace {

struct Shape {
  int64_t batch, channels;
  Axis axis[spatial];
};
constexpr Axis none = {1, 1, 1, 1, 1, 0};

class Case {
 public:
  Case(const Shape &s, const std::vector<float> &values)
      : s_(s), pixels_(count(&Axis::in)), outputs_(count(&Axis::out)), x_(pixels_ * s.batch * s.channels) {
    for (float &v : x_) v = values[random_bits() % values.size()];
    dy_ = random_values(outputs_ * s.batch * s.channels);
  }

  void check() const {
    const size_t n = dy_.size();
    std::vector<float> max(n), average(n), max_dx(x_.size(), 0), average_dx(x_.size(), 0);
    std::vector<int32_t> argmax(n);
    for (size_t i = 0; i < n; i++) {
      const std::vector<int64_t> window = elements(i);
      int64_t best = -1;
      double sum = 0;
      for (const int64_t at : window) {
        sum += x_[at];
        if (best < 0 || x_[at] > x_[best] || (x_[at] != x_[at] && x_[best] == x_[best])) best = at;
      }
      max[i] = best < 0 ? -INFINITY : x_[best];
      average[i] = static_cast<float>(sum / static_cast<double>(window.size()));
      argmax[i] = best < 0 ? -1 : static_cast<int32_t>(best % (pixels_ * s_.channels));
      if (best >= 0) max_dx[best] += dy_[i];
      for (const int64_t at : window) average_dx[at] += dy_[i] / static_cast<float>(window.size());
    }
    check_close("maximum", forward<float>(DG_POOL_MAX), max, 0, 0);
    check_close("average", forward<float>(DG_POOL_AVERAGE), average, 1e-5, 1e-6);
    CHECK(forward<int32_t>(DG_POOL_ARGMAX) == argmax, "places of maxima, %ld channels", long(s_.channels));
    check_close("gradient of the maximum", backward(DG_POOL_MAX, max), max_dx, 1e-5, 1e-6);
    check_close("gradient of the average", backward(DG_POOL_AVERAGE, {}), average_dx, 1e-5, 1e-6);
  }

 private:
  int64_t count(int64_t Axis::*size) const { return s_.axis[0].*size * (s_.axis[1].*size) * (s_.axis[2].*size); }

  // Where the elements of an output's window lie in x.
  std::vector<int64_t> elements(int64_t output) const {
    const int64_t channel = output % s_.channels, o = output / s_.channels;
    std::vector<int64_t> all;
    for (int64_t w = 0; w < count(&Axis::window); w++) {
      int64_t out = o, element = w, pixel = 0, step = 1;
      bool inside = true;
      for (int d = spatial - 1; d >= 0; d--) {
        const Axis &a = s_.axis[d];
        const int64_t at = out % a.out * a.stride + element % a.window * a.dilation - a.padding;
        inside = inside && at >= 0 && at < a.in;
        pixel += at * step;
        step *= a.in;
        out /= a.out;
        element /= a.window;
      }
      if (inside) all.push_back((o / outputs_ * pixels_ + pixel) * s_.channels + channel);
    }
    return all;
  }

  template <class T>
  std::vector<T> forward(int kind) const {
    return run_everywhere<T>("pooling", static_cast<int64_t>(dy_.size()), [&](const Kernels &kernels, T *y) {
      return kernels.pool(
          {kind, DG_FLOAT32, x_.data(), y, s_.batch, s_.channels, {s_.axis[0], s_.axis[1], s_.axis[2]}});
    });
  }
  std::vector<float> backward(int kind, const std::vector<float> &y) const {
    const bool max = kind == DG_POOL_MAX;
    return run_everywhere<float>("gradient of pooling", static_cast<int64_t>(x_.size()),
                                 [&](const Kernels &kernels, float *dx) {
                                   return kernels.pool_grad({kind,
                                                             DG_FLOAT32,
                                                             max ? x_.data() : nullptr,
                                                             max ? y.data() : nullptr,
                                                             dy_.data(),
                                                             dx,
                                                             s_.batch,
                                                             s_.channels,
                                                             {s_.axis[0], s_.axis[1], s_.axis[2]}});
                                 });
  }

  Shape s_;
  int64_t pixels_, outputs_;
  std::vector<float> x_, dy_;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  const Axis halves = {12, 6, 2, 2, 1, 0}, rest = {13, 6, 2, 2, 1, 0}, overlapping = {11, 6, 3, 2, 1, 1};
  for (int64_t channels : {1, 3, 8, 16, 33, 70}) {
    all.push_back({2, channels, {none, halves, rest}});
    all.push_back({1, channels, {none, overlapping, overlapping}});
  }
  all.push_back({2, 5, {none, {9, 9, 3, 1, 1, 1}, {7, 5, 3, 1, 1, 0}}});
  all.push_back({2, 5, {none, {9, 2, 2, 5, 1, 0}, {10, 3, 2, 4, 1, 1}}});  // gaps between windows
  all.push_back({2, 5, {none, {9, 5, 3, 1, 2, 0}, {10, 4, 3, 2, 3, 2}}});  // and within them
  all.push_back({1, 5, {none, {4, 6, 2, 1, 1, 3}, {4, 5, 2, 2, 1, 4}}});   // nothing in some of them
  all.push_back({2, 6, {none, none, {17, 8, 3, 2, 1, 0}}});
  all.push_back({2, 6, {{5, 3, 2, 2, 1, 1}, {6, 3, 2, 2, 1, 0}, {7, 4, 3, 2, 1, 1}}});
  all.push_back({20, 32, {none, {26, 13, 2, 2, 1, 0}, {26, 13, 2, 2, 1, 0}}});  // for several threads
  all.push_back({1, 200, {none, {20, 10, 3, 2, 1, 0}, {20, 10, 3, 2, 1, 1}}});
  return all;
}

// A window that reaches far beyond its input costs no more than one that just covers it.
void test_huge_window() {
  const std::vector<float> x = random_values(7 * 3), dy = random_values(3);
  std::vector<float> results[2], gradients[2];
  for (int i = 0; i < 2; i++) {
    const Axis axis = {7, 1, i ? 2000000000 : 1000, 1, 1, 500};
    results[i] = run_everywhere<float>("a window", 3, [&](const Kernels &kernels, float *y) {
      return kernels.pool({DG_POOL_AVERAGE, DG_FLOAT32, x.data(), y, 1, 3, {none, none, axis}});
    });
    gradients[i] = run_everywhere<float>("a window", 7 * 3, [&](const Kernels &kernels, float *dx) {
      return kernels.pool_grad(
          {DG_POOL_AVERAGE, DG_FLOAT32, nullptr, nullptr, dy.data(), dx, 1, 3, {none, none, axis}});
    });
  }
  CHECK(same_bits(results[0], results[1]) && same_bits(gradients[0], gradients[1]));
}

}  // namespace

int main() {
  if (kernels_here().empty()) return check_report("pooling_test");
  std::vector<float> different, equal = {-1, 0, 0.5f, 0.5f, 1}, special = {NAN, -INFINITY, INFINITY, 0, -0.0f, 1};
  for (int i = 0; i < 1000; i++) different.push_back(random_value());
  for (const Shape &shape : shapes())
    for (const auto &values : {different, equal, special}) Case(shape, values).check();
  test_huge_window();
  return check_report("pooling_test");
}
