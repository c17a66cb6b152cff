// Are reductions, arg-reductions and scans right over any axes, for any size, in every type?
#include <limits>

#include "half_values.h"
#include "math/families.h"

using namespace dg;

namespace {

struct Shape {
  std::vector<int64_t> size;
  int axes;  // bit d: dimension d is reduced
};

std::string text(const char *op, const Shape &shape) {
  std::string s = op;
  for (size_t d = 0; d < shape.size.size(); d++)
    s += (d ? ", " : " [") + std::to_string(shape.size[d]) + (shape.axes >> d & 1 ? "*" : "");
  return s + "]";
}

// Kept and reduced runs as core makes them.
ReduceArgs coalesce(Reduce op, int type, const Shape &shape) {
  ReduceArgs args{};
  args.op = static_cast<int>(op);
  args.type = type;
  args.n_out = args.n_red = 1;
  for (size_t d = 0; d < shape.size.size(); d++) {
    const uint8_t reduced = shape.axes >> d & 1;
    (reduced ? args.n_red : args.n_out) *= shape.size[d];
    if (shape.size[d] == 1) continue;
    if (args.rank && args.reduced[args.rank - 1] == reduced) {
      args.size[args.rank - 1] *= shape.size[d];
    } else {
      args.size[args.rank] = shape.size[d];
      args.reduced[args.rank++] = reduced;
    }
  }
  return args;
}

// Calls visit(position in y, element of x) for all of x in order.
template <class T, class Visit>
void for_elements(const Shape &shape, const std::vector<T> &x, const Visit &visit) {
  for (size_t i = 0; i < x.size(); i++) {
    int64_t rest = i, out = 0, step = 1;
    for (int d = static_cast<int>(shape.size.size()) - 1; d >= 0; d--) {
      if (!(shape.axes >> d & 1)) {
        out += rest % shape.size[d] * step;
        step *= shape.size[d];
      }
      rest /= shape.size[d];
    }
    visit(out, number(x[i]));
  }
}

double combine(Reduce op, double acc, double x) {
  switch (op) {
    case Reduce::sum:
    case Reduce::mean:
      return acc + x;
    case Reduce::sumSquares:
      return acc + x * x;
    case Reduce::prod:
      return acc * x;
    case Reduce::max:
      return x > acc || x != x ? x : acc;
    case Reduce::min:
      return x < acc || x != x ? x : acc;
    case Reduce::all:
      return acc && x;
    case Reduce::any:
      return acc || x;
  }
  return 0;
}

template <class T>
double start_of(Reduce op) {
  using Limits = std::numeric_limits<T>;
  const double low = Limits::has_infinity ? -INFINITY : static_cast<double>(Limits::min());
  const double high = Limits::has_infinity ? INFINITY : static_cast<double>(Limits::max());
  if (op == Reduce::max) return low;
  if (op == Reduce::min) return high;
  return op == Reduce::prod || op == Reduce::all;
}

template <class T>
void check_reduce(Reduce op, int type, const Shape &shape, const std::vector<T> &x) {
  ReduceArgs args = coalesce(op, type, shape);
  const std::string what = text(reduce_name(args.op), shape);
  const std::vector<T> y = run_everywhere<T>(what, args.n_out, [&](const Kernels &k, T *out) {
    ReduceArgs a = args;
    a.x = x.data();
    a.y = out;
    return k.reduce(a);
  });
  std::vector<double> expected(args.n_out, start_of<decltype(number(T{}))>(op)), size(args.n_out, 0);
  for_elements(shape, x, [&](int64_t at, auto v) {
    expected[at] = combine(op, expected[at], v);
    size[at] += op == Reduce::sumSquares ? double(v) * v : fabs(double(v));
  });
  if (op == Reduce::mean)
    for (double &e : expected) e /= static_cast<double>(args.n_red);
  // Pairwise sums: a rounding per level of the tree and for the blocks below it, relative to the sum of absolute
  // values.
  const double roundings = std::is_same_v<decltype(number(T{})), float> ? (40 + log2(args.n_red + 1.0)) * 6e-8 : 0;
  for (int64_t i = 0; i < args.n_out; i++) {
    const double scale = op == Reduce::mean ? size[i] / static_cast<double>(args.n_red) : size[i];
    const bool sum = op == Reduce::sum || op == Reduce::mean || op == Reduce::sumSquares;
    const double got = static_cast<double>(number(y[i]));
    const double e = sum ? in_range<T>(expected[i]) : static_cast<double>(number(stored<T>(expected[i])));
    const double allowed = sum ? roundings * scale + half_place<T> * fabs(e) + half_smallest<T> : 0;
    const double error = fabs(got - e);
    CHECK(got == e || (got != got && e != e) || (isfinite(error) && error <= allowed), "%s: %g, not %g", what.c_str(),
          got, e);
  }
}

const Shape shapes[] = {
    {{}, 0},
    {{1}, 1},
    {{7}, 0},
    {{7}, 1},
    {{31}, 1},
    {{33}, 1},
    {{1024}, 1},
    {{1025}, 1},
    {{5000}, 1},
    {{100003}, 1},
    {{200000}, 1},
    {{5, 3}, 1},
    {{5, 3}, 2},
    {{32, 10}, 1},
    {{32, 10}, 2},
    {{1000, 2}, 1},
    {{65, 15}, 1},
    {{66, 16}, 1},
    {{3, 127}, 1},
    {{300, 129}, 1},
    {{70, 513}, 1},
    {{20000, 10}, 1},
    {{20000, 10}, 2},
    {{4000, 70}, 1},
    {{2, 60000}, 2},
    {{2, 3, 4}, 1},
    {{2, 3, 4}, 2},
    {{2, 3, 4}, 4},
    {{2, 3, 4}, 5},
    {{9, 20, 33}, 5},
    {{9, 20, 33}, 2},
    {{50, 3, 4}, 5},
    {{700, 3, 64}, 5},
    {{7, 300, 40}, 2},
    {{3, 5, 7, 11}, 5},
    {{3, 5, 7, 11}, 10},
    {{2, 3, 2, 3, 2, 3, 2, 3}, 0x55},
    {{2, 3, 2, 3, 2, 3, 2, 3}, 0xaa},
    {{0}, 1},
    {{3, 0}, 2},
    {{0, 3}, 1},
    {{4, 0, 5}, 2},
    {{0, 3}, 2},
    {{3, 0, 2}, 1},
};

void check_reductions() {
  for (const Shape &shape : shapes) {
    int64_t n = 1;
    for (int64_t size : shape.size) n *= size;
    std::vector<float> x = random_values(n), powers(n);  // of 2, so that products are exact
    for (float &v : powers) v = random_bits() % 64 ? 1 : random_bits() % 2 ? 2 : 0.5f;
    for_float_types([&](auto one) {
      using T = decltype(one);
      if (is_half_type<T> && n > 130000) return;  // that many are float32's business, to save the emulator time
      for (Reduce op : {Reduce::sum, Reduce::mean, Reduce::sumSquares, Reduce::max, Reduce::min})
        check_reduce(op, float_type<T>, shape, all_stored<T>(x));
      check_reduce(Reduce::prod, float_type<T>, shape, all_stored<T>(powers));
    });
    std::vector<int32_t> ints(n), signs(n);
    std::vector<uint8_t> rarely(n), mostly(n);
    for (int64_t i = 0; i < n; i++) {
      ints[i] = static_cast<int32_t>(random_bits() % 2001) - 1000;
      signs[i] = random_bits() % 2 ? -1 : 1;
      rarely[i] = random_bits() % 50 == 0;
      mostly[i] = random_bits() % 50 != 0;
    }
    for (Reduce op : {Reduce::sum, Reduce::max, Reduce::min}) check_reduce(op, DG_INT32, shape, ints);
    check_reduce(Reduce::prod, DG_INT32, shape, signs);
    check_reduce(Reduce::any, DG_BOOL, shape, rarely);
    check_reduce(Reduce::all, DG_BOOL, shape, mostly);
  }
}

void check_nan_and_wrapping() {
  for (int64_t at : {0, 5, 40, 1030, 4999}) {
    std::vector<float> x = random_values(5000);
    x[at] = NAN;
    for (const Shape &shape : {Shape{{5000}, 1}, Shape{{100, 50}, 1}, Shape{{100, 50}, 2}, Shape{{500, 10}, 1}})
      for (Reduce op : {Reduce::max, Reduce::min}) {
        check_reduce(op, DG_FLOAT32, shape, x);
        check_reduce(op, DG_FLOAT16, shape, all_stored<Half>(x));
      }
  }
  const std::vector<int32_t> big(100, INT32_MAX);
  ReduceArgs args = coalesce(Reduce::sum, DG_INT32, {{100}, 1});
  args.x = big.data();
  const auto y = run_everywhere<int32_t>("int32 sum", 1, [&](const Kernels &k, int32_t *out) {
    args.y = out;
    return k.reduce(args);
  });
  CHECK(y[0] == -100, "%d", y[0]);
}

struct Line {
  int64_t outer, n, inner;
};
const Line lines[] = {{1, 1, 1},     {3, 7, 1}, {4, 10, 1}, {1000, 10, 1}, {2, 33, 1},   {2, 1000, 1},
                      {3, 70000, 1}, {1, 1, 5}, {2, 3, 4},  {5, 9, 63},    {3, 200, 64}, {2, 50, 65},
                      {40, 30, 200}, {1, 0, 3}, {0, 5, 3},  {3, 5, 0}};

template <class T>
void check_argreduce(ArgReduce op, int type, const Line &l, const std::vector<T> &x) {
  const auto y = run_everywhere<int32_t>(
      argreduce_name(static_cast<int>(op)), l.outer * l.inner, [&](const Kernels &k, int32_t *out) {
        return k.argreduce({static_cast<int>(op), type, x.data(), out, l.outer, l.n, l.inner});
      });
  for (int64_t o = 0; o < l.outer; o++) {
    for (int64_t j = 0; j < l.inner; j++) {
      int64_t best = 0;
      const auto value = [&](int64_t i) { return number(x[(o * l.n + i) * l.inner + j]); };
      for (int64_t i = 1; i < l.n; i++) {
        const auto v = value(i), b = value(best);
        if (b == b && (v != v || (op == ArgReduce::argMax ? v > b : v < b))) best = i;
      }
      CHECK(y[o * l.inner + j] == best, "[%ld, %ld, %ld]: %d, not %ld", l.outer, l.n, l.inner, y[o * l.inner + j],
            best);
    }
  }
}

void check_argreductions() {
  for (const Line &l : lines) {
    if (l.n == 0) continue;
    const int64_t n = l.outer * l.n * l.inner;
    std::vector<float> x(n), holes;
    std::vector<int32_t> ints(n);
    for (int64_t i = 0; i < n; i++) {
      x[i] = static_cast<float>(random_bits() % 100);  // with ties
      ints[i] = static_cast<int32_t>(random_bits() % 100) - 50;
    }
    holes = x;
    for (int64_t i = 0; i < n; i += 37) holes[i] = NAN;
    for (ArgReduce op : {ArgReduce::argMax, ArgReduce::argMin}) {
      for_float_types([&](auto one) {
        using T = decltype(one);
        check_argreduce(op, float_type<T>, l, all_stored<T>(x));
        check_argreduce(op, float_type<T>, l, all_stored<T>(holes));
      });
      check_argreduce(op, DG_INT32, l, ints);
    }
  }
}

template <class T>
void check_scan(Scan op, int type, const Line &l, bool exclusive, bool reverse, const std::vector<T> &x) {
  const auto y = run_everywhere<T>(scan_name(static_cast<int>(op)), x.size(), [&](const Kernels &k, T *out) {
    return k.scan({static_cast<int>(op), type, x.data(), out, l.outer, l.n, l.inner, exclusive, reverse});
  });
  std::vector<double> expected(x.size());
  for (int64_t o = 0; o < l.outer; o++) {
    for (int64_t j = 0; j < l.inner; j++) {
      double acc = op == Scan::cumprod;
      for (int64_t i = 0; i < l.n; i++) {
        const int64_t at = (o * l.n + (reverse ? l.n - 1 - i : i)) * l.inner + j;
        const double value = static_cast<double>(number(x[at]));
        const double after = op == Scan::cumprod ? acc * value : acc + value;
        expected[at] = exclusive ? acc : after;
        acc = after;
      }
    }
  }
  // float32 accumulates in float64; 16-bit floats may do so in float32, with a rounding per element.
  const double error = is_half_type<T> ? static_cast<double>(l.n) * 6e-8 : 0;
  constexpr bool floats = std::is_same_v<decltype(number(T{})), float>;
  check_stored(scan_name(static_cast<int>(op)), y, expected, error + (floats ? 1e-7 : 0), error + (floats ? 1e-10 : 0));
}

void check_scans() {
  for (const Line &l : lines) {
    const int64_t n = l.outer * l.n * l.inner;
    const std::vector<float> x = random_values(n);
    std::vector<float> factors(n);
    std::vector<int32_t> ints(n), signs(n);
    for (int64_t i = 0; i < n; i++) {
      factors[i] = random_bits() % 2 ? 1.25f : 0.8f;
      ints[i] = static_cast<int32_t>(random_bits() % 2001) - 1000;
      signs[i] = random_bits() % 2 ? -1 : 1;
    }
    for (int mode = 0; mode < 4; mode++) {
      for_float_types([&](auto one) {
        using T = decltype(one);
        check_scan(Scan::cumsum, float_type<T>, l, mode & 1, mode & 2, all_stored<T>(x));
        check_scan(Scan::cumprod, float_type<T>, l, mode & 1, mode & 2, all_stored<T>(factors));
      });
      check_scan(Scan::cumsum, DG_INT32, l, mode & 1, mode & 2, ints);
      check_scan(Scan::cumprod, DG_INT32, l, mode & 1, mode & 2, signs);
    }
  }
}

}  // namespace

int main() {
  check_reductions();
  check_nan_and_wrapping();
  check_argreductions();
  check_scans();
  return check_report("reduce_test");
}
