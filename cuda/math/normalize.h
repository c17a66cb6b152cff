// How do values become their mean and variance, and normalised values of those? Shared by all builds; templates over numbers
// and lanes.
//
// Deviations are summed from a shift, one of the values themselves: then squares of d and of the sum of d lose, of n values,
// no more than about n roundings of the result, however far from zero the values lie. So runs are kept short and joined.
#pragma once
#include "real.h"

namespace dg {

// The mean of n numbers, and the sum of their squared deviations from it (from 0, where nothing is subtracted).
template <class V>
struct Moments {
  V mean, squares;
};

// Sums over numbers x of d = x - shift, and of their squares.
template <class V>
struct Shifted {
  V shift = {}, sum = {}, squares = {};

  DG_HD void add(V x) {
    const V d = x - shift;
    sum = sum + d;
    squares = fma_(d, d, squares);
  }
  DG_HD Moments<V> moments(float n, bool centred) const {
    if (!centred) return {V{}, squares};
    const V mean = sum / n, rest = fma_(-sum, mean, squares);
    return {shift + mean, select(rest < 0.0f, 0.0f, rest)};
  }
};

// Those of two runs of a_n and b_n numbers.
template <class V>
DG_HD Moments<V> join(const Moments<V> &a, float a_n, const Moments<V> &b, float b_n) {
  const float share = b_n / (a_n + b_n);
  const V apart = b.mean - a.mean;
  return {fma_(apart, share, a.mean), fma_(apart * apart, a_n * share, a.squares + b.squares)};
}

DG_HD float inverse_deviation(float variance, float epsilon) { return 1.0f / sqrt_(variance + epsilon); }

// y = (x - mean) * factor + offset, with factor = scale / deviation.
template <class V, class M>
DG_HD V normalized(V x, M mean, V factor, V offset) {
  return fma_(x - mean, factor, offset);
}

// The gradient of x, with g = dy * scale and z the normalised x: (g - mean(g) - z mean(g z)) / deviation.
template <class V>
struct Slope {
  V mean, factor, slope, offset;

  template <class X>
  DG_HD X operator()(X x, X dy) const {
    return fma_(dy, factor, fma_(x - mean, slope, offset));
  }
};
// g and gz: those two means. g is 0 where nothing was subtracted.
DG_HD Slope<float> slope_of(float mean, float inverse, float scale, float g, float gz) {
  return {mean, inverse * scale, -(inverse * inverse * gz), -(inverse * g)};
}

}  // namespace dg
