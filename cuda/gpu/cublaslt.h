// How does NVIDIA's cuBLASLt multiply, where it is installed? It is opened when first wanted and never required.
#pragma once
#include "../core/args.h"
#include "../core/error.h"

namespace dg::gpu::cublaslt {

// Whether the library could be opened; else `why` (if asked for) says what is missing.
bool opened(Text *why = nullptr);

// The product and what follows it, in the stream of the current GPU. Sets `done` to false, and does nothing, where cuBLASLt
// has no algorithm, or none is known yet and cannot be looked for because a graph is being captured: the search is refused
// then. A product that was made before at the same addresses' alignment is known.
int multiply(const MatMulArgs &args, bool &done);

}  // namespace dg::gpu::cublaslt
