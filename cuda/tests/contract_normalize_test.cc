// Does normalization work through the contract, called at once and replayed, and does it refuse what cannot be?
#include "both_ways.h"

namespace {

// Deviations are 1 and 2, so that everything is stored exactly: two channels of two rows, or two rows of two.
template <class T>
void normalizations() {
  const Array<T> x(stored<T>({1, 8, 3, 4})), dy(stored<T>({1, 2, 3, 4})), y(4), dx(4);
  const Array<float> scale(Floats{2, 3}), offset(Floats{10, 20}), mean(2), variance(2), dscale(2), doffset(2);
  const auto columns = [&] {
    put({1, 2, 2, 1});
    return dg_normalize(x, scale, offset, mean, variance, y, 1, 0);
  };
  both_ways("columns", y, stored<T>({8, 23, 12, 17}), columns);
  both_ways("their means", mean, {2, 6}, columns);
  both_ways("their variances", variance, {1, 4}, columns);
  const auto slopes = [&] {
    put({1, 2, 2, 1});
    return dg_normalize_grad(x, dy, scale, mean, variance, dx, dscale, doffset, 0);
  };
  both_ways("the gradient", dx, stored<T>({0, 0, 0, 0}), slopes);
  both_ways("the scale's gradient", dscale, {2, -2}, slopes);
  both_ways("the offset's gradient", doffset, {4, 6}, slopes);
  both_ways("statistics that are given", y, stored<T>({-1, 1, 1, -1}), [&] {
    put({1, 2, 2, 1});
    return dg_normalize(x, 0, 0, mean, variance, y, 0, 0);
  });
  const Array<T> rows(stored<T>({1, 3, 8, 4}));
  const auto along = [&] {
    put({2, 1, 1, 2});
    return dg_normalize(rows, scale, offset, mean, variance, y, 1, 0);
  };
  both_ways("rows", y, stored<T>({8, 23, 12, 17}), along);
  both_ways("their variances", variance, {1, 4}, along);
  both_ways("their gradients", doffset, {4, 6}, [&] {
    put({2, 1, 1, 2});
    return dg_normalize_grad(rows, dy, scale, mean, variance, dx, 0, doffset, 0);
  });
  const Array<T> squares(stored<T>({3, 3, 4, -4}));
  both_ways("mean squares", y, stored<T>({1, 1, 1, -1}), [&] {
    put({2, 1, 1, 2});
    return dg_normalize(squares, 0, 0, 0, variance, y, 1, 0);
  });
}

// More samples than a GPU takes at once.
void many_samples() {
  constexpr int samples = 33000;
  Floats values, wanted;
  for (int i = 0; i < samples; i++) {
    const float far = static_cast<float>(i % 7);
    values.insert(values.end(), {far, far + 2});
    wanted.insert(wanted.end(), {-1, 1});
  }
  const Array<float> x(values), y(values.size()), dx(values.size()), mean(samples), variance(samples), dscale(1);
  put({samples, 2, 1, 1});
  CHECK(dg_normalize(x, 0, 0, mean, variance, y, 1, 0) == 0, "%s", message().c_str());
  CHECK(y.read() == wanted);
  put({samples, 2, 1, 1});
  CHECK(dg_normalize_grad(x, y, 0, mean, variance, dx, dscale, 0, 0) == 0, "%s", message().c_str());
  CHECK(dx.read() == Floats(values.size(), 0));
  CHECK(dscale.read()[0] == 2 * samples, "it is %g", double{dscale.read()[0]});
}

void refusals() {
  const Array<float> x(12), y(12), dx(12), scale(3), offset(3), mean(6), variance(6), few(2);
  const Array<int32_t> ints(12), counts(3);
  const Array<Half> halves(12);
  const double sizes[] = {2, 2, 3, 1};
  const auto forward = [&](int in, int by, int plus, int middle, int spread, int out, int measure = 1) {
    put({sizes[0], sizes[1], sizes[2], sizes[3]});
    return dg_normalize(in, by, plus, middle, spread, out, measure, 0);
  };
  CHECK(forward(x, scale, offset, mean, variance, y) == 0, "%s", message().c_str());
  CHECK(forward(x, 0, 0, 0, variance, y, 0) == 0, "%s", message().c_str());
  REFUSED(forward(ints, scale, offset, mean, variance, y), "must be floats");
  REFUSED(forward(x, 12345, offset, mean, variance, y), "not alive");
  REFUSED(forward(x, counts, offset, mean, variance, y), "scale must be float32");
  REFUSED(forward(x, few, offset, mean, variance, y), "scale must have 3");
  REFUSED(forward(x, scale, few, mean, variance, y), "offset must have 3");
  REFUSED(forward(x, scale, offset, few, variance, y), "mean must have 6");
  REFUSED(forward(x, scale, offset, mean, few, y), "variance must have 6");
  REFUSED(forward(x, scale, offset, mean, 0, y), "not alive");
  REFUSED(forward(x, scale, offset, mean, variance, halves), "output must be float32");
  REFUSED(forward(x, scale, offset, mean, variance, few), "output must have 12");
  REFUSED(forward(x, scale, offset, mean, variance, x), "share memory");
  REFUSED(forward(x, scale, offset, mean, mean, y), "share memory");
  REFUSED(forward(x, scale, offset, mean, variance, y, 2), "0 or 1");
  for (int at = 0; at < 4; at++)
    for (double bad : {-1.0, 0.0, 0.5, 0x1p41, double{NAN}}) {
      put({2, 2, 3, 1});
      scratch[at] = bad;
      REFUSED(dg_normalize(x, scale, offset, mean, variance, y, 1, 0), "whole numbers from 1");
    }
  put({3, 2, 3, 1});
  REFUSED(dg_normalize(x, scale, offset, mean, variance, y, 1, 0), "input must have 18");

  const auto backward = [&](int in, int up, int by, int middle, int spread, int out, int dby, int dplus) {
    put({sizes[0], sizes[1], sizes[2], sizes[3]});
    return dg_normalize_grad(in, up, by, middle, spread, out, dby, dplus, 0);
  };
  const Array<float> dscale(3), doffset(3);
  CHECK(backward(x, y, scale, mean, variance, dx, dscale, doffset) == 0, "%s", message().c_str());
  CHECK(backward(x, x, 0, 0, variance, dx, 0, 0) == 0, "%s", message().c_str());
  REFUSED(backward(ints, y, scale, mean, variance, dx, dscale, doffset), "must be floats");
  REFUSED(backward(x, halves, scale, mean, variance, dx, dscale, doffset), "gradient must be float32");
  REFUSED(backward(x, few, scale, mean, variance, dx, dscale, doffset), "gradient must have 12");
  REFUSED(backward(x, y, few, mean, variance, dx, dscale, doffset), "scale must have 3");
  REFUSED(backward(x, y, scale, few, variance, dx, dscale, doffset), "mean must have 6");
  REFUSED(backward(x, y, scale, mean, few, dx, dscale, doffset), "variance must have 6");
  REFUSED(backward(x, y, scale, mean, variance, few, dscale, doffset), "result must have 12");
  REFUSED(backward(x, y, scale, mean, variance, y, dscale, doffset), "share memory");
  REFUSED(backward(x, y, scale, mean, variance, dx, few, doffset), "scale's gradient must have 3");
  REFUSED(backward(x, y, scale, mean, variance, dx, dscale, counts), "offset's gradient must be float32");
  REFUSED(backward(x, y, scale, mean, variance, dx, dscale, dscale), "share memory");
  REFUSED(backward(x, y, scale, mean, variance, dx, scale, doffset), "share memory");
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("contract_normalize_test: %s\n", message().c_str());
    return 1;
  }
  normalizations<float>();
  normalizations<Half>();
  normalizations<Brain>();
  many_samples();
  refusals();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_normalize_test");
}
