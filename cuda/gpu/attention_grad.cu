// The gradient of attention: weights are computed again from the scores' maxima and sums. A block of threads has 64 queries and
// walks along the keys, or 64 keys and walks along the queries of all heads that share them, so that every sum has one order.
#include "../math/reductions.h"
#include "attention_tile.h"

namespace dg {
namespace gpu {
namespace {

template <class T>
struct AttentionGrad {
  const T *q, *k, *v;
  const uint8_t *mask;
  const T *y;
  const float *stats;
  const T *dy;
  T *result;  // dq, dk or dv
  AttentionShape s;
};

// What the scores of a head's queries with its keys are computed again from.
template <class T>
class Weights {
 public:
  __device__ Weights(const AttentionGrad<T> &p, int64_t batch, int64_t head, float *slices)
      : q(head_rows(p.q, batch, p.s.queries, p.s.heads, head, p.s.size)),
        k(head_rows(p.k, batch, p.s.keys, p.s.key_heads, head / (p.s.heads / p.s.key_heads), p.s.size)),
        dy(head_rows(p.dy, batch, p.s.queries, p.s.heads, head, p.s.value_size)),
        p_(p),
        batch_(batch),
        head_(head),
        y_(head_rows(p.y, batch, p.s.queries, p.s.heads, head, p.s.value_size)),
        v_(head_rows(p.v, batch, p.s.keys, p.s.key_heads, head / (p.s.heads / p.s.key_heads), p.s.value_size)),
        slices_(slices) {}

  const HeadRows<const T> q, k, dy;

  // Goes on to the queries from `first` on.
  __device__ void begin(int64_t first) {
    const Place place;
    first_ = first;
    for (int i = 0; i < each; i++) {
      const int64_t query = first + place.row + i;
      const bool there = query < p_.s.queries;
      const float *const stats = p_.stats + ((batch_ * p_.s.heads + head_) * p_.s.queries + (there ? query : 0)) * 2;
      max_[i] = there ? stats[0] : 0;
      inverse_[i] = there ? 1 / stats[1] : 0;
      // The sum of dy y, which is that of a query's weights and their gradients too.
      float sum = 0;
      for (int64_t c = place.column / each; c < dy.size; c += row_threads)
        sum = fma_(value_at(dy, query, c), value_at(y_, query, c), sum);
      sum_[i] = join_row<Sum>(sum);
    }
  }
  // The weights of keys from `key` on; 0 where there is no such query or key.
  __device__ void weigh(float (&weight)[each][each], int64_t key) const {
    const Place place;
    row_products(weight, q, first_, p_.s.scale, k, key, slices_);
    hide(weight, p_.s, p_.mask, batch_, head_, first_ + place.row, key + place.column);
    for (int i = 0; i < each; i++)
      for (int j = 0; j < each; j++) weight[i][j] = exp_below(weight[i][j] - max_[i]) * inverse_[i];
  }
  // The gradients of their scores.
  __device__ void grads(float (&grad)[each][each], int64_t key) const {
    float weight[each][each];
    weigh(weight, key);
    row_products(grad, dy, first_, 1, v_, key, slices_);
    for (int i = 0; i < each; i++)
      for (int j = 0; j < each; j++) grad[i][j] = score_grad(grad[i][j], weight[i][j], sum_[i], max_[i]);
  }

 private:
  const AttentionGrad<T> &p_;
  const int64_t batch_, head_;
  const HeadRows<const T> y_, v_;
  float *const slices_;
  int64_t first_;
  float max_[each], inverse_[each], sum_[each];
};

template <class T>
__global__ void __launch_bounds__(tile_threads) grad_of_queries(const AttentionGrad<T> __grid_constant__ p) {
  DG_SHARED(float, shared);
  float *const tile = shared + 2 * slice_size;
  const AttentionShape &s = p.s;
  const Share share(s.heads, s.queries, s.size);
  const Place place;
  Weights<T> weights(p, share.batch, share.head, shared);
  weights.begin(share.first);
  float result[each][each] = {};
  const int64_t keys = keys_in_sight(s, share.first + side - 1);
  for (int64_t key = 0; key < keys; key += side) {
    float grad[each][each];
    weights.grads(grad, key);
    for (int i = 0; i < each; i++)
      for (int j = 0; j < each; j++) tile[(place.column + j) * pitch + place.row + i] = grad[i][j];
    add_rows(result, tile, weights.k, key, share.column, shared);
  }
  write_rows(head_rows(p.result, share.batch, s.queries, s.heads, share.head, s.size), share.first, share.column,
             result, s.scale);
}

// dv = weights' . dy; dk = scale * (gradients of scores)' . q
template <class T, bool of_values>
__global__ void __launch_bounds__(tile_threads) grad_of_keys(const AttentionGrad<T> __grid_constant__ p) {
  DG_SHARED(float, shared);
  float *const tile = shared + 2 * slice_size;
  const AttentionShape &s = p.s;
  const int64_t size = of_values ? s.value_size : s.size, group = s.heads / s.key_heads;
  const Share share(s.key_heads, s.keys, size);
  const Place place;
  float result[each][each] = {};
  // Queries before the keys do not see them. Their weights are 0 then, unless a mask hides all others, too.
  const int64_t begin = s.causal && !(of_values && p.mask) ? share.first : 0;
  for (int64_t head = share.head * group; head < (share.head + 1) * group; head++) {
    Weights<T> weights(p, share.batch, head, shared);
    for (int64_t query = begin; query < s.queries; query += side) {
      float value[each][each];
      weights.begin(query);
      if constexpr (of_values)
        weights.weigh(value, share.first);
      else
        weights.grads(value, share.first);
      for (int i = 0; i < each; i++)
        for (int j = 0; j < each; j++) tile[(place.row + i) * pitch + place.column + j] = value[i][j];
      add_rows(result, tile, of_values ? weights.dy : weights.q, query, share.column, shared);
    }
  }
  write_rows(head_rows(p.result, share.batch, s.keys, s.key_heads, share.head, size), share.first, share.column, result,
             of_values ? 1 : s.scale);
}

template <auto kernel, class T>
int launch_grad(const AttentionGrad<T> &p, int64_t heads, int64_t rows, int64_t columns) {
  return launch<kernel>(Share::count(p.s.batch, heads, rows, columns), tile_threads, attention_bytes, p);
}

}  // namespace
}  // namespace gpu

int run_attention_grad(const AttentionGradArgs &args) {
  return gpu::with_floats(args.type, [&]<class T>() {
    const auto in = [](const void *x) { return static_cast<const T *>(x); };
    const AttentionShape &s = args.shape;
    const auto into = [&](void *result) {
      return gpu::AttentionGrad<T>{in(args.q), in(args.k), in(args.v),  args.mask,
                                   in(args.y), args.stats, in(args.dy), static_cast<T *>(result),
                                   s};
    };
    if (int failed = gpu::launch_grad<gpu::grad_of_queries<T>>(into(args.dq), s.heads, s.queries, s.size))
      return failed;
    if (int failed = gpu::launch_grad<gpu::grad_of_keys<T, false>>(into(args.dk), s.key_heads, s.keys, s.size))
      return failed;
    return gpu::launch_grad<gpu::grad_of_keys<T, true>>(into(args.dv), s.key_heads, s.keys, s.value_size);
  });
}

}  // namespace dg
