// How do values combine into one? Each reduction as a functor: start(T{}) is the result of nothing, add() takes in one
// more element, join() combines two partial results. float32 comes as scalars or vectors, sums and products of int32 as
// uint32_t (they wrap), bool as bytes of 0 or 1.
#pragma once
#include <stdint.h>

#include "real.h"

namespace dg {

struct Sum {
  template <class T>
  DG_HD static T start(T) {
    return 0;
  }
  template <class V>
  DG_HD static V add(V acc, V x) {
    return acc + x;
  }
  template <class V>
  DG_HD static V join(V a, V b) {
    return a + b;
  }
};

struct SumSquares : Sum {
  DG_HD static uint32_t add(uint32_t acc, uint32_t x) { return acc + x * x; }
  template <class V>
  DG_HD static V add(V acc, V x) {
    return fma_(x, x, acc);
  }
};

struct Product {
  template <class T>
  DG_HD static T start(T) {
    return 1;
  }
  template <class V>
  DG_HD static V add(V acc, V x) {
    return acc * x;
  }
  template <class V>
  DG_HD static V join(V a, V b) {
    return a * b;
  }
};

// NaN spreads: x != x takes it in, and nothing compares as greater (smaller) than it afterwards.
struct Max {
  DG_HD static float start(float) { return -infinity; }
  DG_HD static int32_t start(int32_t) { return INT32_MIN; }
  DG_HD static int32_t add(int32_t acc, int32_t x) { return x > acc ? x : acc; }
  template <class V>
  DG_HD static V add(V acc, V x) {
    return select((x > acc) | (x != x), x, acc);
  }
  template <class V>
  DG_HD static V join(V a, V b) {
    return add(a, b);
  }
};

struct Min {
  DG_HD static float start(float) { return infinity; }
  DG_HD static int32_t start(int32_t) { return INT32_MAX; }
  DG_HD static int32_t add(int32_t acc, int32_t x) { return x < acc ? x : acc; }
  template <class V>
  DG_HD static V add(V acc, V x) {
    return select((x < acc) | (x != x), x, acc);
  }
  template <class V>
  DG_HD static V join(V a, V b) {
    return add(a, b);
  }
};

struct All {
  DG_HD static uint8_t start(uint8_t) { return 1; }
  DG_HD static uint8_t add(uint8_t acc, uint8_t x) { return acc & x; }
  DG_HD static uint8_t join(uint8_t a, uint8_t b) { return a & b; }
};

struct Any {
  DG_HD static uint8_t start(uint8_t) { return 0; }
  DG_HD static uint8_t add(uint8_t acc, uint8_t x) { return acc | x; }
  DG_HD static uint8_t join(uint8_t a, uint8_t b) { return a | b; }
};

}  // namespace dg
