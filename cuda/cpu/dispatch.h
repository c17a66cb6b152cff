// Which instruction set do the kernels of this process use?
#pragma once

namespace dg {

// "AVX-512", "AVX2" or "SIMD128"; null when the processor has none of those compiled in.
const char *isa_name();
int isa_bits();  // of a vector register

}  // namespace dg
