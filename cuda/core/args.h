// What does a kernel receive, and what must a backend provide?
// core/ checks every call of the contract and turns it into one of these plain structs; each backend (cpu, gpu)
// supplies a function per struct. The structs are plain data, so a recording on the CPU is a list of (function, struct)
// pairs.
#pragma once
#include <stdint.h>

#include "../dinograd.h"
#include "step_args.h"

namespace dg {
using Dtype = int32_t;
constexpr bool is_half(Dtype type) { return type == DG_FLOAT16 || type == DG_BFLOAT16; }
constexpr int max_rank = DG_MAX_RANK;

// Elementwise index space, coalesced by core: contiguous dimensions are merged and unit ones dropped. Strides are in
// elements, 0 where an operand is broadcast; the output is contiguous.
struct Space {
  int32_t rank;
  int64_t n;  // product of size
  int64_t size[max_rank];
  int64_t stride[3][max_rank];  // of up to three inputs
};

struct UnaryArgs {
  int32_t op;
  Dtype in, out;
  const void *x;
  void *y;
  int64_t n;
  float a, b;
};
struct BinaryArgs {
  int32_t op;
  Dtype in, out;
  const void *a, *b;
  void *y;
  Space space;
};
struct WhereArgs {
  Dtype type;
  const uint8_t *condition;
  const void *a, *b;
  void *y;
  Space space;
};
struct CastArgs {
  Dtype in, out;
  const void *x;
  void *y;
  int64_t n;
};
struct IterateArgs {
  float *y;
  int64_t n, turns;
  float a, b;
};
struct FillArgs {
  Dtype type;
  void *y;
  int64_t n;
  double value;
};
struct CopyArgs {  // within one device
  const void *x;
  void *y;
  int64_t bytes;
};
struct StridedArgs {  // coalesced by core; dims are ordered from the slowest to the fastest of y
  int32_t width;      // bytes of an element: 1, 2 or 4
  int32_t rank;
  const void *x;  // offsets already applied
  void *y;
  int64_t n;
  int64_t size[max_rank], xs[max_rank], ys[max_rank];
};
struct GatherArgs {
  int32_t width;  // bytes of an element
  const void *x;
  const int32_t *index, *start;  // start: null or the address of the first position
  void *y;
  int64_t outer, rows, count, inner, index_count;
};
struct ScatterAddArgs {
  Dtype type;
  const void *x;
  const int32_t *index;
  void *y;
  int64_t outer, rows, count, inner;
};
struct CoalesceArgs {  // see dg_coalesce
  const float *x;
  const int32_t *index;
  int32_t *order;
  float *y;
  int64_t rows, count, inner;
};
struct OneHotArgs {
  Dtype out;
  const int32_t *index;
  void *y;
  int64_t count, depth;
  float on, off;
};
struct ReduceArgs {  // dims coalesced by core into alternating kept and reduced runs
  int32_t op;
  Dtype type;
  const void *x;
  void *y;
  int32_t rank;
  int64_t size[max_rank];
  uint8_t reduced[max_rank];
  int64_t n_out, n_red;  // products of the kept and of the reduced sizes
};
struct ArgReduceArgs {
  int32_t op;
  Dtype type;
  const void *x;
  int32_t *y;
  int64_t outer, n, inner;
};
struct ScanArgs {
  int32_t op;
  Dtype type;
  const void *x;
  void *y;
  int64_t outer, n, inner;
  int32_t exclusive, reverse;
};
// What may be done to float32 factors: nothing (0), or see DG_TF32 and DG_TF32X3.
constexpr int tf32_rounded = 1, tf32_parts = 3;
struct MatMulArgs {
  Dtype type;
  const void *a, *b;
  const void *bias;  // null: none
  void *y;
  int64_t batch, m, n, k;
  int64_t a_step, b_step;  // elements between matrices of the batch; 0 when shared
  int32_t transpose_a, transpose_b;
  int32_t tf32;        // see tf32_rounded
  int32_t activation;  // unary op id or -1
  float alpha;
};
struct ActivationGradArgs {  // see dg_activation_grad
  int32_t activation;
  Dtype type;
  const void *dy, *y;
  void *dz, *dbias;
  int64_t rows, n;
};
struct MatMulGradArgs {  // see dg_matmul_grad; null: none
  int32_t activation;
  Dtype type;
  const void *a, *b, *y, *dy;
  void *dz, *da, *db, *dbias;
  int64_t m, n, k;
  int32_t tf32;
};
// How windows lie over one dimension; see dg_conv.
struct Axis {
  int64_t in, out, window, stride, dilation, padding;
};
constexpr int spatial = 3;  // dimensions of a convolution or pooling; those it lacks come first, of size 1
inline int64_t elements(const Axis (&axis)[spatial], int64_t Axis::*size) {
  return axis[0].*size * (axis[1].*size) * (axis[2].*size);
}
struct ConvArgs {
  int32_t kind;
  Dtype type;
  const void *a, *b;
  const void *bias;  // null: none
  void *y;
  int64_t batch, in_channels, out_channels, groups;
  Axis axis[spatial];
  int32_t tf32;        // see tf32_rounded
  int32_t activation;  // unary op id or -1
  float alpha;
};
struct PoolArgs {
  int32_t kind;
  Dtype type;  // of x; y has it too, or is int32
  const void *x;
  void *y;
  int64_t batch, channels;
  Axis axis[spatial];
};
struct PoolGradArgs {
  int32_t kind;
  Dtype type;
  const void *x, *y;  // null for the average
  const void *dy;
  void *dx;
  int64_t batch, channels;
  Axis axis[spatial];
};
// Where the outputs of one dimension lie among its inputs: see math/resize.h.
struct ResizeAxis {
  int64_t in, out;
  float before, scale, after;
};
struct ResizeArgs {
  int32_t kind;
  Dtype type;
  const void *x;
  void *y;
  int64_t batch, channels;
  ResizeAxis height, width;
};
struct ResizeGradArgs {
  int32_t kind;
  Dtype type;
  const void *dy;
  void *dx;
  int64_t batch, channels;
  ResizeAxis height, width;
};
struct NormalSizes {  // of x; see dg_normalize
  int64_t batch, rows, groups, size;
  int64_t channels() const { return groups * size; }
  int64_t elements() const { return batch * rows * channels(); }
};
struct NormalizeArgs {
  Dtype type;  // of x and y
  const void *x;
  const float *scale, *offset;  // null: none
  float *mean, *variance;       // mean null: nothing is subtracted
  void *y;
  NormalSizes sizes;
  int32_t measure;  // whether mean and variance are written rather than read
  float epsilon;
};
struct NormalizeGradArgs {
  Dtype type;  // of x, dy and dx
  const void *x, *dy;
  const float *scale;            // null: none
  const float *mean, *variance;  // mean null: nothing was subtracted
  void *dx;
  float *dscale, *doffset;  // null: not wanted
  NormalSizes sizes;
  float epsilon;
};
struct SoftmaxArgs {
  Dtype type;
  const void *x;
  void *y;
  int64_t rows, n;
  int32_t log;
};
struct SoftmaxGradArgs {
  Dtype type;
  const void *dy, *y;
  void *dx;
  int64_t rows, n;
  int32_t log;
};
struct CrossEntropyArgs {
  Dtype type;  // of logits and labels
  const void *logits;
  const void *labels;      // [rows, n], or null
  const int32_t *classes;  // [rows], or null
  float *loss;
  int64_t rows, n;
};
struct CrossEntropyGradArgs {
  Dtype type;  // of logits, labels and dlogits
  const void *logits;
  const void *labels;
  const int32_t *classes;
  const float *dloss;
  void *dlogits;
  int64_t rows, n;
};
struct LossArgs {  // see dg_loss
  int32_t kind;
  Dtype type;              // of x, labels and dx
  const void *x, *labels;  // labels null: classes
  const int32_t *classes;
  float *loss;
  void *dx;  // null: not wanted
  int64_t rows, n;
  float scale;
};
struct RecurrentArgs {  // see dg_recurrent; null: none
  int32_t kind, activation, gate;
  Dtype type;
  const void *projected, *kernel, *bias;
  const void *h, *c;
  const uint8_t *mask;
  const void *keep;
  void *y;
  void *trace;
  int64_t batch, steps, units;
  int64_t rows;    // steps of y: one more where it ends in c
  int64_t traced;  // steps of the trace: all, or one
};
struct RecurrentGradArgs {
  int32_t kind, activation, gate;
  Dtype type;
  const void *kernel;
  const void *h, *c;
  const uint8_t *mask;
  const void *keep;
  const void *y, *trace, *dy;
  void *dprojected, *dproduct, *before;
  float *dh, *dc;
  int64_t batch, steps, units;
  int64_t rows, given;  // steps of y; of dy, as many or the last one alone
};
// Parts of `units` that the sums of a cell and its trace have.
constexpr int64_t cell_parts(int kind) { return kind == DG_CELL_SIMPLE ? 1 : kind == DG_CELL_LSTM ? 4 : 3; }
constexpr int64_t trace_parts(int kind) { return kind == DG_CELL_SIMPLE ? 0 : kind == DG_CELL_LSTM ? 5 : 4; }
// See dg_attention.
struct AttentionShape {
  int64_t batch, queries, keys, heads, key_heads, size, value_size;
  int64_t mask_batch, mask_heads, mask_queries;  // 1 where the mask is shared; 0: there is none
  float scale;
  int32_t causal;
};
struct AttentionArgs {
  Dtype type;
  const void *q, *k, *v;
  const uint8_t *mask;  // null: none
  void *y;
  float *stats;  // null: not wanted
  AttentionShape shape;
};
struct AttentionGradArgs {
  Dtype type;
  const void *q, *k, *v;
  const uint8_t *mask;
  const void *y;
  const float *stats;
  const void *dy;
  void *dq, *dk, *dv;
  AttentionShape shape;
};
struct RandomArgs {
  int32_t op;
  Dtype type;
  int32_t *state;
  void *y;
  int64_t n;
  float a, b;
};

}  // namespace dg
