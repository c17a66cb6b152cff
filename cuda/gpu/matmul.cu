// Which way is a matrix product computed?
#include "../core/args.h"
#include "mma.h"
#include "simt.h"

namespace dg {
namespace gpu {
namespace {

// 16-bit floats, and float32 that may be rounded to TF32, go to the tensor cores where these take them.
template <class T, class Format>
int multiply_floats(const MatMulArgs &args, bool tensor_cores) {
  const Gemm<T> p = problem<T>(args);
  return tensor_cores && current().capability >= 80 ? mma_multiply<Format>(p) : simt_multiply(p);
}

}  // namespace
}  // namespace gpu

int run_matmul(const MatMulArgs &args) {
  if (args.batch * args.m * args.n == 0) return 0;
  switch (args.type) {
    case DG_FLOAT32:
      return gpu::multiply_floats<float, gpu::Tf32>(args, args.tf32);
    case DG_FLOAT16:
      return gpu::multiply_floats<Half, gpu::F16>(args, true);
    case DG_BFLOAT16:
      return gpu::multiply_floats<Brain, gpu::Bf16>(args, true);
    case DG_INT32:
      return gpu::simt_multiply(gpu::problem<uint32_t>(args));  // wraps
  }
  return fail(DG_E_ARGUMENT, "A matrix product takes floats or int32");
}

}  // namespace dg
