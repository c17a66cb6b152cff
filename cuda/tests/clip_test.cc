// Are gradients usable? Does clipping see the parameters' elements only, is whatever is not finite found, and does the
// loss scale follow?
#include "math/families.h"
#include "segments.h"
#include "variants.h"

using namespace dg;

namespace {

void check_clip(Clip op, float limit, const Layout &layout, float padding) {
  std::vector<float> before(layout.total, padding);
  layout.for_elements([&](const Segment &s, int64_t i) { before[i] = random_value() * static_cast<float>(s.n % 7); });
  const auto y = run_everywhere<float>(
      clip_name(static_cast<int>(op)), layout.total,
      [&](const Kernels &k, float *grads) {
        return k.clip(
            {static_cast<int>(op), grads, limit, layout.segments.data(), static_cast<int32_t>(layout.segments.size())});
      },
      0, before);
  std::vector<double> squares(layout.segments.size());
  double all = 0;
  for (size_t k = 0; k < squares.size(); k++) {
    const Segment &s = layout.segments[k];
    for (int64_t i = 0; i < s.n; i++) squares[k] += double(before[s.offset + i]) * before[s.offset + i];
    all += squares[k];
  }
  std::vector<double> expected(before.begin(), before.end());
  layout.for_elements([&](const Segment &s, int64_t i) {
    const double norm = sqrt(op == Clip::clipnorm ? squares[&s - layout.segments.data()] : all);
    if (op == Clip::clipvalue) {
      expected[i] = fmin(fmax(before[i], -limit), limit);
    } else if (norm > limit) {
      expected[i] = before[i] * limit / norm;
    }
  });
  check_close(clip_name(static_cast<int>(op)), y, expected, 1e-6, 0);
}

void check_clipping() {
  for (const auto &sizes : std::vector<std::vector<int64_t>>{{}, {1}, {10, 64, 3, 17}, {0, 5}, {100000, 33, 70000}})
    for (float limit : {0.0f, 0.5f, 3.0f, 1e6f})
      for (Clip op : {Clip::clipvalue, Clip::clipnorm, Clip::globalClipnorm})
        check_clip(op, limit, Layout(sizes), 1e9f);
  // NaN stays visible: by value in its place, by norm everywhere.
  const std::vector<float> before = {3, NAN, 4};
  const Layout layout({3});
  for (Clip op : {Clip::clipvalue, Clip::clipnorm, Clip::globalClipnorm}) {
    const auto y = run_everywhere<float>(
        "NaN", 3,
        [&](const Kernels &k, float *grads) {
          return k.clip({static_cast<int>(op), grads, 1, layout.segments.data(), 1});
        },
        0, before);
    CHECK(y[1] != y[1] && (op == Clip::clipvalue ? y[0] == 1 : y[0] != y[0]), "%g %g", y[0], y[1]);
  }
}

void check_all_finite() {
  for (int64_t n : {0, 1, 7, 16, 100, 200001}) {
    std::vector<float> x = random_values(n);
    const auto flag = [&] {
      return run_everywhere<int32_t>("all finite", 1, [&](const Kernels &k, int32_t *y) {
        return k.all_finite({x.data(), y, n});
      })[0];
    };
    if (n) x[n / 2] = 3.4e38f;
    CHECK(flag() == 1, "%ld", n);
    for (int64_t at : {int64_t{0}, n / 3, n - 1}) {
      for (float bad : {NAN, INFINITY, -INFINITY}) {
        if (n == 0) continue;
        const float good = x[at];
        x[at] = bad;
        CHECK(flag() == 0, "%g at %ld of %ld", bad, at, n);
        x[at] = good;
      }
    }
  }
}

// A scale after each of several steps, which are finite where `finite` says so.
void check_loss_scale() {
  const int32_t finite[] = {1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 5};
  const float scales[] = {8, 8, 16, 16, 8, 8, 8, 4, 2, 2, 2, 4, 4};
  const int32_t counts[] = {1, 2, 0, 1, 0, 1, 2, 0, 0, 1, 2, 0, 1};
  for (const Kernels &k : kernels_here()) {
    float scale = 8;
    int32_t steps = 0;
    for (size_t i = 0; i < sizeof finite / sizeof *finite; i++) {
      CHECK(k.loss_scale({&scale, &steps, &finite[i], 3}) == 0);
      CHECK(scale == scales[i] && steps == counts[i], "step %zu on %s: %g, %d", i, k.isa, scale, steps);
    }
    CHECK(k.loss_scale({&scale, &steps, &finite[0], 1}) == 0 && scale == 8 && steps == 0, "growth after every step");
  }
}

}  // namespace

int main() {
  check_clipping();
  check_all_finite();
  check_loss_scale();
  return check_report("clip_test");
}
