// The tensor cores' convolutions of bfloat16: in a file of their own, because they take long to compile.
#include "conv_mma.h"

template int dg::gpu::mma_convolve<dg::gpu::Bf16>(const ConvArgs &);
