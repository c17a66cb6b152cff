#include "../core/backend.h"
#include "cublaslt.h"
#include "engine.h"
#include "gpu.h"

namespace dg {
namespace gpu {
namespace {

int engine = DG_ENGINE_BEST;
bool out_of_order = false;  // cuBLASLt is there, but failed when it was the best

// From which size on is cuBLASLt expected to be quicker? A starting point that stands until both have been measured: this
// library's kernels use mma.sync, which reaches a part only of what tensor cores of capability 9.0 and newer do with
// instructions of their own, and cuBLASLt uses those; that counts where there is work for all of a large GPU, several times
// over. Elsewhere the two should be alike, and ours need no second pass for an activation.
struct Size {
  int capability;            // at least
  int64_t m, n, k, results;  // each at least; results: batch * m * n
};
constexpr Size cublaslt_is_best[] = {{90, 256, 256, 512, int64_t{1} << 22}};

bool expected_to_be_quicker(const MatMulArgs &args, int capability) {
  if (args.type == DG_FLOAT32 && args.tf32 != tf32_rounded) return false;
  for (const Size &from : cublaslt_is_best)
    if (capability >= from.capability && args.m >= from.m && args.n >= from.n && args.k >= from.k &&
        args.batch * args.m * args.n >= from.results)
      return true;
  return false;
}

}  // namespace

int multiply_elsewhere(const MatMulArgs &args, bool &done) {
  done = false;
  if (engine == DG_ENGINE_OWN || args.type == DG_INT32 || args.k == 0) return 0;
  if (engine == DG_ENGINE_CUBLASLT) return cublaslt::multiply(args, done);
  if (out_of_order || !expected_to_be_quicker(args, current().capability) || !cublaslt::opened()) return 0;
  if (cublaslt::multiply(args, done)) {
    out_of_order = true;
    done = false;
  }
  return 0;
}

}  // namespace gpu

int backend::engine(int wanted) {
  if (wanted == DG_ENGINE_ASK) return gpu::engine;
  Text why;
  if (wanted == DG_ENGINE_CUBLASLT && !gpu::cublaslt::opened(&why)) return fail(DG_E_DEVICE, why.data());
  return gpu::engine = wanted;
}

}  // namespace dg
