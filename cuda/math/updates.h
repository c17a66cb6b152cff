// How does each optimizer rule move a weight? The definitions of Keras 3, as functors over a float or a vector of
// floats.
//
// A rule is made once per call from `hyper` (float32 [DG_HYPER]) and the number t of this step, counted from 1. Then it
// turns a weight w, its gradient g and its state s[0..2] into the new weight and state; `slots` has bit i set where it
// uses s[i]. When all weights are done, advance() makes the call's last changes. hyper[0] is the learning rate,
// hyper[1] the decoupled weight decay (decay() comes before the rule), and then:
//
//   rule      hyper[2..]                                  s1               s2                    s3
//   sgd       momentum, nesterov (0 or 1)                 velocity, or none
//   adam      beta1, beta2, epsilon                       mean             mean square           its maximum, or none
//   adamax    beta1, beta2, epsilon                       mean             infinity norm
//   nadam     beta1, beta2, epsilon; hyper[15]: product   mean             mean square
//             of the momenta so far (1 at first)
//   adagrad   epsilon                                     sum of squares
//   adadelta  rho, epsilon                                mean square      mean square of steps
//   rmsprop   rho, momentum, epsilon                      mean square      velocity, or none     mean, or none
//   ftrl      learning rate power, l1, l2, l2 shrinkage,  sum of squares   linear term
//             beta
//   lion      beta1, beta2                                mean
//
// Where a slot may be "none", giving it chooses the variant: sgd and rmsprop with momentum, adam as AMSGrad, rmsprop
// centered. State starts at 0, except s1 of adagrad and ftrl, which starts at Keras's initial accumulator value.
//
// A rule that `rests` leaves a weight and its state as they are where the gradient is 0.
#pragma once
#include "../dinograd.h"
#include "families.h"
#include "power.h"

namespace dg {

// b^t by squaring in float64, the same everywhere.
DG_HD double power(double b, int32_t t) {
  double result = 1;
  for (; t > 0; t >>= 1, b *= b)
    if (t & 1) result *= b;
  return result;
}

template <class V>
DG_HD V decay(V w, float rate_times_decay) {
  return fma_(w, -rate_times_decay, w);
}

// A running mean, moved towards x or towards x^2.
template <class V>
DG_HD V toward(V mean, V x, float rate) {
  return fma_(x - mean, rate, mean);
}
template <class V>
DG_HD V toward_square(V mean, V x, float rate) {
  return fma_(fma_(x, x, -mean), rate, mean);
}

// Where in an ascending list of rows a row is, or would be.
DG_HD int64_t place_of(int64_t row, const int32_t *order, int64_t listed) {
  int64_t low = 0, high = listed;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (order[middle] < row) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

struct UpdateRule {
  static constexpr bool rests = false;
  float rate;
  DG_HD explicit UpdateRule(const float *hyper) : rate(hyper[0]) {}
  DG_HD void advance(float *, int32_t *iteration) const { ++*iteration; }
};

struct Sgd : UpdateRule {
  static constexpr bool rests = true;
  static constexpr int slots = 0;
  DG_HD Sgd(const float *hyper, int32_t) : UpdateRule(hyper) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *) const {
    w = fma_(g, -rate, w);
  }
};

struct Momentum : UpdateRule {
  static constexpr int slots = 0b001;
  float momentum;
  bool nesterov;
  DG_HD Momentum(const float *hyper, int32_t) : UpdateRule(hyper), momentum(hyper[2]), nesterov(hyper[3] != 0) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    s[0] = fma_(s[0], momentum, g * -rate);
    w = nesterov ? fma_(s[0], momentum, fma_(g, -rate, w)) : w + s[0];
  }
};

