// Do convolution and pooling work through the contract, called at once and replayed, and does it refuse what cannot be?
#include "both_ways.h"

namespace {

// One image of 2 x 3 with one channel, a window of 2 x 2, padding that widens the output to 2 x 3; numbers that 16-bit
// floats store exactly.
template <class T>
void convolutions() {
  const Array<T> x(stored<T>({1, 2, 3, 4, 5, 6})), w(stored<T>({1, 2, 4, 8})), bias(stored<T>({-20})), y(6), dw(4);
  const auto both = [](const char *what, const Array<T> &result, const Floats &want, int kind, int a, int b, int c,
                       int activation) {
    both_ways(what, result, stored<T>(want), [&] {
      put({1, 1, 1, 1, 2, 3, 2, 3, 2, 2, 1, 1, 1, 1, 0, 1});
      return dg_conv(kind, a, b, c, result, 2, activation == -1 ? 0 : DG_TF32, activation, 0);
    });
  };
  both("forward", y, {34, 61, 76, 8, 14, 17}, DG_CONV_FORWARD, x, w, 0, -1);
  both("with bias and activation", y, {14, 41, 56, 0, 0, 0}, DG_CONV_FORWARD, x, w, bias, id(DG_NAMES_UNARY, "relu"));
  both("data gradient", y, {4, 7, 6, 29, 44, 36}, DG_CONV_INPUT, x, w, 0, -1);
  both("filter gradient", dw, {58, 91, 23, 32}, DG_CONV_FILTER, x, x, 0, -1);
}

// The same in all channels, which a GPU takes one by one or together.
template <class T>
void poolings(int channels) {
  const auto each = [&](const Floats &pixels) {
    Floats all;
    for (const float pixel : pixels) all.insert(all.end(), channels, pixel);
    return stored<T>(all);
  };
  const Array<T> x(each({1, 5, 5, 2, 3, 4, 8, 2})), y(2 * channels), dy(each({8, 2})), dx(8 * channels);
  const Array<int32_t> place(2 * channels);
  std::vector<int32_t> places;
  for (int i : {1, 6})
    for (int c = 0; c < channels; c++) places.push_back(i * channels + c);
  const auto shape = [&] { put({1, static_cast<double>(channels), 8, 2, 4, 4, 1, 0}); };
  both_ways("average", y, each({3.25f, 4.25f}), [&] {
    shape();
    return dg_pool(DG_POOL_AVERAGE, x, y, 1);
  });
  both_ways("maximum", y, each({5, 8}), [&] {
    shape();
    return dg_pool(DG_POOL_MAX, x, y, 1);
  });
  both_ways("its place", place, places, [&] {
    shape();
    return dg_pool(DG_POOL_ARGMAX, x, place, 1);
  });
  both_ways("gradient of the maximum", dx, each({0, 8, 0, 0, 0, 0, 2, 0}), [&] {
    shape();
    return dg_pool_grad(DG_POOL_MAX, x, y, dy, dx, 1);
  });
  both_ways("gradient of the average", dx, each({2, 2, 2, 2, 0.5f, 0.5f, 0.5f, 0.5f}), [&] {
    shape();
    return dg_pool_grad(DG_POOL_AVERAGE, 0, 0, dy, dx, 1);
  });
}

void refusals() {
  const int x = array(Floats(6)), w = array(Floats(2)), y = array(Floats(6)), one = array({1}),
            ints = dg_alloc(0, DG_INT32, 6, 1), empty = dg_alloc(0, DG_FLOAT32, 0, 1);
  const std::vector<double> good = {1, 1, 1, 1, 6, 6, 2, 1, 1, 0};
  const auto list = [](const std::vector<double> &values) { memcpy(scratch, values.data(), values.size() * 8); };
  const auto conv = [&](int kind, int a, int b, int bias, int result, int activation = -1) {
    list(good);
    return dg_conv(kind, a, b, bias, result, 1, 0, activation, 0);
  };
  const auto with = [&](size_t at, double value) {
    list(good);
    scratch[at] = value;
    return dg_conv(DG_CONV_FORWARD, x, w, 0, y, 1, 0, -1, 0);
  };
  CHECK(conv(DG_CONV_FORWARD, x, w, one, y) == 0, "%s", message().c_str());
  REFUSED(conv(3, x, w, 0, y), "no convolution of kind 3");
  REFUSED(conv(DG_CONV_FORWARD, x, w, 0, x), "share memory");
  REFUSED(conv(DG_CONV_FORWARD, x, y, 0, y), "filter must have 2");
  REFUSED(conv(DG_CONV_FORWARD, w, w, 0, y), "input must have 6");
  REFUSED(conv(DG_CONV_INPUT, x, w, 0, w), "input must have 6");
  REFUSED(conv(DG_CONV_FILTER, x, w, 0, w), "output must have 6");
  REFUSED(conv(DG_CONV_FORWARD, x, w, x, y), "bias must have 1");
  REFUSED(conv(DG_CONV_FILTER, x, y, one, w), "no bias");
  REFUSED(conv(DG_CONV_FORWARD, x, w, 0, ints), "must be float32");
  REFUSED(conv(DG_CONV_FORWARD, ints, w, 0, y), "must be floats");
  REFUSED(conv(DG_CONV_FORWARD, x, w, 0, y, 9999), "no unary operation");
  REFUSED(conv(DG_CONV_FORWARD, x, w, 0, y, id(DG_NAMES_UNARY, "isNaN")), "cannot be an activation");
  list(good);
  REFUSED(dg_conv(DG_CONV_FORWARD, x, w, 0, y, 4, 0, -1, 0), "1 to 3 spatial");
  list(good);
  REFUSED(dg_conv(DG_CONV_FORWARD, x, w, 0, y, 1, 1, -1, 0), "flags 1");
  for (size_t at = 0; at < good.size(); at++)
    for (double bad : {-1.0, 0.5, 0x1p31, double{NAN}}) REFUSED(with(at, bad), "whole number");
  for (size_t at : {3, 6, 7, 8}) REFUSED(with(at, 0), "from 1");
  REFUSED(with(3, 2), "into 2 groups");
  // Windows may lie anywhere, but not further away than int32 counts.
  const double most = 0x1p31 - 1, far = 300000000;
  CHECK(with(7, far) == 0 && with(8, far) == 0 && with(9, 4 * far) == 0, "%s", message().c_str());
  CHECK((read(y, 6) == Floats(6)), "windows outside the input give zeros");
  REFUSED(with(7, most), "2^31 - 1 elements");
  REFUSED(with(8, most), "2^31 - 1 elements");
  REFUSED(with(9, most), "2^31 - 1 elements");
  list({0, most, 1, 1, far, far, 2, 1, 1, 0});
  REFUSED(dg_conv(DG_CONV_FORWARD, empty, w, 0, empty, 1, 0, -1, 0), "2^53");

  const auto pool = [&](int kind, int in, int out) {
    list({1, 1, 6, 6, 2, 1, 1, 0});
    return dg_pool(kind, in, out, 1);
  };
  const auto pool_grad = [&](int kind, int in, int out, int dy, int dx) {
    list({1, 1, 6, 6, 2, 1, 1, 0});
    return dg_pool_grad(kind, in, out, dy, dx, 1);
  };
  REFUSED(pool(3, x, y), "no pooling of kind 3");
  REFUSED(pool(DG_POOL_MAX, x, x), "share memory");
  REFUSED(pool(DG_POOL_MAX, w, y), "input must have 6");
  REFUSED(pool(DG_POOL_MAX, x, w), "output must have 6");
  REFUSED(pool(DG_POOL_ARGMAX, x, y), "must be int32");
  REFUSED(pool(DG_POOL_MAX, ints, ints), "must be floats");
  REFUSED(pool_grad(DG_POOL_ARGMAX, x, x, x, y), "no gradient of pooling");
  REFUSED(pool_grad(DG_POOL_MAX, x, w, x, y), "output must have 6");
  REFUSED(pool_grad(DG_POOL_MAX, y, x, x, y), "share memory");
  REFUSED(pool_grad(DG_POOL_MAX, 0, 0, x, y), "not alive");
  REFUSED(pool_grad(DG_POOL_AVERAGE, x, x, x, y), "takes no input");
  for (int a : {x, w, y, one, ints, empty}) dg_free(a);
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("contract_conv_test: %s\n", message().c_str());
    return 1;
  }
  convolutions<float>();
  convolutions<Half>();
  convolutions<Brain>();
  for (int channels : {1, 16}) poolings<float>(channels);
  for (int channels : {1, 16}) poolings<Half>(channels);
  for (int channels : {1, 16}) poolings<Brain>(channels);
  refusals();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_conv_test");
}
