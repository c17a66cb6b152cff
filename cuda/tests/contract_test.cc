// Does every kernel family work through the contract, called at once and replayed from a recording?
// Arrays are exactly as large as they must be, so that the sanitizer build sees a kernel that touches what is next to
// them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <functional>
#include <string>
#include <vector>

#include "check.h"
#include "dinograd.h"
#include "math/half.h"

using dg::Brain;
using dg::Half;

namespace {

using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;

double scratch[DG_SCRATCH];
int self;

std::string message() {
  const int length = dg_message(self);
  return std::string(reinterpret_cast<char *>(scratch), length > 0 ? length : 0);
}

int id(int family, const char *name) {
  for (int i = 0;; i++) {
    const int length = dg_name(family, i);
    CHECK(length >= 0, "%s is no name of family %d", name, family);
    if (length < 0 || std::string(reinterpret_cast<char *>(scratch), length) == name) return i;
  }
}

void put(std::initializer_list<double> values) { memcpy(scratch, values.begin(), values.size() * sizeof(double)); }

constexpr int dtype_of(float) { return DG_FLOAT32; }
constexpr int dtype_of(Half) { return DG_FLOAT16; }
constexpr int dtype_of(Brain) { return DG_BFLOAT16; }
constexpr int dtype_of(int32_t) { return DG_INT32; }
constexpr int dtype_of(uint8_t) { return DG_BOOL; }

template <class T>
struct Array {
  int handle;
  size_t count;

  explicit Array(size_t n) : handle(dg_alloc(0, dtype_of(T{}), static_cast<double>(n), 1)), count(n) {}
  explicit Array(const std::vector<T> &values) : Array(values.size()) { write(values); }
  ~Array() { dg_free(handle); }
  operator int() const { return handle; }
  void write(const std::vector<T> &values) const {
    CHECK(dg_upload(handle, 0, values.data(), static_cast<double>(count * sizeof(T))) == 0, "%s", message().c_str());
  }
  std::vector<T> read() const {
    std::vector<T> values(count);
    CHECK(dg_download(handle, 0, values.data(), static_cast<double>(count * sizeof(T))) == 0, "%s", message().c_str());
    return values;
  }
};

template <class T>
double number(T v) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(v);
  } else {
    return dg::widen(v);
  }
}
template <class T>
std::vector<T> stored(const Floats &values) {
  std::vector<T> all;
  for (float v : values) all.push_back(dg::narrow<T>(v));
  return all;
}

// Makes the call at once and looks at y, then from a recording and looks again. `call` must write all of y and may
// change nothing else.
template <class T>
void both_ways(const char *what, const Array<T> &y, const std::vector<T> &want, const std::function<int()> &call) {
  const auto check = [&](const char *how) {
    const std::vector<T> got = y.read();
    for (size_t i = 0; i < want.size(); i++) {
      const double g = number(got[i]), w = number(want[i]);
      CHECK(fabs(g - w) <= 1e-5 + 1e-5 * fabs(w), "%s %s: element %zu is %g, not %g", what, how, i, g, w);
    }
  };
  CHECK(call() == 0, "%s: %s", what, message().c_str());
  check("at once");
  const int arena = dg_arena(0);
  CHECK(dg_record_begin(arena) == 0);
  CHECK(call() == 0, "%s: %s", what, message().c_str());
  const int program = dg_record_end();
  CHECK(program > 0, "%s: %s", what, message().c_str());
  y.write(std::vector<T>(y.count, T{1}));
  CHECK(dg_replay(self, program, 2, 0, 0, 0) == 0, "%s: %s", what, message().c_str());
  check("replayed");
  dg_program_free(program);
  dg_arena_free(arena);
}

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

  const Array<float> hyper(DG_HYPER), grads(20), w(3), v(4);  // the second segment begins at 16
  hyper.write({0.5f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const auto set_gradients = [&] { return dg_fill(grads, 2); };
  const auto step = [&] {
    const int sgd = id(DG_NAMES_UPDATE, "sgd");
    if (set_gradients() || dg_fill(w, 1) || dg_fill(v, 1) || dg_fill(iteration, 4)) return -1;
    put({double(w.handle), 0, double(v.handle), 0});
    return dg_update(sgd, grads, 0, 0, 0, hyper, iteration, 0, 2);
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
  const Array<int32_t> flag(1);
  const Array<float> infinite(Floats{1, INFINITY}), finite(Floats{1, 2});
  both_ways("all finite", flag, {0}, [&] { return dg_all_finite(infinite, flag); });
  both_ways("all finite", flag, {1}, [&] { return dg_all_finite(finite, flag); });
}

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
    const int status = dg_update(sgd, grads, 0, 0, 0, hyper, iteration, flag, 2);
    dg_free(flag);
    return status;
  };
  both("update", p, {3, 3, 3, 3}, [&] { return step(1); });
  both_ways("update of float32 beside it", w, {3, 3, 3}, [&] { return step(1); });
  both("update that is skipped", p, {4, 4, 4, 4}, [&] { return step(0); });
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
  self = dg_open(scratch);
  if (dg_device_count() < 0) {
    printf("contract_test: %s\n", message().c_str());
    return 1;
  }
  elementwise();
  movement();
  reductions();
  products_and_rows();
  training();
  halves<Half>();
  halves<Brain>();
  replayed_steps();
  several_devices();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_test");
}
