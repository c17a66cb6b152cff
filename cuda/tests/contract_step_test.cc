// What else does a recorded training step consist of? Going back through activation and bias, and noting its loss: called at once
// and replayed, and what cannot be is refused.

#include "both_ways.h"

namespace {

const int relu = id(DG_NAMES_UNARY, "relu"), tanh_ = id(DG_NAMES_UNARY, "tanh");

template <class T>
void small_gradients() {
  const Array<T> dy(stored<T>({1, 2, 3, 4, 5, 6})), y(stored<T>({1, 0, 2, 0.5, 0, -1})), dz(6), dbias(3);
  const auto call = [&] { return dg_activation_grad(relu, dy, y, dz, dbias, 2, 3); };
  both_ways("before relu", dz, stored<T>({1, 0, 3, 4, 0, 0}), call);
  both_ways("of the bias", dbias, stored<T>({5, 0, 3}), call);
}

// Of many blocks and few columns, and of wide and ragged ones.
void large_gradients() {
  for (const auto &[rows, n] : {std::pair<int, int>{5000, 3}, {4097, 40}, {7, 1000}, {1, 1}, {640, 16}, {300, 1}}) {
    Floats up, result, want;
    std::vector<double> sums(static_cast<size_t>(n));
    for (int i = 0; i < rows * n; i++) {
      up.push_back(static_cast<float>(i * 7 % 11 - 5));
      result.push_back(static_cast<float>(i * 3 % 17 - 8) / 8);
      const double d = double(up.back()) * (1 - double(result.back()) * double(result.back()));
      sums[static_cast<size_t>(i % n)] += d;
      want.push_back(static_cast<float>(d));
    }
    const Array<float> dy(up), y(result), dz(up.size()), dbias(sums.size());
    const auto call = [&, rows = rows, n = n] { return dg_activation_grad(tanh_, dy, y, dz, dbias, rows, n); };
    both_ways("before tanh", dz, want, call);
    both_ways("of the bias", dbias, Floats(sums.begin(), sums.end()), call);
  }
}

void notes() {
  const Array<float> value(Floats{0.5f}), log(Floats{9, 9, 9});
  const Array<int32_t> counters(Ints{10, 1}), advance(Ints{32, 1});
  const auto note = [&] { return dg_note(value, log, counters, advance); };
  CHECK(note() == 0, "%s", message().c_str());
  CHECK(log.read() == Floats({9, 0.5f, 9}) && counters.read() == Ints({42, 2}));
  value.write({2});
  const int arena = dg_arena(0);
  CHECK(dg_record_begin(arena) == 0 && note() == 0, "%s", message().c_str());
  const int program = dg_record_end();
  CHECK(dg_replay(self, program, 3, 0, 0, 0) == 0, "%s", message().c_str());
  CHECK(log.read() == Floats({9, 0.5f, 2}) && counters.read() == Ints({138, 5}), "numbers outside of the log");
  counters.write({0, -1});
  CHECK(note() == 0 && log.read() == Floats({9, 0.5f, 2}) && counters.read() == Ints({32, 0}));
  dg_program_free(program);
  dg_arena_free(arena);
}

void refusals() {
  const Array<float> dy(6), y(6), dz(Floats(6, 1)), dbias(Floats(3, 1)), one(1);
  const Array<Half> half(6);
  const Array<int32_t> ints(Ints{1, 1, 1}), more(3);
  const int gelu = id(DG_NAMES_UNARY, "gelu"), part = dg_view(dz, 0, DG_FLOAT32, 3);
  const int shifted = dg_view(dz, 4, DG_FLOAT32, 1);
  for (int bad : {-2, -1, gelu}) REFUSED(dg_activation_grad(bad, dy, y, dz, dbias, 2, 3), "from its result");
  for (double bad : {-1.0, 0.0, 0.5, double{NAN}, 0x1p60}) {
    REFUSED(dg_activation_grad(relu, dy, y, dz, dbias, bad, 3), "");
    REFUSED(dg_activation_grad(relu, dy, y, dz, dbias, 2, bad), "");
  }
  REFUSED(dg_activation_grad(relu, ints, y, dz, dbias, 1, 3), "must be floats");
  REFUSED(dg_activation_grad(relu, dy, half, dz, dbias, 2, 3), "must be float32");
  REFUSED(dg_activation_grad(relu, dy, y, dbias, dbias, 2, 3), "must have 6");
  REFUSED(dg_activation_grad(relu, dy, y, dz, one, 2, 3), "bias's gradient must have 3");
  REFUSED(dg_activation_grad(relu, dy, y, dz, part, 2, 3), "share memory");
  REFUSED(dg_activation_grad(relu, 12345, y, dz, dbias, 2, 3), "not alive");
  REFUSED(dg_note(dy, dz, ints, more), "value must have 1");
  REFUSED(dg_note(one, half, ints, more), "log must be float32");
  REFUSED(dg_note(one, dz, dy, more), "counters must be int32");
  REFUSED(dg_note(one, dz, ints, dy), "advance must be int32");
  REFUSED(dg_note(one, dz, ints, ints), "share memory");
  REFUSED(dg_note(shifted, dz, ints, more), "share memory");
  const Array<int32_t> none(0), two(2);
  REFUSED(dg_note(one, dz, ints, two), "advance must have 3");
  REFUSED(dg_note(one, dz, none, none), "a counter for the number");
  CHECK(dz.read() == Floats(6, 1) && dbias.read() == Floats(3, 1) && ints.read() == Ints(3, 1),
        "a refused call has written");
  dg_free(part);
  dg_free(shifted);
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("contract_step_test: %s\n", message().c_str());
    return 1;
  }
  small_gradients<float>();
  small_gradients<Half>();
  small_gradients<Brain>();
  large_gradients();
  notes();
  refusals();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_step_test");
}
