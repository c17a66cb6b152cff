// Does every optimizer rule follow its definition over several steps, whatever its parameters are stored in, and does a
// step that is to be skipped change nothing? Are tables moved alike by few rows of gradients and by zeros for all others?
#include <functional>

#include "half_values.h"
#include "math/families.h"
#include "math/updates.h"
#include "segments.h"

using namespace dg;

namespace {

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

// Parameters of 16 bits, beside others of float32: each step widens them, does what it does to float32, and rounds.
template <class T>
void check_halves(const Rule &rule, const Layout &layout) {
  constexpr int steps = 3;
  const int64_t total = layout.total;
  const int32_t count = static_cast<int32_t>(layout.segments.size());
  const std::vector<float> weights = random_values(total), grads = random_values(total);
  std::vector<float> hyper(DG_HYPER);
  hyper[0] = 0.05f;
  hyper[1] = 0.1f;
  for (size_t i = 0; i < rule.hyper.size(); i++) hyper[2 + i] = rule.hyper[i];
  if (rule.op == Update::nadam) hyper[15] = 1;

  // `steps` steps of parameters whose types and places the segments say; the states they leave.
  const auto step_all = [&](const Kernels &k, const std::vector<Segment> &segments, auto &&between) {
    std::vector<float> states(3 * total), h = hyper;
    for (int64_t i = 0; i < total; i++) states[i] = static_cast<float>(rule.accumulator);
    const auto slot = [&](int i) { return rule.slots >> i & 1 ? states.data() + i * total : nullptr; };
    int32_t iteration = 0;
    for (int t = 0; t < steps; t++) {
      CHECK(k.update({static_cast<int>(rule.op), grads.data(), slot(0), slot(1), slot(2), h.data(), &iteration, nullptr,
                      segments.data(), count}) == 0);
      between();
    }
    return states;
  };

  std::vector<float> wide = numbers_of(all_stored<T>(weights)), odd = weights;  // odd segments are float32
  std::vector<Segment> segments = layout.segments;
  for (int32_t i = 0; i < count; i++) segments[i].param = (i % 2 ? odd : wide).data() + segments[i].offset;
  const std::vector<float> states = step_all(kernels_here()[0], segments, [&] {
    for (float &w : wide) w = number(stored<T>(w));
  });

  std::vector<float> floats, states_here;
  const auto y = run_everywhere<T>(
      rule.what, total,
      [&](const Kernels &k, T *param) {
        floats = weights;
        for (int32_t i = 0; i < count; i++) {
          Segment &s = segments[i];
          s.type = i % 2 ? DG_FLOAT32 : float_type<T>;
          s.param = i % 2 ? static_cast<void *>(floats.data() + s.offset) : param + s.offset;
        }
        states_here = step_all(k, segments, [] {});
        return same_bits(states_here, states) && same_bits(floats, odd) ? 0 : 1;
      },
      0, all_stored<T>(weights));
  for (int32_t i = 0; i < count; i += 2)
    for (int64_t j = segments[i].offset; j < segments[i].offset + segments[i].n; j++)
      CHECK(number(y[j]) == wide[j], "%s of %s: %g, not %g", rule.what, float_name<T>, number(y[j]), wide[j]);
}

void check_updates() {
  const std::vector<std::vector<int64_t>> sizes = {{}, {1}, {10, 64, 3, 17}, {0, 5, 0}, {40000, 10, 20000}};
  for (const auto &size : sizes)
    for (const Rule &rule : rules) {
      check_rule(rule, Layout(size));
      check_halves<Half>(rule, Layout(size));
      check_halves<Brain>(rule, Layout(size));
    }
}

// A table of rows between two other parameters.
struct FewRows {
  int64_t rows, inner;
  std::vector<int32_t> order;  // as dg_coalesce leaves it
};

// Bits must be those of a gradient that is written out. What the flat gradients have in the table's place is not read.
template <class T>
void check_table(const Rule &rule, const FewRows &few, bool decays) {
  constexpr int steps = 2;
  Layout layout({10, few.rows * few.inner, 5});
  const int64_t total = layout.total, listed = static_cast<int64_t>(few.order.size());
  for (Segment &s : layout.segments) s.type = float_type<T>, s.decay = decays;
  const Segment &table = layout.segments[1];
  const std::vector<float> sums = random_values(listed * few.inner);
  std::vector<float> grads = random_values(total), written = grads;
  for (int64_t i = table.offset; i < table.offset + table.n; i++) grads[i] = NAN, written[i] = 0;
  for (int64_t p = 0; p < listed; p++) {
    const int64_t row = few.order[p];
    if (row == few.rows || (p && few.order[p - 1] == row)) continue;
    for (int64_t j = 0; j < few.inner; j++) written[table.offset + row * few.inner + j] = sums[p * few.inner + j];
  }
  std::vector<float> hyper(DG_HYPER);
  hyper[0] = 0.05f;
  hyper[1] = 0.1f;
  for (size_t i = 0; i < rule.hyper.size(); i++) hyper[2 + i] = rule.hyper[i];
  if (rule.op == Update::nadam) hyper[15] = 1;
  const std::vector<T> weights = all_stored<T>(random_values(total));

  // Weights and states in one list, after some steps.
  const auto step = [&](const Kernels &k, T *param, bool listing) {
    std::vector<Segment> segments = layout.segments;
    for (Segment &s : segments) s.param = param + s.offset;
    if (listing) {
      Segment &s = segments[1];
      s.order = few.order.data(), s.sums = sums.data(), s.listed = listed, s.inner = few.inner;
      s.only_listed = !decays && with_rule(rule.op, rule.slots, [](auto r) { return decltype(r)::Rule::rests; });
    }
    std::vector<float> states(3 * total), h = hyper;
    for (int64_t i = 0; i < total; i++) states[i] = static_cast<float>(rule.accumulator);
    const auto slot = [&](int i) { return rule.slots >> i & 1 ? states.data() + i * total : nullptr; };
    int32_t iteration = 0;
    for (int t = 0; t < steps; t++)
      CHECK(k.update({static_cast<int>(rule.op), (listing ? grads : written).data(), slot(0), slot(1), slot(2),
                      h.data(), &iteration, nullptr, segments.data(), 3}) == 0);
    CHECK(iteration == steps);
    return states;
  };
  std::vector<T> wanted = weights;
  const std::vector<float> states = step(kernels_here()[0], wanted.data(), false);
  const auto y = run_everywhere<T>(
      rule.what, total, [&](const Kernels &k, T *param) { return same_bits(step(k, param, true), states) ? 0 : 1; }, 0,
      weights);
  CHECK(same_bits(y, wanted), "%s: %ld rows of %ld, %ld listed, %s", rule.what, few.rows, few.inner, listed,
        float_name<T>);
}

void check_tables() {
  const FewRows tables[] = {
      {7, 16, {0, 0, 3, 6, 6, 6}},     {5, 3, {1, 2, 2, 4, 5, 5}}, {3, 1, {2}}, {4, 20, {}}, {2, 8, {2, 2}},
      {600, 64, {0, 1, 299, 300, 599}}};
  for (const Rule &rule : rules)
    for (const FewRows &few : tables)
      for (bool decays : {false, true}) {
        check_table<float>(rule, few, decays);
        if (few.rows > 100) continue;
        check_table<Half>(rule, few, decays);
        check_table<Brain>(rule, few, decays);
      }
}

// A step whose gradients are not all finite changes nothing at all.
template <class T>
void check_skipping() {
  const Layout layout({10, 300});
  const std::vector<float> grads(layout.total, INFINITY);
  const std::vector<T> before = all_stored<T>(random_values(layout.total));
  std::vector<float> mean(layout.total), square(layout.total), hyper(DG_HYPER, 0.5f);
  int32_t iteration = 7;
  for (int32_t finite : {0, 1}) {
    const auto y = run_everywhere<T>(
        "update to be skipped", layout.total,
        [&](const Kernels &k, T *param) {
          mean = square = std::vector<float>(layout.total, 1);
          iteration = 7;
          std::vector<Segment> segments = layout.segments;
          for (Segment &s : segments) s.param = param + s.offset, s.type = float_type<T>;
          return k.update({static_cast<int>(Update::adam), grads.data(), mean.data(), square.data(), nullptr,
                           hyper.data(), &iteration, &finite, segments.data(), 2});
        },
        0, before);
    CHECK(same_bits(y, before) == !finite, "finite %d, %s", finite, float_name<T>);
    CHECK((mean == std::vector<float>(layout.total, 1)) == !finite);
    CHECK((square == std::vector<float>(layout.total, 1)) == !finite);
    CHECK(iteration == 7 + finite);
  }
}

}  // namespace

int main() {
  check_updates();
  check_tables();
  for_float_types([](auto type) { check_skipping<decltype(type)>(); });
  return check_report("update_test");
}
