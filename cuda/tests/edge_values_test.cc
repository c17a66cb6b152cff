// Do the formulas give at their edges what IEEE 754 and TensorFlow say? Of single numbers: elementwise_test compares
// the kernels with these.
#include <initializer_list>

#include "check.h"
#include "math/elementwise.h"

using namespace dg;

namespace {

// The same bits (of zero, infinity, NaN of any kind), or close.
bool agree(float got, float want) {
  if (want != want) return got != got;
  if (want == 0) return bits(got) == bits(want);
  return got == want || fabsf(got - want) <= 0x1p-22f * fabsf(want);
}

constexpr float param_a = 0.25f, param_b = 2.5f;

struct UnaryEdge {
  float x, want;
};
template <class Op>
void check_unary(const char *name, std::initializer_list<UnaryEdge> edges) {
  for (const UnaryEdge &e : edges) {
    const float got = static_cast<float>(Op::apply(e.x, param_a, param_b));
    CHECK(agree(got, e.want), "%s(%g) is %g, not %g", name, double(e.x), double(got), double(e.want));
  }
}

template <class V>
struct BinaryEdge {
  V a, b, want;
};
template <class Op, class V>
void check_binary(const char *name, std::initializer_list<BinaryEdge<V>> edges) {
  for (const BinaryEdge<V> &e : edges) {
    const V got = static_cast<V>(Op::apply(e.a, e.b));
    const bool right = is_float<V> ? agree(static_cast<float>(got), static_cast<float>(e.want)) : got == e.want;
    CHECK(right, "%s(%g, %g) is %g, not %g", name, double(e.a), double(e.b), double(got), double(e.want));
  }
}

#define UNARY(name, ...) check_unary<unary_op::name>(#name, {__VA_ARGS__})
// Keeps the sign of zero and the smallest numbers.
#define ODD(name) UNARY(name, {-0.0f, -0.0f}, {tiny, tiny}, {none, none})
#define BINARY(name, ...) check_binary<binary_op::name, float>(#name, {__VA_ARGS__})
#define INTEGER(name, ...) check_binary<binary_op::name, int32_t>(#name, {__VA_ARGS__})

constexpr float none = not_a_number, inf = infinity, tiny = 0x1p-149f, pi = 0x1.921fb6p+1f;
constexpr int32_t least = INT32_MIN, most = INT32_MAX;

}  // namespace

int main() {
  UNARY(exp, {inf, inf}, {-inf, 0}, {89, inf}, {-103.5f, tiny}, {-104, 0});
  UNARY(expm1, {inf, inf}, {-inf, -1}, {tiny, tiny});
  UNARY(log, {0, -inf}, {-0.0f, -inf}, {-1, none}, {inf, inf}, {1, 0}, {tiny, -103.27893f});
  UNARY(log1p, {-1, -inf}, {-2, none}, {inf, inf});
  UNARY(sqrt, {-1, none}, {-0.0f, -0.0f});
  UNARY(rsqrt, {0, inf}, {inf, 0});
  UNARY(reciprocal, {-0.0f, -inf});
  UNARY(round, {0.5f, 0}, {1.5f, 2}, {2.5f, 2}, {-0.5f, -0.0f});
  UNARY(floor, {-0.5f, -1});
  UNARY(ceil, {-0.5f, -0.0f});
  UNARY(trunc, {-1.5f, -1});
  UNARY(sign, {-3, -1}, {none, none}, {0, 0});
  UNARY(abs, {-0.0f, 0});
  UNARY(relu, {none, none}, {-0.0f, 0}, {-inf, 0});
  UNARY(relu6, {7, 6}, {none, none});
  UNARY(step, {0, param_a}, {2, 1}, {none, none});
  UNARY(leakyRelu, {-4, -1});
  UNARY(clipByValue, {none, none}, {-inf, param_a}, {9, param_b});
  UNARY(sin, {inf, none});
  UNARY(cos, {-inf, none}, {0, 1});
  UNARY(tan, {none, none});
  UNARY(acos, {-1, pi}, {-1.5f, none});
  UNARY(asin, {1.5f, none});
  UNARY(atan, {inf, pi / 2});
  UNARY(acosh, {0.5f, none}, {1, 0}, {inf, inf});
  UNARY(asinh, {-inf, -inf});
  UNARY(atanh, {1, inf}, {-1, -inf}, {1.5f, none});
  UNARY(sinh, {-inf, -inf});
  UNARY(cosh, {-inf, inf});
  UNARY(tanh, {inf, 1}, {-inf, -1});
  UNARY(erf, {-inf, -1}, {-0.0f, -0.0f});
  UNARY(sigmoid, {-inf, 0}, {inf, 1});
  UNARY(softplus, {-inf, 0}, {inf, inf});
  UNARY(logSigmoid, {-inf, -inf});
  UNARY(elu, {-inf, -1});
  UNARY(mish, {100, 100});
  UNARY(gelu, {20, 20});
  UNARY(isNaN, {none, 1});
  UNARY(isInf, {-inf, 1}, {none, 0});
  UNARY(isFinite, {inf, 0}, {0, 1});
  ODD(expm1);
  ODD(log1p);
  ODD(sin);
  ODD(tan);
  ODD(asin);
  ODD(atan);
  ODD(sinh);
  ODD(tanh);
  ODD(asinh);
  ODD(atanh);
  ODD(elu);

  BINARY(div, {1, -0.0f, -inf});
  BINARY(divNoNan, {1, 0, 0}, {none, -0.0f, 0});
  BINARY(floorDiv, {-7, 2, -4});
  BINARY(mod, {-7, 3, 2}, {7, -3, -2}, {5, inf, 5}, {-5, inf, inf}, {5, 0, none}, {inf, 5, none}, {0x1p127f, 3, 2},
         {-6, 3, -0.0f});
  BINARY(maximum, {none, 1, none}, {1, none, none});
  BINARY(minimum, {none, 1, none}, {1, none, none});
  BINARY(pow, {0, -1, inf}, {-0.0f, -1, -inf}, {-0.0f, -2, inf}, {-0.0f, 3, -0.0f}, {-2, 3, -8}, {-2, 0.5f, none},
         {1, none, 1}, {none, 0, 1}, {none, 1, none}, {-1, inf, 1}, {2, -inf, 0}, {0.5f, -inf, inf}, {inf, -1, 0},
         {-inf, 3, -inf}, {-inf, -3, -0.0f}, {-inf, 0.5f, inf}, {2, 128, inf}, {2, -149, tiny}, {-2, 0x1p25f, inf});
  BINARY(atan2, {0, -0.0f, pi}, {-0.0f, -0.0f, -pi}, {0, 0, 0}, {-0.0f, 1, -0.0f}, {inf, -inf, 0.75f * pi},
         {1, none, none}, {-1, 0, -pi / 2});
  BINARY(equal, {none, none, 0});
  BINARY(notEqual, {none, none, 1});
  BINARY(lessEqual, {none, 1, 0});

  INTEGER(div, {7, -2, -4}, {5, 0, 0}, {least, -1, least});
  INTEGER(floorDiv, {-7, 2, -4});
  INTEGER(mod, {-7, 3, 2}, {7, -3, -2}, {5, 0, 0}, {least, -1, 0});
  INTEGER(pow, {-3, 3, -27}, {2, 31, least}, {2, -1, 0}, {-1, -3, -1}, {0, 0, 1});
  INTEGER(add, {most, 1, least});
  INTEGER(squaredDifference, {least, most, 1});

  return check_report("edge_values_test");
}
