// Does every kernel family take 16-bit floats through the contract, called at once and replayed from a recording?
#include "both_ways.h"

namespace {

// Every family on floats of 16 bits, with numbers that both types store exactly.
template <class T>
void halves() {
  const auto both = [](const char *what, const Array<T> &y, const Floats &want, const std::function<int()> &call) {
    both_ways(what, y, stored<T>(want), call);
  };
  const Array<T> x(stored<T>({1, -2, 3, 4, 9, 6})), y(6), three(stored<T>({10, 20, 30})), two(2), one(stored<T>({7}));
  const Array<float> wide(6);
  both_ways("widening cast", wide, {1, -2, 3, 4, 9, 6}, [&] { return dg_cast(x, wide); });
  both("narrowing cast", y, {1, -2, 3, 4, 9, 6}, [&] { return dg_cast(wide, y); });
  both("fill", y, {-3, -3, -3, -3, -3, -3}, [&] { return dg_fill(y, -3); });
  both("unary", y, {1, 0, 3, 4, 9, 6}, [&] { return dg_unary(id(DG_NAMES_UNARY, "relu"), x, y, 0, 0); });
  both("unary in place", y, {5, 5, 5, 5, 5, 5}, [&] {
    const int abs = id(DG_NAMES_UNARY, "abs");
    if (int status = dg_fill(y, -5)) return status;
    return dg_unary(abs, y, y, 0, 0);
  });
  both("broadcast", y, {11, 18, 33, 14, 29, 36}, [&] {
    const int add = id(DG_NAMES_BINARY, "add");
    put({2, 3, 1, 3});
    return dg_binary(add, x, three, y, 2);
  });
  const Array<uint8_t> less(6);
  both_ways<uint8_t>("comparison", less, {1, 1, 1, 1, 0, 1},
                     [&] { return dg_binary(id(DG_NAMES_BINARY, "less"), x, one, less, 0); });
  both("where", y, {1, -2, 3, 4, 7, 6}, [&] { return dg_where(less, x, one, y, 0); });
  both("transpose", y, {1, 4, -2, 9, 3, 6}, [&] {
    put({3, 2, 1, 3, 2, 1});
    return dg_strided(x, 0, y, 0, 2);
  });
  const Array<int32_t> rows(Ints{1, 1}), place(2);
  both("gather", y, {4, 9, 6, 4, 9, 6}, [&] { return dg_gather(x, rows, 0, y, 1, 2, 2, 3); });
  both("scatter-add", y, {1, 1, 1, 6, 8, 10}, [&] {
    const int status = dg_fill(y, 1);
    return status ? status : dg_scatter_add(x, rows, y, 1, 2, 2, 3);
  });
  both("one-hot", y, {0, 5, 0, 0, 5, 0}, [&] { return dg_one_hot(rows, y, 3, 5, 0); });
  both("sum", two, {2, 19}, [&] {
    const int sum = id(DG_NAMES_REDUCE, "sum");
    put({2, 3});
    return dg_reduce(sum, x, two, 2, 2);
  });
  both_ways("argMin", place, {1, 0}, [&] { return dg_argreduce(id(DG_NAMES_ARGREDUCE, "argMin"), x, place, 2, 3, 1); });
  both("cumsum", y, {1, -1, 2, 4, 13, 19}, [&] { return dg_scan(id(DG_NAMES_SCAN, "cumsum"), x, y, 2, 3, 1, 0, 0); });
  both("matmul", two, {60 + 7, 400 + 7},  // [2, 3] by [3, 1]
       [&] { return dg_matmul(x, three, one, two, 1, 2, 1, 3, 0, id(DG_NAMES_UNARY, "relu"), 0); });

  const Array<T> equal(stored<T>({5, 5, 5, 5})), p(4), dy(stored<T>({1, 0, 0, 0}));
  const Array<float> loss(2), dloss(Floats{1, 2});
  const Array<int32_t> classes(Ints{1, 0});
  both("softmax", p, {0.5f, 0.5f, 0.5f, 0.5f}, [&] { return dg_softmax(equal, p, 2, 2, 0); });
  const Array<T> dx(4), labels(stored<T>({1, 0, 0, 1}));
  both("softmax gradient", dx, {0.25f, -0.25f, 0, 0}, [&] { return dg_softmax_grad(dy, p, dx, 2, 2, 0); });
  both_ways("cross-entropy", loss, {logf(2), logf(2)}, [&] { return dg_cross_entropy(equal, labels, loss, 2, 2); });
  both_ways("sparse cross-entropy", loss, {logf(2), logf(2)},
            [&] { return dg_cross_entropy(equal, classes, loss, 2, 2); });
  both("cross-entropy gradient", dx, {-0.5f, 0.5f, 1, -1},
       [&] { return dg_cross_entropy_grad(equal, labels, dloss, dx, 2, 2); });
  both("sparse cross-entropy gradient", dx, {0.5f, -0.5f, -1, 1},
       [&] { return dg_cross_entropy_grad(equal, classes, dloss, dx, 2, 2); });

  const Array<int32_t> state(4), iteration(1);
  const auto draw = [&] {
    const int uniform = id(DG_NAMES_RANDOM, "uniform");
    if (int status = dg_fill(state, 0)) return status;
    return dg_random(uniform, state, y, 2, 3);
  };
  CHECK(draw() == 0, "%s", message().c_str());
  const std::vector<T> drawn = y.read();
  both_ways("uniform", y, drawn, draw);
  for (T v : drawn) CHECK(number(v) >= 2 && number(v) <= 3);

  const Array<float> hyper(DG_HYPER), grads(20), w(3);  // the second segment begins at 16
  hyper.write({0.5f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const auto step = [&](int finite) {
    const int sgd = id(DG_NAMES_UPDATE, "sgd");
    if (dg_fill(grads, 2) || dg_fill(w, 4) || dg_fill(p, 4) || dg_fill(place, finite)) return -1;
    const int flag = dg_view(place, 0, DG_INT32, 1);
    put({double(w.handle), 0, double(p.handle), 0});
    const int status = dg_update(sgd, grads, 0, 0, 0, hyper, iteration, flag, 2, 0);
    dg_free(flag);
    return status;
  };
  both("update", p, {3, 3, 3, 3}, [&] { return step(1); });
  both_ways("update of float32 beside it", w, {3, 3, 3}, [&] { return step(1); });
  both("update that is skipped", p, {4, 4, 4, 4}, [&] { return step(0); });
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("contract_half_test: %s\n", message().c_str());
    return 1;
  }
  halves<Half>();
  halves<Brain>();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_half_test");
}
