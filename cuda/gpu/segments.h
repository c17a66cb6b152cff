// How does one launch work on all parameters of a model? The segments of a call go along as a kernel argument, cut into
// chunks of one block each.
#pragma once
#include "../core/args.h"
#include "launch.h"
#include "number.h"

namespace dg::gpu {

constexpr int64_t chunk_size = 8192;
constexpr int few_segments = 32, most_segments = DG_SCRATCH / 2;  // a call has no more

// A Segment in 24 bytes, so that 1024 of them are a kernel argument (32,764 bytes at most).
struct PackedSegment {
  void *param;
  int64_t n;
  uint32_t line;  // offset / segment_align
  uint32_t first_chunk : 29, type : 2, decay : 1;
};
static_assert(sizeof(PackedSegment) == 24 && DG_FLOAT32 < 4 && DG_FLOAT16 < 4 && DG_BFLOAT16 < 4);

template <int capacity>
struct SegmentTable {
  int32_t count;
  int32_t chunks;
  PackedSegment segments[capacity];

  __device__ int find(int chunk) const {
    int low = 0, high = count - 1;  // the last segment that does not begin behind the chunk
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (segments[middle].first_chunk <= static_cast<uint32_t>(chunk)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }
};

// The chunk of the calling block.
struct Chunk {
  int segment;
  void *param;
  Dtype type;          // of param
  int64_t begin, end;  // within the segment
  int64_t offset;      // of the segment in the flat arrays
  bool decay;

  template <int capacity>
  __device__ explicit Chunk(const SegmentTable<capacity> &table) {
    segment = table.find(static_cast<int>(blockIdx.x));
    const PackedSegment &s = table.segments[segment];
    param = s.param;
    type = s.type;
    begin = (blockIdx.x - s.first_chunk) * chunk_size;
    end = begin + chunk_size < s.n ? begin + chunk_size : s.n;
    offset = s.line * segment_align;
    decay = s.decay;
  }
  // f(i) for the calling thread's packs of four.
  template <class F>
  __device__ void each_pack(const F &f) const {
    for (int64_t i = begin + threadIdx.x * 4; i < end; i += blockDim.x * 4) f(i);
  }
};

// f(table) with a table just large enough; empty segments, and those that are tables of rows, are left out.
template <class F>
int with_segments(const Segment *segments, int32_t count, const F &f) {
  const auto fill = [&](auto &table) {
    table.count = table.chunks = 0;
    for (int32_t i = 0; i < count; i++) {
      const Segment &s = segments[i];
      if (s.n == 0 || s.inner) continue;
      table.segments[table.count++] = {s.param,
                                       s.n,
                                       static_cast<uint32_t>(s.offset / segment_align),
                                       static_cast<uint32_t>(table.chunks),
                                       static_cast<uint32_t>(s.type),
                                       s.decay != 0};
      table.chunks += static_cast<int32_t>(divide_up(s.n, chunk_size));
    }
    return f(table);
  };
  if (count > few_segments) {
    SegmentTable<most_segments> table;
    return fill(table);
  }
  SegmentTable<few_segments> table;
  return fill(table);
}

}  // namespace dg::gpu
