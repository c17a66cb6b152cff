// Back through an activation and the bias before it: a slope for every element, and sums of columns.
#include "../../core/matmul_grad.h"
#include "../../math/slope.h"
#include "../threads.h"
#include "vectors.h"

namespace dg::DG_ISA {

int run_reduce(const ReduceArgs &args);

int run_activation_grad(const ActivationGradArgs &args) {
  constexpr int64_t elements_per_piece = 1 << 15;
  const float *const dy = static_cast<const float *>(args.dy), *const y = static_cast<const float *>(args.y);
  float *const dz = static_cast<float *>(args.dz);
  parallel_for(args.rows * args.n, elements_per_piece, [&](int64_t begin, int64_t end) {
    each_vector(begin, end, [&](int64_t i, const auto &get, const auto &put) {
      put(dz + i, slope_from_result(args.activation, get(dy + i), get(y + i)));
    });
  });
  return run_reduce(sum_of_rows(args.type, dz, args.dbias, args.rows, args.n));
}

}  // namespace dg::DG_ISA
