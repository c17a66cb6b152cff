// Does every optimizer rule follow its definition over several steps, does clipping see the parameters' elements only,
// and is whatever is not finite found?
#include <functional>

#include "math/families.h"
#include "variants.h"

using namespace dg;

namespace {

// A flat array with gaps, as core lays it out.
struct Layout {
  std::vector<Segment> segments;
  int64_t total = 0;

  explicit Layout(const std::vector<int64_t> &sizes) {
    for (int64_t n : sizes) {
      total = (total + segment_align - 1) / segment_align * segment_align;
      segments.push_back({nullptr, DG_FLOAT32, total, n, static_cast<int32_t>(segments.size() % 2)});
      total += n;
    }
  }
  template <class Visit>
  void for_elements(const Visit &visit) const {
    for (const Segment &s : segments)
      for (int64_t i = 0; i < s.n; i++) visit(s, s.offset + i);
  }
};

struct Weight {
  double w, s1, s2, s3;
};
// One step of a rule in float64: `h` is hyper, t counts from 1.
using Step = std::function<void(Weight &, double g, const std::vector<double> &h, int t)>;

struct Rule {
  const char *what;
  Update op;
  int slots;                 // given to the call: bit i for s(i+1)
  double accumulator;        // s1 at first
  std::vector<float> hyper;  // from [2]
  Step step;
};

double sign(double x) { return (x > 0) - (x < 0); }

void adam(Weight &x, double g, const std::vector<double> &h, int t, bool amsgrad) {
  x.s1 += (g - x.s1) * (1 - h[2]);
  x.s2 += (g * g - x.s2) * (1 - h[3]);
  x.s3 = fmax(x.s3, x.s2);
  x.w -= h[0] * sqrt(1 - pow(h[3], t)) / (1 - pow(h[2], t)) * x.s1 / (sqrt(amsgrad ? x.s3 : x.s2) + h[4]);
}

void rmsprop(Weight &x, double g, const std::vector<double> &h, bool momentum, bool centered) {
  x.s1 = h[2] * x.s1 + (1 - h[2]) * g * g;
  x.s3 = centered ? h[2] * x.s3 + (1 - h[2]) * g : 0;
  const double step = h[0] * g / sqrt(x.s1 - x.s3 * x.s3 + h[4]);
  x.s2 = (momentum ? h[3] * x.s2 : 0) + step;
  x.w -= x.s2;
}

double nadam_momentum(double beta1, int t) { return beta1 * (1 - 0.5 * pow(0.96, t)); }

void ftrl(Weight &x, double g, const std::vector<double> &h, int) {
  const double sum = x.s1 + g * g, l2 = h[4] + h[6] / (2 * h[0]);
  x.s2 += g + 2 * h[5] * x.w - (pow(sum, -h[2]) - pow(x.s1, -h[2])) / h[0] * x.w;
  x.w = (fmin(fmax(x.s2, -h[3]), h[3]) - x.s2) / (pow(sum, -h[2]) / h[0] + 2 * l2);
  x.s1 = sum;
}

const Rule rules[] = {
    {"sgd", Update::sgd, 0, 0, {0, 0}, [](Weight &x, double g, auto &h, int) { x.w -= h[0] * g; }},
    {"momentum",
     Update::sgd,
     1,
     0,
     {0.9f, 0},
     [](Weight &x, double g, auto &h, int) {
       x.s1 = h[2] * x.s1 - h[0] * g;
       x.w += x.s1;
     }},
    {"nesterov",
     Update::sgd,
     1,
     0,
     {0.9f, 1},
     [](Weight &x, double g, auto &h, int) {
       x.s1 = h[2] * x.s1 - h[0] * g;
       x.w += h[2] * x.s1 - h[0] * g;
     }},
    {"adam",
     Update::adam,
     3,
     0,
     {0.9f, 0.999f, 1e-7f},
     [](Weight &x, double g, auto &h, int t) { adam(x, g, h, t, false); }},
    {"amsgrad",
     Update::adam,
     7,
     0,
     {0.8f, 0.9f, 1e-3f},
     [](Weight &x, double g, auto &h, int t) { adam(x, g, h, t, true); }},
    {"adamax",
     Update::adamax,
     3,
     0,
     {0.9f, 0.99f, 1e-7f},
     [](Weight &x, double g, auto &h, int t) {
       x.s1 += (g - x.s1) * (1 - h[2]);
       x.s2 = fmax(h[3] * x.s2, fabs(g));
       x.w -= h[0] / (1 - pow(h[2], t)) * x.s1 / (x.s2 + h[4]);
     }},
    {"nadam",
     Update::nadam,
     3,
     0,
     {0.9f, 0.999f, 1e-7f},
     [](Weight &x, double g, auto &h, int t) {
       double product = 1;
       for (int i = 1; i <= t; i++) product *= nadam_momentum(h[2], i);
       const double now = nadam_momentum(h[2], t), next = nadam_momentum(h[2], t + 1);
       x.s1 += (g - x.s1) * (1 - h[2]);
       x.s2 += (g * g - x.s2) * (1 - h[3]);
       const double mean = next * x.s1 / (1 - product * next) + (1 - now) * g / (1 - product);
       x.w -= h[0] * mean / (sqrt(x.s2 / (1 - pow(h[3], t))) + h[4]);
     }},
    {"adagrad",
     Update::adagrad,
     1,
     0.1,
     {1e-7f},
     [](Weight &x, double g, auto &h, int) {
       x.s1 += g * g;
       x.w -= h[0] * g / sqrt(x.s1 + h[2]);
     }},
    {"adadelta",
     Update::adadelta,
     3,
     0,
     {0.95f, 1e-3f},
     [](Weight &x, double g, auto &h, int) {
       x.s1 = h[2] * x.s1 + (1 - h[2]) * g * g;
       const double delta = -sqrt(x.s2 + h[3]) * g / sqrt(x.s1 + h[3]);
       x.s2 = h[2] * x.s2 + (1 - h[2]) * delta * delta;
       x.w += h[0] * delta;
     }},
    {"rmsprop",
     Update::rmsprop,
     1,
     0,
     {0.9f, 0, 1e-7f},
     [](Weight &x, double g, auto &h, int) { rmsprop(x, g, h, false, false); }},
    {"rmsprop with momentum",
     Update::rmsprop,
     3,
     0,
     {0.9f, 0.8f, 1e-7f},
     [](Weight &x, double g, auto &h, int) { rmsprop(x, g, h, true, false); }},
    {"centered rmsprop",
     Update::rmsprop,
     5,
     0,
     {0.9f, 0, 1e-3f},
     [](Weight &x, double g, auto &h, int) { rmsprop(x, g, h, false, true); }},
    {"centered rmsprop with momentum",
     Update::rmsprop,
     7,
     0,
     {0.9f, 0.8f, 1e-3f},
     [](Weight &x, double g, auto &h, int) { rmsprop(x, g, h, true, true); }},
    {"ftrl", Update::ftrl, 3, 0.1, {-0.5f, 0, 0, 0, 0}, ftrl},
    {"ftrl with all terms", Update::ftrl, 3, 0.2, {-0.7f, 0.05f, 0.01f, 0.02f, 0.1f}, ftrl},
    {"lion",
     Update::lion,
     1,
     0,
     {0.9f, 0.99f},
     [](Weight &x, double g, auto &h, int) {
       x.w -= h[0] * sign(h[2] * x.s1 + (1 - h[2]) * g);
       x.s1 = h[3] * x.s1 + (1 - h[3]) * g;
     }},
};

// Parameters, three states and hyper in one array, so that all of it is compared and guarded at once.
void check_rule(const Rule &rule, const Layout &layout) {
  constexpr int steps = 5;
  const int64_t total = layout.total;
  std::vector<float> before(4 * total + DG_HYPER);
  layout.for_elements([&](const Segment &, int64_t i) { before[i] = random_value(); });
  for (int64_t i = 0; i < total; i++) before[total + i] = static_cast<float>(rule.accumulator);
  float *hyper = &before[4 * total];
  hyper[0] = 0.05f;
  hyper[1] = 0.1f;
  for (size_t i = 0; i < rule.hyper.size(); i++) hyper[2 + i] = rule.hyper[i];
  if (rule.op == Update::nadam) hyper[15] = 1;
  std::vector<std::vector<float>> grads;
  for (int t = 0; t < steps; t++) grads.push_back(random_values(total));

  int32_t iteration = 0;
  const auto run = [&](const Kernels &k, float *y) {
    std::vector<Segment> segments = layout.segments;
    for (Segment &s : segments) s.param = y + s.offset;
    const auto slot = [&](int i) { return rule.slots >> i & 1 ? y + (i + 1) * total : nullptr; };
    iteration = 0;
    int status = 0;
    for (int t = 0; t < steps; t++)
      status |= k.update({static_cast<int>(rule.op), grads[t].data(), slot(0), slot(1), slot(2), y + 4 * total,
                          &iteration, nullptr, segments.data(), static_cast<int32_t>(segments.size())});
    return status;
  };
  const auto y = run_everywhere<float>(rule.what, before.size(), run, 0, before);
  CHECK(iteration == steps);

  const std::vector<double> h(hyper, hyper + DG_HYPER);
  std::vector<float> expected = before;
  layout.for_elements([&](const Segment &s, int64_t i) {
    Weight x{before[i], before[total + i], 0, 0};
    for (int t = 0; t < steps; t++) {
      if (s.decay) x.w -= x.w * h[0] * h[1];
      rule.step(x, grads[t][i], h, t + 1);
    }
    expected[i] = static_cast<float>(x.w);
    const double states[] = {x.s1, x.s2, x.s3};
    for (int k = 0; k < 3; k++)
      if (rule.slots >> k & 1) expected[(k + 1) * total + i] = static_cast<float>(states[k]);
  });
  if (rule.op == Update::nadam)
    for (int t = 1; t <= steps; t++) expected[4 * total + 15] *= static_cast<float>(nadam_momentum(h[2], t));
  check_close(rule.what, y, expected, 5e-6, 5e-6);
}

void check_updates() {
  const std::vector<std::vector<int64_t>> sizes = {{}, {1}, {10, 64, 3, 17}, {0, 5, 0}, {40000, 10, 20000}};
  for (const auto &size : sizes)
    for (const Rule &rule : rules) check_rule(rule, Layout(size));
}

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

}  // namespace

int main() {
  check_updates();
  check_clipping();
  check_all_finite();
  return check_report("update_test");
}
