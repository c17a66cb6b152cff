// Do convolution and pooling work through the contract, called at once and replayed, and does it refuse what cannot be?
#include <functional>

#include "calls.h"

namespace {

using Floats = std::vector<float>;

void list(const std::vector<double> &values) {
  for (size_t i = 0; i < values.size(); i++) scratch[i] = values[i];
}

// Makes the call at once, then from a recording. `call` must write all of y.
void both_ways(const char *what, int y, const Floats &want, const std::function<int()> &call) {
  const auto check = [&](const char *how) {
    const Floats got = read(y, want.size());
    for (size_t i = 0; i < want.size(); i++)
      CHECK(fabsf(got[i] - want[i]) <= 1e-5f, "%s %s: element %zu is %g, not %g", what, how, i, double(got[i]),
            double(want[i]));
  };
  CHECK(call() == 0, "%s: %s", what, message().c_str());
  check("at once");
  const int arena = dg_arena(0);
  CHECK(dg_record_begin(arena) == 0 && call() == 0, "%s: %s", what, message().c_str());
  const int program = dg_record_end();
  dg_fill(y, 77);
  CHECK(dg_replay(self, program, 2, 0, 0, 0) == 0, "%s: %s", what, message().c_str());
  check("replayed");
  dg_program_free(program);
  dg_arena_free(arena);
}

// One image of 2 x 3 with one channel, a window of 2 x 2, padding that widens the output to 2 x 3.
void convolutions() {
  const int x = array({1, 2, 3, 4, 5, 6}), w = array({1, 10, 100, 1000}), bias = array({-3000}), y = array(Floats(6));
  const auto shape = [] { list({1, 1, 1, 1, 2, 3, 2, 3, 2, 2, 1, 1, 1, 1, 0, 1}); };
  const int relu = id(DG_NAMES_UNARY, "relu");
  both_ways("forward", y, {4010, 5421, 6532, 40, 54, 65}, [&] {
    shape();
    return dg_conv(DG_CONV_FORWARD, x, w, 0, y, 2, 0, -1, 0);
  });
  both_ways("with bias and activation", y, {1010, 2421, 3532, 0, 0, 0}, [&] {
    shape();
    return dg_conv(DG_CONV_FORWARD, x, w, bias, y, 2, DG_TF32, relu, 0);
  });
  both_ways("data gradient", y, {12, 23, 30, 1245, 2356, 3060}, [&] {
    shape();
    return dg_conv(DG_CONV_INPUT, x, w, 0, y, 2, 0, -1, 0);
  });
  both_ways("filter gradient", w, {58, 91, 23, 32}, [&] {
    shape();
    return dg_conv(DG_CONV_FILTER, x, x, 0, w, 2, 0, -1, 0);
  });
  for (int a : {x, w, bias, y}) dg_free(a);
}

void poolings() {
  const int x = array({1, 5, 5, 2, 3, 4}), y = array(Floats(2)), dy = array({10, 1}), dx = array(Floats(6));
  const int place = dg_alloc(0, DG_INT32, 2, 1), bits = dg_view(place, 0, DG_FLOAT32, 2);
  const auto shape = [] { list({1, 1, 6, 2, 3, 3, 1, 0}); };
  both_ways("average", y, {11 / 3.0f, 3}, [&] {
    shape();
    return dg_pool(DG_POOL_AVERAGE, x, y, 1);
  });
  both_ways("maximum", y, {5, 4}, [&] {
    shape();
    return dg_pool(DG_POOL_MAX, x, y, 1);
  });
  both_ways("its place", bits, {0x1p-149f, 5 * 0x1p-149f}, [&] {  // 1 and 5, as the bits of floats
    shape();
    return dg_pool(DG_POOL_ARGMAX, x, place, 1);
  });
  both_ways("gradient of the maximum", dx, {0, 10, 0, 0, 0, 1}, [&] {
    shape();
    return dg_pool_grad(DG_POOL_MAX, x, y, dy, dx, 1);
  });
  const float a = 10 / 3.0f, b = 1 / 3.0f;
  both_ways("gradient of the average", dx, {a, a, a, b, b, b}, [&] {
    shape();
    return dg_pool_grad(DG_POOL_AVERAGE, 0, 0, dy, dx, 1);
  });
  for (int h : {x, y, dy, dx, bits, place}) dg_free(h);
}

#define REFUSED(call, why)                                                    \
  do {                                                                        \
    const int status_ = (call);                                               \
    CHECK(status_ == DG_E_ARGUMENT, "it is %d", status_);                     \
    CHECK(message().find(why) != std::string::npos, "%s", message().c_str()); \
  } while (0)

void refusals() {
  const int x = array(Floats(6)), w = array(Floats(2)), y = array(Floats(6)), one = array({1}),
            ints = dg_alloc(0, DG_INT32, 6, 1), empty = dg_alloc(0, DG_FLOAT32, 0, 1);
  const std::vector<double> good = {1, 1, 1, 1, 6, 6, 2, 1, 1, 0};
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
  // Windows may lie anywhere, but not further away than numbers reach.
  const double most = 0x1p31 - 1;
  CHECK(with(7, most) == 0 && with(8, most) == 0 && with(9, most) == 0, "%s", message().c_str());
  CHECK((read(y, 6) == Floats(6)), "windows outside the input give zeros");
  list({0, 1, 1, 1, most, most, 2, most, 1, 0});
  REFUSED(dg_conv(DG_CONV_FORWARD, empty, w, 0, empty, 1, 0, -1, 0), "reach too far");
  list({0, most, 1, 1, most, most, 2, 1, 1, 0});
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
  convolutions();
  poolings();
  refusals();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_conv_test");
}
