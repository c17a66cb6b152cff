// Is every convolution right, in all three directions, wherever windows, strides, paddings and groups lead it, and the
// same on every instruction set and any number of threads?
#include "math/window.h"
#include "variants.h"

using namespace dg;

namespace {

struct Shape {
  int64_t batch, in_channels, out_channels, groups;
  Axis axis[spatial];
};

constexpr Axis none = {1, 1, 1, 1, 1, 0};
// The padding "same" of TensorFlow, or none.
Axis same(int64_t in, int64_t window, int64_t stride = 1, int64_t dilation = 1) {
  const int64_t out = (in + stride - 1) / stride, reach = (out - 1) * stride + (window - 1) * dilation + 1;
  return {in, out, window, stride, dilation, reach > in ? (reach - in) / 2 : 0};
}
Axis valid(int64_t in, int64_t window, int64_t stride = 1, int64_t dilation = 1) {
  return {in, (in - (window - 1) * dilation - 1) / stride + 1, window, stride, dilation, 0};
}

class Case {
 public:
  explicit Case(const Shape &s)
      : s_(s),
        inputs_(count(&Axis::in) * s.batch),
        outputs_(count(&Axis::out) * s.batch),
        taps_(count(&Axis::window)),
        input_(random_values(inputs_ * s.in_channels)),
        filter_(random_values(taps_ * (s.in_channels / s.groups) * s.out_channels)),
        output_(random_values(outputs_ * s.out_channels)),
        in_bias_(random_values(s.in_channels)),
        out_bias_(random_values(s.out_channels)) {}

  void check() const {
    compare("forward", run(DG_CONV_FORWARD, true), expect(DG_CONV_FORWARD, true));
    compare("data gradient", run(DG_CONV_INPUT, true), expect(DG_CONV_INPUT, true));
    compare("forward without bias", run(DG_CONV_FORWARD, false), expect(DG_CONV_FORWARD, false));
    compare("data gradient without bias", run(DG_CONV_INPUT, false), expect(DG_CONV_INPUT, false));
    compare("filter gradient", run(DG_CONV_FILTER, false), expect(DG_CONV_FILTER, false));
  }

  std::vector<float> run(int kind, bool bias, int activation = -1, float alpha = 0) const {
    const int64_t n = static_cast<int64_t>(result(kind).size());
    if (n == 0) return {};  // core asks no kernel for nothing
    const float *b = !bias ? nullptr : kind == DG_CONV_INPUT ? in_bias_.data() : out_bias_.data();
    return run_everywhere<float>(name(), n, [&](const Kernels &kernels, float *y) {
      ConvArgs args = {kind,
                       DG_FLOAT32,
                       kind == DG_CONV_INPUT ? output_.data() : input_.data(),
                       kind == DG_CONV_FILTER ? output_.data() : filter_.data(),
                       b,
                       y,
                       s_.batch,
                       s_.in_channels,
                       s_.out_channels,
                       s_.groups,
                       {s_.axis[0], s_.axis[1], s_.axis[2]},
                       0,
                       activation,
                       alpha};
      return kernels.conv(args);
    });
  }

  std::string name() const {
    std::string text = std::to_string(s_.batch) + " images, " + std::to_string(s_.in_channels) + " to " +
                       std::to_string(s_.out_channels) + " channels in " + std::to_string(s_.groups) + " groups";
    for (const Axis &a : s_.axis)
      if (a.in != 1 || a.window != 1)
        for (const int64_t n : {a.in, a.out, a.window, a.stride, a.dilation, a.padding})
          text.append(" ").append(std::to_string(n));
    return text;
  }

 private:
  struct Sum {
    double value = 0, size = 0;
    int64_t terms = 0;
    void add(double term) {
      value += term;
      size += fabs(term);
      terms++;
    }
  };

  int64_t count(int64_t Axis::*size) const { return s_.axis[0].*size * (s_.axis[1].*size) * (s_.axis[2].*size); }
  const std::vector<float> &result(int kind) const {
    return kind == DG_CONV_FORWARD ? output_ : kind == DG_CONV_INPUT ? input_ : filter_;
  }

