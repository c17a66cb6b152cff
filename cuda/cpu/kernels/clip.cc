// Are gradients usable? Their limits by value and by norm, and the check that all are finite.
#include "../../core/args.h"
#include "../../math/families.h"
#include "../threads.h"
#include "lanes.h"

namespace dg::DG_ISA {

int run_reduce(const ReduceArgs &args);

namespace {

constexpr int64_t elements_per_piece = 1 << 15;

// x = f(x)
template <class F>
void change(float *x, int64_t n, const F &f) {
  parallel_for(n, elements_per_piece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += lanes)
      store_block(x + i, end - i, map(f, load_block<lanes>(x + i, end - i, 0)));
  });
}

float reduce_vector(Reduce op, const float *x, int64_t n) {
  float y = 0;
  ReduceArgs args{};
  args.op = static_cast<int>(op);
  args.type = DG_FLOAT32;
  args.x = x;
  args.y = &y;
  args.rank = 1;
  args.size[0] = args.n_red = n;
  args.reduced[0] = 1;
  args.n_out = 1;
  run_reduce(args);
  return y;
}

// What brings a norm within the limit. A norm that is NaN makes everything NaN, so that it is noticed.
float factor(float squares, float limit) {
  const float norm = sqrt_(squares);
  return norm <= limit ? 1.0f : limit / norm;
}

void multiply(float *x, int64_t n, float by) {
  if (by != 1.0f) change(x, n, [=](auto v) { return v * by; });
}

}  // namespace

int run_clip(const ClipArgs &args) {
  float squares[DG_SCRATCH / 2];  // of each segment: a call has no more of them
  for (int32_t i = 0; i < args.count; i++) {
    const Segment &segment = args.segments[i];
    float *x = args.grads + segment.offset;
    if (static_cast<Clip>(args.op) == Clip::clipvalue) {
      change(x, segment.n, [&](auto v) { return clamp_(v, -args.limit, args.limit); });
      continue;
    }
    squares[i] = reduce_vector(Reduce::sumSquares, x, segment.n);
    if (static_cast<Clip>(args.op) == Clip::clipnorm) multiply(x, segment.n, factor(squares[i], args.limit));
  }
  if (static_cast<Clip>(args.op) == Clip::globalClipnorm) {
    const float by = factor(reduce_vector(Reduce::sum, squares, args.count), args.limit);
    for (int32_t i = 0; i < args.count; i++) multiply(args.grads + args.segments[i].offset, args.segments[i].n, by);
  }
  return 0;
}

int run_all_finite(const AllFiniteArgs &args) {
  int32_t finite = 1;
  parallel_for(args.n, elements_per_piece, [&](int64_t begin, int64_t end) {
    IntLanes bad = {};
    for (int64_t i = begin; i < end; i += lanes)
      bad |= (bits(load_block<lanes>(args.x + i, end - i, 0).v) & 0x7f800000) == 0x7f800000;
    if (any(bad)) __atomic_store_n(&finite, 0, __ATOMIC_RELAXED);
  });
  *args.flag = finite;
  return 0;
}

}  // namespace dg::DG_ISA
