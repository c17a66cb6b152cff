// The tensor cores' convolutions of float16: in a file of their own, because they take long to compile.
#include "conv_mma.h"

template int dg::gpu::mma_convolve<dg::gpu::F16>(const ConvArgs &);