  // By the definition: every pair of an output and an element of its window adds to the result.
  std::vector<Sum> expect(int kind, bool bias) const {
    std::vector<Sum> sums(result(kind).size());
    if (bias) {
      const std::vector<float> &b = kind == DG_CONV_INPUT ? in_bias_ : out_bias_;
      for (size_t i = 0; i < sums.size(); i++) sums[i].add(b[i % b.size()]);
    }
    const int64_t depth = s_.in_channels / s_.groups, columns = s_.out_channels / s_.groups;
    for (int64_t o = 0; o < outputs_; o++)
      for (int64_t w = 0; w < taps_; w++) {
        int64_t at[spatial], out = o, element = w, image = o / count(&Axis::out), pixel = image;
        bool inside = true;
        for (int d = spatial - 1; d >= 0; d--) {
          const Axis &a = s_.axis[d];
          at[d] = out % a.out * a.stride + element % a.window * a.dilation - a.padding;
          inside = inside && at[d] >= 0 && at[d] < a.in;
          out /= a.out;
          element /= a.window;
        }
        if (!inside) continue;
        for (int d = 0; d < spatial; d++) pixel = pixel * s_.axis[d].in + at[d];
        for (int64_t j = 0; j < s_.out_channels; j++)
          for (int64_t i = 0; i < depth; i++) {
            const int64_t x = pixel * s_.in_channels + j / columns * depth + i, y = o * s_.out_channels + j;
            const int64_t f = (w * depth + i) * s_.out_channels + j;
            if (kind == DG_CONV_FORWARD) sums[y].add(double(input_[x]) * filter_[f]);
            if (kind == DG_CONV_INPUT) sums[x].add(double(output_[y]) * filter_[f]);
            if (kind == DG_CONV_FILTER) sums[f].add(double(input_[x]) * output_[y]);
          }
      }
    return sums;
  }

  // Each term costs a rounding or two of at most half a unit each.
  void compare(const char *what, const std::vector<float> &got, const std::vector<Sum> &sums) const {
    double worst = 0;
    for (size_t i = 0; i < sums.size(); i++) {
      const double error = fabs(got[i] - sums[i].value), bound = sums[i].size * double(sums[i].terms + 1) * 6e-8;
      if (error > bound * worst) worst = bound > 0 ? error / bound : INFINITY;
      if (got[i] != got[i]) worst = INFINITY;
    }
    CHECK(worst <= 1, "%s of %s: an error is %g times its bound", what, name().c_str(), worst);
  }

  Shape s_;
  int64_t inputs_, outputs_, taps_;
  std::vector<float> input_, filter_, output_, in_bias_, out_bias_;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  const auto image = [&](int64_t batch, int64_t in, int64_t out, const Axis &h, const Axis &w, int64_t groups = 1) {
    all.push_back({batch, in, out, groups, {none, h, w}});
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
    all.push_back({2, 6, 10, 1, {none, none, w}});
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
  for (const Shape &shape : {Shape{2, 3, 37, 1, {none, h, same(17, 3)}}, Shape{2, 6, 6, 6, {none, h, same(17, 3)}},
                             Shape{20, 5, 9, 1, {none, h, valid(5, 3)}}, Shape{2, 8, 12, 2, {none, h, same(9, 3, 2)}},
                             Shape{2, 8, 5, 1, {none, same(5, 1), same(9, 1)}}})
    for (int kind : {DG_CONV_FORWARD, DG_CONV_INPUT}) {
      const Case conv(shape);
      const std::vector<float> plain = conv.run(kind, true);
      std::vector<float> wanted(plain.size());
      kernels_here()[0].unary(
          {op, DG_FLOAT32, DG_FLOAT32, plain.data(), wanted.data(), int64_t(plain.size()), 0.25f, 0});
      CHECK(!same_bits(plain, wanted));
      CHECK(same_bits(conv.run(kind, true, op, 0.25f), wanted), "%s", conv.name().c_str());
    }
}

}  // namespace

int main() {
  if (kernels_here().empty()) return check_report("conv_test");
  for (const Shape &shape : shapes()) Case(shape).check();
  test_activation();
  return check_report("conv_test");
}
