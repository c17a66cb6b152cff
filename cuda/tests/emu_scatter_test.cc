// Does the GPU's scatter-add keep its promises on both of its ways and at their edges: few positions and many, sorted by
// one digit or by four, more than the workspace takes, one row that all name, rows that nobody names?
#include <algorithm>

#include "calls.h"
#include "gpu/sort.h"
#include "math/half.h"
#include "variants.h"

using namespace dg;

namespace {

using Ints = std::vector<int32_t>;

// Some outside [0, rows), at either end.
Ints some_index(int64_t count, int64_t rows) {
  Ints index(count);
  for (int32_t &i : index) i = static_cast<int32_t>(random_bits() % (rows + 2) - 1);
  return index;
}

void check_order(int64_t n, int64_t rows, const Ints &index) {
  const gpu::RowNames names(index.data(), rows);
  Ints expected(n);
  for (int64_t i = 0; i < n; i++) expected[i] = static_cast<int32_t>(i);
  const auto before = [&](int32_t a, int32_t b) { return names.of(a) < names.of(b); };
  std::stable_sort(expected.begin(), expected.end(), before);
  for (int seed : {1, 2, 3}) {
    vary(seed);
    const int32_t *sorted = nullptr;
    const int failed = gpu::sort_positions(names, static_cast<int32_t>(n), sorted);
    CHECK(!failed && !backend::synchronize(0), "%s", failure().data());
    CHECK(!memcmp(sorted, expected.data(), n * sizeof(int32_t)), "%ld positions of %ld rows", n, rows);
  }
}

void check_orders() {
  for (int64_t n : {1, 31, 33, 512, 4095, 4096, 4097, 20000}) {
    for (int64_t rows : {int64_t{1}, int64_t{255}, int64_t{256}, int64_t{65535}, int64_t{70000}, int64_t{1} << 24})
      check_order(n, rows, some_index(n, rows));
    check_order(n, 9, Ints(n, 8));
    check_order(n, 9, Ints(n, -1));
    Ints any(n);
    for (int32_t &i : any) i = static_cast<int32_t>(random_bits());
    for (int64_t rows : {int64_t{INT32_MAX}, int64_t{1} << 31, int64_t{1} << 40}) check_order(n, rows, any);
  }
}

struct Table {
  int64_t outer, rows, count, inner;
};

// y after the terms of positions [begin, end), each added in float32 in ascending order.
void add(const Table &t, const std::vector<float> &x, const Ints &index, int64_t begin, int64_t end,
         std::vector<float> &y) {
  for (int64_t o = 0; o < t.outer; o++)
    for (int64_t i = begin; i < end; i++)
      for (int64_t j = 0; j < t.inner && index[i] >= 0 && index[i] < t.rows; j++)
        y[(o * t.rows + index[i]) * t.inner + j] += x[(o * t.count + i) * t.inner + j];
}

void check(const Table &t, const Ints &index) {
  const std::vector<float> x = random_values(t.outer * t.count * t.inner),
                           before = random_values(t.outer * t.rows * t.inner);
  std::vector<float> expected = before;
  add(t, x, index, 0, t.count, expected);
  const auto y = run_everywhere<float>(
      "scatter-add", before.size(),
      [&](const Kernels &k, float *out) {
        return k.scatter_add({DG_FLOAT32, x.data(), index.data(), out, t.outer, t.rows, t.count, t.inner});
      },
      0, before);
  CHECK(same_bits(y, expected), "[%ld, %ld, %ld] at %ld", t.outer, t.rows, t.inner, t.count);
}

void check_ways() {
  // Up to 64 positions, and then as long as their square times the warps of a row is at most 2^24, no sorting.
  const Table tables[] = {{1, 7, 1, 1},      {1, 7, 64, 3},      {700, 7, 64, 3},   {5000, 3, 65, 1},
                          {1, 10, 4096, 1},  {1, 1000, 4097, 1}, {1, 300, 5000, 5}, {1, 70000, 4500, 2},
                          {2, 50, 3000, 33}, {1, 40, 2897, 129}, {3, 20, 2365, 257}};
  for (const Table &t : tables) check(t, some_index(t.count, t.rows));
  for (int64_t count : {100, 6000}) {
    check({1, 3, count, 40}, Ints(count, 1));   // one row that all name
    check({1, 3, count, 40}, Ints(count, -7));  // none that anybody names
    Ints runs(count);
    for (int64_t i = 0; i < count; i++) runs[i] = static_cast<int32_t>(i / 32);  // as long as a warp is wide
    check({1, count / 32 + 1, count, 4}, runs);
  }
}

// What is more than the workspace takes is added part by part: 16-bit sums are rounded after each.
void check_parts() {
  const Table t{1, 50, gpu::most_sorted + 1000, 1};
  const Ints index = some_index(t.count, t.rows);
  std::vector<Half> x(t.count);
  std::vector<float> wide(t.count), expected(t.rows);
  for (int64_t i = 0; i < t.count; i++) x[i] = narrow<Half>(random_value()), wide[i] = widen(x[i]);
  for (int64_t begin = 0; begin < t.count; begin += gpu::most_sorted) {
    add(t, wide, index, begin, std::min(begin + gpu::most_sorted, t.count), expected);
    for (float &v : expected) v = widen(narrow<Half>(v));
  }
  std::vector<Half> y(t.rows);
  CHECK(kernels_here()[0].scatter_add({DG_FLOAT16, x.data(), index.data(), y.data(), 1, t.rows, t.count, 1}) == 0);
  for (int64_t r = 0; r < t.rows; r++) CHECK(widen(y[r]) == expected[r], "row %ld: %g %g", r, widen(y[r]), expected[r]);
}

// Recorded, it is the same work each time, whatever the index holds then.
void check_replay() {
  const int64_t count = 5000, rows = 300;
  std::vector<float> x = random_values(count), expected(rows);
  const int terms = array(x), y = array(expected), arena = dg_arena(0);
  const int index = dg_alloc(0, DG_INT32, count, 1);
  CHECK(dg_record_begin(arena) == 0);
  CHECK(dg_scatter_add(terms, index, y, 1, rows, count, 1) == 0, "%s", message().c_str());
  const int program = dg_record_end();
  for (int i = 0; i < 3; i++) {
    const Ints names = some_index(count, rows);
    dg_upload(index, 0, names.data(), count * sizeof(int32_t));
    CHECK(dg_replay(self, program, 1, 0, 0, 0) == 0, "%s", message().c_str());
    add({1, rows, count, 1}, x, names, 0, count, expected);
    CHECK(same_bits(read(y, rows), expected), "replay %d", i);
  }
  dg_program_free(program);
  dg_arena_free(arena);
  for (int a : {terms, y, index}) dg_free(a);
}

}  // namespace

int main() {
  kernels_here();
  check_orders();
  check_ways();
  check_parts();
  check_replay();
  return check_report("emu_scatter_test");
}
