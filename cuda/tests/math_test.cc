// How far is each formula from the exact value? Kernels of both instruction sets (fused multiply-adds) and the scalar
// formulas without fusing (as in plain WebAssembly) against double libm, over all exponents.
#define DG_FUSED 0
#include <stdlib.h>

#include "math/elementwise.h"
#include "variants.h"

using namespace dg;

namespace {

bool verbose = false;

// |y - exact| in units of the float spacing at `exact`.
double ulps(float y, double exact) {
  if (isnan(exact) || isnan(y)) return isnan(exact) && isnan(y) ? 0 : INFINITY;
  const double largest = 0x1p128;  // stands for infinity: one spacing beyond the largest float
  const double got = isinf(y) ? copysign(largest, y) : y;
  const double want = fabs(exact) > largest ? copysign(largest, exact) : exact;
  int exponent;
  frexp(want, &exponent);
  const double spacing = want == 0 || exponent < -125 ? 0x1p-149 : ldexp(1, (exponent > 128 ? 128 : exponent) - 24);
  return fabs(got - want) / spacing;
}

// Every exponent, both signs, the ends of each binade and `per_binade` significands between them.
std::vector<float> samples(int per_binade) {
  std::vector<float> x = {NAN, INFINITY, -INFINITY};
  uint32_t random = 12345;
  for (int32_t exponent = 0; exponent < 255; exponent++)
    for (int32_t sign : {0, sign_bit})
      for (int i = 0; i < per_binade; i++) {
        random = random * 1664525 + 1013904223;
        const int32_t significand = i < 2 ? i : i < 4 ? 0x800001 - i : static_cast<int32_t>(random >> 9);
        x.push_back(from_bits(sign | exponent << 23 | significand));
      }
  return x;
}

struct Worst {
  double ulps = 0;
  float at[2] = {};
  void see(double error, float a, float b = 0) {
    if (!(error > ulps)) return;
    ulps = error;
    at[0] = a;
    at[1] = b;
  }
};

void report(const char *name, const char *how, const Worst &worst, double bound) {
  if (verbose) printf("%-12s%-9s%8.3f  (%a, %a)\n", name, how, worst.ulps, worst.at[0], worst.at[1]);
  CHECK(worst.ulps <= bound, "%s %s(%a, %a): %g ulp", how, name, worst.at[0], worst.at[1], worst.ulps);
}

struct UnaryCase {
  const char *name;
  Unary op;
  double (*exact)(double);
  double fused, unfused;  // bounds
  float (*scalar)(float);
  double absolute = 0;                                  // errors up to this do not count
  double (*more)(double) = [](double) { return 0.0; };  // what the bound grows by
};

double normal_cdf(double x) { return erfc(-x * sqrt(0.5)) / 2; }
double gelu_argument(double x) { return sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }

#define CASE(name, fused, unfused, ...)                                                 \
  {                                                                                     \
    #name, Unary::name, [](double x) -> double { return __VA_ARGS__; }, fused, unfused, \
        [](float x) -> float { return unary_op::name::apply(x, 1.0f, 1.0f); }           \
  }
// x times something that may be subnormal.
#define TAIL_CASE(name, fused, unfused, more, ...)                                       \
  {                                                                                      \
    #name, Unary::name, [](double x) -> double { return __VA_ARGS__; }, fused, unfused,  \
        [](float x) -> float { return unary_op::name::apply(x, 1.0f, 1.0f); }, 0x1p-142, \
        [](double x) { return (void)x, more; }                                           \
  }
const UnaryCase unary_cases[] = {
    CASE(exp, 1, 1, exp(x)),
    CASE(expm1, 2, 2, expm1(x)),
    CASE(log, 1, 1, log(x)),
    CASE(log1p, 2, 2, log1p(x)),
    CASE(sqrt, 0.5, 0.5, sqrt(x)),
    CASE(rsqrt, 2, 2, 1 / sqrt(x)),
    CASE(reciprocal, 0.5, 0.5, 1 / x),
    CASE(sinh, 2, 2, sinh(x)),
    CASE(cosh, 2, 2, cosh(x)),
    CASE(tanh, 2, 2, tanh(x)),
    CASE(asinh, 3, 3, asinh(x)),
    CASE(acosh, 3, 3, acosh(x)),
    CASE(atanh, 3, 3, atanh(x)),
    CASE(sin, 3, 3, sin(x)),
    CASE(cos, 3, 3, cos(x)),
    CASE(tan, 4, 4, tan(x)),
    CASE(asin, 3, 3, asin(x)),
    CASE(acos, 3, 3, acos(x)),
    CASE(atan, 3, 3, atan(x)),
    CASE(erf, 2, 2, erf(x)),
    CASE(sigmoid, 2, 3, 1 / (1 + exp(-x))),
    CASE(softplus, 2, 3, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))),
    CASE(logSigmoid, 2, 3, x > 0 ? -log1p(exp(-x)) : x - log1p(exp(x))),
    CASE(elu, 2, 2, x > 0 ? x : expm1(x)),
    CASE(selu, 3, 3, 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x))),
    CASE(softsign, 2, 2, x / (1 + fabs(x))),
    TAIL_CASE(swish, 3, 4, 0.0, x / (1 + exp(-x))),
    TAIL_CASE(mish, 4, 4, 0.0, x *tanh(log1p(exp(x)))),
    TAIL_CASE(gelu, 6, 7, 0.0, x *normal_cdf(x)),
    TAIL_CASE(geluApprox, 4, 5, 6 * fabs(gelu_argument(x)), x / (1 + exp(-2 * gelu_argument(x)))),
};

