// How does a test call the contract twice, at once and from a recording, and compare what both leave?
// Arrays are exactly as large as they must be, so that the sanitizer build sees a kernel that touches what is next to
// them.
#pragma once
#include <math.h>
#include <string.h>

#include <functional>

#include "calls.h"
#include "math/half.h"

using dg::Brain;
using dg::Half;
using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;

inline void put(std::initializer_list<double> values) {
  memcpy(scratch, values.begin(), values.size() * sizeof(double));
}

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
