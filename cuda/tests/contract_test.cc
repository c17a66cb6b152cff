// Does every kernel family work through the contract, called at once and replayed from a recording?
#include <stdlib.h>

#include "both_ways.h"

namespace {

void elementwise() {
  const Array<float> x(Floats{-2, -1, 0, 1, 2}), b(Floats{10}), y(5);
  both_ways("unary", y, {2, 1, 0, 1, 2}, [&] { return dg_unary(id(DG_NAMES_UNARY, "abs"), x, y, 0, 0); });
  both_ways("binary", y, {8, 9, 10, 11, 12}, [&] { return dg_binary(id(DG_NAMES_BINARY, "add"), x, b, y, 0); });
  const Array<uint8_t> less(5);
  both_ways<uint8_t>("comparison", less, {1, 1, 1, 1, 1},
                     [&] { return dg_binary(id(DG_NAMES_BINARY, "less"), x, b, less, 0); });
  const Array<float> column(Floats{1, 2, 3}), row(Floats{10, 20}), sum(6);
  both_ways("broadcast", sum, {11, 21, 12, 22, 13, 23}, [&] {
    const int add = id(DG_NAMES_BINARY, "add");
    put({3, 1, 1, 2});
    return dg_binary(add, column, row, sum, 2);
  });
  const Array<uint8_t> condition(std::vector<uint8_t>{1, 0, 1, 0, 1});
  both_ways("where", y, {-2, 10, 0, 10, 2}, [&] { return dg_where(condition, x, b, y, 0); });
  const Array<int32_t> whole(5);
  both_ways("cast", whole, {-2, -1, 0, 1, 2}, [&] { return dg_cast(x, whole); });
  both_ways("fill", whole, {7, 7, 7, 7, 7}, [&] { return dg_fill(whole, 7); });
  both_ways("copy", y, x.read(), [&] { return dg_copy(x, y); });
}

void movement() {
  const Array<float> x(Floats{1, 2, 3, 4, 5, 6}), y(6);  // [2, 3]
  both_ways("transpose", y, {1, 4, 2, 5, 3, 6}, [&] {
    put({3, 2, 1, 3, 2, 1});
    return dg_strided(x, 0, y, 0, 2);
  });
  both_ways("reverse", y, {6, 5, 4, 3, 2, 1}, [&] {
    put({6, -1, 1});
    return dg_strided(x, 5, y, 0, 1);
  });
  const Array<int32_t> index(Ints{1, 0, 1, 7}), start(Ints{1});
  const Array<float> some(6);
  both_ways("gather", some, {1, 2, 3, 4, 5, 6}, [&] { return dg_gather(x, index, start, some, 1, 2, 2, 3); });
  const Array<int32_t> rows(Ints{1, 1});
  const Array<float> sums(9);
  both_ways("scatter-add", sums, {0, 0, 0, 5, 7, 9, 0, 0, 0}, [&] {
    const int status = dg_fill(sums, 0);
    return status ? status : dg_scatter_add(x, rows, sums, 1, 3, 2, 3);
  });
  const Array<float> hot(8);
  both_ways("one-hot", hot, {0, 5, 5, 0, 0, 5, 0, 0}, [&] { return dg_one_hot(index, hot, 2, 5, 0); });
}

void reductions() {
  const Array<float> x(Floats{1, 2, 3, 4, 9, 6}), rows(2), columns(3);  // [2, 3]
  both_ways("sum of rows", rows, {6, 19}, [&] {
    const int sum = id(DG_NAMES_REDUCE, "sum");
    put({2, 3});
    return dg_reduce(sum, x, rows, 2, 2);
  });
  both_ways("maximum of columns", columns, {4, 9, 6}, [&] {
    const int max = id(DG_NAMES_REDUCE, "max");
    put({2, 3});
    return dg_reduce(max, x, columns, 2, 1);
  });
  const Floats many(100000, 0.5f);
  const Array<float> long_x(many), total(1);
  both_ways("long sum", total, {50000}, [&] {
    const int sum = id(DG_NAMES_REDUCE, "sum");
    put({100000});
    return dg_reduce(sum, long_x, total, 1, 1);
  });
  const Array<int32_t> place(2);
  both_ways("argMax", place, {2, 1}, [&] { return dg_argreduce(id(DG_NAMES_ARGREDUCE, "argMax"), x, place, 2, 3, 1); });
  const Array<float> running(6);
  both_ways("cumsum", running, {5, 3, 0, 15, 6, 0},
            [&] { return dg_scan(id(DG_NAMES_SCAN, "cumsum"), x, running, 2, 3, 1, 1, 1); });
}

void products_and_rows() {
  const Array<float> a(Floats{1, 2, 3, 4, 5, 6}), b(Floats{1, 0, -1, 1, 1, 0}), bias(Floats{0, -3}), y(4);
  both_ways("matmul", y, {2, 0, 5, 2},  // relu([[2, 2], [5, 5]] + bias)
            [&] { return dg_matmul(a, b, bias, y, 1, 2, 2, 3, 0, id(DG_NAMES_UNARY, "relu"), 0); });
  const float e = expf(1), z = 1 + e;
  const Array<float> x(Floats{0, 1, 5, 5}), p(4), loss(2), one(Floats{1, 1}), dx(4);
  both_ways("softmax", p, {1 / z, e / z, 0.5f, 0.5f}, [&] { return dg_softmax(x, p, 2, 2, 0); });
  both_ways("softmax gradient", dx, {-e / (z * z), e / (z * z), 0, 0},
            [&] { return dg_softmax_grad(x, p, dx, 2, 2, 0); });
  const Array<int32_t> classes(Ints{1, 0});
  both_ways("cross-entropy", loss, {logf(z) - 1, logf(2)}, [&] { return dg_cross_entropy(x, classes, loss, 2, 2); });
  both_ways("cross-entropy gradient", dx, {1 / z, e / z - 1, -0.5f, 0.5f},
            [&] { return dg_cross_entropy_grad(x, classes, one, dx, 2, 2); });
}

void training() {
  const Array<int32_t> state(4), advanced(4), iteration(1);
  const Array<float> drawn(7);
  const auto draw = [&] {
    const int uniform = id(DG_NAMES_RANDOM, "uniform");
    if (int status = dg_fill(state, 0)) return status;
    if (int status = dg_random(uniform, state, drawn, 2, 3)) return status;
    return dg_copy(state, advanced);
  };
  both_ways("counter", advanced, {0, 0, 2, 0}, draw);
  const Floats first = drawn.read();
  both_ways("uniform", drawn, first, draw);
  for (float v : first) CHECK(v >= 2 && v < 3);

  const Array<float> hyper(DG_HYPER), grads(20), wide(22), w(3), v(4);  // the second segment begins at 16
  hyper.write({0.5f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const auto set_gradients = [&] { return dg_fill(grads, 2); };
  const auto step = [&] {
    const int sgd = id(DG_NAMES_UPDATE, "sgd");
    if (set_gradients() || dg_fill(w, 1) || dg_fill(v, 1) || dg_fill(iteration, 4)) return -1;
    put({double(w.handle), 0, double(v.handle), 0});
    return dg_update(sgd, grads, 0, 0, 0, hyper, iteration, 0, 2, 0);
  };
  both_ways("update", w, {0, 0, 0}, step);
  both_ways("update", v, {0, 0, 0, 0}, step);
  both_ways("step count", iteration, {5}, step);
  both_ways("clip", grads, {1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1}, [&] {
    const int clip = id(DG_NAMES_CLIP, "clipvalue");
    if (set_gradients()) return -1;
    put({double(w.handle), 0, double(v.handle), 0});
    return dg_clip(clip, grads, 1, 2);
  });
  const Array<int32_t> index(Ints{2, 0, 2, 9}), order(4);  // of a table of three rows of two
  const Array<float> rows(Floats{1, 2, 3, 4, 5, 6, 7, 8}), sums(8), table(6);
  const auto coalesce = [&] { return dg_coalesce(rows, index, order, sums, 3, 4, 2); };
  both_ways("order", order, {0, 2, 2, 3}, coalesce);
  both_ways("coalesce", sums, {3, 4, 6, 8, 0, 0, 0, 0}, coalesce);
  both_ways("update of a table", table, {-0.5f, -1, 1, 1, -2, -3}, [&] {
    const int sgd = id(DG_NAMES_UPDATE, "sgd");
    if (set_gradients() || dg_fill(v, 1) || dg_fill(table, 1) || coalesce()) return -1;
    put({double(v.handle), 0, double(table.handle), 0, 1, double(order.handle), double(sums.handle)});
    return dg_update(sgd, wide, 0, 0, 0, hyper, iteration, 0, 2, 1);
  });
  const Array<int32_t> flag(1);
  const Array<float> infinite(Floats{1, INFINITY}), finite(Floats{1, 2});
  both_ways("all finite", flag, {0}, [&] { return dg_all_finite(infinite, flag); });
  both_ways("all finite", flag, {1}, [&] { return dg_all_finite(finite, flag); });
}

// Values for each replayed step come from `params`; what the program advances stays advanced.
void replayed_steps() {
  const Array<float> params(Floats{1, 2, 3}), step(1), sum(Floats{10});
  const int arena = dg_arena(0), add = id(DG_NAMES_BINARY, "add");
  CHECK(dg_record_begin(arena) == 0 && dg_binary(add, sum, step, sum, 0) == 0);
  const int program = dg_record_end();
  CHECK(dg_program_calls(program) == 1);
  CHECK(dg_replay(self, program, 3, params, step, 1) == 0 && sum.read()[0] == 16);
  CHECK(dg_replay(self, program, 2, params, step, 1) == 0 && sum.read()[0] == 19);
  dg_program_free(program);
  CHECK(dg_arena_free(arena) == 0);
}

void several_devices() {
  const int devices = dg_device_count();
  const Array<float> x(Floats{1, 2, 3}), back(3);
  for (int device = 1; device < devices; device++) {
    const int there = dg_alloc(device, DG_FLOAT32, 3, 1), twice = dg_alloc(device, DG_FLOAT32, 3, 1);
    const int add = id(DG_NAMES_BINARY, "add");
    CHECK(dg_copy(x, there) == 0 && dg_binary(add, there, there, twice, 0) == 0 && dg_copy(twice, back) == 0);
    CHECK((back.read() == Floats{2, 4, 6}));
    CHECK(dg_binary(add, x, there, twice, 0) == DG_E_ARGUMENT && message().find("devices 0 and") != std::string::npos);
    dg_free(there);
    dg_free(twice);
  }
}

}  // namespace

int main() {
#if defined(DG_EMULATED)
  setenv("DINOGRAD_EMU_DEVICES", "2", 1);
#endif
  if (dg_device_count() < 0) {
    printf("contract_test: %s\n", message().c_str());
    return 1;
  }
  elementwise();
  movement();
  reductions();
  products_and_rows();
  training();
  replayed_steps();
  several_devices();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_test");
}
