// Attention: a block of queries of a head walks along the keys, block by block, with a running maximum and sum of its rows
// of scores, so that these need not be kept.
#include "attention.h"

#include "../../core/error.h"

namespace dg::DG_ISA {
namespace {

// What the rows of a block of queries came to so far, and what became of it with the last block of keys.
struct Progress {
  float max[most_queries], sum[most_queries], factor[most_queries];

  explicit Progress(int64_t count) {
    for (int64_t i = 0; i < count; i++) {
      max[i] = -infinity;
      sum[i] = 0;
    }
  }
  // Rows of scores become exponentials relative to the new maximum; by factor, what there was before is relative to it,
  // too. Pass by pass, so that rows need not wait for each other, and in whole blocks: rows have room for them.
  void advance(float *scores, int64_t count, int64_t keys) {
    constexpr int width = 32;
    const int64_t whole = divide_up(keys, width) * width;
    for (int64_t i = 0; i < count; i++) {
      float *const row = scores + i * score_line;
      for (int64_t j = keys; j < whole; j++) row[j] = -infinity;
      Block<width> most = splat_block<width>(max[i]);
      for (int64_t j = 0; j < whole; j += width) most = add_block<Max>(most, load_block<width>(row + j));
      factor[i] = max[i];
      max[i] = fold<Max>(most);
    }
    for (int64_t i = 0; i < count; i += lanes) store(factor + i, exp_below(load(factor + i) - load(max + i)));
    for (int64_t i = 0; i < count; i++) {
      float *const row = scores + i * score_line;
      const FloatLanes highest = splat<FloatLanes>(max[i]);
      Block<width> block = splat_block<width>(0);
      for (int64_t j = 0; j < whole; j += width) {
        const auto e = map([=](auto v) { return exp_below(v - highest); }, load_block<width>(row + j));
        store_block(row + j, width, e);
        block = add_block<Sum>(block, e);
      }
      sum[i] = fma_(sum[i], factor[i], fold<Sum>(block));
    }
  }
};

class Forward {
 public:
  Forward(const AttentionArgs &args, float *memory) : args_(args), s_(args.shape), parts_(memory) {
    queries_ = parts_.take(most_queries * padded(s_.size));
    scores_ = parts_.take(most_queries * score_line);
    result_ = parts_.take(most_queries * padded(s_.value_size));
    keys_ = parts_.take(padded(s_.keys) * s_.size + lanes);
    values_ = parts_.take(s_.keys * padded(s_.value_size));
  }
  // Floats of memory that it needs.
  int64_t floats() const { return parts_.taken(); }

  // The head of which results are wanted next: all its keys and values are put in order once.
  void begin(int64_t batch, int64_t head) {
    if (batch == batch_ && head == head_) return;
    batch_ = batch;
    head_ = head;
    const int64_t key_head = head / (s_.heads / s_.key_heads);
    const auto of_keys = [&](const void *data, int64_t size) {
      return head_rows(static_cast<const float *>(data), batch, s_.keys, s_.key_heads, key_head, size);
    };
    turn_rows(of_keys(args_.k, s_.size), s_.keys, s_.size, keys_);
    copy_rows(of_keys(args_.v, s_.value_size), 0, s_.keys, s_.value_size, 1, values_);
  }

  // The results of `count` queries from `first` on.
  void run(int64_t first, int64_t count) {
    Progress rows(count);
    memset(result_, 0, count * padded(s_.value_size) * sizeof(float));
    copy_rows(head_rows(static_cast<const float *>(args_.q), batch_, s_.queries, s_.heads, head_, s_.size), first,
              count, s_.size, s_.scale, queries_);
    for (int64_t key = 0; key < s_.keys; key += most_keys) {
      if (key >= keys_in_sight(s_, first + count - 1) && all_saw_keys(rows, count)) break;
      add_keys(first, count, key, smaller(s_.keys - key, most_keys), rows);
    }
    finish(first, count, rows);
  }

 private:
  // Keys that causality hides from all are left out, unless they are to weigh alike with all others.
  static bool all_saw_keys(const Progress &rows, int64_t count) {
    for (int64_t i = 0; i < count; i++)
      if (!(rows.max[i] > hidden_score)) return false;
    return true;
  }

  void add_keys(int64_t first, int64_t count, int64_t key, int64_t keys, Progress &rows) {
    const int64_t size = padded(s_.value_size);
    multiply({queries_, padded(s_.size), 1}, count, turned(keys_, key, s_.size), keys, s_.size, scores_, score_line,
             false);
    for (int64_t i = 0; i < count; i++) {
      const uint8_t *const mask = args_.mask ? mask_row(s_, args_.mask, batch_, head_, first + i) : nullptr;
      hide(scores_ + i * score_line, mask, key, keys, keys_in_sight(s_, first + i));
    }
    rows.advance(scores_, count, keys);
    for (int64_t i = 0; i < count; i++) {
      if (rows.factor[i] == 1) continue;
      for (float *to = result_ + i * size; to < result_ + (i + 1) * size; to += lanes)
        store(to, load(to) * rows.factor[i]);
    }
    multiply({scores_, score_line, 1}, count, straight(values_, key, s_.value_size), s_.value_size, keys, result_, size,
             true);
  }

  void finish(int64_t first, int64_t count, const Progress &rows) const {
    const int64_t size = padded(s_.value_size);
    const auto y = head_rows(static_cast<float *>(args_.y), batch_, s_.queries, s_.heads, head_, s_.value_size);
    float *const stats = args_.stats ? stats_of(args_.stats, s_, batch_, head_, first) : nullptr;
    for (int64_t i = 0; i < count; i++) {
      float *const row = result_ + i * size;
      const float inverse = 1 / rows.sum[i];
      for (int64_t j = 0; j < size; j += lanes) store(row + j, load(row + j) * inverse);
      copy_row(row, y.row(first + i), static_cast<int>(s_.value_size));
      if (!stats) continue;
      stats[2 * i] = rows.max[i];
      stats[2 * i + 1] = rows.sum[i];
    }
  }

  const AttentionArgs &args_;
  const AttentionShape &s_;
  Parts parts_;
  int64_t batch_ = -1, head_ = -1;
  float *queries_, *scores_, *result_, *keys_, *values_;
};

}  // namespace

int run_attention(const AttentionArgs &args) {
  const AttentionShape &s = args.shape;
  const int64_t heads = s.batch * s.heads, blocks = divide_up(s.queries, most_queries);
  const int64_t work = smaller(s.queries, most_queries) * s.keys * (s.size + s.value_size);
  // Where there are heads enough for all threads, one is not cut, so that its keys are put in order once.
  constexpr int64_t many_heads = 64;
  const int64_t least = heads >= many_heads ? blocks : 1, fair = divide_up(piece_work, work);
  const int64_t floats = Forward(args, nullptr).floats();
  int status = 0;
  parallel_for(heads * blocks, fair > least ? fair : least, [&](int64_t i, int64_t end) {
    float *const memory = gemm_room(floats);
    if (!memory) return __atomic_store_n(&status, DG_E_MEMORY, __ATOMIC_RELAXED);
    Forward forward(args, memory);
    for (; i < end; i++) {
      const int64_t head = i / blocks, first = i % blocks * most_queries;
      forward.begin(head / s.heads, head % s.heads);
      forward.run(first, smaller(s.queries - first, most_queries));
    }
  });
  return status ? fail(status, "Out of memory: attention has no room to arrange its keys") : 0;
}

}  // namespace dg::DG_ISA