template <bool amsgrad>
struct Adam : UpdateRule {
  static constexpr int slots = amsgrad ? 0b111 : 0b011;
  float rest1, rest2, epsilon, corrected;
  DG_HD Adam(const float *hyper, int32_t t)
      : UpdateRule(hyper),
        rest1(1 - hyper[2]),
        rest2(1 - hyper[3]),
        epsilon(hyper[4]),
        corrected(static_cast<float>(rate * ::sqrt(1 - power(hyper[3], t)) / (1 - power(hyper[2], t)))) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    s[0] = toward(s[0], g, rest1);
    s[1] = toward_square(s[1], g, rest2);
    if constexpr (amsgrad) s[2] = maximum_(s[2], s[1]);
    w = w - s[0] * corrected / (sqrt_(s[amsgrad ? 2 : 1]) + epsilon);
  }
};

struct Adamax : UpdateRule {
  static constexpr int slots = 0b011;
  float rest1, beta2, epsilon, corrected;
  DG_HD Adamax(const float *hyper, int32_t t)
      : UpdateRule(hyper),
        rest1(1 - hyper[2]),
        beta2(hyper[3]),
        epsilon(hyper[4]),
        corrected(static_cast<float>(rate / (1 - power(hyper[2], t)))) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    s[0] = toward(s[0], g, rest1);
    s[1] = maximum_(s[1] * beta2, abs_(g));
    w = w - s[0] * corrected / (s[1] + epsilon);
  }
};

struct Nadam : UpdateRule {
  static constexpr int slots = 0b011;
  float rest1, rest2, epsilon, product, of_mean, of_gradient, of_square;
  DG_HD Nadam(const float *hyper, int32_t t)
      : UpdateRule(hyper), rest1(1 - hyper[2]), rest2(1 - hyper[3]), epsilon(hyper[4]) {
    const double momentum = momentum_at(hyper[2], t), next = momentum_at(hyper[2], t + 1);
    product = static_cast<float>(hyper[15] * momentum);
    of_mean = static_cast<float>(next / (1 - product * next));
    of_gradient = static_cast<float>((1 - momentum) / (1 - static_cast<double>(product)));
    of_square = static_cast<float>(1 / (1 - power(hyper[3], t)));
  }
  DG_HD static double momentum_at(double beta1, int32_t t) { return beta1 * (1 - 0.5 * power(0.96, t)); }
  DG_HD void advance(float *hyper, int32_t *iteration) const {
    hyper[15] = product;
    ++*iteration;
  }
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    s[0] = toward(s[0], g, rest1);
    s[1] = toward_square(s[1], g, rest2);
    w = w - fma_(s[0], of_mean, g * of_gradient) * rate / (sqrt_(s[1] * of_square) + epsilon);
  }
};

struct Adagrad : UpdateRule {
  static constexpr bool rests = true;
  static constexpr int slots = 0b001;
  float epsilon;
  DG_HD Adagrad(const float *hyper, int32_t) : UpdateRule(hyper), epsilon(hyper[2]) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    s[0] = fma_(g, g, s[0]);
    w = w - g * rate / sqrt_(s[0] + epsilon);
  }
};

struct Adadelta : UpdateRule {
  static constexpr int slots = 0b011;
  float rest, epsilon;
  DG_HD Adadelta(const float *hyper, int32_t) : UpdateRule(hyper), rest(1 - hyper[2]), epsilon(hyper[3]) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    s[0] = toward_square(s[0], g, rest);
    const V step = g * sqrt_(s[1] + epsilon) / sqrt_(s[0] + epsilon);
    s[1] = toward_square(s[1], step, rest);
    w = fma_(step, -rate, w);
  }
};

template <bool velocity, bool centered>
struct RmsProp : UpdateRule {
  static constexpr int slots = 0b001 | (velocity ? 0b010 : 0) | (centered ? 0b100 : 0);
  float rest, momentum, epsilon;
  DG_HD RmsProp(const float *hyper, int32_t)
      : UpdateRule(hyper), rest(1 - hyper[2]), momentum(hyper[3]), epsilon(hyper[4]) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    s[0] = toward_square(s[0], g, rest);
    V square = s[0];
    if constexpr (centered) {
      s[2] = toward(s[2], g, rest);
      square = fma_(-s[2], s[2], square);
    }
    V step = g * rate / sqrt_(square + epsilon);
    if constexpr (velocity) step = s[1] = fma_(s[1], momentum, step);
    w = w - step;
  }
};

