// What is one element of softmax, of cross-entropy and of their gradients? `max` is the row's largest value, `sum` the
// sum of exp_below(x - max) over the row, log_sum its logarithm.
#pragma once
#include "exponential.h"

namespace dg {

// e^x for x <= 0. What is below e^-87, next to the 1 that every row holds, is 0: no subnormals, which are slow on CPUs.
template <class V>
DG_HD V exp_below(V x) {
  const V tiny = splat<V>(-87.0f);
  return select(x < tiny, 0.0f, exp_bounded(select(x < tiny, tiny, x)));
}

template <class V>
DG_HD V log_softmax(V x, float max, float log_sum) {
  return x - max - log_sum;
}

// dx = y (dy - sum of dy y)
template <class V>
DG_HD V softmax_grad(V dy, V y, float sum) {
  return y * (dy - sum);
}
// dx = dy - e^y (sum of dy)
template <class V>
DG_HD V log_softmax_grad(V dy, V y, float sum) {
  return fma_(-exp_below(y), sum, dy);
}

// One term of -sum label * log softmax; a label of 0 leaves even an infinite logarithm out.
template <class V>
DG_HD V cross_entropy_term(V x, V label, float max, float log_sum) {
  return select(label == 0.0f, 0.0f, label * (log_sum - (x - max)));
}
// dx = dloss (softmax * sum of labels - label), with e = exp_below(x - max) and weight = sum of labels / sum
template <class V>
DG_HD V cross_entropy_grad(V e, V label, float weight, float dloss) {
  return fma_(e, weight, -label) * dloss;
}
template <class V>
DG_HD V cross_entropy_grad(V x, V label, float max, float weight, float dloss) {
  return cross_entropy_grad(exp_below(x - max), label, weight, dloss);
}

}  // namespace dg
