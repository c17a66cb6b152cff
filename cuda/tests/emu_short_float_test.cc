// Do kernels on 16-bit floats give what those on float32 give for the widened inputs, rounded once? Bit for bit, wherever
// both types meet their elements in the same order.
#include <array>

#include "math/families.h"
#include "math/half.h"
#include "math/op_table.h"
#include "variants.h"

using namespace dg;

namespace {

using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;

template <class T>
constexpr Dtype type_of = std::is_same_v<T, Half> ? DG_FLOAT16 : DG_BFLOAT16;
template <class T>
constexpr const char *name = type_of<T> == DG_FLOAT16 ? " of float16" : " of bfloat16";

template <class T>
Floats wide(const std::vector<T> &x) {
  Floats y(x.size());
  for (size_t i = 0; i < x.size(); i++) y[i] = widen(x[i]);
  return y;
}
template <class T>
std::vector<T> narrowed(const Floats &x) {
  std::vector<T> y(x.size());
  for (size_t i = 0; i < x.size(); i++) y[i] = narrow<T>(x[i]);
  return y;
}
template <class T>
std::vector<T> some(int64_t n, float scale = 4) {
  std::vector<T> x(n);
  for (T &v : x) v = narrow<T>(random_value() * scale);
  return x;
}
// NaN with any NaN.
template <class T>
bool same(const std::vector<T> &got, const std::vector<T> &expected) {
  if (got.size() != expected.size()) return false;
  for (size_t i = 0; i < got.size(); i++) {
    const float g = widen(got[i]), e = widen(expected[i]);
    if (got[i].bits != expected[i].bits && !(g != g && e != e)) return false;
  }
  return true;
}

// Packs of each size, their ends, and starts that no pack has.
const int64_t counts[] = {1, 3, 4, 7, 8, 9, 64, 1000, 5003};

// y [n] of call(kernels, type, x, y), x [n] being at `shift` elements behind its start, against what float32 gives.
template <class T, class Call>
void check(const std::string &what, const std::vector<T> &x, int64_t shift, int64_t n, const Call &call) {
  const Floats floats = wide(x);
  const auto got =
      run_everywhere<T>(what, n, [&](const Kernels &k, T *out) { return call(k, type_of<T>, x.data() + shift, out); });
  const auto reference = run_everywhere<float>(
      what, n, [&](const Kernels &k, float *out) { return call(k, DG_FLOAT32, floats.data() + shift, out); });
  CHECK(same(got, narrowed<T>(reference)), "%s%s, %ld elements from %ld", what.c_str(), name<T>, n, shift);
}

template <class T>
void check_unary() {
  for (int op = 0; op < unary_count; op++) {
    if (!unary_accepts(op, type_of<T>)) continue;
    for (int64_t n : counts) {
      const std::vector<T> x = some<T>(n + 1);
      const auto call = [&](const Kernels &k, Dtype type, const void *in, void *out) {
        return k.unary({op, type, unary_result(op, type), in, out, n, 0.25f, 1.5f});
      };
      for (int64_t shift : {0, 1}) {
        if (unary_result(op, type_of<T>) != DG_BOOL) {
          check<T>(unary_name(op), x, shift, n, call);
          continue;
        }
        const Floats floats = wide(x);
        const auto of_short = run_everywhere<uint8_t>(unary_name(op), n, [&](const Kernels &k, uint8_t *out) {
          return call(k, type_of<T>, x.data() + shift, out);
        });
        const auto of_float = run_everywhere<uint8_t>(unary_name(op), n, [&](const Kernels &k, uint8_t *out) {
          return call(k, DG_FLOAT32, floats.data() + shift, out);
        });
        CHECK(of_short == of_float, "%s%s", unary_name(op), name<T>);
      }
    }
  }
}

Space space_of(const std::vector<int64_t> &size, const std::vector<std::vector<int64_t>> &strides) {
  Space space{static_cast<int32_t>(size.size()), 1, {}, {}};
  for (size_t d = 0; d < size.size(); d++) {
    space.n *= space.size[d] = size[d];
    for (size_t i = 0; i < strides.size(); i++) space.stride[i][d] = strides[i][d];
  }
  return space;
}

template <class T>
void check_binary() {
  const Space spaces[] = {space_of({1003}, {{1}, {1}}), space_of({64}, {{1}, {0}}),
                          space_of({9, 21}, {{21, 1}, {0, 1}}), space_of({9, 21}, {{1, 0}, {21, 1}}),
                          space_of({3, 4, 5}, {{0, 5, 1}, {4, 1, 0}})};
  const std::vector<T> a = some<T>(1004), b = some<T>(1004);
  const Floats wide_a = wide(a), wide_b = wide(b);
  for (int op = 0; op < binary_count; op++) {
    if (!binary_accepts(op, type_of<T>)) continue;
    const Dtype out_type = binary_result(op, type_of<T>);
    for (const Space &s : spaces) {
      for (int shift : {0, 1}) {
        const auto of_short = [&](const Kernels &k, void *out) {
          return k.binary({op, type_of<T>, out_type, a.data() + shift, b.data(), out, s});
        };
        const auto of_float = [&](const Kernels &k, void *out) {
          return k.binary(
              {op, DG_FLOAT32, binary_result(op, DG_FLOAT32), wide_a.data() + shift, wide_b.data(), out, s});
        };
        if (out_type == DG_BOOL) {
          CHECK(run_everywhere<uint8_t>(binary_name(op), s.n, of_short) ==
                    run_everywhere<uint8_t>(binary_name(op), s.n, of_float),
                "%s%s", binary_name(op), name<T>);
        } else {
          CHECK(same(run_everywhere<T>(binary_name(op), s.n, of_short),
                     narrowed<T>(run_everywhere<float>(binary_name(op), s.n, of_float))),
                "%s%s", binary_name(op), name<T>);
        }
      }
    }
  }
  std::vector<uint8_t> condition(1004);
  for (uint8_t &c : condition) c = random_bits() & 1;
  for (Space s : spaces) {
    for (int d = 0; d < s.rank; d++) s.stride[2][d] = s.stride[0][d];
    const auto chosen = run_everywhere<T>("where", s.n, [&](const Kernels &k, T *out) {
      return k.where({type_of<T>, condition.data(), a.data(), b.data(), out, s});
    });
    const auto reference = run_everywhere<float>("where", s.n, [&](const Kernels &k, float *out) {
      return k.where({DG_FLOAT32, condition.data(), wide_a.data(), wide_b.data(), out, s});
    });
    CHECK(same(chosen, narrowed<T>(reference)), "where%s", name<T>);
  }
}

// To and from every other type, by way of float32.
template <class T, class U>
void check_cast_between(Dtype other, const std::vector<U> &x) {
  const int64_t n = static_cast<int64_t>(x.size());
  const auto floats = run_everywhere<float>("cast", n, [&](const Kernels &k, float *out) {
    return k.cast({other, DG_FLOAT32, x.data(), out, n});
  });
  const auto shorts = run_everywhere<T>("cast", n, [&](const Kernels &k, T *out) {
    return k.cast({other, type_of<T>, x.data(), out, n});
  });
  CHECK(same(shorts, narrowed<T>(floats)), "cast of type %d%s", other, name<T>);
  const Floats back = wide(shorts);
  const auto from_short = run_everywhere<U>("cast", n, [&](const Kernels &k, U *out) {
    return k.cast({type_of<T>, other, shorts.data(), out, n});
  });
  const auto from_float = run_everywhere<U>("cast", n, [&](const Kernels &k, U *out) {
    return k.cast({DG_FLOAT32, other, back.data(), out, n});
  });
  CHECK(same_bits(from_short, from_float), "cast to type %d%s", other, name<T>);
}

template <class T>
void check_casts() {
  for (int64_t n : counts) {
    Floats floats = random_values(n);
    for (float &v : floats) v = random_bits() % 8 ? v * 300 : v * 1e6f;
    floats[0] = NAN;
    floats[n - 1] = -INFINITY;
    Ints ints(n);
    for (int32_t &v : ints) v = static_cast<int32_t>(random_bits()) >> random_bits() % 30;
    std::vector<uint8_t> bytes(n), bools(n);
    for (int64_t i = 0; i < n; i++) bytes[i] = random_bits(), bools[i] = random_bits() & 1;
    check_cast_between<T, float>(DG_FLOAT32, floats);
    check_cast_between<T, Half>(DG_FLOAT16, narrowed<Half>(floats));
    check_cast_between<T, Brain>(DG_BFLOAT16, narrowed<Brain>(floats));
    check_cast_between<T, int32_t>(DG_INT32, ints);
    check_cast_between<T, uint8_t>(DG_UINT8, bytes);
    check_cast_between<T, uint8_t>(DG_BOOL, bools);
  }
}

template <class T>
void check_constants() {
  for (int64_t n : counts) {
    const auto y = run_everywhere<T>("fill", n, [&](const Kernels &k, T *out) {
      return k.fill({type_of<T>, out, n, 0.1});
    });
    CHECK(same(y, std::vector<T>(n, narrow<T>(0.1f))), "fill%s", name<T>);
  }
  const Ints index = {2, 0, -1, 3, 1};
  const auto y = run_everywhere<T>("one-hot", 15, [&](const Kernels &k, T *out) {
    return k.one_hot({type_of<T>, index.data(), out, 5, 3, 0.9f, 0.1f});
  });
  std::vector<T> expected(15, narrow<T>(0.1f));
  expected[2] = expected[3] = expected[13] = narrow<T>(0.9f);
  CHECK(same(y, expected), "one-hot%s", name<T>);
}

struct Lines {
  int64_t outer, n, inner;
};
const Lines lines[] = {{1, 1, 1}, {3, 50, 1}, {2, 5000, 1}, {1, 40000, 1}, {4, 30, 50}, {1, 3000, 40}, {100, 7, 3}};

template <class T>
void check_reductions() {
  for (const Lines &l : lines) {
    const std::vector<T> x = some<T>(l.outer * l.n * l.inner, 1);
    for (Reduce op : {Reduce::sum, Reduce::mean, Reduce::prod, Reduce::max, Reduce::min, Reduce::sumSquares}) {
      check<T>(
          reduce_name(static_cast<int>(op)), x, 0, l.outer * l.inner,
          [&](const Kernels &k, Dtype type, const void *in, void *out) {
            return k.reduce(
                {static_cast<int>(op), type, in, out, 3, {l.outer, l.n, l.inner}, {0, 1, 0}, l.outer * l.inner, l.n});
          });
    }
    const Floats floats = wide(x);
    for (ArgReduce op : {ArgReduce::argMax, ArgReduce::argMin}) {
      const auto place = [&](Dtype type, const void *in) {
        return run_everywhere<int32_t>("argreduce", l.outer * l.inner, [&](const Kernels &k, int32_t *out) {
          return k.argreduce({static_cast<int>(op), type, in, out, l.outer, l.n, l.inner});
        });
      };
      CHECK(place(type_of<T>, x.data()) == place(DG_FLOAT32, floats.data()), "argreduce%s", name<T>);
    }
    // Sums in float32 here, in float64 there: as close as 16 bits can say, away from 0.
    for (int exclusive : {0, 1}) {
      std::vector<T> positive = x;
      for (T &v : positive) v.bits &= 0x7fff;
      const Floats wide_positive = wide(positive);
      const auto scan = [&](Dtype type, const void *in, const Kernels &k, void *out) {
        return k.scan({static_cast<int>(Scan::cumsum), type, in, out, l.outer, l.n, l.inner, exclusive, 1});
      };
      const int64_t n = static_cast<int64_t>(x.size());
      const auto got = run_everywhere<T>(
          "scan", n, [&](const Kernels &k, T *out) { return scan(type_of<T>, positive.data(), k, out); });
      const auto reference = run_everywhere<float>(
          "scan", n, [&](const Kernels &k, float *out) { return scan(DG_FLOAT32, wide_positive.data(), k, out); });
      check_close(std::string("scan") + name<T>, wide(got), reference, type_of<T> == DG_FLOAT16 ? 0x1p-10 : 0x1p-7, 0);
    }
  }
}

template <class T>
void check_random() {
  for (Random op : {Random::uniform, Random::normal, Random::truncatedNormal, Random::bernoulli}) {
    for (int64_t n : counts) {
      const auto draw = [&](Dtype type, const Kernels &k, void *out) {
        Ints state = {1, 2, -1, 3};
        const int status = k.random({static_cast<int>(op), type, state.data(), out, n, 0.25f, 0.75f});
        const int64_t counter = static_cast<uint32_t>(state[2]) + (int64_t{state[3]} << 32);
        CHECK(counter == (int64_t{3} << 32) + UINT32_MAX + (n + 3) / 4, "%ld", counter);
        return status;
      };
      const auto got =
          run_everywhere<T>("random", n, [&](const Kernels &k, T *out) { return draw(type_of<T>, k, out); });
      const auto reference =
          run_everywhere<float>("random", n, [&](const Kernels &k, float *out) { return draw(DG_FLOAT32, k, out); });
      CHECK(same(got, narrowed<T>(reference)), "%s%s", random_name(static_cast<int>(op)), name<T>);
    }
  }
}

// Rows in place and not, with labels and with classes: within the roundings of sums that are taken in another order.
template <class T>
void check_rows() {
  const double ulp = type_of<T> == DG_FLOAT16 ? 0x1p-10 : 0x1p-7;
  for (auto [rows, n] : {std::pair<int64_t, int64_t>{1, 1}, {33, 10}, {5, 17}, {4, 333}, {3, 1025}, {2, 5001}}) {
    const std::vector<T> x = some<T>(rows * n), y = some<T>(rows * n, 1);
    std::vector<T> labels = some<T>(rows * n, 1);
    for (T &v : labels) v.bits &= 0x7fff;
    const Floats wide_x = wide(x), wide_y = wide(y), wide_labels = wide(labels), dloss = random_values(rows);
    Ints classes(rows);
    for (int32_t &c : classes) c = static_cast<int32_t>(random_bits() % n);
    classes[rows - 1] = rows > 3 ? -1 : 0;
    const auto compare = [&](const char *what, const auto &call) {
      const auto got = run_everywhere<T>(what, rows * n, [&](const Kernels &k, T *out) {
        return call(k, type_of<T>, x.data(), y.data(), labels.data(), out);
      });
      const auto reference = run_everywhere<float>(what, rows * n, [&](const Kernels &k, float *out) {
        return call(k, DG_FLOAT32, wide_x.data(), wide_y.data(), wide_labels.data(), out);
      });
      check_close(std::string(what) + name<T>, wide(got), reference, ulp, 1e-6);
    };
    for (int log : {0, 1}) {
      compare("softmax", [&](const Kernels &k, Dtype type, const void *in, const void *, const void *, void *out) {
        return k.softmax({type, in, out, rows, n, log});
      });
      compare("softmax gradient",
              [&](const Kernels &k, Dtype type, const void *in, const void *result, const void *, void *out) {
                return k.softmax_grad({type, in, result, out, rows, n, log});
              });
    }
    for (const int32_t *sparse :
         {static_cast<const int32_t *>(nullptr), static_cast<const int32_t *>(classes.data())}) {
      const auto loss = [&](Dtype type, const void *logits, const void *dense) {
        return run_everywhere<float>("cross-entropy", rows, [&](const Kernels &k, float *out) {
          return k.cross_entropy({type, logits, sparse ? nullptr : dense, sparse, out, rows, n});
        });
      };
      check_close(std::string("cross-entropy") + name<T>, loss(type_of<T>, x.data(), labels.data()),
                  loss(DG_FLOAT32, wide_x.data(), wide_labels.data()), 1e-5, 1e-6);
      compare("cross-entropy gradient", [&](const Kernels &k, Dtype type, const void *logits, const void *,
                                            const void *dense, void *out) {
        return k.cross_entropy_grad({type, logits, sparse ? nullptr : dense, sparse, dloss.data(), out, rows, n});
      });
    }
  }
}

// Terms are summed in float32, on y widened once.
template <class T>
void check_scatter_add() {
  for (auto [outer, rows, count, inner] :
       {std::array<int64_t, 4>{1, 3, 200, 1}, {2, 5, 40, 7}, {1, 100, 3000, 40}, {3, 1, 9, 130}}) {
    const std::vector<T> x = some<T>(outer * count * inner), before = some<T>(outer * rows * inner);
    const Floats floats = wide(x);
    Ints index(count);
    for (int32_t &i : index) i = static_cast<int32_t>(random_bits() % rows);
    const auto got = run_everywhere<T>(
        "scatter-add", outer * rows * inner,
        [&](const Kernels &k, T *out) {
          return k.scatter_add({type_of<T>, x.data(), index.data(), out, outer, rows, count, inner});
        },
        0, before);
    const auto reference = run_everywhere<float>(
        "scatter-add", outer * rows * inner,
        [&](const Kernels &k, float *out) {
          return k.scatter_add({DG_FLOAT32, floats.data(), index.data(), out, outer, rows, count, inner});
        },
        0, wide(before));
    CHECK(same(got, narrowed<T>(reference)), "scatter-add%s", name<T>);
  }
}

// Parameters of all three types in one call, against float32 ones that hold the same values.
void check_update() {
  const int64_t sizes[] = {5, 9000, 33, 8192, 1, 20000};
  const Dtype types[] = {DG_FLOAT16, DG_BFLOAT16, DG_FLOAT32, DG_BFLOAT16, DG_FLOAT16, DG_FLOAT16};
  std::vector<Segment> shorts, floats;
  std::vector<std::vector<Half>> kept;  // the 16 bits of either type
  std::vector<Floats> wide_kept;
  int64_t total = 0;
  for (int i = 0; i < 6; i++) {
    total = (total + segment_align - 1) / segment_align * segment_align;
    shorts.push_back({nullptr, types[i], total, sizes[i], i % 2});
    floats.push_back({nullptr, DG_FLOAT32, total, sizes[i], i % 2});
    const std::vector<Half> half = some<Half>(sizes[i]);
    const std::vector<Brain> brain = some<Brain>(sizes[i]);
    kept.emplace_back(sizes[i]);
    if (types[i] == DG_FLOAT16) kept[i] = half;
    if (types[i] == DG_BFLOAT16) memcpy(kept[i].data(), brain.data(), 2 * sizes[i]);
    wide_kept.push_back(types[i] == DG_FLOAT16 ? wide(half) : wide(brain));
    total += sizes[i];
  }
  const Floats grads = random_values(total), state = random_values(total);
  for (int finite : {1, 0}) {
    std::vector<std::vector<Half>> p = kept;
    std::vector<Floats> w = wide_kept, plain = wide_kept;
    for (int i = 0; i < 6; i++) {
      shorts[i].param = types[i] == DG_FLOAT32 ? static_cast<void *>(plain[i].data()) : p[i].data();
      floats[i].param = w[i].data();
    }
    for (auto *segments : {&shorts, &floats}) {
      Floats s1 = state, s2 = state, hyper = {0.01f, 0.1f, 0.9f, 0.999f, 1e-7f};
      for (float &v : s2) v = fabsf(v);
      hyper.resize(DG_HYPER);
      int32_t iteration = 3;
      const Floats before = s1;
      CHECK(kernels_here()[0].update({static_cast<int>(Update::adam), grads.data(), s1.data(), s2.data(), nullptr,
                                      hyper.data(), &iteration, &finite, segments->data(), 6}) == 0);
      CHECK(iteration == 3 + finite && same_bits(s1, before) == !finite, "%d", iteration);
    }
    for (int i = 0; i < 6; i++) {
      if (types[i] == DG_FLOAT32) CHECK(same_bits(plain[i], w[i]), "segment %d", i);
      if (types[i] == DG_FLOAT16) CHECK(same(p[i], narrowed<Half>(w[i])), "segment %d", i);
      std::vector<Brain> brain(sizes[i]);
      memcpy(brain.data(), p[i].data(), 2 * sizes[i]);
      if (types[i] == DG_BFLOAT16) CHECK(same(brain, narrowed<Brain>(w[i])), "segment %d", i);
    }
  }
}

template <class T>
void check_all() {
  check_unary<T>();
  check_binary<T>();
  check_casts<T>();
  check_constants<T>();
  check_reductions<T>();
  check_random<T>();
  check_rows<T>();
  check_scatter_add<T>();
}

}  // namespace

int main() {
  check_all<Half>();
  check_all<Brain>();
  check_update();
  return check_report("emu_short_float_test");
}
