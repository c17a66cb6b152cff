// The tensor cores' kernels for bfloat16: in a file of their own, because they take long to compile.
#include "mma.h"

template int dg::gpu::mma_multiply<dg::gpu::Bf16>(const Gemm<Brain> &);
