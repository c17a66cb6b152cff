// The gradient of attention: the weights are computed again from the scores' maxima and sums, block by block of keys and
// queries. One task has all that shares a head of keys, so that every sum has one order.
#include "../../core/error.h"
#include "attention.h"

namespace dg::DG_ISA {
namespace {

class Backward {
 public:
  Backward(const AttentionGradArgs &args, float *memory) : args_(args), s_(args.shape), parts_(memory) {
    const int64_t line = padded(s_.size), value_line = padded(s_.value_size);
    weights_ = parts_.take(most_queries * score_line);
    grads_ = parts_.take(most_queries * score_line);
    queries_ = parts_.take(s_.queries * line);
    upstream_ = parts_.take(s_.queries * value_line);
    products_ = parts_.take(s_.queries);
    keys_ = parts_.take(s_.keys * line);
    turned_keys_ = parts_.take(padded(s_.keys) * s_.size + lanes);
    turned_values_ = parts_.take(padded(s_.keys) * s_.value_size + lanes);
    dq_ = parts_.take(s_.queries * line);
    dk_ = parts_.take(s_.keys * line);
    dv_ = parts_.take(s_.keys * value_line);
  }
  // Floats of memory that it needs.
  int64_t floats() const { return parts_.taken(); }

  // All gradients of a head of keys and of the heads of queries that share it.
  void run(int64_t batch, int64_t key_head) {
    const auto k = of_keys(static_cast<const float *>(args_.k), batch, key_head, s_.size);
    const auto v = of_keys(static_cast<const float *>(args_.v), batch, key_head, s_.value_size);
    copy_rows(k, 0, s_.keys, s_.size, s_.scale, keys_);
    turn_rows(k, s_.keys, s_.size, turned_keys_);
    turn_rows(v, s_.keys, s_.value_size, turned_values_);
    memset(dk_, 0, s_.keys * padded(s_.size) * sizeof(float));
    memset(dv_, 0, s_.keys * padded(s_.value_size) * sizeof(float));
    const int64_t group = s_.heads / s_.key_heads;
    for (int64_t head = key_head * group; head < (key_head + 1) * group; head++) {
      begin(batch, head);
      for (int64_t key = 0; key < s_.keys; key += most_keys)
        for (int64_t query = 0; query < s_.queries; query += most_queries)
          add_block(query, smaller(s_.queries - query, most_queries), key, smaller(s_.keys - key, most_keys));
      write_rows(dq_, of_queries(static_cast<float *>(args_.dq), s_.size), s_.queries, s_.size);
    }
    write_rows(dk_, of_keys(static_cast<float *>(args_.dk), batch, key_head, s_.size), s_.keys, s_.size);
    write_rows(dv_, of_keys(static_cast<float *>(args_.dv), batch, key_head, s_.value_size), s_.keys, s_.value_size);
  }

 private:
  template <class T>
  HeadRows<T> of_keys(T *data, int64_t batch, int64_t key_head, int64_t size) const {
    return head_rows(data, batch, s_.keys, s_.key_heads, key_head, size);
  }
  template <class T>
  HeadRows<T> of_queries(T *data, int64_t size) const {
    return head_rows(data, batch_, s_.queries, s_.heads, head_, size);
  }
  static void write_rows(const float *from, const HeadRows<float> &to, int64_t count, int64_t size) {
    for (int64_t i = 0; i < count; i++) copy_row(from + i * padded(size), to.row(i), static_cast<int>(size));
  }

