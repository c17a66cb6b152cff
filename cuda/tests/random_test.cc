// Does every element of a random draw come from its own word of Philox, and have the distribution it should?
#include "half_values.h"
#include "math/families.h"
#include "math/philox.h"

using namespace dg;

namespace {

struct State {
  int32_t words[4];
};

template <class T>
std::vector<T> draw(Random op, int64_t n, const State &start, float a, float b, State *after = nullptr,
                    int status = 0) {
  constexpr int type = std::is_same_v<T, int32_t> ? DG_INT32 : float_type<T>;
  return run_everywhere<T>(
      random_name(static_cast<int>(op)), n,
      [&](const Kernels &k, T *out) {
        State state = start;
        const int got = k.random({static_cast<int>(op), type, state.words, out, n, a, b});
        if (after) *after = state;
        return got;
      },
      status);
}

// Philox4x32-10 written down once more, straight from its definition.
void reference_block(uint64_t counter, uint32_t k0, uint32_t k1, uint32_t out[4]) {
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = 0xd2511f53ull * c[0], p1 = 0xcd9e8d57ull * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
                              static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    memcpy(c, next, sizeof c);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  memcpy(out, c, sizeof c);
}

std::vector<uint32_t> reference_words(const State &s, int64_t n) {
  std::vector<uint32_t> words((n + 3) / 4 * 4);
  const uint64_t counter = static_cast<uint32_t>(s.words[2]) | static_cast<uint64_t>(s.words[3]) << 32;
  for (int64_t i = 0; i < n; i += 4)
    reference_block(counter + i / 4, static_cast<uint32_t>(s.words[0]), static_cast<uint32_t>(s.words[1]), &words[i]);
  return words;
}

void check_words() {
  // Published known answers.
  const Four<uint32_t> zeros = philox<uint32_t>({{0, 0, 0, 0}}, 0, 0);
  const uint32_t of_zeros[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  CHECK(!memcmp(zeros.at, of_zeros, sizeof of_zeros));
  const uint32_t all = UINT32_MAX;
  const Four<uint32_t> ones = philox<uint32_t>({{all, all, all, all}}, all, all);
  const uint32_t of_ones[] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  CHECK(!memcmp(ones.at, of_ones, sizeof of_ones));

  // The counter passes 2^32 and 2^64 within these draws.
  for (const State &start : {State{{0, 0, 0, 0}}, State{{1, -2, -3, 7}}, State{{5, 6, -20, -1}}}) {
    for (int64_t n : {0, 1, 3, 4, 63, 64, 65, 1000, 40001}) {
      State after;
      const auto y = draw<int32_t>(Random::uniformInt, n, start, -0x1p31f, 0x1p31f, &after);
      const auto words = reference_words(start, n);
      bool same = true;
      for (int64_t i = 0; i < n; i++) same &= static_cast<uint32_t>(y[i]) == words[i] + 0x80000000u;
      CHECK(same, "%ld words", n);
      const auto counter = [](const State &s) {
        return static_cast<uint32_t>(s.words[2]) | static_cast<uint64_t>(s.words[3]) << 32;
      };
      CHECK(counter(after) == counter(start) + (n + 3) / 4 && after.words[0] == start.words[0] &&
            after.words[1] == start.words[1]);
    }
  }
}

struct Moments {
  double mean = 0, variance = 0, low = INFINITY, high = -INFINITY;
  explicit Moments(const std::vector<float> &x) {
    for (float v : x) mean += v / static_cast<double>(x.size());
    for (float v : x) {
      variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
      low = fmin(low, v);
      high = fmax(high, v);
    }
  }
};

constexpr int64_t many = 400000;
const State seed = {{12, 34, 56, 78}};

void check_uniform() {
  const auto words = reference_words(seed, many);
  const auto y = draw<float>(Random::uniform, many, seed, -3, 5);
  std::vector<double> expected(many);
  for (int64_t i = 0; i < many; i++) expected[i] = -3 + 8 * ((words[i] >> 8) * 0x1p-24);
  check_close("uniform", y, expected, 6e-8, 0);
  const Moments m(y);
  CHECK(m.low >= -3 && m.high < 5 && fabs(m.mean - 1) < 0.02 && fabs(m.variance - 64 / 12.0) < 0.02);
  // Ranges of one value, where rounding would otherwise reach the end.
  for (float a : {1.0f, -1.0f, 1e30f, -0x1p-149f}) {
    const float end = nextafterf(a, INFINITY);
    for (float v : draw<float>(Random::uniform, 1000, seed, a, end))
      CHECK(v == a, "%g is outside of [%g, %g)", v, a, end);
  }
  for (float v : draw<float>(Random::uniform, 1000, seed, 100, 100.0001f)) CHECK(v >= 100 && v < 100.0001f);
  for (float v : draw<float>(Random::uniform, 10, seed, 7, 7)) CHECK(v == 7);
}

void check_normal() {
  const auto words = reference_words(seed, many);
  const auto y = draw<float>(Random::normal, many, seed, 2, 3);
  std::vector<double> expected(many);
  for (int64_t i = 0; i < many; i += 2) {
    const double radius = sqrt(-2 * log(1 - (words[i] >> 8) * 0x1p-24));
    const uint32_t turns = words[i + 1] >> 8;
    const double angle = M_PI / 2 * (turns >> 22) + M_PI / 2 * ((turns & 0x3fffff) * 0x1p-22 - 0.5);
    expected[i] = 2 + 3 * radius * cos(angle);
    expected[i + 1] = 2 + 3 * radius * sin(angle);
  }
  check_close("normal", y, expected, 2e-7, 4e-6);
  const Moments m(y);
  CHECK(fabs(m.mean - 2) < 0.02 && fabs(m.variance - 9) < 0.1 && m.high < 2 + 3 * 5.8 && m.high > 2 + 3 * 4);
}

void check_truncated_normal() {
  const auto words = reference_words(seed, many);
  const auto y = draw<float>(Random::truncatedNormal, many, seed, 0, 1);
  std::vector<double> got(many), expected(many);  // the share of the distribution that lies below
  for (int64_t i = 0; i < many; i++) {
    got[i] = erf(y[i] / M_SQRT2) / erf(2 / M_SQRT2);
    expected[i] = (2.0 * (words[i] >> 8) + 1) * 0x1p-24 - 1;
  }
  check_close("truncated normal", got, expected, 4e-7, 1e-12);
  const Moments m(y);
  CHECK(m.low >= -2 && m.high <= 2 && m.high > 1.999 && fabs(m.mean) < 0.01 && fabs(m.variance - 0.77374) < 0.01);
}

void check_bernoulli_and_integers() {
  const auto words = reference_words(seed, many);
  const auto floats = draw<float>(Random::bernoulli, many, seed, 0.3f, 0);
  const auto ints = draw<int32_t>(Random::bernoulli, many, seed, 0.3f, 0);
  int64_t wrong = 0;
  for (int64_t i = 0; i < many; i++) {
    const bool one = (words[i] >> 8) * 0x1p-24 < 0.3f;
    wrong += floats[i] != one || ints[i] != one;
  }
  CHECK(wrong == 0, "%ld of %ld", wrong, many);
  for (float v : draw<float>(Random::bernoulli, 1000, seed, 0, 0)) CHECK(v == 0);
  for (float v : draw<float>(Random::bernoulli, 1000, seed, 1, 0)) CHECK(v == 1);

  std::vector<int64_t> count(7);
  for (int32_t v : draw<int32_t>(Random::uniformInt, many, seed, -3, 4)) {
    CHECK(v >= -3 && v < 4, "%d", v);
    if (v >= -3 && v < 4) count[v + 3]++;
  }
  for (int64_t c : count) CHECK(fabs(static_cast<double>(c) - many / 7.0) < 1500, "%ld", c);
  draw<int32_t>(Random::uniform, 1, seed, 0, 1, nullptr, DG_E_ARGUMENT);
  draw<float>(Random::uniformInt, 1, seed, 0, 1, nullptr, DG_E_ARGUMENT);
}

// Draws of 16 bits are those of float32, rounded, and take as many numbers.
template <class T>
void check_halves() {
  for (Random op : {Random::uniform, Random::normal, Random::truncatedNormal, Random::bernoulli}) {
    for (int64_t n : {1, 17, 1000, 40001}) {
      State after_floats, after;
      const auto floats = draw<float>(op, n, seed, 0.3f, 2, &after_floats);
      const auto y = draw<T>(op, n, seed, 0.3f, 2, &after);
      CHECK(same_bits(y, all_stored<T>(floats)), "%ld of %s in %s", n, random_name(int(op)), float_name<T>);
      CHECK(!memcmp(&after, &after_floats, sizeof after));
    }
  }
  draw<T>(Random::uniformInt, 1, seed, 0, 1, nullptr, DG_E_ARGUMENT);
}

}  // namespace

int main() {
  check_words();
  check_uniform();
  check_normal();
  check_truncated_normal();
  check_bernoulli_and_integers();
  check_halves<Half>();
  check_halves<Brain>();
  return check_report("random_test");
}
