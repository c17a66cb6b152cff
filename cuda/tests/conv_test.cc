// Is every convolution right, in all three directions, wherever windows, strides, paddings and groups lead it, and the
// same on every instruction set and any number of threads?
#include "convolutions.h"
#include "variants.h"

using namespace dg;

namespace {

class Case {
 public:
  explicit Case(const ConvShape &s)
      : s_(s),
        input_(random_values(s.inputs())),
        filter_(random_values(s.weights())),
        output_(random_values(s.outputs())),
        in_bias_(random_values(s.in_channels)),
        out_bias_(random_values(s.out_channels)) {}

  void check() const {
    compare("forward", DG_CONV_FORWARD, true);
    compare("data gradient", DG_CONV_INPUT, true);
    compare("forward without bias", DG_CONV_FORWARD, false);
    compare("data gradient without bias", DG_CONV_INPUT, false);
    compare("filter gradient", DG_CONV_FILTER, false);
  }

  std::vector<float> run(int kind, bool bias, int activation = -1, float alpha = 0) const {
    const int64_t n = s_.result(kind);
    if (n == 0) return {};  // core asks no kernel for nothing
    ConvArgs args = s_.args(kind, DG_FLOAT32);
    args.a = a(kind).data();
    args.b = b(kind).data();
    args.bias = bias ? this->bias(kind).data() : nullptr;
    args.activation = activation;
    args.alpha = alpha;
    return run_everywhere<float>(s_.name(), n, [&](const Kernels &kernels, float *y) {
      args.y = y;
      return kernels.conv(args);
    });
  }

 private:
  const std::vector<float> &a(int kind) const { return kind == DG_CONV_INPUT ? output_ : input_; }
  const std::vector<float> &b(int kind) const { return kind == DG_CONV_FILTER ? output_ : filter_; }
  const std::vector<float> &bias(int kind) const { return kind == DG_CONV_INPUT ? in_bias_ : out_bias_; }

  // Each term costs a rounding or two of at most half a unit each.
  void compare(const char *what, int kind, bool with_bias) const {
    const std::vector<float> got = run(kind, with_bias);
    const std::vector<ConvSum> sums = convolve_plainly(
        s_, kind, [&](int64_t i) { return double{a(kind)[i]}; }, [&](int64_t i) { return double{b(kind)[i]}; },
        [&](int64_t i) { return with_bias ? double{bias(kind)[i]} : 0; });
    double worst = 0;
    for (size_t i = 0; i < sums.size(); i++) {
      const double error = fabs(got[i] - sums[i].value), bound = sums[i].size * double(sums[i].terms + 1) * 6e-8;
      if (error > bound * worst) worst = bound > 0 ? error / bound : INFINITY;
      if (got[i] != got[i]) worst = INFINITY;
    }
    CHECK(worst <= 1, "%s of %s: an error is %g times its bound", what, s_.name().c_str(), worst);
  }

