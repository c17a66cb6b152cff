// Do strided copies, gather, scatter-add, coalesce and one-hot put every element where it belongs?
#include <algorithm>
#include <tuple>

#include "half_values.h"

using namespace dg;

namespace {

struct Copy {
  const char *what;
  std::vector<int64_t> size, xs, ys;
  int64_t x_offset = 0, y_offset = 0;
};

template <class T>
void check_copy(const Copy &copy) {
  StridedArgs args{};
  args.width = sizeof(T);
  args.rank = static_cast<int32_t>(copy.size.size());
  args.n = 1;
  int64_t x_last = copy.x_offset, y_last = copy.y_offset;
  for (int d = 0; d < args.rank; d++) {
    args.n *= args.size[d] = copy.size[d];
    args.xs[d] = copy.xs[d];
    args.ys[d] = copy.ys[d];
    if (copy.xs[d] > 0) x_last += (copy.size[d] - 1) * copy.xs[d];
    if (copy.ys[d] > 0) y_last += (copy.size[d] - 1) * copy.ys[d];
  }
  std::vector<T> x(x_last + 1), before(y_last + 1), expected;
  for (T &v : x) v = static_cast<T>(random_bits());
  for (T &v : before) v = static_cast<T>(random_bits());
  expected = before;
  for (int64_t i = 0; i < args.n; i++) {
    int64_t rest = i, from = copy.x_offset, to = copy.y_offset;
    for (int d = args.rank - 1; d >= 0; d--) {
      from += rest % copy.size[d] * copy.xs[d];
      to += rest % copy.size[d] * copy.ys[d];
      rest /= copy.size[d];
    }
    expected[to] = x[from];
  }
  const std::vector<T> y = run_everywhere<T>(
      copy.what, before.size(),
      [&](const Kernels &k, T *out) {
        StridedArgs a = args;
        a.x = x.data() + copy.x_offset;
        a.y = out + copy.y_offset;
        return k.strided(a);
      },
      0, before);
  CHECK(y == expected, "%s, width %zu", copy.what, sizeof(T));
}

void check_copies() {
  const Copy copies[] = {
      {"scalar", {}, {}, {}},
      {"one run", {300000}, {1}, {1}},
      {"short run", {5}, {1}, {1}, 3, 2},
      {"broadcast scalar", {1000}, {0}, {1}},
      {"every third", {100}, {3}, {1}, 1},
      {"into every second", {100}, {1}, {2}},
      {"reverse", {1000}, {-1}, {1}, 999},
      {"reverse into reverse", {10}, {-1}, {-1}, 9, 9},
      {"slice", {40, 7}, {20, 1}, {7, 1}, 5},
      {"pad", {40, 7}, {7, 1}, {20, 1}, 0, 5},
      {"large pad", {300, 1000}, {1000, 1}, {1100, 1}, 0, 5},
      {"tile", {3, 50}, {0, 1}, {50, 1}},
      {"broadcast columns", {50, 30}, {1, 0}, {30, 1}},
      {"transpose", {5, 3}, {1, 5}, {3, 1}},
      {"transpose of whole tiles", {64, 96}, {1, 64}, {96, 1}},
      {"transpose of ragged tiles", {67, 101}, {1, 67}, {101, 1}},
      {"large transpose", {501, 700}, {1, 501}, {700, 1}},
      {"transpose into a slice", {33, 35}, {1, 40}, {50, 1}, 4, 6},
      {"batched transpose", {7, 33, 6}, {198, 1, 33}, {198, 6, 1}},
      {"channels last to first", {4, 3, 300}, {900, 1, 3}, {900, 300, 1}},
      {"channels first to last", {4, 300, 3}, {900, 1, 300}, {900, 3, 1}},
      {"reverse of three axes", {9, 10, 11}, {1, 9, 90}, {110, 11, 1}},
      {"middle axes swapped", {3, 4, 5, 6}, {120, 6, 24, 1}, {120, 30, 6, 1}},
      {"fast axis outermost", {8, 3, 40}, {1, 8 * 40, 8}, {120, 40, 1}},
      {"eight axes", {2, 3, 2, 3, 2, 3, 2, 3}, {1, 2, 6, 12, 36, 72, 216, 432}, {648, 216, 108, 36, 18, 6, 3, 1}},
  };
  for (const Copy &copy : copies) {
    check_copy<uint8_t>(copy);
    check_copy<uint16_t>(copy);
    check_copy<uint32_t>(copy);
  }
}

struct Table {
  int64_t outer, rows, count, inner;
};
const Table tables[] = {{1, 10, 4, 1},   {3, 10, 40, 1}, {1, 60, 32, 784},   {2, 7, 5, 3},         {1, 1, 9, 2},
                        {5, 4, 3, 1000}, {1, 9, 0, 4},   {1, 500, 3000, 64}, {1, 20000, 5000, 16}, {4, 3, 2000, 40}};

std::vector<int32_t> indices(int64_t count, int64_t rows) {
  std::vector<int32_t> index(count);
  for (int32_t &i : index) i = static_cast<int32_t>(random_bits() % rows);
  return index;
}

template <class T>
void check_gather(const Table &t) {
  std::vector<T> x(t.outer * t.rows * t.inner), expected(t.outer * t.count * t.inner);
  for (T &v : x) v = static_cast<T>(random_bits());
  const int32_t start = 3;
  const std::vector<int32_t> index = indices(t.count + 5, t.rows);
  for (const int32_t *from : {static_cast<const int32_t *>(nullptr), &start}) {
    for (int64_t o = 0; o < t.outer; o++)
      for (int64_t i = 0; i < t.count; i++)
        for (int64_t j = 0; j < t.inner; j++)
          expected[(o * t.count + i) * t.inner + j] = x[(o * t.rows + index[i + (from ? *from : 0)]) * t.inner + j];
    const auto y = run_everywhere<T>("gather", expected.size(), [&](const Kernels &k, T *out) {
      return k.gather({sizeof(T), x.data(), index.data(), from, out, t.outer, t.rows, t.count, t.inner,
                       static_cast<int64_t>(index.size())});
    });
    CHECK(y == expected, "gather [%ld, %ld, %ld]", t.outer, t.rows, t.inner);
  }
}

void check_gather_outside() {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  const std::vector<int32_t> index = {2, -1, 0, 3};
  const auto gather = [&](const Kernels &k, float *out) {
    return k.gather({4, x.data(), index.data(), nullptr, out, 1, 3, 4, 2, 4});
  };
  const auto y = run_everywhere<float>("gather outside", 8, gather, bad_index);
  CHECK((y == std::vector<float>{5, 6, 0, 0, 1, 2, 0, 0}), "rows outside are zeros");
  const std::string message(failure().data(), failure().length());
  CHECK(!bad_index || message == "Cannot gather index -1: it is outside [0, 3)", "%s", message.c_str());
  for (int32_t start : {-1, 3, INT32_MAX}) {
    run_everywhere<float>(
        "gather from a bad start", 4,
        [&](const Kernels &k, float *out) {
          return k.gather({4, x.data(), index.data(), &start, out, 1, 3, 2, 2, 4});
        },
        bad_index);
  }
}

// Terms added in ascending order as they are computed with (of int32: modulo 2^32), and stored once.
template <class T>
void check_scatter_add(int dtype, const Table &t, const std::vector<T> &x, const std::vector<T> &before) {
  auto sums = numbers_of(before);
  std::vector<int32_t> index = indices(t.count, t.rows);
  if (t.count > 2) index[1] = -1, index[2] = static_cast<int32_t>(t.rows);
  for (int64_t o = 0; o < t.outer; o++) {
    for (int64_t i = 0; i < t.count; i++) {
      if (index[i] < 0 || index[i] >= t.rows) continue;
      for (int64_t j = 0; j < t.inner; j++) {
        const int64_t to = (o * t.rows + index[i]) * t.inner + j, from = (o * t.count + i) * t.inner + j;
        sums[to] += number(x[from]);
      }
    }
  }
  const auto y = run_everywhere<T>(
      "scatter-add", before.size(),
      [&](const Kernels &k, T *out) {
        return k.scatter_add({dtype, x.data(), index.data(), out, t.outer, t.rows, t.count, t.inner});
      },
      0, before);
  CHECK(same_bits(y, all_stored<T>(sums)), "scatter-add [%ld, %ld, %ld] of type %d", t.outer, t.rows, t.inner, dtype);
}

void check_scatter_adds(const Table &t) {
  const int64_t terms = t.outer * t.count * t.inner, places = t.outer * t.rows * t.inner;
  const std::vector<float> x = random_values(terms), before = random_values(places);
  for_float_types([&](auto type) {
    using T = decltype(type);
    if (is_half_type<T> && terms > 50000) return;  // that many are float32's business, to save the emulator time
    check_scatter_add(float_type<T>, t, all_stored<T>(x), all_stored<T>(before));
  });
  std::vector<uint32_t> ints(terms);
  for (uint32_t &v : ints) v = random_bits();
  check_scatter_add(DG_INT32, t, ints, std::vector<uint32_t>(places));
}

// The sums are what scatter-add makes of zeros, at the first place of each row.
void check_coalesce(int64_t rows, int64_t count, int64_t inner, std::vector<int32_t> index) {
  const std::vector<float> x = random_values(count * inner);
  std::vector<int32_t> wanted_order = index;
  for (int32_t &row : wanted_order)
    if (row < 0 || row > rows) row = static_cast<int32_t>(rows);
  std::sort(wanted_order.begin(), wanted_order.end());
  std::vector<float> wanted(count * inner);
  for (int64_t i = 0; i < count; i++) {
    if (index[i] < 0 || index[i] >= rows) continue;
    const auto place = std::lower_bound(wanted_order.begin(), wanted_order.end(), index[i]) - wanted_order.begin();
    for (int64_t j = 0; j < inner; j++) wanted[place * inner + j] += x[i * inner + j];
  }
  std::vector<int32_t> order;
  const auto y = run_everywhere<float>("coalesce", count * inner, [&](const Kernels &k, float *out) {
    order.assign(count, -7);
    const int status = k.coalesce({x.data(), index.data(), order.data(), out, rows, count, inner});
    CHECK(order == wanted_order, "coalesce: order of %ld in %ld", count, rows);
    return status;
  });
  CHECK(same_bits(y, wanted), "coalesce [%ld, %ld] to %ld rows", count, inner, rows);
}

void check_coalesces() {
  for (auto [rows, count, inner] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1},
                                    {4, 9, 3},
                                    {100, 40, 64},
                                    {5000, 700, 70},
                                    {70000, 300, 20},
                                    {INT32_MAX, 33, 130}}) {
    check_coalesce(rows, count, inner, std::vector<int32_t>(count, static_cast<int32_t>(rows / 2)));
    std::vector<int32_t> index = indices(count, rows);
    if (count > 3) index[1] = -1, index[2] = static_cast<int32_t>(rows), index[3] = INT32_MIN;
    check_coalesce(rows, count, inner, index);
  }
}