struct Ftrl : UpdateRule {
  static constexpr int slots = 0b011;
  float exponent, l1, two_l2, two_shrinkage;
  DG_HD Ftrl(const float *hyper, int32_t)
      : UpdateRule(hyper),
        exponent(-hyper[2]),
        l1(hyper[3]),
        two_l2(fma_(2.0f, hyper[4], hyper[6] / rate)),
        two_shrinkage(2 * hyper[5]) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    const V sum = fma_(g, g, s[0]), raised = raise(sum);
    s[1] = fma_((raised - raise(s[0])) / -rate, w, s[1] + fma_(w, two_shrinkage, g));
    s[0] = sum;
    w = (clamp_(s[1], -l1, l1) - s[1]) / (raised / rate + two_l2);
  }
  // The usual power is a square root, quicker and exactly rounded.
  template <class V>
  DG_HD V raise(V x) const {
    return exponent == 0.5f ? sqrt_(x) : pow_(x, splat<V>(exponent));
  }
};

struct Lion : UpdateRule {
  static constexpr int slots = 0b001;
  float beta1, rest2;
  DG_HD Lion(const float *hyper, int32_t) : UpdateRule(hyper), beta1(hyper[2]), rest2(1 - hyper[3]) {}
  template <class V>
  DG_HD void operator()(V &w, V g, V *s) const {
    const V direction = fma_(s[0], beta1, g * (1 - beta1));
    const V sign = select(direction > 0.0f, 1.0f, select(direction < 0.0f, -1.0f, direction));
    w = fma_(sign, -rate, w);
    s[0] = toward(s[0], g, rest2);
  }
};

// A dynamic loss scale after a step; see dg_loss_scale.
DG_HD void adjust_loss_scale(float &scale, int32_t &steps, int32_t finite, int32_t growth) {
  if (finite && ++steps < growth) return;
  scale *= finite ? 2.0f : 0.5f;
  steps = 0;
}

// What becomes of a step; see dg_note.
DG_HD void note_value(float value, float *log, int64_t size, int32_t *counters, const int32_t *advance, int64_t count) {
  const int32_t number = counters[count - 1];
  if (number >= 0 && number < size) log[number] = value;
  for (int64_t i = 0; i < count; i++) counters[i] += advance[i];
}

template <class T>
struct RuleType {
  using Rule = T;
};

// f(RuleType<the rule>{}): `given` has bit i set where the caller has a state array s(i+1).
template <class F>
int with_rule(Update op, int given, const F &f) {
  switch (op) {
    case Update::sgd:
      return given & 1 ? f(RuleType<Momentum>{}) : f(RuleType<Sgd>{});
    case Update::adam:
      return given & 4 ? f(RuleType<Adam<true>>{}) : f(RuleType<Adam<false>>{});
    case Update::adamax:
      return f(RuleType<Adamax>{});
    case Update::nadam:
      return f(RuleType<Nadam>{});
    case Update::adagrad:
      return f(RuleType<Adagrad>{});
    case Update::adadelta:
      return f(RuleType<Adadelta>{});
    case Update::rmsprop:
      if (given & 2) return given & 4 ? f(RuleType<RmsProp<true, true>>{}) : f(RuleType<RmsProp<true, false>>{});
      return given & 4 ? f(RuleType<RmsProp<false, true>>{}) : f(RuleType<RmsProp<false, false>>{});
    case Update::ftrl:
      return f(RuleType<Ftrl>{});
    case Update::lion:
      return f(RuleType<Lion>{});
  }
  return DG_E_ARGUMENT;
}

}  // namespace dg
