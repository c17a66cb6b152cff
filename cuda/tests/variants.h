// Does a kernel give the same bits on every instruction set and any number of threads, and write nothing but its
// output? With DG_EMULATED it is the emulated GPU's kernels that are asked, with its threads in several orders.
#pragma once
#include <string.h>

#include <string>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "core/kernels.h"
#include "cpu/threads.h"

#if defined(DG_EMULATED)
#include "core/backend.h"
#include "emu/grid.h"
#else
#include "cpu/half_floats.h"
#endif

namespace dg {

#if !defined(DG_EMULATED)
#define DG_DECLARE(Args, name) int run_##name(const Args &);
namespace v3 {
DG_KERNELS(DG_DECLARE)
}
namespace v4 {
DG_KERNELS(DG_DECLARE)
}
#undef DG_DECLARE
#endif

// The kernels of one instruction set, under their families' names.
struct Kernels {
  const char *isa;
#define DG_FIELD(Args, name) int (*name)(const Args &);
  DG_KERNELS(DG_FIELD)
#undef DG_FIELD
};

#if defined(DG_EMULATED)

// A GPU's results are there when it has been waited for.
#define DG_ENTRY(Args, name)                          \
  [](const Args &args) {                              \
    const int status = run_##name(args);              \
    return status ? status : backend::synchronize(0); \
  },

inline std::vector<Kernels> kernels_here() {
  backend::use(0);
  return {{"the emulated GPU", DG_KERNELS(DG_ENTRY)}};
}
inline void vary(int i) { emu::set_seed(i); }
constexpr int bad_index = 0;  // no kernel can say what it met: results are zeros or NaN

#else

// As the library forwards calls to them.
#define DG_ENTRY(Args, name) [](const Args &args) { return run_in_float32(args, run_##name, run_cast); },

inline std::vector<Kernels> kernels_here() {
  std::vector<Kernels> all;
  if (__builtin_cpu_supports("x86-64-v3")) {
    using namespace v3;
    all.push_back({"v3", DG_KERNELS(DG_ENTRY)});
  }
  if (__builtin_cpu_supports("x86-64-v4")) {
    using namespace v4;
    all.push_back({"v4", DG_KERNELS(DG_ENTRY)});
  }
  return all;
}
inline void vary(int threads) { set_thread_count(threads); }
constexpr int bad_index = DG_E_ARGUMENT;  // what a kernel returns that met an index outside its range

#endif
#undef DG_ENTRY

template <class T>
bool same_bits(const std::vector<T> &a, const std::vector<T> &b) {
  return a.size() == b.size() && (a.empty() || !memcmp(a.data(), b.data(), a.size() * sizeof(T)));
}

// The `n` elements that call(kernels, y) writes, after comparing what every variant writes. `before`: what y holds at
// first. Each must return `status`.
template <class T, class Call>
std::vector<T> run_everywhere(const std::string &what, int64_t n, const Call &call, int status = 0,
                              const std::vector<T> &before = {}) {
  constexpr int64_t margin = 64;
  std::vector<T> first;
  for (const Kernels &kernels : kernels_here()) {
    for (int threads : {1, 2, 3}) {
      vary(threads);
      std::vector<T> y(n + 2 * margin);
      memset(y.data(), 0x5a, y.size() * sizeof(T));
      const std::vector<T> guard(y.begin(), y.begin() + margin);
      if (!before.empty()) memcpy(y.data() + margin, before.data(), n * sizeof(T));
      const int got = call(kernels, y.data() + margin);
      CHECK(got == status, "%s on %s: %d, %.*s", what.c_str(), kernels.isa, got, failure().length(), failure().data());
      const bool kept = !memcmp(y.data(), guard.data(), margin * sizeof(T)) &&
                        !memcmp(y.data() + margin + n, guard.data(), margin * sizeof(T));
      CHECK(kept, "%s on %s writes beside its output", what.c_str(), kernels.isa);
      const std::vector<T> result(y.begin() + margin, y.end() - margin);
      if (first.empty()) first = result;
      CHECK(same_bits(first, result), "%s differs on %s with %d threads", what.c_str(), kernels.isa, threads);
    }
  }
  return first;
}

// Every |got - expected| <= absolute + relative |expected|; equal infinities and NaN with NaN count as equal.
template <class T, class U>
void check_close(const std::string &what, const std::vector<T> &got, const std::vector<U> &expected, double relative,
                 double absolute) {
  CHECK(got.size() == expected.size(), "%s", what.c_str());
  for (size_t i = 0; i < got.size(); i++) {
    const double g = static_cast<double>(got[i]), e = static_cast<double>(expected[i]);
    const double error = fabs(g - e);
    const bool close = g == e || (g != g && e != e) || (isfinite(error) && error <= absolute + relative * fabs(e));
    CHECK(close, "%s: element %zu is %.9g, not %.9g", what.c_str(), i, g, e);
    if (!close) return;
  }
}

inline uint32_t random_bits() {
  static uint64_t state = 42;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state >> 32);
}
// [-1, 1)
inline float random_value() { return static_cast<float>(random_bits() >> 8) / (1 << 23) - 1; }
inline std::vector<float> random_values(int64_t n) {
  std::vector<float> x(n);
  for (float &v : x) v = random_value();
  return x;
}

}  // namespace dg