template <class T>
void check_one_hot(int dtype, float on, float off) {
  for (auto [count, depth] : {std::pair<int64_t, int64_t>{1, 1}, {32, 10}, {5, 300}, {7000, 50}, {0, 4}}) {
    std::vector<int32_t> index = indices(count, depth);
    if (count > 2) index[1] = -1, index[2] = static_cast<int32_t>(depth);
    std::vector<T> expected(count * depth, stored<T>(off));
    for (int64_t i = 0; i < count; i++)
      if (index[i] >= 0 && index[i] < depth) expected[i * depth + index[i]] = stored<T>(on);
    const auto y = run_everywhere<T>("one-hot", expected.size(), [&](const Kernels &k, T *out) {
      return k.one_hot({dtype, index.data(), out, count, depth, on, off});
    });
    CHECK(same_bits(y, expected), "one-hot [%ld, %ld] of type %d", count, depth, dtype);
  }
}

}  // namespace

int main() {
  check_copies();
  for (const Table &t : tables) {
    check_gather<uint8_t>(t);
    check_gather<uint16_t>(t);
    check_gather<uint32_t>(t);
    check_scatter_adds(t);
  }
  check_gather_outside();
  check_coalesces();
  check_one_hot<float>(DG_FLOAT32, 0.9f, 0.1f);
  check_one_hot<Half>(DG_FLOAT16, 0.9f, 1e5f);
  check_one_hot<Brain>(DG_BFLOAT16, 0.9f, 0.1f);
  check_one_hot<int32_t>(DG_INT32, -7, 3);
  check_one_hot<uint8_t>(DG_UINT8, 200, 1);
  check_one_hot<uint8_t>(DG_BOOL, 1, 0);
  return check_report("movement_test");
}
