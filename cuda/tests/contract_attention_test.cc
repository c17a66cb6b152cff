// Does attention work through the contract, called at once and replayed, and does it refuse what cannot be?
#include "both_ways.h"

namespace {

constexpr std::initializer_list<double> sizes = {1, 2, 2, 1, 1, 1, 2, 1, 1, 1};

// Two queries of two keys whose scores are 0 and ln 3, or hidden; numbers that 16-bit floats store exactly, but for roundings.
template <class T>
void attentions() {
  const float ln3 = 1.0986123f;
  const Array<T> q(stored<T>({1, 0})), k(stored<T>({0, ln3})), v(stored<T>({4, 8, 8, 0})), y(4), dq(2), dk(2), dv(4);
  const Array<T> dy(stored<T>({1, 0, 0, 1}));
  const Array<float> stats(4);
  const Array<uint8_t> mask(std::vector<uint8_t>{1, 0});
  const auto attend = [&](int mask_, int causal) {
    put(sizes);
    return dg_attention(q, k, v, mask_, y, stats, 1, causal);
  };
  if constexpr (std::is_same_v<T, float>)
    both_ways("attention", y, stored<T>({7, 2, 6, 4}), [&] { return attend(0, 0); });
  both_ways("causal", y, stored<T>({4, 8, 6, 4}), [&] { return attend(0, 1); });
  both_ways("masked", y, stored<T>({4, 8, 4, 8}), [&] { return attend(mask, 0); });
  CHECK(attend(0, 1) == 0, "%s", message().c_str());
  // The first query sees one key, whose weight is 1; the scores of the second have gradients 1/2 (8 - 4) and 1/2 (0 - 4).
  const float last = static_cast<float>(number(k.read()[1]));
  const auto gradient = [&] {
    put(sizes);
    return dg_attention_grad(q, k, v, 0, y, stats, dy, dq, dk, dv, 1, 1);
  };
  both_ways("its gradient to values", dv, stored<T>({1, 0.5f, 0, 0.5f}), gradient);
  both_ways("to keys", dk, stored<T>({0, 0}), gradient);
  both_ways("to queries", dq, stored<T>({0, -2 * last}), gradient);
}

void refusals() {
  const Array<float> q(24), k(20), v(30), y(36), stats(12), short_(3), none(0);
  const Array<int32_t> ints(24);
  const Array<Half> halves(20);
  const Array<uint8_t> mask(30);
  struct Call {
    int q, k, v, mask, y, stats;
    int causal = 0;
  };
  const Call right{q, k, v, mask, y, stats};
  const auto with = [&](const Call &c, int at = 0, double value = 1) {
    put({1, 3, 5, 2, 1, 4, 6, 1, 2, 3});
    scratch[at] = value;
    return dg_attention(c.q, c.k, c.v, c.mask, c.y, c.stats, 1, c.causal);
  };
  CHECK(with(right) == 0, "%s", message().c_str());
  CHECK(with({q, k, v, 0, y, 0}) == 0, "%s", message().c_str());
  CHECK(with({none, none, none, 0, none, none}, 0, 0) == 0, "%s", message().c_str());
  REFUSED(with({12345, k, v, 0, y, 0}), "not alive");
  REFUSED(with({q, k, v, 12345, y, 0}), "not alive");
  REFUSED(with({q, k, v, 0, y, 12345}), "not alive");
  REFUSED(with({ints, k, v, 0, y, 0}), "queries must be floats");
  REFUSED(with({q, halves, v, 0, y, 0}), "keys must be float32");
  REFUSED(with({q, k, v, ints, y, 0}), "mask must be bool");
  REFUSED(with({q, k, short_, 0, y, 0}), "values must have 30");
  REFUSED(with({q, k, v, 0, short_, 0}), "output must have 36");
  REFUSED(with({q, k, v, 0, y, short_}), "statistics must have 12");
  REFUSED(with({q, k, v, 0, y, y}), "statistics must have 12");
  REFUSED(with({q, k, v, 0, y, 0, 2}), "causal must be 0 or 1");
  REFUSED(with(right, 8, 1), "mask must have 15");
  REFUSED(with(right, 8, 3), "does not fit");
  REFUSED(with(right, 3, 3), "queries must have 36");
  REFUSED(with(right, 4, 4), "multiple of the 4 key heads");
  for (int at = 0; at < 7; at++)
    for (double bad : {-1.0, 0.5, 0x1p32, double{NAN}}) REFUSED(with(right, at, bad), "must be a whole number from");
  for (int at = 1; at < 7; at++) REFUSED(with(right, at, 0), "must be a whole number from 1");
  REFUSED(with(right, 5, 65537), "from 1 to 65536");

  const int view = dg_view(q, 0, DG_FLOAT32, 20);
  REFUSED(with({q, view, v, 0, q, 0}, 6, 4), "values must have 20");
  dg_free(view);
  const Array<float> dq(24), dk(20), dv(30), dy(36);
  const auto grad = [&](int to_q, int to_k, int to_v, int from = 0, int stats_ = 0) {
    put({1, 3, 5, 2, 1, 4, 6, 1, 2, 3});
    return dg_attention_grad(q, k, v, mask, y, stats_ ? stats_ : stats.handle, from ? from : dy.handle, to_q, to_k,
                             to_v, 1, 0);
  };
  CHECK(grad(dq, dk, dv) == 0, "%s", message().c_str());
  REFUSED(grad(q, dk, dv), "share memory");
  REFUSED(grad(dq, dq, dv), "keys' gradient must have 20");
  REFUSED(grad(dq, dk, short_), "values' gradient must have 30");
  REFUSED(grad(ints, dk, dv), "queries' gradient must be float32");
  REFUSED(grad(dq, dk, dv, short_), "upstream gradient must have 36");
  REFUSED(grad(dq, dk, dv, 0, short_), "statistics must have 12");
  REFUSED(grad(dq, dk, 0), "not alive");
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("contract_attention_test: %s\n", message().c_str());
    return 1;
  }
  attentions<float>();
  attentions<Half>();
  attentions<Brain>();
  refusals();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_attention_test");
}
