// Who multiplies: this library's kernels, or cuBLASLt? See dg_engine.
#pragma once
#include "../core/args.h"

namespace dg::gpu {

// Lets cuBLASLt multiply where that is what was asked for, or, if the best was, where it is expected to be quicker. `done`
// says whether it did.
int multiply_elsewhere(const MatMulArgs &args, bool &done);

}  // namespace dg::gpu
