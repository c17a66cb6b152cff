// Which parts of normalization are there on a GPU? What lies in many rows is for normalize_columns.cu, what lies in one for
// normalize.cu, which takes both calls.
#pragma once
#include "../core/args.h"

namespace dg::gpu {

int normalize_columns(const NormalizeArgs &args);
int normalize_grad_columns(const NormalizeGradArgs &args);
// dscale and doffset of samples that are one row each.
int sum_samples(const NormalizeGradArgs &args);

}  // namespace dg::gpu
