// The tensor cores' convolutions of float32 in two parts of TF32: in a file of their own, because they take long to compile.
#include "conv_mma.h"

template int dg::gpu::mma_convolve<dg::gpu::Tf32x3>(const ConvArgs &);
