// Are products on tensor cores right in every format, tile and layout, at every edge, from any address, in parts and with
// every kind of result? And do the warps that read and write slices in shared memory find different banks?
#include "calls.h"
#include "core/backend.h"
#include "gpu/mma.h"
#include "gpu/simt.h"
#include "rounded.h"

using namespace dg;
using gpu::Bf16;
using gpu::F16;
using gpu::Tf32;
using gpu::Tf32x3;

namespace {

struct Shape {
  int64_t m, n, k, batch = 1;
  int shift = 0;  // elements that every operand lies beyond an aligned address
  bool share_a = false, share_b = false, bias = false, activation = false;
};

// One product by `multiply(MatMulArgs)`, against sums of doubles.
template <class T, class Multiply>
void check(const char *what, const Shape &s, int transposes, Rounding allowed, const Multiply &multiply) {
  static const int leaky = id(DG_NAMES_UNARY, "leakyRelu");
  const bool ta = transposes & 1, tb = transposes >> 1;
  const int64_t step_a = s.share_a ? 0 : s.m * s.k, step_b = s.share_b ? 0 : s.k * s.n;
  Matrix<T> a((s.share_a ? 1 : s.batch) * s.m * s.k, s.shift), b((s.share_b ? 1 : s.batch) * s.k * s.n, s.shift);
  Matrix<T> bias(s.n, s.shift), y(s.batch * s.m * s.n, s.shift);
  for (Matrix<T> *matrix : {&a, &b, &bias}) matrix->draw();
  memset(y.all.data(), 0xff, y.all.size() * sizeof(T));
  const int failed = multiply({type_of<T>, a.data(), b.data(), s.bias ? bias.data() : nullptr, y.data(), s.batch, s.m,
                               s.n, s.k, step_a, step_b, ta, tb, 1, s.activation ? leaky : -1, 0.25f});
  CHECK(!failed && !backend::synchronize(0), "%.*s", failure().length(), failure().data());
  double worst = 0;  // error over its bound
  for (int64_t t = 0, at = 0; t < s.batch; t++)
    for (int64_t i = 0; i < s.m; i++)
      for (int64_t j = 0; j < s.n; j++, at++) {
        double sum = s.bias ? bias[j] : 0, size = fabs(sum);
        for (int64_t k = 0; k < s.k; k++) {
          const double term =
              a[t * step_a + (ta ? k * s.m + i : i * s.k + k)] * b[t * step_b + (tb ? j * s.k + k : k * s.n + j)];
          sum += term;
          size += fabs(term);
        }
        if (s.activation && sum < 0) sum *= 0.25;
        const double bound =
            size * (allowed.product + static_cast<double>(s.k + 2) * 0x1p-24) + fabs(sum) * allowed.result + 0x1p-25;
        const double error = fabs(y[at] - sum);
        if (!(error <= bound * worst)) worst = error / bound;
      }
  CHECK(worst <= 1, "%s, %ld of %ld x %ld x %ld, transposes %d, shift %d: an error is %g times its bound", what,
        long(s.batch), long(s.m), long(s.k), long(s.n), transposes, s.shift, worst);
}

template <class Format, class Tile>
void check_tile(const char *format) {
  using T = typename Format::Element;
  const int64_t m = Tile::m, n = Tile::n;
  const std::string what = std::string(format) + " in tiles of " + std::to_string(m) + " x " + std::to_string(n);
  const Shape shapes[] = {
      {m, n, 96, 1, 0, false, false, true},                // whole tiles
      {m - 8, n + 8, 40, 1, 0, false, false, true, true},  // chunks of 16 bytes, not all there
      {m + 2, n - 2, 26, 1, 2, false, false, true},        // 4 bytes at a time
      {7, 9, 33, 1, 0, false, false, true, true},          // element by element
      {16, 24, 48, 1, 1},                                  // even shapes at odd addresses
      {17, 16, 64},                                        // each operand its own way
      {1, 1, 1},
      {5, 3, 0, 1, 0, false, false, true},
      {9, 16, 16, 2, 0, true},
      {9, 16, 16, 2, 0, false, true},
      {3, 17, 525, 1, 0, false, false, true, true},  // parts of k
      {3, 16, 528, 2, 0, false, true, true},
  };
  for (const Shape &shape : shapes)
    for (int transposes = 0; transposes < 4; transposes++)
      check<T>(what.c_str(), shape, transposes, rounding<Format>,
               [](const MatMulArgs &args) { return gpu::mma_tiles<Format, Tile>(gpu::problem<T>(args)); });
}

template <class Format>
void check_format(const char *name) {
  check_tile<Format, gpu::LargeMma>(name);
  check_tile<Format, gpu::MiddleMma>(name);
  check_tile<Format, gpu::SmallMma>(name);
  using T = typename Format::Element;
  // Through the front door: enough tiles for each size of them.
  for (const Shape &shape : {Shape{65, 65, 8, 128}, Shape{65, 64, 8, 128}, Shape{64, 10, 24, 3},
                             Shape{10, 24, 16, 3, 0, false, true, true, true}})
    check<T>(name, shape, 0, rounding<Format>, [](MatMulArgs args) {
      args.tf32 = tf32_for<Format>;
      return run_matmul(args);
    });
}

// Parts make nothing of a number that it is not; what has no finite parts gives NaN.
void check_extremes() {
  for (const float value : {INFINITY, -INFINITY, NAN, 0x1.fffffep+127f, 0x1.ffcp+127f, 1e-40f, -0.0f}) {
    Matrix<float> a(8, 0), b(8, 0), y(1, 0);
    for (int i = 0; i < 8; i++) a.all[i] = b.all[i] = 1;
    a.all[3] = value;
    MatMulArgs args{DG_FLOAT32, a.data(), b.data(), nullptr, y.data(), 1, 1, 1, 8, 8, 8, 0, 0, tf32_parts, -1, 0};
    CHECK(!run_matmul(args) && !backend::synchronize(0), "%.*s", failure().length(), failure().data());
    const bool finite = fabs(value) <= 0x1.ffcp+127f;
    CHECK(finite ? y.all[0] == 7 + value : isnan(y.all[0]), "of %g comes %g", double(value), double(y.all[0]));
  }
}

// GPUs before tensor cores for these types multiply as for float32.
template <class T>
void check_without_tensor_cores(const char *name, double result) {
  const int capability = std::exchange(gpu::current().capability, 75);
  for (const Shape &shape : {Shape{33, 35, 19, 2, 0, false, true, true, true}, Shape{3, 5, 300}, Shape{70, 40, 16, 65}})
    for (int transposes = 0; transposes < 4; transposes++) check<T>(name, shape, transposes, {0, result}, run_matmul);
  gpu::current().capability = capability;
}

// ---- Banks -------------------------------------------------------------------------------------------------------------

// Whether eight lanes that are served together, 16 bytes each, or all 32 with 4 bytes each, find each bank once.
template <class T, class Place>
bool apart(int lanes, const Place &place) {
  const int width = 32 / lanes;  // words
  bool taken[32] = {};
  for (int lane = 0; lane < lanes; lane++) {
    const int bank = place(lane) * static_cast<int>(sizeof(T)) / 4 % 32;
    if (bank % width || std::exchange(taken[bank], true)) return false;
  }
  return true;
}

template <class T, bool along_k, int lines>
void check_banks(int threads) {
  using S = gpu::Slice<T, along_k, lines>;
  using gpu::Side;
  for (Side side : {Side::a, Side::b})
    for (int warp = 0; warp < lines; warp += lines / 2)
      for (int i = 0; i < lines / 2 / 16; i++)
        for (int step = 0; step < gpu::slice_steps; step++)
          for (int part = 0; part < 4; part++) {  // registers, or matrices of ldmatrix
            const auto place = [&](int lane) {
              const int word = S::loads_words ? part : 0, first = S::first_place(side, warp, lane);
              return S::next_place(first, side, i, step, word);
            };
            const bool fine =
                S::loads_words ? apart<T>(32, place) : apart<T>(8, [&](int l) { return place(part * 8 + l); });
            CHECK(fine, "reading %d lines of %zu bytes, along k: %d", lines, sizeof(T), along_k);
          }
  for (int first = 0; first < threads; first += 8)
    CHECK(apart<T>(8, [&](int l) { return S::place((first + l) / S::row_chunks, (first + l) % S::row_chunks); }),
          "writing %d lines of %zu bytes, along k: %d", lines, sizeof(T), along_k);
}

}  // namespace

int main() {
  backend::use(0);
  check_banks<Half, true, 128>(128);
  check_banks<Half, false, 128>(128);
  check_banks<Half, true, 64>(128);
  check_banks<Half, false, 64>(128);
  check_banks<float, true, 128>(128);
  check_banks<float, false, 128>(128);
  check_banks<float, true, 64>(128);
  check_banks<float, false, 64>(128);
  check_format<F16>("float16");
  check_format<Bf16>("bfloat16");
  check_format<Tf32>("TF32");
  check_format<Tf32x3>("three of TF32");
  check_extremes();
  check_without_tensor_cores<Half>("float16", 0x1p-11);
  check_without_tensor_cores<Brain>("bfloat16", 0x1p-8);
  return check_report("emu_mma_test");
}
