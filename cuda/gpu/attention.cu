// Attention: a block of threads has 64 queries of a head and walks along the keys, 64 at a time, with a running maximum and sum of
// its rows of scores, so that these need not be kept. Values of more than 64 columns are shared out among blocks.
#include "../math/reductions.h"
#include "attention_tile.h"

namespace dg {
namespace gpu {
namespace {

template <class T>
struct Attention {
  const T *q, *k, *v;
  const uint8_t *mask;
  T *y;
  float *stats;
  AttentionShape s;
};

template <class T>
__global__ void __launch_bounds__(tile_threads) attend(const Attention<T> __grid_constant__ p) {
  DG_SHARED(float, shared);
  float *const slices = shared, *const weights = shared + 2 * slice_size;
  const AttentionShape &s = p.s;
  const Share share(s.heads, s.queries, s.value_size);
  const Place place;
  const int64_t key_head = share.head / (s.heads / s.key_heads), query = share.first + place.row;
  const auto q = head_rows(p.q, share.batch, s.queries, s.heads, share.head, s.size);
  const auto k = head_rows(p.k, share.batch, s.keys, s.key_heads, key_head, s.size);
  const auto v = head_rows(p.v, share.batch, s.keys, s.key_heads, key_head, s.value_size);
  float result[each][each] = {}, max[each], sum[each] = {};
  for (int i = 0; i < each; i++) max[i] = -infinity;
  // Keys that causality hides from all are left out where no mask can hide the others, too.
  const int64_t last = share.first + side - 1, keys = p.mask ? s.keys : keys_in_sight(s, last);
  for (int64_t key = 0; key < keys; key += side) {
    float score[each][each];
    row_products(score, q, share.first, s.scale, k, key, slices);
    hide(score, s, p.mask, share.batch, share.head, query, key + place.column);
    for (int i = 0; i < each; i++) {
      const float before = max[i];
      float block = 0;
      for (int j = 0; j < each; j++) max[i] = Max::add(max[i], score[i][j]);
      max[i] = join_row<Max>(max[i]);
      const float factor = exp_below(before - max[i]);
      for (int j = 0; j < each; j++) {
        const float e = exp_below(score[i][j] - max[i]);
        weights[(place.column + j) * pitch + place.row + i] = e;
        block += e;
        result[i][j] *= factor;
      }
      sum[i] = fma_(sum[i], factor, join_row<Sum>(block));
    }
    add_rows(result, weights, v, key, share.column, slices);
  }
  for (int i = 0; i < each; i++) {
    const float inverse = 1 / sum[i];
    for (int j = 0; j < each; j++) result[i][j] *= inverse;
    if (!p.stats || share.column > 0 || place.column > 0 || query + i >= s.queries) continue;
    float *const stats = p.stats + ((share.batch * s.heads + share.head) * s.queries + query + i) * 2;
    stats[0] = max[i];
    stats[1] = sum[i];
  }
  write_rows(head_rows(p.y, share.batch, s.queries, s.heads, share.head, s.value_size), share.first, share.column,
             result, 1);
}

}  // namespace
}  // namespace gpu

int run_attention(const AttentionArgs &args) {
  return gpu::with_floats(args.type, [&]<class T>() {
    const auto in = [](const void *x) { return static_cast<const T *>(x); };
    const AttentionShape &s = args.shape;
    return gpu::launch<gpu::attend<T>>(
        gpu::Share::count(s.batch, s.heads, s.queries, s.value_size), gpu::tile_threads, gpu::attention_bytes,
        gpu::Attention<T>{in(args.q), in(args.k), in(args.v), args.mask, static_cast<T *>(args.y), args.stats, s});
  });
}

}  // namespace dg
