// What does a kernel receive that ends a training step? The arguments of args.h that are about all parameters at once.
#pragma once
#include <stdint.h>

namespace dg {

constexpr int64_t segment_align = 16;  // elements; 64 bytes of float32
struct Segment {
  void *param;
  int32_t type;       // of param
  int64_t offset, n;  // elements in the flat arrays
  int32_t decay;
  // Of a table of rows of which few have gradients: these, as dg_coalesce leaves them.
  const int32_t *order = nullptr;
  const float *sums = nullptr;
  int64_t listed = 0, inner = 0;  // places in order; elements of a row, 0 where there is no table
  bool only_listed = false;       // whether other rows stay as they are
};
struct UpdateArgs {
  int32_t op;
  const float *grads;
  float *s1, *s2, *s3;
  float *hyper;
  int32_t *iteration;
  const int32_t *finite;    // null, or where 0 says that nothing is to change
  const Segment *segments;  // host memory that lives as long as the call (or the program that recorded it)
  int32_t count;
};
struct ClipArgs {
  int32_t op;
  float *grads;
  float limit;
  const Segment *segments;
  int32_t count;
};
struct AllFiniteArgs {
  const float *x;
  int32_t *flag;
  int64_t n;
};
struct LossScaleArgs {
  float *scale;
  int32_t *steps;
  const int32_t *finite;
  int32_t growth;
};

struct NoteArgs {  // see dg_note
  const float *value;
  float *log;
  int32_t *counters;
  const int32_t *advance;
  int64_t size, count;  // of the log; of counters
};

}  // namespace dg
