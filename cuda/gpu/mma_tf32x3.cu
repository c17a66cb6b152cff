// The tensor cores' kernels for float32 in two parts of TF32: in a file of their own, because they take long to compile.
#include "mma.h"

template int dg::gpu::mma_multiply<dg::gpu::Tf32x3>(const Gemm<float> &);
