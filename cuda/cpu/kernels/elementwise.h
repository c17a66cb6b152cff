// How does an elementwise kernel walk its operands? A loop sees whole vectors of 32-bit lanes and nothing else. What is
// narrower in memory, broadcast, ragged at the end or not worth caching passes through blocks that stay in the L1
// cache, so that an operation costs one small loop of code and every element meets the same arithmetic wherever it
// lies.
#pragma once
#include <stdint.h>
#include <string.h>

#include "../../core/args.h"

namespace dg::DG_ISA {

constexpr int64_t vector_bytes = 4 * DG_LANES;

// Vectors at data, data + step, ...: step is vector_bytes, or 0 for one vector of copies.
struct Stream {
  const char *data;
  int64_t step;
};

// Writes `vectors` vectors from as many of each input. params: the parameters of a unary formula.
using Loop = void (*)(const Stream *in, char *y, int64_t vectors, const float *params);

template <class V>
inline V load_vector(const void *p) {
  V v;
  memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
inline void store_vector(void *p, V v) {
  memcpy(p, &v, sizeof v);
}

// A call to be walked: y = loop(inputs). Elements are 4 bytes wide, or 1 (zero-extended in, the low byte out), or floats
// of 2 (widened in, rounded out).
class Walk {
 public:
  Walk(Loop loop, const float *params, void *y, Dtype type, int64_t n);
  void add_input(const void *data, Dtype type);                             // n elements
  void add_scalar(const void *data, Dtype type);                            // one for all
  void add_input(const void *data, Dtype type, const Space &space, int i);  // input i of a broadcast
  // Runs on as many threads as `heavy` or light work of this size is worth.
  void run(bool heavy) const;

 private:
  enum Kind { direct, scalar, staged };
  struct Input {
    Kind kind;
    Dtype type;
    const char *data;
    const int64_t *stride;  // of a broadcast; null where elements lie in order
    int64_t period;         // elements after which a broadcast repeats
    alignas(64) char copies[vector_bytes];
  };

  void run_piece(int64_t begin, int64_t end) const;
  void stage(const Input &input, int64_t begin, int64_t count, char *block) const;
  void gather(const Input &input, int64_t begin, int64_t count, char *block) const;

  Loop loop_;
  const float *params_;
  char *y_;
  Dtype y_type_;
  int64_t n_;
  bool streams_;
  int inputs_ = 0;
  const Space *space_ = nullptr;
  Input in_[3];
};

// x = op(x) for a few elements that are in the cache, on the calling thread: the epilogue of a matrix product.
void apply_unary_inplace(int op, float *x, int64_t n, float alpha);

}  // namespace dg::DG_ISA
