// The gradient of attention: the weights are computed again from the scores' maxima and sums, block by block of keys and
// queries. One task has all that shares a head of keys, so that every sum has one order.
#include "../../core/error.h"
#include "attention.h"

namespace dg::DG_ISA {
namespace {

class Backward {
 public:
  Backward(const AttentionGradArgs &args, int64_t batch, int64_t key_head, float *memory)
      : args_(args), s_(args.shape), batch_(batch), key_head_(key_head) {
    Parts parts(memory);
    queries_ = parts.take(most_queries * padded(s_.size));
    upstream_ = parts.take(most_queries * padded(s_.value_size));
    keys_ = parts.take(most_keys * padded(s_.size));
    turned_keys_ = parts.take(most_keys * s_.size + lanes);
    turned_values_ = parts.take(most_keys * s_.value_size + lanes);
    weights_ = parts.take(most_queries * score_line);
    grads_ = parts.take(most_queries * score_line);
    products_ = parts.take(group() * s_.queries);
  }
  static int64_t floats(const AttentionShape &s) {
    return Parts::of(most_queries * padded(s.size), most_queries * padded(s.value_size), most_keys * padded(s.size),
                     most_keys * s.size + lanes, most_keys * s.value_size + lanes, most_queries * score_line,
                     most_queries * score_line, s.heads / s.key_heads * s.queries);
  }

  void run() {
    const auto k = of_keys(args_.k, s_.size), v = of_keys(args_.v, s_.value_size);
    const auto dk = of_keys(args_.dk, s_.size), dv = of_keys(args_.dv, s_.value_size);
    clear(dk, s_.keys, s_.size);
    clear(dv, s_.keys, s_.value_size);
    for (int64_t i = 0; i < group(); i++) prepare(i);
    for (int64_t key = 0; key < s_.keys; key += most_keys) {
      const int64_t keys = smaller(s_.keys - key, most_keys);
      copy_rows(k, key, keys, s_.size, s_.scale, keys_);
      turn_rows(k, key, keys, s_.size, turned_keys_);
      turn_rows(v, key, keys, s_.value_size, turned_values_);
      for (int64_t i = 0; i < group(); i++)
        for (int64_t query = 0; query < s_.queries; query += most_queries)
          add_block(i, query, smaller(s_.queries - query, most_queries), key, keys, dk.row(key), dv.row(key));
    }
  }

 private:
  int64_t group() const { return s_.heads / s_.key_heads; }
  int64_t head(int64_t i) const { return key_head_ * group() + i; }
  HeadRows<const float> of_keys(const void *data, int64_t size) const {
    return head_rows(static_cast<const float *>(data), batch_, s_.keys, s_.key_heads, key_head_, size);
  }
  HeadRows<float> of_keys(void *data, int64_t size) const {
    return head_rows(static_cast<float *>(data), batch_, s_.keys, s_.key_heads, key_head_, size);
  }
  HeadRows<const float> of_queries(int64_t i, const void *data, int64_t size) const {
    return head_rows(static_cast<const float *>(data), batch_, s_.queries, s_.heads, head(i), size);
  }
  HeadRows<float> dq(int64_t i) const {
    return head_rows(static_cast<float *>(args_.dq), batch_, s_.queries, s_.heads, head(i), s_.size);
  }
  const float *stats(int64_t i, int64_t query) const {
    return args_.stats + ((batch_ * s_.heads + head(i)) * s_.queries + query) * 2;
  }
  static void clear(const HeadRows<float> &rows, int64_t count, int64_t size) {
    for (int64_t i = 0; i < count; i++) memset(rows.row(i), 0, size * sizeof(float));
  }

