// One step of an optimizer for all parameters: one launch, and one more for each table of which few rows have gradients.
#include <ptx.h>

#include <new>

#include "../core/args.h"
#include "../math/updates.h"
#include "index.h"
#include "last_block.h"
#include "segments.h"

namespace dg {
namespace gpu {
namespace {

struct Arrays {
  const float *grads;
  float *s[3];
  float *hyper;
  int32_t *iteration;
  const int32_t *finite;

  __device__ bool aligned_states() const { return aligned<4>(s[0]) && aligned<4>(s[1]) && aligned<4>(s[2]); }
};

using Floats = Pack<float, 4>;

// Four elements of a parameter, whatever they are stored as. `whole`: i is a multiple of four.
template <class T>
__device__ Floats load_as(const void *param, int64_t i, int64_t end, bool whole) {
  const T *p = static_cast<const T *>(param);
  return numbers(load_pack<4>(p, i, end, whole && aligned<4>(p)));
}
template <class T>
__device__ void store_as(void *param, int64_t i, int64_t end, bool whole, const Floats &w) {
  T *p = static_cast<T *>(param);
  store_pack(p, i, end, whole && aligned<4>(p), elements<T>(w));
}

// A parameter of one of the types, and the place of its state in the flat arrays.
struct Param {
  void *data;
  Dtype type;
  int64_t offset;
  float shrinkage;

