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

// `n` parameters whose place in the flat arrays is `first`. grads null: all 0.
template <class Rule>
void update_run(const UpdateArgs &args, Rule rule, float shrinkage, float *param, const float *grads, int64_t first,
                int64_t n) {
  float *const states[3] = {args.s1, args.s2, args.s3};
  for (int64_t i = 0; i < n; i += lanes) {
    const int64_t at = first + i, left = n - i;
    FloatLanes w = load_lanes(param + i, left), s[3];
    for (int k = 0; k < 3; k++)
      if (Rule::slots >> k & 1) s[k] = load_lanes(states[k] + at, left);
    if (shrinkage != 0) w = decay(w, shrinkage);
    rule(w, grads ? load_lanes(grads + i, left) : FloatLanes{}, s);
    store_lanes(param + i, left, w);
    for (int k = 0; k < 3; k++)
      if (Rule::slots >> k & 1) store_lanes(states[k] + at, left, s[k]);
  }
}

// Elements [begin, end) of a parameter, with their gradients; those of 16 bits pass through a block of float32.
template <class Rule>
void update_part(const UpdateArgs &args, Rule rule, const Segment &segment, const float *grads, int64_t begin,
                 int64_t end) {
  const float shrinkage = segment.decay ? args.hyper[0] * args.hyper[1] : 0;
  if (segment.type == DG_FLOAT32) {
    float *const param = static_cast<float *>(segment.param) + begin;
    return update_run(args, rule, shrinkage, param, grads, segment.offset + begin, end - begin);
  }
  constexpr int64_t block = 1024;
  float wide[block];
  for (int64_t i = begin; i < end; i += block) {
    const int64_t count = end - i < block ? end - i : block;
    void *const param = static_cast<Half *>(segment.param) + i;
    widen_row(segment.type, param, count, wide);
    update_run(args, rule, shrinkage, wide, grads ? grads + (i - begin) : nullptr, segment.offset + i, count);
    narrow_row(segment.type, wide, count, param);
  }
}

// Elements [begin, end) of a table: rows that are listed, and what lies between them.
template <class Rule>
void update_table(const UpdateArgs &args, Rule rule, const Segment &table, int64_t begin, int64_t end) {
  const int64_t inner = table.inner, rows = table.n / inner;
  int64_t place = place_of(begin / inner, table.order, table.listed), next = 0;
  for (int64_t i = begin; i < end; i = next) {
    const int64_t row = i / inner;
    while (place < table.listed && table.order[place] < row) place++;
    const bool is_listed = place < table.listed && table.order[place] == row;
    const int64_t other = place < table.listed && table.order[place] < rows ? table.order[place] : rows;
    next = (is_listed ? row + 1 : other) * inner;
    if (next > end) next = end;
    update_part(args, rule, table, is_listed ? table.sums + place * inner + i % inner : nullptr, i, next);
  }
}

// What elements [begin, end) of a table's sums change.
template <class Rule>
void update_listed(const UpdateArgs &args, Rule rule, const Segment &table, int64_t begin, int64_t end) {
  const int64_t inner = table.inner, rows = table.n / inner;
  int64_t next = 0;
  for (int64_t i = begin; i < end; i = next) {
    const int64_t place = i / inner, row = table.order[place];
    next = (place + 1) * inner < end ? (place + 1) * inner : end;
    if (row < 0 || row >= rows || (place && table.order[place - 1] == row)) continue;
    const int64_t first = row * inner + i % inner;
    update_part(args, rule, table, table.sums + i, first, first + next - i);
  }
}

template <class Rule>
int update_all(const UpdateArgs &args) {
  const Rule rule(args.hyper, *args.iteration + 1);
  const auto work = [](const Segment &s) { return s.only_listed ? s.listed * s.inner : s.n; };
  // f(segment, where its work begins) for all; vectors are aligned as long as that is.
  const auto each = [&](const auto &f) {
    int64_t at = 0;
    for (int32_t i = 0; i < args.count; i++) {
      f(args.segments[i], at);
      at += (work(args.segments[i]) + segment_align - 1) / segment_align * segment_align;
    }
    return at;
  };
  parallel_for(each([](auto &&...) {}), elements_per_piece, [&](int64_t piece_begin, int64_t piece_end) {
    each([&](const Segment &segment, int64_t at) {
      const int64_t n = work(segment), begin = piece_begin > at ? piece_begin - at : 0;
      const int64_t end = piece_end - at < n ? piece_end - at : n;
      if (begin >= end) return;
      if (segment.only_listed) return update_listed(args, rule, segment, begin, end);
      if (segment.inner) return update_table(args, rule, segment, begin, end);
      update_part(args, rule, segment, args.grads + segment.offset + begin, begin, end);
    });
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