  void begin(int64_t batch, int64_t head) {
    batch_ = batch;
    head_ = head;
    stats_ = stats_of(args_.stats, s_, batch, head, 0);
    const auto y = of_queries(static_cast<const float *>(args_.y), s_.value_size);
    const auto dy = of_queries(static_cast<const float *>(args_.dy), s_.value_size);
    copy_rows(of_queries(static_cast<const float *>(args_.q), s_.size), 0, s_.queries, s_.size, s_.scale, queries_);
    copy_rows(dy, 0, s_.queries, s_.value_size, 1, upstream_);
    memset(dq_, 0, s_.queries * padded(s_.size) * sizeof(float));
    // The sum of dy y, which is that of a query's weights and their gradients too.
    for (int64_t i = 0; i < s_.queries; i++) {
      const float *const a = y.row(i), *const b = dy.row(i);
      products_[i] = reduce_blocks<Sum, 16>(0, s_.value_size, [=, this](int64_t j) {
        return map([](auto g, auto v) { return g * v; }, load_block<16>(b + j, s_.value_size - j, 0),
                   load_block<16>(a + j, s_.value_size - j, 0));
      });
    }
  }

  // Keys that causality hides from all these queries are nothing to them, unless all weigh alike.
  bool apart(int64_t query, int64_t queries, int64_t key) const {
    if (key < keys_in_sight(s_, query + queries - 1)) return false;
    for (int64_t i = query; i < query + queries; i++)
      if (!(stats_[2 * i] > hidden_score)) return false;
    return true;
  }

  void add_block(int64_t query, int64_t queries, int64_t key, int64_t keys) {
    if (apart(query, queries, key)) return;
    const int64_t size = s_.size, value_size = s_.value_size, line = padded(size), value_line = padded(value_size);
    multiply({queries_ + query * line, line, 1}, queries, turned(turned_keys_, key, size), keys, size, weights_,
             score_line, false);
    multiply({upstream_ + query * value_line, value_line, 1}, queries, turned(turned_values_, key, value_size), keys,
             value_size, grads_, score_line, false);
    for (int64_t i = 0; i < queries; i++) weigh(query + i, i, key, keys);
    multiply({weights_, 1, score_line}, keys, straight(upstream_, query, value_size), value_size, queries,
             dv_ + key * value_line, value_line, true);
    multiply({grads_, 1, score_line}, keys, straight(queries_, query, size), size, queries, dk_ + key * line, line,
             true);
    multiply({grads_, score_line, 1}, queries, straight(keys_, key, size), size, keys, dq_ + query * line, line, true);
  }

  // Row `at` of the block: scores become weights, and the gradients of weights those of scores.
  void weigh(int64_t query, int64_t at, int64_t key, int64_t keys) {
    float *const p = weights_ + at * score_line, *const g = grads_ + at * score_line;
    const uint8_t *const mask = args_.mask ? mask_row(s_, args_.mask, batch_, head_, query) : nullptr;
    hide(p, mask, key, keys, keys_in_sight(s_, query));
    const float max = stats_[2 * query], inverse = 1 / stats_[2 * query + 1], sum = products_[query];
    for (int64_t j = 0; j < keys; j += lanes) {
      const FloatLanes weight = exp_below(load(p + j) - max) * inverse;
      store(p + j, weight);
      store(g + j, score_grad(load(g + j), weight, sum, max));
    }
  }

  const AttentionGradArgs &args_;
  const AttentionShape &s_;
  Parts parts_;
  int64_t batch_, head_;
  const float *stats_;
  float *weights_, *grads_, *queries_, *upstream_, *products_, *keys_, *turned_keys_, *turned_values_;
  float *dq_, *dk_, *dv_;
};

}  // namespace

int run_attention_grad(const AttentionGradArgs &args) {
  const AttentionShape &s = args.shape;
  const int64_t work = s.heads / s.key_heads * s.queries * s.keys * (s.size + s.value_size);
  const int64_t floats = Backward(args, nullptr).floats();
  int status = 0;
  parallel_for(s.batch * s.key_heads, divide_up(piece_work, work), [&](int64_t i, int64_t end) {
    float *const memory = gemm_room(floats);
    if (!memory) return __atomic_store_n(&status, DG_E_MEMORY, __ATOMIC_RELAXED);
    Backward backward(args, memory);
    for (; i < end; i++) backward.run(i / s.key_heads, i % s.key_heads);
  });
  return status ? fail(status, "Out of memory: the gradient of attention has no room to arrange its operands") : 0;
}

}  // namespace dg::DG_ISA
