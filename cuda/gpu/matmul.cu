// Which way is a matrix product computed?
#include "../core/args.h"
#include "engine.h"
#include "mma.h"
#include "simt.h"

namespace dg {
namespace gpu {
namespace {

// 16-bit floats, and float32 that may be rounded or taken apart to TF32, go to the tensor cores where these take them.
template <class T, class Format>
int multiply_floats(const MatMulArgs &args, bool tensor_cores) {
  const Gemm<T> p = problem<T>(args);
  return tensor_cores && current().capability >= 80 ? mma_multiply<Format>(p) : simt_multiply(p);
}

// A batch that shares b is one tall product where its matrices follow each other in memory.
MatMulArgs joined(MatMulArgs args) {
  if (args.b_step == 0 && !args.transpose_a && args.a_step == args.m * args.k) {
    args.m *= args.batch;
    args.batch = 1;
  }
  return args;
}

}  // namespace
}  // namespace gpu

int run_matmul(const MatMulArgs &all) {
  if (all.batch * all.m * all.n == 0) return 0;
  const MatMulArgs args = gpu::joined(all);
  bool done;
  if (int failed = gpu::multiply_elsewhere(args, done); failed || done) return failed;
  switch (args.type) {
    case DG_FLOAT32:
      return args.tf32 == tf32_parts ? gpu::multiply_floats<float, gpu::Tf32x3>(args, true)
                                     : gpu::multiply_floats<float, gpu::Tf32>(args, args.tf32);
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
