// How is a row of logits gone through? Exponentials relative to its maximum, their sum, and a formula for each element.
#pragma once
#include "../../core/args.h"
#include "../../core/error.h"
#include "../../math/softmax.h"
#include "rows.h"

namespace dg::DG_ISA {

constexpr int softmax_lanes = 16;
constexpr int64_t softmax_piece = 1 << 13;

using Row = Block<softmax_lanes>;

// row(r) for all rows, in pieces worth a thread.
template <class F>
void for_rows(int64_t rows, int64_t n, const F &row) {
  parallel_for(rows, softmax_piece / (n + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) row(r);
  });
}

// y = f(x...), element by element.
template <class F, class... Inputs>
DG_HD void map_row(const F &f, int64_t n, float *y, const Inputs *...x) {
  for (int64_t i = 0; i < n; i += softmax_lanes)
    store_block(y + i, n - i, map(f, load_block<softmax_lanes>(x + i, n - i, 0)...));
}

// What a row's exponents are relative to, and the sum of their exponentials.
struct Scale {
  float max, sum;
};

DG_HD Row exponentials(const float *x, int64_t i, int64_t n, float max) {
  return map([=](auto v) { return exp_below(v - max); }, load_block<softmax_lanes>(x + i, n - i, -infinity));
}

inline Scale measure(const float *x, int64_t n) {
  const float max = reduce_row<Max>(x, n);
  return {max, reduce_blocks<Sum, softmax_lanes>(0, n, [=](int64_t i) { return exponentials(x, i, n, max); })};
}

inline bool known(int32_t place, int64_t n) { return place >= 0 && place < n; }

// A class that there is not gives NaN, and on the CPU an error.
inline int check_classes(const int32_t *classes, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; r++)
    if (!known(classes[r], n))
      return fail(DG_E_ARGUMENT, "Row ", r, " has class ", classes[r], ", which is outside [0, ", n, ")");
  return 0;
}

}  // namespace dg::DG_ISA
