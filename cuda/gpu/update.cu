// One step of an optimizer for all parameters, in one launch.
#include <ptx.h>

#include <new>

#include "../core/args.h"
#include "../math/updates.h"
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
};

using Floats = Pack<float, 4>;

// Four elements of a parameter, whatever they are stored as.
template <class T>
__device__ Floats load_as(const void *param, int64_t i, int64_t n) {
  const T *p = static_cast<const T *>(param);
  return numbers(load_pack<4>(p, i, n, aligned<4>(p)));
}
template <class T>
__device__ void store_as(void *param, int64_t i, int64_t n, const Floats &w) {
  T *p = static_cast<T *>(param);
  store_pack(p, i, n, aligned<4>(p), elements<T>(w));
}
__device__ Floats load_param(const Chunk &chunk, int64_t i) {
  if (chunk.type == DG_FLOAT16) return load_as<Half>(chunk.param, i, chunk.end);
  if (chunk.type == DG_BFLOAT16) return load_as<Brain>(chunk.param, i, chunk.end);
  return load_as<float>(chunk.param, i, chunk.end);
}
__device__ void store_param(const Chunk &chunk, int64_t i, const Floats &w) {
  if (chunk.type == DG_FLOAT16) return store_as<Half>(chunk.param, i, chunk.end, w);
  if (chunk.type == DG_BFLOAT16) return store_as<Brain>(chunk.param, i, chunk.end, w);
  store_as<float>(chunk.param, i, chunk.end, w);
}

template <class Rule, int capacity>
__global__ void __launch_bounds__(block_threads)
    update(const SegmentTable<capacity> __grid_constant__ table, Arrays arrays, unsigned *ticket) {
  if (arrays.finite && !*arrays.finite) return;
  DG_SHARED(Rule, shared);
  if (threadIdx.x == 0) new (shared) Rule(arrays.hyper, *arrays.iteration + 1);
  __syncthreads();
  const Rule rule = *shared;
  if (table.count) {
    const Chunk chunk(table);
    const float shrinkage = chunk.decay ? arrays.hyper[0] * arrays.hyper[1] : 0;
    const bool whole =
        aligned<4>(arrays.grads) && aligned<4>(arrays.s[0]) && aligned<4>(arrays.s[1]) && aligned<4>(arrays.s[2]);
    chunk.each_pack([&](int64_t i) {
      const int64_t at = chunk.offset + i, end = chunk.offset + chunk.end;
      const Floats g = load_pack<4>(arrays.grads, at, end, whole);
      Floats w = load_param(chunk, i), s[3];
      for (int k = 0; k < 3; k++)
        if (Rule::slots >> k & 1) s[k] = load_pack<4>(arrays.s[k], at, end, whole);
      for (int j = 0; j < 4; j++) {
        float state[3] = {s[0].at[j], s[1].at[j], s[2].at[j]};
        if (shrinkage != 0) w.at[j] = decay(w.at[j], shrinkage);
        rule(w.at[j], g.at[j], state);
        for (int k = 0; k < 3; k++) s[k].at[j] = state[k];
      }
      store_param(chunk, i, w);
      for (int k = 0; k < 3; k++)
        if (Rule::slots >> k & 1) store_pack(arrays.s[k], at, end, whole, s[k]);
    });
  }
  __syncthreads();
  if (threadIdx.x == 0 && last_block(ticket)) rule.advance(arrays.hyper, arrays.iteration);
}

template <class Rule, int capacity>
int launch_update(const UpdateArgs &args, const SegmentTable<capacity> &table) {
  const Arrays arrays{args.grads, {args.s1, args.s2, args.s3}, args.hyper, args.iteration, args.finite};
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
