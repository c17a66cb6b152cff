// Do elementwise kernels reach the right elements? Broadcasting, where, cast, fill and copy, against plain loops; in
// place, at odd addresses, and with results too large for the caches.
#include "half_values.h"
#include "math/elementwise.h"

using namespace dg;

namespace {

const auto add = static_cast<int>(Binary::add);

// ---- Index spaces --------------------------------------------------------------------------------------------------

// As core makes them, but not merged: kernels must take either.
Space space_of(const std::vector<int64_t> &size, const std::vector<std::vector<int64_t>> &dims) {
  Space space{static_cast<int32_t>(size.size()), 1, {}, {}};
  for (size_t d = 0; d < size.size(); d++) space.n *= space.size[d] = size[d];
  for (size_t i = 0; i < dims.size(); i++) {
    int64_t step = 1;
    for (size_t d = size.size(); d-- > 0; step *= dims[i][d]) space.stride[i][d] = dims[i][d] == 1 ? 0 : step;
  }
  return space;
}

// Position in input i of element `at` of the output.
int64_t position(const Space &space, int i, int64_t at) {
  int64_t result = 0;
  for (int d = space.rank - 1; d >= 0; d--) {
    result += at % space.size[d] * space.stride[i][d];
    at /= space.size[d];
  }
  return result;
}

template <class T>
std::vector<T> values(int64_t n) {
  std::vector<T> x(n);
  for (T &v : x) v = stored<T>(static_cast<int32_t>(random_bits() % 200));
  return x;
}

template <class T>
void check_equal(const std::string &what, const std::vector<T> &got, const std::vector<T> &want) {
  size_t i = 0;
  while (i < got.size() && !memcmp(&got[i], &want[i], sizeof(T))) i++;
  CHECK(i == got.size(), "%s: element %zu is %g, not %g", what.c_str(), i, double(number(got[i])),
        double(number(want[i])));
}

template <class T>
void check_binary(const std::string &what, Dtype type, const Space &space, int64_t n_a, int64_t n_b) {
  const std::vector<T> a = values<T>(n_a), b = values<T>(n_b);
  std::vector<T> want(space.n);
  for (int64_t i = 0; i < space.n; i++)
    want[i] = stored<T>(number(a[position(space, 0, i)]) + number(b[position(space, 1, i)]));
  const auto got = run_everywhere<T>(what, space.n, [&](const Kernels &k, T *y) {
    return k.binary({add, type, type, a.data(), b.data(), y, space});
  });
  check_equal(what, got, want);
}

template <class T>
void check_where(const std::string &what, Dtype type, const Space &space, int64_t n_c, int64_t n_a, int64_t n_b) {
  std::vector<uint8_t> condition(n_c);
  for (uint8_t &c : condition) c = random_bits() >> 31;
  const std::vector<T> a = values<T>(n_a), b = values<T>(n_b);
  std::vector<T> want(space.n);
  for (int64_t i = 0; i < space.n; i++)
    want[i] = condition[position(space, 0, i)] ? a[position(space, 1, i)] : b[position(space, 2, i)];
  const auto got = run_everywhere<T>(what, space.n, [&](const Kernels &k, T *y) {
    return k.where({type, condition.data(), a.data(), b.data(), y, space});
  });
  check_equal(what, got, want);
}

int64_t product(const std::vector<int64_t> &dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

// Every way to broadcast operands of these shapes against each other.
void check_broadcast(const std::vector<int64_t> &size) {
  const int choices = 1 << size.size();
  const auto dims_of = [&](int choice) {
    std::vector<int64_t> dims = size;
    for (size_t d = 0; d < size.size(); d++)
      if (choice >> d & 1) dims[d] = 1;
    return dims;
  };
  for (int p = 0; p < choices; p++) {
    for (int q = 0; q < choices; q++) {
      const std::vector<int64_t> a = dims_of(p), b = dims_of(q), c = dims_of(p ^ q);
      std::vector<int64_t> out(size.size());
      for (size_t d = 0; d < size.size(); d++) out[d] = a[d] > b[d] ? a[d] : b[d];
      const Space space = space_of(out, {a, b});
      std::string what =
          "rank " + std::to_string(size.size()) + " broadcast " + std::to_string(p) + "," + std::to_string(q);
      check_binary<float>(what, DG_FLOAT32, space, product(a), product(b));
      check_binary<Half>(what, DG_FLOAT16, space, product(a), product(b));
      check_binary<Brain>(what, DG_BFLOAT16, space, product(a), product(b));
      check_binary<int32_t>(what, DG_INT32, space, product(a), product(b));
      check_binary<uint8_t>(what, DG_UINT8, space, product(a), product(b));
      for (size_t d = 0; d < size.size(); d++) out[d] = c[d] > out[d] ? c[d] : out[d];
      const Space three = space_of(out, {c, a, b});
      check_where<float>("where " + what, DG_FLOAT32, three, product(c), product(a), product(b));
      check_where<Half>("where " + what, DG_FLOAT16, three, product(c), product(a), product(b));
      check_where<Brain>("where " + what, DG_BFLOAT16, three, product(c), product(a), product(b));
      check_where<uint8_t>("where " + what, DG_UINT8, three, product(c), product(a), product(b));
    }
  }
}

// ---- Places --------------------------------------------------------------------------------------------------------

// Any length at any address, in place or not.
template <class T>
void check_places() {
  const int sigmoid = static_cast<int>(Unary::sigmoid);
  const Dtype type = float_type<T>;
  const std::vector<T> x = all_stored<T>(random_values(200));
  for (int64_t offset : {0, 1, 7}) {
    for (int64_t n = 0; n <= 70; n++) {
      std::vector<T> want;
      for (int64_t i = 0; i < n; i++) want.push_back(stored<T>(sigmoid_(number(x[offset + i]))));
      const std::vector<T> before(x.begin() + offset, x.begin() + offset + n);
      const auto apart = run_everywhere<T>("sigmoid", n, [&](const Kernels &k, T *y) {
        return k.unary({sigmoid, type, type, x.data() + offset, y, n, 0, 0});
      });
      const auto in_place = run_everywhere<T>(
          "sigmoid in place", n,
          [&](const Kernels &k, T *y) {
            return k.unary({sigmoid, type, type, y, y, n, 0, 0});
          },
          0, before);
      check_equal("sigmoid", apart, want);
      check_equal("sigmoid in place", in_place, want);
    }
  }
}

// Results that are written around the caches.
void check_large() {
  const int64_t n = (9 << 20) + 5;
  const std::vector<float> a = random_values(n), b = random_values(1003);
  std::vector<float> want(n), y(n + 64);
  for (int64_t i = 0; i < n; i++) want[i] = a[i] + b[i % 1003];
  const int64_t rows = n / 1003;
  const Space space = space_of({rows, 1003}, {{rows, 1003}, {1, 1003}});
  want.resize(space.n);
  for (const Kernels &k : kernels_here()) {
    for (int64_t offset : {0, 1}) {
      float *const out = y.data() + (64 - reinterpret_cast<uintptr_t>(y.data()) % 64) / 4 % 16 + offset;
      CHECK(k.binary({add, DG_FLOAT32, DG_FLOAT32, a.data(), b.data(), out, space}) == 0);
      CHECK(!memcmp(out, want.data(), 4 * space.n), "large add on %s", k.isa);
      CHECK(k.fill({DG_FLOAT32, out, n, 0.5}) == 0 && out[0] == 0.5f && out[n / 2] == 0.5f && out[n - 1] == 0.5f);
      CHECK(k.copy({a.data(), out, 4 * n - 3}) == 0 && !memcmp(out, a.data(), 4 * n - 3));
      CHECK(k.copy({a.data(), out, 4 * n}) == 0 && !memcmp(out, a.data(), 4 * n));
    }
  }
}

// ---- Conversions ---------------------------------------------------------------------------------------------------

template <class From, class To>
void check_cast(Dtype from, Dtype to, const std::vector<From> &x, const std::vector<To> &want) {
  const int64_t n = static_cast<int64_t>(x.size());
  const std::string what = "cast " + std::to_string(from) + " to " + std::to_string(to);
  const auto got = run_everywhere<To>(what, n, [&](const Kernels &k, To *y) {
    return k.cast({from, to, x.data(), y, n});
  });
  check_equal(what, got, want);
}

void check_casts() {
  const std::vector<float> x = {0,         -0.0f,        0.9f,    -0.9f,          2.5f,      -7.9f,
                                255,       256.5f,       -1,      1e10f,          -1e10f,    infinity,
                                -infinity, not_a_number, 0x1p31f, 0x1.fffffep30f, 0x1p-149f, 300};
  const std::vector<int32_t> i = {0,         0,         0,         0,         2, -7,        255,        256, -1,
                                  INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN, 0, INT32_MAX, 0x7fffff80, 0,   300};
  std::vector<uint8_t> low, test, truth;
  std::vector<float> back, low_back;
  std::vector<int32_t> low_int;
  for (size_t k = 0; k < x.size(); k++) {
    low.push_back(static_cast<uint8_t>(i[k]));
    test.push_back(x[k] != 0);
    truth.push_back(i[k] != 0);
    back.push_back(static_cast<float>(i[k]));
    low_back.push_back(low[k]);
    low_int.push_back(low[k]);
  }
  check_cast(DG_FLOAT32, DG_INT32, x, i);
  check_cast(DG_FLOAT32, DG_UINT8, x, low);
  check_cast(DG_FLOAT32, DG_BOOL, x, test);
  check_cast(DG_FLOAT32, DG_FLOAT32, x, x);
  check_cast(DG_INT32, DG_FLOAT32, i, back);
  check_cast(DG_INT32, DG_UINT8, i, low);
  check_cast(DG_INT32, DG_BOOL, i, truth);
  check_cast(DG_UINT8, DG_FLOAT32, low, low_back);
  check_cast(DG_UINT8, DG_INT32, low, low_int);
  check_cast(DG_BOOL, DG_FLOAT32, truth, std::vector<float>(truth.begin(), truth.end()));
  check_cast(DG_BOOL, DG_UINT8, truth, truth);
}

// 16-bit floats to and from every type, themselves among them, as the same cast of float32.
template <class T>
void check_half_casts() {
  constexpr Dtype type = float_type<T>;
  std::vector<float> x = {0,    -0.0f, 0.9f,  -7.9f,    255,       256.5f,   -1,
                          1e4f, 6e4f,  3e38f, infinity, -infinity, 0x1p-24f, 300};
  for (float v : random_values(3000)) x.push_back(300 * v);
  const std::vector<T> halves = all_stored<T>(x);
  const std::vector<float> floats = numbers_of(halves);
  std::vector<int32_t> ints;
  std::vector<uint8_t> low, test;
  for (float v : floats) {
    ints.push_back(to_int_saturated(v));
    low.push_back(static_cast<uint8_t>(ints.back()));
    test.push_back(v != 0);
  }
  check_cast(type, DG_FLOAT32, halves, floats);
  check_cast(type, DG_FLOAT16, halves, all_stored<Half>(floats));
  check_cast(type, DG_BFLOAT16, halves, all_stored<Brain>(floats));
  check_cast(type, DG_INT32, halves, ints);
  check_cast(type, DG_UINT8, halves, low);
  check_cast(type, DG_BOOL, halves, test);
  check_cast(DG_FLOAT32, type, x, halves);
  check_cast(DG_INT32, type, ints, all_stored<T>(ints));
  check_cast(DG_UINT8, type, low, all_stored<T>(low));
  check_cast(DG_BOOL, type, test, all_stored<T>(test));

  // Into the other type in place: both are of one size.
  using Other = std::conditional_t<std::is_same_v<T, Half>, Brain, Half>;
  const int64_t n = static_cast<int64_t>(x.size());
  const auto in_place = run_everywhere<T>(
      "cast in place", n,
      [&](const Kernels &k, T *y) {
        return k.cast({type, float_type<Other>, y, y, n});
      },
      0, halves);
  const std::vector<Other> want = all_stored<Other>(floats);
  CHECK(!memcmp(in_place.data(), want.data(), n * sizeof(T)), "cast of %s in place", float_name<T>);
}

template <class T>
void check_fill(Dtype type, double value, T want) {
  for (int64_t n : {1, 15, 100}) {
    const auto got = run_everywhere<T>("fill", n, [&](const Kernels &k, T *y) { return k.fill({type, y, n, value}); });
    check_equal("fill", got, std::vector<T>(n, want));
  }
}

}  // namespace

int main() {
  check_broadcast({7});
  check_broadcast({37, 5});
  check_broadcast({3, 4, 130});
  check_broadcast({2, 3, 2, 5});
  check_binary<float>("row vector", DG_FLOAT32, space_of({3000, 40}, {{3000, 40}, {1, 40}}), 120000, 40);
  check_binary<float>("column vector", DG_FLOAT32, space_of({40, 3000}, {{40, 3000}, {40, 1}}), 120000, 40);
  check_binary<Half>("row vector", DG_FLOAT16, space_of({3000, 40}, {{3000, 40}, {1, 40}}), 120000, 40);
  check_binary<Brain>("column vector", DG_BFLOAT16, space_of({40, 3000}, {{40, 3000}, {40, 1}}), 120000, 40);
  check_binary<uint8_t>("outer sum", DG_UINT8, space_of({400, 300}, {{400, 1}, {1, 300}}), 400, 300);
  for_float_types([](auto type) { check_places<decltype(type)>(); });
  check_large();
  check_casts();
  check_half_casts<Half>();
  check_half_casts<Brain>();
  check_fill<float>(DG_FLOAT32, 1e300, infinity);
  check_fill<float>(DG_FLOAT32, 0.1, 0.1f);
  check_fill<Half>(DG_FLOAT16, 0.1, narrow<Half>(0.1f));
  check_fill<Half>(DG_FLOAT16, 65520, narrow<Half>(infinity));
  check_fill<Brain>(DG_BFLOAT16, -1e9, narrow<Brain>(-1e9f));
  check_fill<int32_t>(DG_INT32, -1e20, INT32_MIN);
  check_fill<int32_t>(DG_INT32, NAN, 0);
  check_fill<uint8_t>(DG_UINT8, 257, 1);
  check_fill<uint8_t>(DG_BOOL, 0.5, 1);
  return check_report("broadcast_test");
}
