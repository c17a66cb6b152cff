// Do recurrent layers work through the contract, called at once and replayed, and does it refuse what cannot be?
#include "both_ways.h"

namespace {

// Two samples of two steps and one unit; numbers that 16-bit floats store exactly.
template <class T>
void walks() {
  const int relu = id(DG_NAMES_UNARY, "relu");
  const Array<T> p(stored<T>({1, 2, -4, 3})), k(stored<T>({0.5})), y(4), dy(stored<T>({1, 1, 1, 1})), d(4), before(4);
  const Array<float> dh(2);
  both_ways("a simple cell", y, stored<T>({1, 2.5, 0, 3}), [&] {
    put({2, 2, 1});
    return dg_recurrent(DG_CELL_SIMPLE, p, k, 0, 0, 0, 0, 0, y, 0, relu, -1);
  });
  const Array<uint8_t> mask(std::vector<uint8_t>{1, 0, 0, 1});
  both_ways("a mask", y, stored<T>({1, 1, 0, 3}), [&] {
    put({2, 2, 1});
    return dg_recurrent(DG_CELL_SIMPLE, p, k, 0, 0, 0, mask, 0, y, 0, relu, -1);
  });
  const auto gradient = [&] {
    put({2, 2, 1});
    return dg_recurrent_grad(DG_CELL_SIMPLE, k, 0, 0, mask, 0, y, 0, dy, d, 0, before, dh, 0, relu, -1);
  };
  both_ways("what met the kernel", before, stored<T>({0, 1, 0, 0}), gradient);
  both_ways("its gradient", d, stored<T>({2, 0, 0, 1}), gradient);
  const std::vector<float> first = dh.read();
  CHECK(first[0] == 1 && first[1] == 1.5f, "%g %g", double(first[0]), double(first[1]));
  const Array<T> last(stored<T>({1, 1}));
  both_ways("of the last step alone", d, stored<T>({1, 0, 0, 1}), [&] {
    put({2, 2, 1});
    return dg_recurrent_grad(DG_CELL_SIMPLE, k, 0, 0, mask, 0, y, 0, last, d, 0, 0, dh, 0, relu, -1);
  });
}

void refusals() {
  // An LSTM of 2 samples, 3 steps, 2 units.
  const Array<float> p(48), k(16), h(4), c(4), keep(4), y(12), longer(16), trace(60), one(20), dy(12), d(48),
      before(12), dh(4), dc(4);
  const Array<uint8_t> mask(6);
  const Array<Half> half(4);
  const int tanh = id(DG_NAMES_UNARY, "tanh"), gelu = id(DG_NAMES_UNARY, "gelu");
  struct Call {
    int kind = DG_CELL_LSTM, p, k, bias = 0, h, c, mask, keep, y, trace, activation, gate = -1;
  };
  const Call good{DG_CELL_LSTM, p, k, 0, h, c, mask, keep, y, trace, tanh, -1};
  const auto run = [&](const Call &a, double batch = 2, double steps = 3, double units = 2) {
    put({batch, steps, units});
    return dg_recurrent(a.kind, a.p, a.k, a.bias, a.h, a.c, a.mask, a.keep, a.y, a.trace, a.activation, a.gate);
  };
  const auto but = [&](int Call::*field, int value) {
    Call call = good;
    call.*field = value;
    return run(call);
  };
  CHECK(run(good) == 0, "%s", message().c_str());
  for (int Call::*none : {&Call::h, &Call::c, &Call::mask, &Call::keep})
    CHECK(but(none, 0) == 0, "%s", message().c_str());
  CHECK(but(&Call::y, longer) == 0 && but(&Call::trace, one) == 0, "%s", message().c_str());
  REFUSED(but(&Call::kind, 4), "no recurrent cell 4");
  REFUSED(but(&Call::activation, gelu), "as an activation");
  REFUSED(but(&Call::gate, -2), "as an activation");
  REFUSED(but(&Call::p, k), "What inputs say must have 48");
  REFUSED(but(&Call::k, p), "recurrent kernel must have 16");
  REFUSED(but(&Call::h, k), "first state must have 4");
  REFUSED(but(&Call::h, half), "must be float32");
  REFUSED(but(&Call::mask, keep), "mask must be bool");
  REFUSED(but(&Call::keep, k), "dropout keeps must have 4");
  REFUSED(but(&Call::bias, h), "takes a bias");
  REFUSED(but(&Call::trace, 0), "needs a trace");
  REFUSED(but(&Call::trace, dy), "trace must have 60");
  REFUSED(but(&Call::y, p), "states must have 16");
  REFUSED(but(&Call::c, 12345), "not alive");
  REFUSED(run({DG_CELL_GRU, p, k, 0, h, c, 0, 0, y, trace, -1, -1}), "LSTM takes cell states");
  REFUSED(run({DG_CELL_SIMPLE, p, k, 0, h, 0, 0, 0, y, trace, -1, -1}), "no trace");
  const int part = dg_view(trace, 0, DG_FLOAT32, 4);
  REFUSED(but(&Call::h, part), "share memory");
  dg_free(part);
  for (double bad : {-1.0, 0.5, double{NAN}}) REFUSED(run(good, bad), "batch must be");
  for (double bad : {-1.0, 0.0, 0.5, double{NAN}}) {
    REFUSED(run(good, 2, bad), "from 1");
    REFUSED(run(good, 2, 3, bad), "from 1");
  }
  REFUSED(run(good, 0x1p40, 0x1p40, 2), "2^53");
  const Array<float> nothing(0);
  CHECK(run({DG_CELL_LSTM, nothing, k, 0, 0, 0, 0, 0, nothing, nothing, -1, -1}, 0) == 0, "%s", message().c_str());

  struct Back {
    int kind = DG_CELL_LSTM, y, trace, dy, d, product = 0, before, dh, dc;
  };
  const Back right{DG_CELL_LSTM, y, trace, dy, d, 0, before, dh, dc};
  const auto back = [&](int Back::*field, int value) {
    Back b = right;
    b.*field = value;
    put({2, 3, 2});
    return dg_recurrent_grad(b.kind, k, h, c, mask, keep, b.y, b.trace, b.dy, b.d, b.product, b.before, b.dh, b.dc,
                             tanh, -1);
  };
  CHECK(back(&Back::kind, DG_CELL_LSTM) == 0, "%s", message().c_str());
  REFUSED(back(&Back::trace, one), "trace must have 60");
  REFUSED(back(&Back::dy, d), "upstream gradient must have 12");
  REFUSED(back(&Back::d, dy), "inputs say must have 48");
  CHECK(back(&Back::before, 0) == 0 && back(&Back::dy, keep) == 0, "%s", message().c_str());
  REFUSED(back(&Back::before, d), "met the kernel must have 12");
  REFUSED(back(&Back::before, y), "share memory");
  REFUSED(back(&Back::product, d), "reset gate follows");
  REFUSED(back(&Back::dh, 0), "not alive");
  REFUSED(back(&Back::dc, 0), "gradient of the first cell state");
  REFUSED(back(&Back::dh, h), "share memory");
  REFUSED(back(&Back::dh, half), "must be float32");
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("contract_recurrent_test: %s\n", message().c_str());
    return 1;
  }
  walks<float>();
  walks<Half>();
  walks<Brain>();
  refusals();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_recurrent_test");
}
