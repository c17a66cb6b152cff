// Are convolutions on tensor cores right in every format, direction and tile, with channels that make whole chunks and with
// others, wherever windows, strides, paddings and groups lead them, and in parts?
#include "calls.h"
#include "convolutions.h"
#include "core/backend.h"
#include "gpu/conv_mma.h"
#include "rounded.h"

using namespace dg;
using gpu::Bf16;
using gpu::F16;
using gpu::Tf32;
using gpu::Tf32x3;

namespace {

constexpr const char *names[] = {"forward", "data gradient", "filter gradient"};

// One convolution by `convolve(ConvArgs)`, against sums of doubles. `shift`: elements that every operand lies beyond an
// aligned address.
template <class Format, class Convolve>
void check(const char *what, const ConvShape &s, int kind, bool biased, int shift, const Convolve &convolve) {
  using T = typename Format::Element;
  static const int leaky = id(DG_NAMES_UNARY, "leakyRelu");
  Matrix<T> a(s.operand_a(kind), shift), b(s.operand_b(kind), shift), bias(s.channels(kind), shift),
      y(s.result(kind), shift);
  for (Matrix<T> *matrix : {&a, &b, &bias}) matrix->draw();
  memset(y.all.data(), 0xff, y.all.size() * sizeof(T));
  ConvArgs args = s.args(kind, type_of<T>);
  args.a = a.data();
  args.b = b.data();
  args.bias = biased ? bias.data() : nullptr;
  args.y = y.data();
  args.tf32 = tf32_for<Format>;
  args.activation = biased ? leaky : -1;
  args.alpha = 0.25f;
  const int failed = convolve(args);
  CHECK(!failed && !backend::synchronize(0), "%.*s", failure().length(), failure().data());
  const std::vector<ConvSum> sums = convolve_plainly(
      s, kind, [&](int64_t i) { return a[i]; }, [&](int64_t i) { return b[i]; },
      [&](int64_t i) { return biased ? bias[i] : 0; });
  const Rounding allowed = rounding<Format>;
  double worst = 0;  // error over its bound
  for (size_t i = 0; i < sums.size(); i++) {
    const ConvSum &sum = sums[i];
    const double wanted = biased && sum.value < 0 ? sum.value * 0.25 : sum.value;
    const double bound = sum.size * (allowed.product + static_cast<double>(sum.terms + 2) * 0x1p-24) +
                         fabs(wanted) * allowed.result + 0x1p-25;
    const double error = fabs(y[i] - wanted);
    if (!(error <= bound * worst)) worst = error / bound;
  }
  CHECK(worst <= 1, "%s, %s of %s, shift %d: an error is %g times its bound", what, names[kind], s.name().c_str(),
        shift, worst);
}

template <class Format, class Tile>
void check_tile(const char *format) {
  using T = typename Format::Element;
  const std::string what =
      std::string(format) + " in tiles of " + std::to_string(Tile::m) + " x " + std::to_string(Tile::n);
  const ConvShape shapes[] = {
      {2, 16, 24, 1, {no_axis, same(7, 3), same(10, 3)}},
      {1, 48, Tile::n + 8, 1, {no_axis, valid(6, 2), same(9, 3)}},
      {2, 8, 40, 1, {no_axis, same(9, 3, 2), same(12, 3, 2)}},
      {1, 16, 16, 1, {no_axis, same(9, 3, 3, 2), same(13, 2, 2, 3)}},
      {2, 32, 48, 2, {no_axis, same(5, 3), same(6, 5, 2)}},
      {1, 8, 16, 1, {same(4, 3), valid(5, 2, 2), same(6, 3, 1, 2)}},
  };
  for (const ConvShape &shape : shapes)
    for (int kind : {DG_CONV_FORWARD, DG_CONV_INPUT, DG_CONV_FILTER})
      check<Format>(what.c_str(), shape, kind, kind != DG_CONV_FILTER, 0, [](const ConvArgs &args) {
        const auto p = gpu::convolution<T>(args);
        CHECK(p.wide_reads);
        return gpu::mma_conv_tiles<Format, Tile, true>(args.kind, p);
      });
}

// Through the front door of the tensor cores.
template <class Format>
void check_format(const char *name) {
  check_tile<Format, gpu::LargeMma>(name);
  check_tile<Format, gpu::MiddleMma>(name);
  check_tile<Format, gpu::SmallMma>(name);
  const ConvShape shapes[] = {
      {3, 1, 5, 1, {no_axis, same(8, 3), same(9, 3)}},  // channels by themselves
      {2, 3, 64, 1, {no_axis, same(13, 7, 2), same(15, 7, 2)}},
      {1, 6, 9, 1, {no_axis, same(7, 3, 2), valid(11, 2, 3, 2)}},
      {2, 33, 18, 1, {no_axis, same(6, 1), same(7, 1)}},
      {2, 36, 20, 2, {no_axis, same(6, 3), same(7, 2, 2)}},
      {2, 16, 3, 1, {no_axis, same(6, 3), same(7, 3)}},  // wide on one side only
      {2, 5, 7, 1, {same(4, 3), valid(5, 2), same(9, 3)}},
      {2, 8, 8, 1, {no_axis, no_axis, {20, 5, 3, 4, 1, 2}}},
      {2, 24, 16, 1, {no_axis, {5, 9, 3, 1, 1, 4}, {8, 13, 4, 1, 1, 6}}},  // windows wholly outside
      {2, 8, 16, 1, {no_axis, {5, 2, 1, 1, 1, 0}, {30, 11, 2, 1, 1, 0}}},  // outputs that end early
      {1, 8, 8, 1, {no_axis, valid(10, 2, 5), valid(16, 2, 7)}},           // inputs that none sees
      {1, 8, 8, 1, {no_axis, valid(32, 16, 16), valid(33, 16, 16)}},       // patches
      {4, 16, 16, 1, {no_axis, same(16, 3), same(20, 3)}},                 // parts of k
      {1, 160, 8, 1, {no_axis, same(3, 3), same(3, 3)}},
      {1, 8, 160, 1, {no_axis, same(5, 3, 2), same(3, 3, 2)}},
      {2, 0, 8, 1, {no_axis, same(4, 3), same(5, 3)}},  // nothing to sum
      {2, 8, 16, 1, {no_axis, {0, 2, 2, 1, 1, 1}, same(5, 3)}},
      {2, 8, 16, 1, {no_axis, {3, 0, 5, 1, 1, 0}, same(5, 3)}},
      {0, 8, 16, 1, {no_axis, same(4, 3), same(5, 3)}},
  };
  for (const ConvShape &shape : shapes)
    for (int kind : {DG_CONV_FORWARD, DG_CONV_INPUT, DG_CONV_FILTER})
      for (int shift : {0, 1})
        if (shape.result(kind) > 0)
          check<Format>(name, shape, kind, kind != DG_CONV_FILTER, shift, gpu::mma_convolve<Format>);
}

}  // namespace

int main() {
  backend::use(0);
  check_format<F16>("float16");
  check_format<Bf16>("bfloat16");
  check_format<Tf32>("TF32");
  check_format<Tf32x3>("three of TF32");
  return check_report("emu_conv_test");
}
