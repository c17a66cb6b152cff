// The gradient of a matrix product and what it ended in: in parts, which share the threads one after another. They are called as if
// they came alone, so that 16-bit floats are widened for one at a time.
#include "../../core/matmul_grad.h"

#include "../../core/backend.h"

namespace dg::DG_ISA {

int run_matmul_grad(const MatMulGradArgs &args) {
  return matmul_grad_in_parts(args, dg::run_activation_grad, dg::run_reduce, dg::run_matmul);
}

}  // namespace dg::DG_ISA
