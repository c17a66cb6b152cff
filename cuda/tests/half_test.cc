// Are 16-bit floats the numbers they should be, and is every other number rounded to the nearest of them, ties to even?
// Against a list of all of them made from the definition of their format: the formulas, and the kernels that cast.
#include "half_values.h"

using namespace dg;

namespace {

// The numbers that are not negative, by their bits; the last stands for infinity, as the next number if there was one.
std::vector<double> all_numbers(int exponent_bits, int mantissa_bits) {
  const int one = 1 << mantissa_bits, bias = (1 << (exponent_bits - 1)) - 1;
  std::vector<double> x;
  for (int i = 0; i <= ((1 << exponent_bits) - 1) * one; i++) {
    const int exponent = i / one, mantissa = i % one;
    x.push_back(ldexp(exponent ? one + mantissa : mantissa, (exponent ? exponent : 1) - bias - mantissa_bits));
  }
  return x;
}

template <class T>
const std::vector<double> &numbers() {
  static const auto all = std::is_same_v<T, Half> ? all_numbers(5, 10) : all_numbers(8, 7);
  return all;
}

// The bits of the nearest number; of a NaN, those of one.
template <class T>
uint16_t nearest(float x) {
  const std::vector<double> &all = numbers<T>();
  const size_t infinite = all.size() - 1;
  const uint16_t sign = signbit(x) ? 0x8000 : 0;
  if (x != x) return sign | static_cast<uint16_t>(infinite + 1);
  const double size = fabs(static_cast<double>(x));
  size_t low = 0, high = infinite;  // all[low] <= size, and all[high] is the next
  if (size >= all[high]) return sign | static_cast<uint16_t>(infinite);
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    (all[middle] <= size ? low : high) = middle;
  }
  const double below = size - all[low], above = all[high] - size;
  return sign | static_cast<uint16_t>(below < above || (below == above && low % 2 == 0) ? low : high);
}

bool is_nan(Half h) { return (h.bits & 0x7fff) > 0x7c00; }
bool is_nan(Brain b) { return (b.bits & 0x7fff) > 0x7f80; }

template <class T>
bool agrees(T got, uint16_t want) {
  return got.bits == want || (is_nan(got) && is_nan(T{want}));
}

// What all bits mean, and that they survive.
template <class T>
void check_widening() {
  std::vector<T> all;
  for (int i = 0; i < 0x10000; i++) all.push_back(T{static_cast<uint16_t>(i)});
  const auto check = [&](const char *how, const std::vector<float> &wide, const std::vector<T> &back) {
    for (size_t i = 0; i < all.size(); i++) {
      const size_t magnitude = i & 0x7fff, infinite = numbers<T>().size() - 1;
      const double size = magnitude == infinite ? INFINITY : magnitude > infinite ? NAN : numbers<T>()[magnitude];
      const double want = i & 0x8000 ? -size : size, got = wide[i];
      CHECK((got == want && signbit(got) == signbit(want)) || (got != got && want != want), "%s, %s: %zx is %g, not %g",
            float_name<T>, how, i, got, want);
      CHECK(agrees(back[i], static_cast<uint16_t>(i)), "%s, %s: %zx comes back as %x", float_name<T>, how, i,
            back[i].bits);
    }
  };
  check("formula", numbers_of(all), all_stored<T>(numbers_of(all)));
  const int64_t n = static_cast<int64_t>(all.size());
  const auto wide = run_everywhere<float>("cast to float32", n, [&](const Kernels &k, float *y) {
    return k.cast({float_type<T>, DG_FLOAT32, all.data(), y, n});
  });
  const auto back = run_everywhere<T>("cast to 16 bits", n, [&](const Kernels &k, T *y) {
    return k.cast({DG_FLOAT32, float_type<T>, wide.data(), y, n});
  });
  check("kernel", wide, back);
}

// Every number, every tie between two of them, what is next to either, and a little of all else.
template <class T>
std::vector<float> floats_to_round() {
  std::vector<float> x = {0x1.fffffep127f, INFINITY, NAN, from_bits(0x7f800001), from_bits(0x7fffffff), 0x1p-149f};
  const std::vector<double> &all = numbers<T>();
  for (size_t i = 0; i + 1 < all.size(); i++) {
    for (double v : {all[i], (all[i] + all[i + 1]) / 2}) {
      const float at = static_cast<float>(v);
      x.push_back(at);
      x.push_back(nextafterf(at, 0));
      x.push_back(nextafterf(at, INFINITY));
    }
  }
  while (x.size() % 0x10000) x.push_back(from_bits(static_cast<int32_t>(random_bits() >> 1)));
  const size_t positive = x.size();
  for (size_t i = 0; i < positive; i++) x.push_back(-x[i]);
  return x;
}

template <class T>
void check_rounding() {
  const std::vector<float> x = floats_to_round<T>();
  const int64_t n = static_cast<int64_t>(x.size());
  const auto kernel = run_everywhere<T>("cast to 16 bits", n, [&](const Kernels &k, T *y) {
    return k.cast({DG_FLOAT32, float_type<T>, x.data(), y, n});
  });
  for (int64_t i = 0; i < n; i++) {
    const uint16_t want = nearest<T>(x[i]);
    const T formula = narrow<T>(x[i]);
    CHECK(agrees(formula, want), "%s formula: %a is %x, not %x", float_name<T>, x[i], formula.bits, want);
    CHECK(agrees(kernel[i], want), "%s kernel: %a is %x, not %x", float_name<T>, x[i], kernel[i].bits, want);
  }
}

void check_edges() {
  CHECK(narrow<Half>(65519.996f).bits == 0x7bff && narrow<Half>(65520).bits == 0x7c00);
  CHECK(narrow<Half>(-65520).bits == 0xfc00 && widen(Half{0x7bff}) == 65504);
  CHECK(narrow<Half>(0x1p-25f).bits == 0 && narrow<Half>(0x1.8p-24f).bits == 2 && narrow<Half>(-0.0f).bits == 0x8000);
  CHECK(narrow<Brain>(0x1.ffp127f).bits == 0x7f80 && narrow<Brain>(0x1.fefffep127f).bits == 0x7f7f);
  CHECK(narrow<Brain>(from_bits(0x7f800001)).bits == 0x7fc0, "a NaN does not become infinite");
}

}  // namespace

int main() {
  check_widening<Half>();
  check_widening<Brain>();
  check_rounding<Half>();
  check_rounding<Brain>();
  check_edges();
  return check_report("half_test");
}
