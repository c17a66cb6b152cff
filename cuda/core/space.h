// How is a shape walked? Broadcast and strided index spaces, made as small as they can be before a kernel sees them.
#pragma once
#include "args.h"

namespace dg {

// Reads `inputs` lists of `rank` dims from the scratch area and broadcasts them against each other. False after fail().
bool broadcast_space(Space &space, int rank, int inputs);
// Dimensions of a strided copy, unit ones dropped, mergeable neighbours merged, y's fastest dimension last. False after
// fail() when an element would lie outside [0, x_count) or [0, y_count).
bool strided_space(StridedArgs &args, int rank, int64_t x_offset, int64_t x_count, int64_t y_offset, int64_t y_count);
// Kept and reduced runs of a reduction, in turn. False after fail().
bool reduce_space(ReduceArgs &args, int rank, int axes);

}  // namespace dg
