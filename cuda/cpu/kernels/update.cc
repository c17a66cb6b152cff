// One step of an optimizer for all parameters.
#include "../../core/args.h"
#include "../../math/updates.h"
#include "../threads.h"
#include "halves.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 14;

DG_HD FloatLanes load_lanes(const float *p, int64_t left) { return load_block<lanes>(p, left, 0).v; }
DG_HD void store_lanes(float *p, int64_t left, FloatLanes v) { store_block<lanes>(p, left, {v}); }

// `n` parameters whose place in the flat arrays is `first`.
template <class Rule>
void update_run(const UpdateArgs &args, Rule rule, float shrinkage, float *param, int64_t first, int64_t n) {
  float *const states[3] = {args.s1, args.s2, args.s3};
  for (int64_t i = 0; i < n; i += lanes) {
    const int64_t at = first + i, left = n - i;
    FloatLanes w = load_lanes(param + i, left), s[3];
    for (int k = 0; k < 3; k++)
      if (Rule::slots >> k & 1) s[k] = load_lanes(states[k] + at, left);
    if (shrinkage != 0) w = decay(w, shrinkage);
    rule(w, load_lanes(args.grads + at, left), s);
    store_lanes(param + i, left, w);
    for (int k = 0; k < 3; k++)
      if (Rule::slots >> k & 1) store_lanes(states[k] + at, left, s[k]);
  }
}

// Elements [begin, end) of one segment; those of 16 bits pass through a block of float32.
template <class Rule>
void update_segment(const UpdateArgs &args, Rule rule, const Segment &segment, int64_t begin, int64_t end) {
  const float shrinkage = segment.decay ? args.hyper[0] * args.hyper[1] : 0;
  if (segment.type == DG_FLOAT32) {
    float *const param = static_cast<float *>(segment.param) + begin;
    return update_run(args, rule, shrinkage, param, segment.offset + begin, end - begin);
  }
  constexpr int64_t block = 1024;
  float wide[block];
  for (int64_t i = begin; i < end; i += block) {
    const int64_t count = end - i < block ? end - i : block;
    void *const param = static_cast<Half *>(segment.param) + i;
    widen_row(segment.type, param, count, wide);
    update_run(args, rule, shrinkage, wide, segment.offset + i, count);
    narrow_row(segment.type, wide, count, param);
  }
}

template <class Rule>
int update_all(const UpdateArgs &args) {
  const Rule rule(args.hyper, *args.iteration + 1);
  const int64_t total = args.count ? args.segments[args.count - 1].offset + args.segments[args.count - 1].n : 0;
  parallel_for(total, elements_per_piece, [&](int64_t begin, int64_t end) {
    for (int32_t i = 0; i < args.count; i++) {
      const Segment &segment = args.segments[i];
      const int64_t first = begin - segment.offset, last = end - segment.offset;
      if (last > 0 && first < segment.n)
        update_segment(args, rule, segment, first > 0 ? first : 0, last < segment.n ? last : segment.n);
    }
  });
  rule.advance(args.hyper, args.iteration);
  return 0;
}

}  // namespace

int run_update(const UpdateArgs &args) {
  if (args.finite && !*args.finite) return 0;
  const int given = (args.s1 ? 1 : 0) | (args.s2 ? 2 : 0) | (args.s3 ? 4 : 0);
  return with_rule(static_cast<Update>(args.op), given,
                   [&](auto type) { return update_all<typename decltype(type)::Rule>(args); });
}

int run_loss_scale(const LossScaleArgs &args) {
  adjust_loss_scale(*args.scale, *args.steps, *args.finite, args.growth);
  return 0;
}
int run_note(const NoteArgs &args) {
  note_value(*args.value, args.log, args.size, args.counters, args.advance, args.count);
  return 0;
}

}  // namespace dg::DG_ISA
