// Entries: attention.
#include "../math/attention.h"
#include "api.h"

using namespace dg;

namespace dg {
namespace {

// The sizes in scratch, and whether the arrays that both entries take have them.
int attention_shape(AttentionShape &shape, const Array &q, const Array &k, const Array &v, const Array *mask,
                    float scale, int causal) {
  constexpr const char *names[] = {"batch", "queries", "keys", "heads", "key heads", "size", "value size"};
  double size[10];
  for (int i = 0; i < 10; i++) size[i] = context().scratch[i];
  for (int i = 0; i < 7; i++)
    DG_REQUIRE(whole(size[i]) && size[i] >= (i > 0) && size[i] <= (i < 5 ? INT32_MAX : largest_head), "The ", names[i],
               " must be a whole number from ", i > 0 ? 1 : 0, " to ", i < 5 ? INT32_MAX : largest_head, ", got ",
               size[i]);
  const auto [batch, queries, keys, heads, key_heads, width, value_width, mask_batch, mask_heads, mask_queries] = size;
  const auto n = [](double v) { return static_cast<int64_t>(v); };
  DG_REQUIRE(n(heads) % n(key_heads) == 0, "The ", heads, " heads must be a multiple of the ", key_heads, " key heads");
  DG_REQUIRE(causal == 0 || causal == 1, "causal must be 0 or 1, got ", causal);
  DG_TRY(need_floats(q, "The queries"));
  DG_TRY(need_type(k, q.dtype, "The keys"));
  DG_TRY(need_type(v, q.dtype, "The values"));
  DG_TRY(need_count(q, batch * queries * (heads * width), "The queries"));
  DG_TRY(need_count(k, batch * keys * (key_heads * width), "The keys"));
  DG_TRY(need_count(v, batch * keys * (key_heads * value_width), "The values"));
  shape = {n(batch), n(queries), n(keys), n(heads), n(key_heads), n(width), n(value_width), 0, 0, 0, scale, causal};
  if (!mask) return 0;
  DG_TRY(need_type(*mask, DG_BOOL, "The mask"));
  const auto fits = [](double of_mask, double whole) { return of_mask == 1 || of_mask == whole; };
  DG_REQUIRE(fits(mask_batch, batch) && fits(mask_heads, heads) && fits(mask_queries, queries), "A mask of batch ",
             mask_batch, ", ", mask_heads, " heads and ", mask_queries, " queries does not fit batch ", batch, ", ",
             heads, " heads and ", queries, " queries");
  DG_TRY(need_count(*mask, mask_batch * mask_heads * (mask_queries * keys), "The mask"));
  shape.mask_batch = n(mask_batch);
  shape.mask_heads = n(mask_heads);
  shape.mask_queries = n(mask_queries);
  return 0;
}

// Whether all arrays (null: left out) are on one device, and outputs apart from inputs and from one another.
int placed(std::initializer_list<const Array *> inputs, std::initializer_list<const Array *> outputs) {
  for (const auto &arrays : {inputs, outputs})
    for (const Array *a : arrays)
      if (a) DG_TRY(same_device(**inputs.begin(), *a));
  return all_apart(outputs, inputs);
}

double stats_count(const AttentionShape &s) {
  return static_cast<double>(s.batch) * static_cast<double>(s.heads) * static_cast<double>(s.queries) * 2;
}
double results(const AttentionShape &s) {
  return static_cast<double>(s.batch * s.queries) * static_cast<double>(s.heads * s.value_size);
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_attention(int q_, int k_, int v_, int mask_, int y_, int stats_, float scale, int causal) {
  Entry entry;
  DG_OPERAND(q, q_);
  DG_OPERAND(k, k_);
  DG_OPERAND(v, v_);
  DG_OPTIONAL(mask, mask_);
  DG_OPERAND(y, y_);
  DG_OPTIONAL(stats, stats_);
  AttentionArgs args{};
  DG_TRY(attention_shape(args.shape, *q, *k, *v, mask, scale, causal));
  DG_TRY(need_type(*y, q->dtype, "The output"));
  DG_TRY(need_count(*y, results(args.shape), "The output"));
  if (stats) {
    DG_TRY(need_type(*stats, DG_FLOAT32, "The statistics"));
    DG_TRY(need_count(*stats, stats_count(args.shape), "The statistics"));
  }
  DG_TRY(placed({q, k, v, mask}, {y, stats}));
  if (args.shape.batch == 0) return 0;
  args.type = q->dtype;
  args.q = q->data();
  args.k = k->data();
  args.v = v->data();
  args.mask = mask ? reinterpret_cast<const uint8_t *>(mask->data()) : nullptr;
  args.y = y->data();
  args.stats = stats ? reinterpret_cast<float *>(stats->data()) : nullptr;
  return DG_SUBMIT(q->device(), AttentionArgs, attention, args);
}

int dg_attention_grad(int q_, int k_, int v_, int mask_, int y_, int stats_, int dy_, int dq_, int dk_, int dv_,
                      float scale, int causal) {
  Entry entry;
  DG_OPERAND(q, q_);
  DG_OPERAND(k, k_);
  DG_OPERAND(v, v_);
  DG_OPTIONAL(mask, mask_);
  DG_OPERAND(y, y_);
  DG_OPERAND(stats, stats_);
  DG_OPERAND(dy, dy_);
  DG_OPERAND(dq, dq_);
  DG_OPERAND(dk, dk_);
  DG_OPERAND(dv, dv_);
  AttentionGradArgs args{};
  DG_TRY(attention_shape(args.shape, *q, *k, *v, mask, scale, causal));
  const auto like = [&](const Array &a, Dtype type, double count, const char *what) {
    DG_TRY(need_type(a, type, what));
    return need_count(a, count, what);
  };
  const Dtype type = q->dtype;
  DG_TRY(like(*y, type, results(args.shape), "The result"));
  DG_TRY(like(*stats, DG_FLOAT32, stats_count(args.shape), "The statistics"));
  DG_TRY(like(*dy, type, results(args.shape), "The upstream gradient"));
  DG_TRY(like(*dq, type, static_cast<double>(q->count), "The queries' gradient"));
  DG_TRY(like(*dk, type, static_cast<double>(k->count), "The keys' gradient"));
  DG_TRY(like(*dv, type, static_cast<double>(v->count), "The values' gradient"));
  DG_TRY(placed({q, k, v, mask, y, stats, dy}, {dq, dk, dv}));
  if (args.shape.batch == 0) return 0;
  args.type = type;
  args.q = q->data();
  args.k = k->data();
  args.v = v->data();
  args.mask = mask ? reinterpret_cast<const uint8_t *>(mask->data()) : nullptr;
  args.y = y->data();
  args.stats = reinterpret_cast<const float *>(stats->data());
  args.dy = dy->data();
  args.dq = dq->data();
  args.dk = dk->data();
  args.dv = dv->data();
  return DG_SUBMIT(q->device(), AttentionGradArgs, attention_grad, args);
}

}  // extern "C"