  ConvShape s_;
  std::vector<float> input_, filter_, output_, in_bias_, out_bias_;
};

std::vector<ConvShape> shapes() {
  std::vector<ConvShape> all;
  const auto image = [&](int64_t batch, int64_t in, int64_t out, const Axis &h, const Axis &w, int64_t groups = 1) {
    all.push_back({batch, in, out, groups, {no_axis, h, w}});
  };
  // Windows that are cut at the edges, all around tiles of 6 and 14 pixels by 8, 16 and 32 channels.
  for (int64_t width : {7, 13, 15, 29})
    for (int64_t channels : {1, 5, 16, 33}) image(2, 70, channels, same(3, 3), same(width, 3));
  image(1, 16, 33, same(5, 3), same(9, 5));
  image(2, 3, 17, same(9, 3), same(16, 3));    // a border of zeros
  image(2, 2, 9, same(6, 2), same(11, 4, 2));  // one that is wider behind
  image(2, 1, 32, valid(12, 3), valid(28, 3));
  image(3, 4, 8, valid(8, 3, 2), valid(17, 3, 2));
  image(2, 8, 20, valid(9, 2), valid(9, 3));
  // Strides and dilations that leave inputs out, and with common divisors.
  for (int64_t stride : {1, 2, 3, 4})
    for (int64_t dilation : {1, 2, 3, 4}) {
      image(2, 5, 7, same(13, 3, stride, dilation), same(22, 4, stride, dilation));
      image(1, 20, 6, valid(12, 2, stride, dilation), valid(16, 3, stride, dilation));
      image(2, 6, 6, same(9, 3, stride, dilation), same(21, 3, stride, dilation), 6);
      image(3, 4, 12, same(7, 3, stride, dilation), valid(19, 3, stride, dilation), 4);
    }
  image(1, 3, 4, valid(10, 2, 5), valid(16, 2, 7));
  // Narrow images, through whose batch the lines run.
  for (int64_t batch : {1, 7, 15, 60}) {
    image(batch, 9, 12, valid(5, 3), valid(5, 3));
    image(batch, 6, 5, same(4, 3, 2), same(6, 3, 2));
    image(batch, 18, 40, same(2, 3), same(3, 3));
  }
  image(130, 3, 70, valid(3, 3), valid(3, 3));                // one output per image
  image(2, 20, 10, {5, 9, 3, 1, 1, 4}, {8, 13, 4, 1, 1, 6});  // windows wholly outside
  image(2, 8, 9, {5, 2, 1, 1, 1, 0}, {30, 11, 2, 1, 1, 0});   // outputs that end early
  // Groups, some of one channel with several filters.
  image(2, 12, 8, same(6, 3), same(12, 3), 2);
  image(1, 6, 9, valid(6, 2), valid(12, 3), 3);
  image(2, 40, 40, same(6, 3), same(12, 3), 40);
  image(1, 70, 70, valid(6, 3, 2), same(31, 3, 2), 70);
  image(2, 3, 6, same(6, 3), same(13, 5), 3);
  image(2, 17, 51, same(4, 3), same(5, 3), 17);
  // Single pixels: plain products, strided ones.
  image(2, 33, 18, same(6, 1), same(7, 1));
  image(3, 7, 1, same(4, 1), same(4, 1));
  image(2, 9, 12, same(7, 1, 2), same(13, 1, 2));
  // One and three dimensions.
  for (const Axis &w : {same(23, 3), valid(30, 5, 2), same(19, 3, 1, 3), Axis{20, 20, 3, 1, 1, 2}})
    all.push_back({2, 6, 10, 1, {no_axis, no_axis, w}});
  all.push_back({2, 5, 7, 1, {same(4, 3), valid(5, 2), same(9, 3)}});
  all.push_back({2, 2, 6, 1, {valid(4, 2), same(6, 3, 2), valid(12, 3, 2)}});
  all.push_back({9, 4, 6, 2, {same(3, 2, 2), same(3, 3), same(4, 3)}});
  all.push_back({1, 5, 10, 5, {same(3, 3), same(4, 3), same(10, 3)}});
  // Work for several threads, in many parts.
  image(4, 16, 24, same(20, 3), same(30, 3));
  image(6, 1, 32, valid(28, 3), valid(28, 3));
  image(1, 1, 3, valid(40, 5), valid(60, 5));
  image(1, 200, 300, same(2, 1, 2), same(3, 2));
  // Nothing to sum, and nothing to make.
  image(2, 0, 3, same(4, 3), same(5, 3));
  image(0, 2, 3, same(4, 3), same(5, 3));
  image(2, 3, 2, {0, 2, 2, 1, 1, 1}, same(5, 3));
  image(2, 3, 2, {3, 0, 5, 1, 1, 0}, same(5, 3));
  return all;
}

int leaky_relu() {
  static double scratch[DG_SCRATCH];
  dg_open(scratch);
  for (int id = 0;; id++) {
    const int length = dg_name(DG_NAMES_UNARY, id);
    if (length < 0) return -1;
    if (std::string(reinterpret_cast<char *>(scratch), length) == "leakyRelu") return id;
  }
}

// The epilogue against the same operation in a call of its own.
void test_activation() {
  const int op = leaky_relu();
  CHECK(op >= 0);
  const Axis h = same(6, 3, 2);
  for (const ConvShape &shape :
       {ConvShape{2, 3, 37, 1, {no_axis, h, same(17, 3)}}, ConvShape{2, 6, 6, 6, {no_axis, h, same(17, 3)}},
        ConvShape{20, 5, 9, 1, {no_axis, h, valid(5, 3)}}, ConvShape{2, 8, 12, 2, {no_axis, h, same(9, 3, 2)}},
        ConvShape{2, 8, 5, 1, {no_axis, same(5, 1), same(9, 1)}}})
    for (int kind : {DG_CONV_FORWARD, DG_CONV_INPUT}) {
      const Case conv(shape);
      const std::vector<float> plain = conv.run(kind, true);
      std::vector<float> wanted(plain.size());
      kernels_here()[0].unary(
          {op, DG_FLOAT32, DG_FLOAT32, plain.data(), wanted.data(), int64_t(plain.size()), 0.25f, 0});
      CHECK(!same_bits(plain, wanted));
      CHECK(same_bits(conv.run(kind, true, op, 0.25f), wanted), "%s", shape.name().c_str());
    }
}

}  // namespace

int main() {
  if (kernels_here().empty()) return check_report("conv_test");
  for (const ConvShape &shape : shapes()) Case(shape).check();
  test_activation();
  return check_report("conv_test");
}
