// What is one score of attention, and what becomes of it? See dg_attention.
#pragma once
#include "../core/args.h"
#include "softmax.h"

namespace dg {

constexpr int largest_head = 1 << 16;  // values of a key: blocks of them fit memory

// The score of keys that do not count: so low that next to any other it weighs nothing.
constexpr float hidden_score = -0x1p100f;

// Keys that causality lets a query see, which are the first ones.
DG_HD int64_t keys_in_sight(const AttentionShape &s, int64_t query) {
  return s.causal && query + 1 < s.keys ? query + 1 : s.keys;
}

// The mask's row for a query of a head.
DG_HD const uint8_t *mask_row(const AttentionShape &s, const uint8_t *mask, int64_t batch, int64_t head,
                              int64_t query) {
  const int64_t b = s.mask_batch == 1 ? 0 : batch, h = s.mask_heads == 1 ? 0 : head;
  return mask + ((b * s.mask_heads + h) * s.mask_queries + (s.mask_queries == 1 ? 0 : query)) * s.keys;
}

// The gradient of a score, whose weight is p, from that of the weight. Hidden scores are constants: their weights are 0
// already, unless the whole row (whose largest score is `max`) is hidden.
template <class V>
DG_HD V score_grad(V dp, V p, float sum, float max) {
  return max > hidden_score ? p * (dp - sum) : V{};
}

}  // namespace dg
