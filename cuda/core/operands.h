// Which memory does a call touch? Each family lists its arrays once, as they stand in its argument struct: so 16-bit floats
// are widened, and a program finds out what it can leave out.
#pragma once
#include "args.h"
#include "arrays.h"

namespace dg {

enum class Access { read, write, update };  // write: all of it, whatever it held before

struct Operand {
  void **at;  // in the arguments
  Dtype type;
  int64_t first, n;  // elements from *at on
  Access access;

  char *begin() const { return static_cast<char *>(*at) + first * element_size(type); }
  int64_t bytes() const { return n * element_size(type); }
};

// Takes the operands of a call: none that the call does without.
class Operands {
 public:
  template <class T>
  void in(T *&at, Dtype type, int64_t n, int64_t first = 0) {
    list(at, type, n, first, Access::read);
  }
  template <class T>
  void out(T *&at, Dtype type, int64_t n) {
    list(at, type, n, 0, Access::write);
  }
  template <class T>
  void in_out(T *&at, Dtype type, int64_t n, int64_t first = 0) {
    list(at, type, n, first, Access::update);
  }

 protected:
  virtual void add(const Operand &operand) = 0;

 private:
  template <class T>
  void list(T *&at, Dtype type, int64_t n, int64_t first, Access access) {
    if (at) add({const_cast<void **>(reinterpret_cast<const void *const *>(&at)), type, first, n, access});
  }
};

namespace operands {

// Elements that steps lead to from where they start: those before it and all.
struct Reach {
  int64_t first = 0, n = 1;
  Reach(int rank, const int64_t *size, const int64_t *step) {
    for (int d = 0; d < rank; d++) {
      const int64_t far = (size[d] - 1) * step[d];
      if (far < 0) first += far;
      n += far < 0 ? -far : far;
    }
  }
};
inline Dtype type_of_width(int width) { return width == 4 ? DG_INT32 : width == 2 ? DG_FLOAT16 : DG_UINT8; }

inline void of(UnaryArgs &a, Operands &o) {
  o.in(a.x, a.in, a.n);
  o.out(a.y, a.out, a.n);
}
inline void of(BinaryArgs &a, Operands &o) {
  o.in(a.a, a.in, Reach(a.space.rank, a.space.size, a.space.stride[0]).n);
  o.in(a.b, a.in, Reach(a.space.rank, a.space.size, a.space.stride[1]).n);
  o.out(a.y, a.out, a.space.n);
}
inline void of(WhereArgs &a, Operands &o) {
  o.in(a.condition, DG_BOOL, Reach(a.space.rank, a.space.size, a.space.stride[0]).n);
  o.in(a.a, a.type, Reach(a.space.rank, a.space.size, a.space.stride[1]).n);
  o.in(a.b, a.type, Reach(a.space.rank, a.space.size, a.space.stride[2]).n);
  o.out(a.y, a.type, a.space.n);
}
inline void of(CastArgs &a, Operands &o) {
  o.in(a.x, a.in, a.n);
  o.out(a.y, a.out, a.n);
}
inline void of(FillArgs &a, Operands &o) { o.out(a.y, a.type, a.n); }
inline void of(IterateArgs &a, Operands &o) { o.in_out(a.y, DG_FLOAT32, a.n); }
inline void of(CopyArgs &a, Operands &o) {
  o.in(a.x, DG_UINT8, a.bytes);
  o.out(a.y, DG_UINT8, a.bytes);
}
inline void of(StridedArgs &a, Operands &o) {
  const Reach x(a.rank, a.size, a.xs), y(a.rank, a.size, a.ys);
  const Dtype type = type_of_width(a.width);
  o.in(a.x, type, x.n, x.first);
  if (y.n == a.n && y.first == 0)
    o.out(a.y, type, y.n);
  else
    o.in_out(a.y, type, y.n, y.first);
}
inline void of(GatherArgs &a, Operands &o) {
  const Dtype type = type_of_width(a.width);
  o.in(a.x, type, a.outer * a.rows * a.inner);
  o.in(a.index, DG_INT32, a.index_count);
  o.in(a.start, DG_INT32, 1);
  o.out(a.y, type, a.outer * a.count * a.inner);
}
inline void of(ScatterAddArgs &a, Operands &o) {
  o.in(a.x, a.type, a.outer * a.count * a.inner);
  o.in(a.index, DG_INT32, a.count);
  o.in_out(a.y, a.type, a.outer * a.rows * a.inner);
}
inline void of(CoalesceArgs &a, Operands &o) {
  o.in(a.x, DG_FLOAT32, a.count * a.inner);
  o.in(a.index, DG_INT32, a.count);
  o.out(a.order, DG_INT32, a.count);
  o.out(a.y, DG_FLOAT32, a.count * a.inner);
}
inline void of(OneHotArgs &a, Operands &o) {
  o.in(a.index, DG_INT32, a.count);
  o.out(a.y, a.out, a.count * a.depth);
}
inline void of(ReduceArgs &a, Operands &o) {
  o.in(a.x, a.type, a.n_out * a.n_red);
  o.out(a.y, a.type, a.n_out);
}
inline void of(ArgReduceArgs &a, Operands &o) {
  o.in(a.x, a.type, a.outer * a.n * a.inner);
  o.out(a.y, DG_INT32, a.outer * a.inner);
}
inline void of(ScanArgs &a, Operands &o) {
  o.in(a.x, a.type, a.outer * a.n * a.inner);
  o.out(a.y, a.type, a.outer * a.n * a.inner);
}
inline void of(MatMulArgs &a, Operands &o) {
  o.in(a.a, a.type, (a.a_step ? a.batch : 1) * a.m * a.k);
  o.in(a.b, a.type, (a.b_step ? a.batch : 1) * a.k * a.n);
  o.in(a.bias, a.type, a.n);
  o.out(a.y, a.type, a.batch * a.m * a.n);
}
inline void of(ActivationGradArgs &a, Operands &o) {
  o.in(a.dy, a.type, a.rows * a.n);
  o.in(a.y, a.type, a.rows * a.n);
  o.out(a.dz, a.type, a.rows * a.n);
  o.out(a.dbias, a.type, a.n);
}
inline void of(MatMulGradArgs &a, Operands &o) {
  o.in(a.a, a.type, a.m * a.k);
  o.in(a.b, a.type, a.k * a.n);
  o.in(a.y, a.type, a.m * a.n);
  o.in(a.dy, a.type, a.m * a.n);
  o.out(a.dz, a.type, a.m * a.n);
  o.out(a.da, a.type, a.m * a.k);
  o.out(a.db, a.type, a.k * a.n);
  o.out(a.dbias, a.type, a.n);
}
inline void of(ConvArgs &a, Operands &o) {
  const int64_t inputs = a.batch * elements(a.axis, &Axis::in) * a.in_channels;
  const int64_t outputs = a.batch * elements(a.axis, &Axis::out) * a.out_channels;
  const int64_t filter = elements(a.axis, &Axis::window) * (a.in_channels / a.groups) * a.out_channels;
  o.in(a.a, a.type, a.kind == DG_CONV_INPUT ? outputs : inputs);
  o.in(a.b, a.type, a.kind == DG_CONV_FILTER ? outputs : filter);
  o.in(a.bias, a.type, a.kind == DG_CONV_INPUT ? a.in_channels : a.out_channels);
  o.out(a.y, a.type, a.kind == DG_CONV_INPUT ? inputs : a.kind == DG_CONV_FILTER ? filter : outputs);
}
inline void of(PoolArgs &a, Operands &o) {
  o.in(a.x, a.type, a.batch * elements(a.axis, &Axis::in) * a.channels);
  o.out(a.y, a.kind == DG_POOL_ARGMAX ? DG_INT32 : a.type, a.batch * elements(a.axis, &Axis::out) * a.channels);
}
inline void of(PoolGradArgs &a, Operands &o) {
  const int64_t inputs = a.batch * elements(a.axis, &Axis::in) * a.channels;
  const int64_t outputs = a.batch * elements(a.axis, &Axis::out) * a.channels;
  o.in(a.x, a.type, inputs);
  o.in(a.y, a.type, outputs);
  o.in(a.dy, a.type, outputs);
  o.out(a.dx, a.type, inputs);
}
inline void of(ResizeArgs &a, Operands &o) {
  o.in(a.x, a.type, a.batch * a.height.in * a.width.in * a.channels);
  o.out(a.y, a.type, a.batch * a.height.out * a.width.out * a.channels);
}
inline void of(ResizeGradArgs &a, Operands &o) {
  o.in(a.dy, a.type, a.batch * a.height.out * a.width.out * a.channels);
  o.out(a.dx, a.type, a.batch * a.height.in * a.width.in * a.channels);
}
inline void of(NormalizeArgs &a, Operands &o) {
  const int64_t statistics = a.sizes.batch * a.sizes.groups;
  const auto statistic = [&](float *&at) {
    a.measure ? o.out(at, DG_FLOAT32, statistics) : o.in(at, DG_FLOAT32, statistics);
  };
  o.in(a.x, a.type, a.sizes.elements());
  o.in(a.scale, DG_FLOAT32, a.sizes.channels());
  o.in(a.offset, DG_FLOAT32, a.sizes.channels());
  statistic(a.mean);
  statistic(a.variance);
  o.out(a.y, a.type, a.sizes.elements());
}
inline void of(NormalizeGradArgs &a, Operands &o) {
  const int64_t statistics = a.sizes.batch * a.sizes.groups;
  o.in(a.x, a.type, a.sizes.elements());
  o.in(a.dy, a.type, a.sizes.elements());
  o.in(a.scale, DG_FLOAT32, a.sizes.channels());
  o.in(a.mean, DG_FLOAT32, statistics);
  o.in(a.variance, DG_FLOAT32, statistics);
  o.out(a.dx, a.type, a.sizes.elements());
  o.out(a.dscale, DG_FLOAT32, a.sizes.channels());
  o.out(a.doffset, DG_FLOAT32, a.sizes.channels());
}
inline void of(SoftmaxArgs &a, Operands &o) {
  o.in(a.x, a.type, a.rows * a.n);
  o.out(a.y, a.type, a.rows * a.n);
}
inline void of(SoftmaxGradArgs &a, Operands &o) {
  o.in(a.dy, a.type, a.rows * a.n);
  o.in(a.y, a.type, a.rows * a.n);
  o.out(a.dx, a.type, a.rows * a.n);
}
inline void of(CrossEntropyArgs &a, Operands &o) {
  o.in(a.logits, a.type, a.rows * a.n);
  o.in(a.labels, a.type, a.rows * a.n);
  o.in(a.classes, DG_INT32, a.rows);
  o.out(a.loss, DG_FLOAT32, a.rows);
}
inline void of(CrossEntropyGradArgs &a, Operands &o) {
  o.in(a.logits, a.type, a.rows * a.n);
  o.in(a.labels, a.type, a.rows * a.n);
  o.in(a.classes, DG_INT32, a.rows);
  o.in(a.dloss, DG_FLOAT32, a.rows);
  o.out(a.dlogits, a.type, a.rows * a.n);
}
inline void of(LossArgs &a, Operands &o) {
  o.in(a.x, a.type, a.rows * a.n);
  o.in(a.labels, a.type, a.rows * a.n);
  o.in(a.classes, DG_INT32, a.rows);
  o.out(a.loss, DG_FLOAT32, 1);
  o.out(a.dx, a.type, a.rows * a.n);
}
inline void of(RecurrentArgs &a, Operands &o) {
  const int64_t states = a.batch * a.units, sums = states * cell_parts(a.kind);
  o.in(a.projected, a.type, a.steps * sums);
  o.in(a.kernel, a.type, a.units * a.units * cell_parts(a.kind));
  o.in(a.bias, a.type, a.units);
  o.in(a.h, a.type, states);
  o.in(a.c, a.type, states);
  o.in(a.mask, DG_BOOL, a.batch * a.steps);
  o.in(a.keep, a.type, states);
  o.out(a.y, a.type, a.rows * states);
  o.out(a.trace, a.type, a.traced * states * trace_parts(a.kind));
}
inline void of(RecurrentGradArgs &a, Operands &o) {
  const int64_t states = a.batch * a.units, sums = states * cell_parts(a.kind);
  o.in(a.kernel, a.type, a.units * a.units * cell_parts(a.kind));
  o.in(a.h, a.type, states);
  o.in(a.c, a.type, states);
  o.in(a.mask, DG_BOOL, a.batch * a.steps);
  o.in(a.keep, a.type, states);
  o.in(a.y, a.type, a.rows * states);
  o.in(a.trace, a.type, a.steps * states * trace_parts(a.kind));
  o.in(a.dy, a.type, a.given * states);
  o.out(a.dprojected, a.type, a.steps * sums);
  o.out(a.dproduct, a.type, a.steps * sums);
  o.out(a.before, a.type, a.steps * states);
  o.out(a.dh, DG_FLOAT32, states);
  o.out(a.dc, DG_FLOAT32, states);
}
// The inputs and the result of attention, which its gradient reads again.
template <class Args>
void of_attention(Args &a, Operands &o) {
  const AttentionShape &s = a.shape;
  o.in(a.q, a.type, s.batch * s.queries * s.heads * s.size);
  o.in(a.k, a.type, s.batch * s.keys * s.key_heads * s.size);
  o.in(a.v, a.type, s.batch * s.keys * s.key_heads * s.value_size);
  o.in(a.mask, DG_BOOL, s.mask_batch * s.mask_heads * s.mask_queries * s.keys);
}
inline void of(AttentionArgs &a, Operands &o) {
  const AttentionShape &s = a.shape;
  of_attention(a, o);
  o.out(a.y, a.type, s.batch * s.queries * s.heads * s.value_size);
  o.out(a.stats, DG_FLOAT32, s.batch * s.heads * s.queries * 2);
}
inline void of(AttentionGradArgs &a, Operands &o) {
  const AttentionShape &s = a.shape;
  of_attention(a, o);
  o.in(a.y, a.type, s.batch * s.queries * s.heads * s.value_size);
  o.in(a.stats, DG_FLOAT32, s.batch * s.heads * s.queries * 2);
  o.in(a.dy, a.type, s.batch * s.queries * s.heads * s.value_size);
  o.out(a.dq, a.type, s.batch * s.queries * s.heads * s.size);
  o.out(a.dk, a.type, s.batch * s.keys * s.key_heads * s.size);
  o.out(a.dv, a.type, s.batch * s.keys * s.key_heads * s.value_size);
}
inline void of(RandomArgs &a, Operands &o) {
  o.in_out(a.state, DG_INT32, 4);
  o.out(a.y, a.type, a.n);
}
// Segments begin where the one before ended, rounded up: the last one's end is that of the flat arrays.
inline int64_t flat_size(const Segment *segments, int count) {
  return count ? segments[count - 1].offset + segments[count - 1].n : 0;
}
inline void of(UpdateArgs &a, Operands &o) {
  const int64_t n = flat_size(a.segments, a.count);
  o.in(a.grads, DG_FLOAT32, n);
  o.in_out(a.s1, DG_FLOAT32, n);
  o.in_out(a.s2, DG_FLOAT32, n);
  o.in_out(a.s3, DG_FLOAT32, n);
  o.in_out(a.hyper, DG_FLOAT32, DG_HYPER);
  o.in_out(a.iteration, DG_INT32, 1);
  o.in(a.finite, DG_INT32, 1);
  for (int i = 0; i < a.count; i++) {
    Segment &s = const_cast<Segment &>(a.segments[i]);
    o.in_out(s.param, s.type, s.n);
    if (!s.inner) continue;
    o.in(s.order, DG_INT32, s.listed);
    o.in(s.sums, DG_FLOAT32, s.listed * s.inner);
  }
}
inline void of(ClipArgs &a, Operands &o) { o.in_out(a.grads, DG_FLOAT32, flat_size(a.segments, a.count)); }
inline void of(AllFiniteArgs &a, Operands &o) {
  o.in(a.x, DG_FLOAT32, a.n);
  o.out(a.flag, DG_INT32, 1);
}
inline void of(LossScaleArgs &a, Operands &o) {
  o.in_out(a.scale, DG_FLOAT32, 1);
  o.in_out(a.steps, DG_INT32, 1);
  o.in(a.finite, DG_INT32, 1);
}
inline void of(NoteArgs &a, Operands &o) {
  o.in(a.value, DG_FLOAT32, 1);
  o.in_out(a.log, DG_FLOAT32, a.size);
  o.in_out(a.counters, DG_INT32, a.count);
  o.in(a.advance, DG_INT32, a.count);
}

}  // namespace operands

}  // namespace dg