void check_unary(const std::vector<float> &x) {
  const int64_t n = static_cast<int64_t>(x.size());
  std::vector<float> y(n);
  for (const UnaryCase &c : unary_cases) {
    const auto excess = [&](float y, float x) {
      const double exact = c.exact(x);
      return fabs(y - exact) <= c.absolute ? 0 : ulps(y, exact) - c.more(x);
    };
    for (const Kernels &kernels : kernels_here()) {
      kernels.unary({static_cast<int>(c.op), DG_FLOAT32, DG_FLOAT32, x.data(), y.data(), n, 1, 1});
      Worst fused;
      for (int64_t i = 0; i < n; i++) fused.see(excess(y[i], x[i]), x[i]);
      report(c.name, kernels.isa, fused, c.fused);
    }
    Worst unfused;
    for (int64_t i = 0; i < n; i++) unfused.see(excess(c.scalar(x[i]), x[i]), x[i]);
    report(c.name, "unfused", unfused, c.unfused);
  }
}

struct BinaryCase {
  const char *name;
  Binary op;
  double (*exact)(double, double);
  double fused, unfused;
  float (*scalar)(float, float);
};
#define BINARY_CASE(name, fused, unfused, ...)                                                     \
  {                                                                                                \
    #name, Binary::name, [](double a, double b) -> double { return __VA_ARGS__; }, fused, unfused, \
        [](float a, float b) -> float { return binary_op::name::apply(a, b); }                     \
  }
const BinaryCase binary_cases[] = {
    BINARY_CASE(div, 0.5, 0.5, a / b),
    BINARY_CASE(pow, 2, 3, pow(a, b)),
    BINARY_CASE(atan2, 3, 3, atan2(a, b)),
    // The remainder is exact; adding b to it rounds once.
    BINARY_CASE(mod, 0.5, 0.5, fmod(a, b) != 0 && (a < 0) != (b < 0) ? fmod(a, b) + b : fmod(a, b)),
};

void check_binary(const std::vector<float> &a, const std::vector<float> &b) {
  const int64_t n = static_cast<int64_t>(a.size());
  std::vector<float> y(n);
  for (const BinaryCase &c : binary_cases) {
    for (const Kernels &kernels : kernels_here()) {
      kernels.binary(
          {static_cast<int>(c.op), DG_FLOAT32, DG_FLOAT32, a.data(), b.data(), y.data(), {1, n, {n}, {{1}, {1}}}});
      Worst fused;
      for (int64_t i = 0; i < n; i++) fused.see(ulps(y[i], c.exact(a[i], b[i])), a[i], b[i]);
      report(c.name, kernels.isa, fused, c.fused);
    }
    Worst unfused;
    for (int64_t i = 0; i < n; i++) unfused.see(ulps(c.scalar(a[i], b[i]), c.exact(a[i], b[i])), a[i], b[i]);
    report(c.name, "unfused", unfused, c.unfused);
  }
}

// Exponents for which powers of x are neither all zero nor all infinite.
std::vector<float> exponents_for(const std::vector<float> &x) {
  std::vector<float> y;
  uint32_t random = 54321;
  for (float v : x) {
    random = random * 1664525 + 1013904223;
    const double scale = 110 / fmax(fabs(log(fabs(v))), 1e-8), u = random / 0x1p31 - 1;
    y.push_back(static_cast<float>(v < 0 ? rint(u * scale) : u * scale));
  }
  return y;
}

}  // namespace

// With an argument, a table of the largest errors; it is the number of samples per binade (2048).
int main(int argc, char **argv) {
  verbose = argc > 1;
  const std::vector<float> x = samples(verbose ? atoi(argv[1]) : 2048);
  check_unary(x);
  check_binary(x, exponents_for(x));
  std::vector<float> shuffled(x);
  for (size_t i = 0; i < x.size(); i++) shuffled[i] = x[i * 7919 % x.size()];
  check_binary(x, shuffled);
  return check_report("math_test");
}
