// Attention: a block of queries of a head walks along the keys, block by block, with a running maximum and sum of its rows
// of scores, so that these need not be kept.
#include "attention.h"

#include "../../core/error.h"

namespace dg::DG_ISA {
namespace {

// What the rows of a block of queries came to so far.
struct Progress {
  float max[most_queries], sum[most_queries];
};

// A row of scores becomes exponentials relative to the new maximum, and what there was before is made relative to it.
void advance(float *scores, int64_t count, float &max, float &sum, float *result, int64_t size) {
  const float before = max;
  max = Max::join(before, reduce_row<Max>(scores, count));
  const float block = reduce_blocks<Sum, 16>(0, count, [=](int64_t i) {
    const auto e = map([=](auto v) { return exp_below(v - max); }, load_block<16>(scores + i, count - i, -infinity));
    store_block(scores + i, count - i, e);
    return e;
  });
  const float factor = exp_below(before - max);
  sum = fma_(sum, factor, block);
  if (factor == 1) return;
  for (int64_t j = 0; j < size; j += lanes) store(result + j, load(result + j) * factor);
}

class Forward {
 public:
  Forward(const AttentionArgs &args, int64_t batch, int64_t head, float *memory)
      : args_(args),
        s_(args.shape),
        batch_(batch),
        head_(head),
        q_(rows_of(args.q, s_.queries, s_.heads, head, s_.size)),
        k_(rows_of(args.k, s_.keys, s_.key_heads, key_head(), s_.size)),
        v_(rows_of(args.v, s_.keys, s_.key_heads, key_head(), s_.value_size)) {
    Parts parts(memory);
    queries_ = parts.take(most_queries * padded(s_.size));
    keys_ = parts.take(most_keys * s_.size + lanes);
    values_ = parts.take(most_keys * padded(s_.value_size));
    scores_ = parts.take(most_queries * score_line);
    result_ = parts.take(most_queries * padded(s_.value_size));
  }
  static int64_t floats(const AttentionShape &s) {
    return Parts::of(most_queries * padded(s.size), most_keys * s.size + lanes, most_keys * padded(s.value_size),
                     most_queries * score_line, most_queries * padded(s.value_size));
  }

  // The results of `count` queries from `first` on.
  void run(int64_t first, int64_t count) {
    const int64_t size = padded(s_.value_size);
    Progress rows;
    for (int64_t i = 0; i < count; i++) {
      rows.max[i] = -infinity;
      rows.sum[i] = 0;
    }
    for (int64_t i = 0; i < count * size; i += lanes) store(result_ + i, FloatLanes{});
    copy_rows(q_, first, count, s_.size, s_.scale, queries_);
    for (int64_t key = 0; key < s_.keys; key += most_keys) {
      if (key >= keys_in_sight(s_, first + count - 1) && all_saw_keys(rows, count)) break;
      add_keys(first, count, key, smaller(s_.keys - key, most_keys), rows);
    }
    finish(first, count, rows);
  }

 private:
  HeadRows<const float> rows_of(const void *data, int64_t rows, int64_t heads, int64_t head, int64_t size) const {
    return head_rows(static_cast<const float *>(data), batch_, rows, heads, head, size);
  }
  int64_t key_head() const { return head_ / (s_.heads / s_.key_heads); }

  // Keys that causality hides from all are left out, unless they are to weigh alike with all others.
  static bool all_saw_keys(const Progress &rows, int64_t count) {
    for (int64_t i = 0; i < count; i++)
      if (!(rows.max[i] > hidden_score)) return false;
    return true;
  }

  void add_keys(int64_t first, int64_t count, int64_t key, int64_t keys, Progress &rows) {
    const int64_t size = padded(s_.value_size), query_line = padded(s_.size);
    turn_rows(k_, key, keys, s_.size, keys_);
    copy_rows(v_, key, keys, s_.value_size, 1, values_);
    multiply({queries_, query_line, 1}, count, turned(keys_, s_.size), keys, s_.size, scores_, score_line, false);
    for (int64_t i = 0; i < count; i++) {
      float *const scores = scores_ + i * score_line;
      const uint8_t *const mask = args_.mask ? mask_row(s_, args_.mask, batch_, head_, first + i) : nullptr;
      hide(scores, mask, key, keys, keys_in_sight(s_, first + i));
      advance(scores, keys, rows.max[i], rows.sum[i], result_ + i * size, size);
    }
    multiply({scores_, score_line, 1}, count, straight(values_, s_.value_size), s_.value_size, keys, result_, size,
             true);
  }

  void finish(int64_t first, int64_t count, const Progress &rows) const {
    const auto y = head_rows(static_cast<float *>(args_.y), batch_, s_.queries, s_.heads, head_, s_.value_size);
    for (int64_t i = 0; i < count; i++) {
      float *const row = result_ + i * padded(s_.value_size);
      const float inverse = 1 / rows.sum[i];
      for (int64_t j = 0; j < s_.value_size; j += lanes) store(row + j, load(row + j) * inverse);
      copy_row(row, y.row(first + i), static_cast<int>(s_.value_size));
      if (!args_.stats) continue;
      float *const stats = args_.stats + ((batch_ * s_.heads + head_) * s_.queries + first + i) * 2;
      stats[0] = rows.max[i];
      stats[1] = rows.sum[i];
    }
  }

  const AttentionArgs &args_;
  const AttentionShape &s_;
  const int64_t batch_, head_;
  const HeadRows<const float> q_, k_, v_;
  float *queries_, *keys_, *values_, *scores_, *result_;
};

}  // namespace

int run_attention(const AttentionArgs &args) {
  const AttentionShape &s = args.shape;
  const int64_t blocks = divide_up(s.queries, most_queries);
  const int64_t work = smaller(s.queries, most_queries) * s.keys * (s.size + s.value_size);
  int status = 0;
  parallel_for(s.batch * s.heads * blocks, divide_up(piece_work, work), [&](int64_t begin, int64_t end) {
    float *const memory = gemm_room(Forward::floats(s));
    if (!memory) return __atomic_store_n(&status, DG_E_MEMORY, __ATOMIC_RELAXED);
    for (; begin < end; begin++) {
      const int64_t head = begin / blocks, first = begin % blocks * most_queries;
      Forward(args, head / s.heads, head % s.heads, memory).run(first, smaller(s.queries - first, most_queries));
    }
  });
  return status ? fail(status, "Out of memory: attention has no room for a block of its scores") : 0;
}

}  // namespace dg::DG_ISA
