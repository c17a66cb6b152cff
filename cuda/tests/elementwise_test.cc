// Do the elementwise kernels compute their formulas, on every type? Every result of every instruction set must have the
// bits that the formula gives for single numbers.
#include "math/elementwise.h"

#include "half_values.h"

using namespace dg;

namespace {

// The same bits, or NaN both.
bool same(float a, float b) { return bits(a) == bits(b) || (a != a && b != b); }
bool same(int32_t a, int32_t b) { return a == b; }

// ---- Formulas for single numbers -----------------------------------------------------------------------------------

template <class T>
using UnaryFormula = T (*)(T x, T a, T b);
template <class T>
using BinaryFormula = T (*)(T a, T b);

template <class Op, class T, unsigned types>
constexpr UnaryFormula<T> unary_formula() {
  if constexpr (Op::flags & types) return [](T x, T a, T b) { return static_cast<T>(Op::apply(x, a, b)); };
  return nullptr;
}
template <class Op, class T, unsigned types>
constexpr BinaryFormula<T> binary_formula() {
  if constexpr (Op::flags & types) return [](T a, T b) { return static_cast<T>(Op::apply(a, b)); };
  return nullptr;
}

const UnaryFormula<float> unary_floats[] = {
#define DG_UNARY(name, ...) unary_formula<unary_op::name, float, FLOAT>(),
#include "ops.def"
};
const UnaryFormula<int32_t> unary_ints[] = {
#define DG_UNARY(name, ...) unary_formula<unary_op::name, int32_t, INT | BOOL>(),
#include "ops.def"
};
const BinaryFormula<float> binary_floats[] = {
#define DG_BINARY(name, ...) binary_formula<binary_op::name, float, FLOAT>(),
#include "ops.def"
};
const BinaryFormula<int32_t> binary_ints[] = {
#define DG_BINARY(name, ...) binary_formula<binary_op::name, int32_t, INT | BOOL>(),
#include "ops.def"
};

// ---- Operands ------------------------------------------------------------------------------------------------------

// Numbers of all magnitudes, every special one among them; T in memory, V to compute with.
std::vector<float> numbers(float) {
  std::vector<float> x = {0.0f,      -0.0f,          1, -1, 0.5f, 6, -3, 3, infinity, -infinity, not_a_number,
                          0x1p-149f, 0x1.fffffep127f};
  while (x.size() < 20011)
    x.push_back(x.size() % 2 ? from_bits(static_cast<int32_t>(random_bits())) : 8 * random_value());
  return x;
}
template <class T>
std::vector<T> halves() {
  std::vector<T> x =
      all_stored<T>(std::vector<float>{0.0f, -0.0f, 1, -1, 0.5f, 6, -3, 3, infinity, -infinity, not_a_number});
  while (x.size() < 20011)
    x.push_back(x.size() % 2 ? T{static_cast<uint16_t>(random_bits())} : narrow<T>(8 * random_value()));
  return x;
}
std::vector<int32_t> numbers(int32_t) {
  std::vector<int32_t> x = {0, 1, -1, 2, -2, 3, -3, 7, 31, 32, INT32_MIN, INT32_MAX, INT32_MIN + 1};
  while (x.size() < 4001) {
    const int32_t any = static_cast<int32_t>(random_bits());
    x.push_back(x.size() % 2 ? any : any % 20);
  }
  return x;
}
std::vector<uint8_t> numbers(uint8_t) {
  std::vector<uint8_t> x;
  for (int i = 0; i < 1000; i++) x.push_back(static_cast<uint8_t>(i));
  return x;
}
std::vector<uint8_t> truths() {
  std::vector<uint8_t> x;
  for (int i = 0; i < 1000; i++) x.push_back(random_bits() >> 31);
  return x;
}

template <class V, class Out, class Got>
void check_same(const char *name, const Got &got, const std::vector<V> &want) {
  size_t i = 0;
  while (i < got.size() && same(static_cast<V>(number(got[i])), static_cast<V>(number(stored<Out>(want[i]))))) i++;
  CHECK(i == got.size(), "%s: element %zu is %g, not %g", name, i, double(number(got[i])), double(want[i]));
}

// ---- Every operation -----------------------------------------------------------------------------------------------

constexpr float param_a = 0.25f, param_b = 2.5f;

template <class T, class V>
void check_unary(Dtype type, const std::vector<T> &x, const UnaryFormula<V> *formulas) {
  for (int op = 0; op < unary_count; op++) {
    if (!unary_accepts(op, type)) continue;
    const Dtype out = unary_result(op, type);
    const int64_t n = static_cast<int64_t>(x.size());
    std::vector<V> want;
    for (T v : x) want.push_back(formulas[op](number(v), parameter<V>(param_a), parameter<V>(param_b)));
    for (const Kernels &kernels : kernels_here()) {
      const auto run = [&](auto y) {
        CHECK(kernels.unary({op, type, out, x.data(), y.data(), n, param_a, param_b}) == 0, "%s", unary_name(op));
        return y;
      };
      if (out == type) check_same<V, T>(unary_name(op), run(std::vector<T>(n)), want);
      if (out != type) check_same<V, uint8_t>(unary_name(op), run(std::vector<uint8_t>(n)), want);
    }
  }
}

template <class T, class V>
void check_binary(Dtype type, const std::vector<T> &a, const BinaryFormula<V> *formulas) {
  const int64_t n = static_cast<int64_t>(a.size());
  std::vector<T> b(n);
  for (int64_t i = 0; i < n; i++) b[i] = a[(i * 31 + i / 13) % n];
  for (int op = 0; op < binary_count; op++) {
    if (!binary_accepts(op, type)) continue;
    const Dtype out = binary_result(op, type);
    std::vector<V> want;
    for (int64_t i = 0; i < n; i++) want.push_back(formulas[op](number(a[i]), number(b[i])));
    for (const Kernels &kernels : kernels_here()) {
      const auto run = [&](auto y) {
        CHECK(kernels.binary({op, type, out, a.data(), b.data(), y.data(), {1, n, {n}, {{1}, {1}}}}) == 0, "%s",
              binary_name(op));
        return y;
      };
      if (out == type) check_same<V, T>(binary_name(op), run(std::vector<T>(n)), want);
      if (out != type) check_same<V, uint8_t>(binary_name(op), run(std::vector<uint8_t>(n)), want);
    }
  }
}

// ---- What is not there ---------------------------------------------------------------------------------------------

void check_table() {
  CHECK(unary_name(-1) == nullptr && unary_name(unary_count) == nullptr && binary_name(binary_count) == nullptr);
  CHECK(!unary_accepts(-1, DG_FLOAT32) && !binary_accepts(binary_count, DG_INT32));
  for (const Kernels &kernels : kernels_here()) {
    float x = 1;
    CHECK(kernels.unary({unary_count, DG_FLOAT32, DG_FLOAT32, &x, &x, 1, 0, 0}) == DG_E_ARGUMENT);
    CHECK(kernels.unary({int(Unary::exp), DG_INT32, DG_INT32, &x, &x, 1, 0, 0}) == DG_E_ARGUMENT);
    CHECK(kernels.binary({int(Binary::add), DG_BOOL, DG_BOOL, &x, &x, &x, {0, 1, {}, {}}}) == DG_E_ARGUMENT);
  }
}

}  // namespace

int main() {
  check_unary<float, float>(DG_FLOAT32, numbers(0.0f), unary_floats);
  check_unary<Half, float>(DG_FLOAT16, halves<Half>(), unary_floats);
  check_unary<Brain, float>(DG_BFLOAT16, halves<Brain>(), unary_floats);
  check_unary<int32_t, int32_t>(DG_INT32, numbers(0), unary_ints);
  check_unary<uint8_t, int32_t>(DG_UINT8, numbers(uint8_t{}), unary_ints);
  check_unary<uint8_t, int32_t>(DG_BOOL, truths(), unary_ints);
  check_binary<float, float>(DG_FLOAT32, numbers(0.0f), binary_floats);
  check_binary<Half, float>(DG_FLOAT16, halves<Half>(), binary_floats);
  check_binary<Brain, float>(DG_BFLOAT16, halves<Brain>(), binary_floats);
  check_binary<int32_t, int32_t>(DG_INT32, numbers(0), binary_ints);
  check_binary<uint8_t, int32_t>(DG_UINT8, numbers(uint8_t{}), binary_ints);
  check_binary<uint8_t, int32_t>(DG_BOOL, truths(), binary_ints);
  check_table();
  return check_report("elementwise_test");
}