  __device__ Floats load(int64_t i, int64_t end, bool whole) const {
    if (type == DG_FLOAT16) return load_as<Half>(data, i, end, whole);
    if (type == DG_BFLOAT16) return load_as<Brain>(data, i, end, whole);
    return load_as<float>(data, i, end, whole);
  }
  __device__ void store(int64_t i, int64_t end, bool whole, const Floats &w) const {
    if (type == DG_FLOAT16) return store_as<Half>(data, i, end, whole, w);
    if (type == DG_BFLOAT16) return store_as<Brain>(data, i, end, whole, w);
    store_as<float>(data, i, end, whole, w);
  }
};

// Elements [i, i + 4) of a parameter, as far as they are below `end`, whose gradients are g. `whole`: i is a multiple of
// four, and states are aligned.
template <class Rule>
__device__ void update_pack(const Rule &rule, const Arrays &arrays, const Param &param, int64_t i, int64_t end,
                            const Floats &g, bool whole) {
  const int64_t at = param.offset + i, last = param.offset + end;
  Floats w = param.load(i, end, whole), s[3];
  for (int k = 0; k < 3; k++)
    if (Rule::slots >> k & 1) s[k] = load_pack<4>(arrays.s[k], at, last, whole);
  for (int j = 0; j < 4; j++) {
    float state[3] = {s[0].at[j], s[1].at[j], s[2].at[j]};
    if (param.shrinkage != 0) w.at[j] = decay(w.at[j], param.shrinkage);
    rule(w.at[j], g.at[j], state);
    for (int k = 0; k < 3; k++) s[k].at[j] = state[k];
  }
  param.store(i, end, whole, w);
  for (int k = 0; k < 3; k++)
    if (Rule::slots >> k & 1) store_pack(arrays.s[k], at, last, whole, s[k]);
}

// The rule of this step, made once for the block.
template <class Rule>
__device__ Rule rule_of(const Arrays &arrays) {
  DG_SHARED(Rule, shared);
  if (threadIdx.x == 0) new (shared) Rule(arrays.hyper, *arrays.iteration + 1);
  __syncthreads();
  return *shared;
}
__device__ float shrinkage(const Arrays &arrays, bool decays) { return decays ? arrays.hyper[0] * arrays.hyper[1] : 0; }

template <class Rule, int capacity>
__global__ void __launch_bounds__(block_threads)
    update(const SegmentTable<capacity> __grid_constant__ table, Arrays arrays, unsigned *ticket) {
  if (arrays.finite && !*arrays.finite) return;
  const Rule rule = rule_of<Rule>(arrays);
  if (table.count) {
    const Chunk chunk(table);
    const Param param{chunk.param, chunk.type, chunk.offset, shrinkage(arrays, chunk.decay)};
    const bool whole = aligned<4>(arrays.grads) && arrays.aligned_states();
    chunk.each_pack([&](int64_t i) {
      const Floats g = load_pack<4>(arrays.grads, chunk.offset + i, chunk.offset + chunk.end, whole);
      update_pack(rule, arrays, param, i, chunk.end, g, whole);
    });
  }
  __syncthreads();
  if (threadIdx.x == 0 && last_block(ticket)) rule.advance(arrays.hyper, arrays.iteration);
}

// A table, by packs of its rows, or of the places that are listed where other rows stay as they are.
template <class Rule>
__global__ void __launch_bounds__(block_threads)
    update_table(const Segment __grid_constant__ table, Arrays arrays, Divider packs, int64_t rows, int64_t tasks) {
  if (arrays.finite && !*arrays.finite) return;
  const Rule rule = rule_of<Rule>(arrays);
  const Param param{table.param, table.type, table.offset, shrinkage(arrays, table.decay)};
  const int64_t inner = table.inner;
  const bool whole = inner % 4 == 0 && aligned<4>(table.sums) && arrays.aligned_states();
  for (int64_t t = first_index(); t < tasks; t += index_step()) {
    int64_t column;
    const int64_t at = packs.divide(t, column);
    const int64_t row = table.only_listed ? table.order[at] : at;
    const int64_t place = table.only_listed ? at : place_of(row, table.order, table.listed);
    const bool is_listed = place < table.listed && table.order[place] == row;
    if (table.only_listed && (row < 0 || row >= rows || (place && table.order[place - 1] == row))) continue;
    Floats g = {};
    if (is_listed) g = load_pack<4>(table.sums, place * inner + 4 * column, (place + 1) * inner, whole);
    update_pack(rule, arrays, param, row * inner + 4 * column, (row + 1) * inner, g, whole);
  }
}

template <class Rule>
int launch_tables(const UpdateArgs &args, const Arrays &arrays) {
  for (int32_t i = 0; i < args.count; i++) {
    const Segment &s = args.segments[i];
    if (!s.inner) continue;
    const int64_t rows = s.n / s.inner, packs = divide_up(s.inner, 4),
                  tasks = packs * (s.only_listed ? s.listed : rows);
    if (tasks == 0) continue;
    if (int failed = launch<update_table<Rule>>(grid_for(tasks), block_threads, sizeof(Rule), s, arrays, Divider(packs),
                                                rows, tasks))
      return failed;
  }
  return 0;
}

template <class Rule, int capacity>
int launch_update(const UpdateArgs &args, const SegmentTable<capacity> &table) {
  const Arrays arrays{args.grads, {args.s1, args.s2, args.s3}, args.hyper, args.iteration, args.finite};
  if (int failed = launch_tables<Rule>(args, arrays)) return failed;
  const int64_t blocks = table.chunks ? table.chunks : 1;
  return launch<update<Rule, capacity>>(blocks, block_threads, sizeof(Rule), table, arrays, current().ticket);
}

__global__ void loss_scale(LossScaleArgs args) {
  adjust_loss_scale(*args.scale, *args.steps, *args.finite, args.growth);
}

__global__ void note(NoteArgs args) {
  note_value(*args.value, args.log, args.size, args.counters, args.advance, args.count);
}

}  // namespace
}  // namespace gpu

int run_update(const UpdateArgs &args) {
  const int given = (args.s1 ? 1 : 0) | (args.s2 ? 2 : 0) | (args.s3 ? 4 : 0);
  return gpu::with_segments(args.segments, args.count, [&](const auto &table) {
    return with_rule(static_cast<Update>(args.op), given,
                     [&](auto type) { return gpu::launch_update<typename decltype(type)::Rule>(args, table); });
  });
}

int run_loss_scale(const LossScaleArgs &args) { return gpu::launch<gpu::loss_scale>(1, 1, 0, args); }
int run_note(const NoteArgs &args) { return gpu::launch<gpu::note>(1, 1, 0, args); }

}  // namespace dg
