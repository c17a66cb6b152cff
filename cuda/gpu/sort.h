// In which order does an index array name its rows? Positions are sorted by row, those of one row in ascending order.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>

namespace dg::gpu {

// The row that a position of an index names; `limit`, which is larger than all, where there is no such row.
struct RowNames {
  const int32_t *index;
  uint32_t limit;

  RowNames(const int32_t *index_, int64_t rows)
      : index(index_), limit(rows >> 31 ? uint32_t{1} << 31 : static_cast<uint32_t>(rows)) {}
  __device__ uint32_t of(int32_t position) const {
    const uint32_t row = static_cast<uint32_t>(index[position]);
    return row < limit ? row : limit;
  }
};

constexpr int64_t most_sorted = 1 << 20;  // positions that the workspace can take

// Sets `sorted` to positions 0 ... n - 1 in that order, in the workspace.
int sort_positions(const RowNames &names, int32_t n, const int32_t *&sorted);

}  // namespace dg::gpu