  // The sum of dy y of each query of the i-th head, which is that of the weights and their gradients too.
  void prepare(int64_t i) {
    clear(dq(i), s_.queries, s_.size);
    const auto y = of_queries(i, args_.y, s_.value_size), dy = of_queries(i, args_.dy, s_.value_size);
    for (int64_t query = 0; query < s_.queries; query++) {
      const float *const a = y.row(query), *const b = dy.row(query);
      products_[i * s_.queries + query] = reduce_blocks<Sum, 16>(0, s_.value_size, [=, this](int64_t j) {
        return map([](auto g, auto v) { return g * v; }, load_block<16>(b + j, s_.value_size - j, 0),
                   load_block<16>(a + j, s_.value_size - j, 0));
      });
    }
  }

  // Keys that causality hides from all these queries are nothing to them, unless all weigh alike.
  bool apart(int64_t i, int64_t query, int64_t queries, int64_t key) const {
    if (key < keys_in_sight(s_, query + queries - 1)) return false;
    const float *const max = stats(i, query);
    for (int64_t j = 0; j < queries; j++)
      if (!(max[2 * j] > hidden_score)) return false;
    return true;
  }

  void add_block(int64_t i, int64_t query, int64_t queries, int64_t key, int64_t keys, float *dk, float *dv) {
    if (apart(i, query, queries, key)) return;
    const int64_t size = s_.size, value_size = s_.value_size, line = padded(size), value_line = padded(value_size);
    copy_rows(of_queries(i, args_.q, size), query, queries, size, s_.scale, queries_);
    copy_rows(of_queries(i, args_.dy, value_size), query, queries, value_size, 1, upstream_);
    multiply({queries_, line, 1}, queries, turned(turned_keys_, size), keys, size, weights_, score_line, false);
    multiply({upstream_, value_line, 1}, queries, turned(turned_values_, value_size), keys, value_size, grads_,
             score_line, false);
    for (int64_t j = 0; j < queries; j++) weigh(i, query + j, j, key, keys);
    const auto rows = dq(i);
    multiply({weights_, 1, score_line}, keys, straight(upstream_, value_size), value_size, queries, dv,
             s_.key_heads * value_size, true);
    multiply({grads_, 1, score_line}, keys, straight(queries_, size), size, queries, dk, s_.key_heads * size, true);
    multiply({grads_, score_line, 1}, queries, straight(keys_, size), size, keys, rows.row(query), rows.line, true);
  }

  // Row `at` of the block: scores become weights, and the gradients of weights those of scores.
  void weigh(int64_t i, int64_t query, int64_t at, int64_t key, int64_t keys) {
    float *const p = weights_ + at * score_line, *const g = grads_ + at * score_line;
    const uint8_t *const mask = args_.mask ? mask_row(s_, args_.mask, batch_, head(i), query) : nullptr;
    hide(p, mask, key, keys, keys_in_sight(s_, query));
    const float max = stats(i, query)[0], inverse = 1 / stats(i, query)[1];
    const float sum = products_[i * s_.queries + query];
    for (int64_t j = 0; j < keys; j += lanes) {
      const FloatLanes weight = exp_below(load(p + j) - max) * inverse;
      store(p + j, weight);
      store(g + j, score_grad(load(g + j), weight, sum, max));
    }
  }

  const AttentionGradArgs &args_;
  const AttentionShape &s_;
  const int64_t batch_, key_head_;
  float *queries_, *upstream_, *keys_, *turned_keys_, *turned_values_, *weights_, *grads_, *products_;
};

}  // namespace

int run_attention_grad(const AttentionGradArgs &args) {
  const AttentionShape &s = args.shape;
  const int64_t work = s.heads / s.key_heads * s.queries * s.keys * (s.size + s.value_size);
  int status = 0;
  parallel_for(s.batch * s.key_heads, divide_up(piece_work, work), [&](int64_t begin, int64_t end) {
    float *const memory = gemm_room(Backward::floats(s));
    if (!memory) return __atomic_store_n(&status, DG_E_MEMORY, __ATOMIC_RELAXED);
    for (; begin < end; begin++) Backward(args, begin / s.key_heads, begin % s.key_heads, memory).run();
  });
  return status ? fail(status, "Out of memory: the gradient of attention has no room for a block of its scores") : 0;
}

}  // namespace dg::DG_ISA
