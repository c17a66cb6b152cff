// What is made together with gradients? Those of a product with what it ended in, and a loss with its own: called at once and
// replayed, small and large, and what cannot be is refused.
#include <math.h>

#include "both_ways.h"

namespace {

const int tanh_ = id(DG_NAMES_UNARY, "tanh");

// Values that every type of floats holds, in a cheap order.
Floats steps(int n, int factor, int turn, float by) {
  Floats v;
  for (int i = 0; i < n; i++) v.push_back(static_cast<float>(i * factor % turn - turn / 2) * by);
  return v;
}

// y [m, n] = a [m, k] . b [k, n].
Floats product(const Floats &a, const Floats &b, int m, int n, int k, bool ta, bool tb) {
  Floats y;
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int l = 0; l < k; l++)
        sum += double(a[size_t(ta ? l * m + i : i * k + l)]) * double(b[size_t(tb ? j * k + l : l * n + j)]);
      y.push_back(static_cast<float>(sum));
    }
  return y;
}

struct Sizes {
  int m, n, k;
};

template <class T>
void product_gradients(const Sizes &s, bool active, bool wants_a, bool wants_b) {
  const int m = s.m, n = s.n, k = s.k;
  const Floats a = steps(m * k, 7, 9, 0.5f), b = steps(k * n, 5, 7, 0.25f), up = steps(m * n, 3, 5, 1),
               y = steps(m * n, 4, 3, 0.5f);
  Floats slope = up, sums(static_cast<size_t>(n));
  for (size_t i = 0; i < slope.size(); i++) {
    if (active) slope[i] *= 1 - y[i] * y[i];
    sums[i % static_cast<size_t>(n)] += slope[i];
  }
  const Array<T> a_(stored<T>(a)), b_(stored<T>(b)), up_(stored<T>(up)), y_(stored<T>(y)), dz(up.size()), da(a.size()),
      db(b.size()), dbias(sums.size());
  const auto call = [&] {
    return dg_matmul_grad(a_, b_, active ? int(y_) : 0, up_, active ? int(dz) : 0, wants_a ? int(da) : 0,
                          wants_b ? int(db) : 0, dbias, m, n, k, 0, active ? tanh_ : -1);
  };
  both_ways("of the bias", dbias, stored<T>(sums), call);
  if (wants_a) both_ways("of a", da, stored<T>(product(slope, b, m, k, n, false, true)), call);
  if (wants_b) both_ways("of b", db, stored<T>(product(a, slope, k, n, m, true, false)), call);
}

// Within a tile, over its edges, without what is not wanted, and large enough to go in parts on a GPU.
void products() {
  for (const Sizes &s : {Sizes{1, 1, 1}, {5, 3, 2}, {33, 40, 31}, {70, 1, 64}, {2, 100, 9}, {600, 3, 5}, {4, 600, 2}})
    for (const bool active : {false, true}) {
      product_gradients<float>(s, active, true, true);
      product_gradients<float>(s, active, false, true);
      product_gradients<float>(s, active, true, false);
    }
  for (const bool active : {false, true}) {
    product_gradients<Half>({9, 5, 6}, active, true, true);
    product_gradients<Brain>({9, 5, 6}, active, true, true);
  }
}

// A loss and its gradient from formulas of one element.
template <class Loss, class Slope>
void element_losses(int kind, int rows, int n, float scale, const Loss &loss, const Slope &slope) {
  const int count = rows * n;
  const Floats x = steps(count, 7, 15, 0.5f), labels = steps(count, 5, 3, 1);
  double sum = 0;
  Floats want;
  for (size_t i = 0; i < x.size(); i++) {
    sum += loss(double(x[i]), double(labels[i]));
    want.push_back(static_cast<float>(double(scale) * slope(double(x[i]), double(labels[i]))));
  }
  const Array<float> x_(x), labels_(labels), total(1), dx(x.size());
  const auto call = [&] { return dg_loss(kind, x_, labels_, total, dx, rows, n, scale); };
  both_ways("loss", total, {static_cast<float>(double(scale) * sum)}, call);
  both_ways("its gradient", dx, want, call);
  const auto alone = [&] { return dg_loss(kind, x_, labels_, total, 0, rows, n, scale); };
  both_ways("loss alone", total, {static_cast<float>(double(scale) * sum)}, alone);
}

void softmax_losses(int rows, int n, bool classes) {
  const Floats x = steps(rows * n, 7, 15, 0.5f);
  Floats labels(x.size()), want(x.size());
  Ints places;
  const double scale = 0.25;
  double total = 0;
  for (int r = 0; r < rows; r++) {
    const int place = r * 3 % n;
    places.push_back(place);
    const float *const row = &x[static_cast<size_t>(r * n)];
    float *const label = &labels[static_cast<size_t>(r * n)], *const to = &want[static_cast<size_t>(r * n)];
    if (classes) {
      label[place] = 1;
    } else {
      for (int i = 0; i < n; i++) label[i] = static_cast<float>(i % 3) * 0.5f;
    }
    double sum = 0, weight = 0;
    for (int i = 0; i < n; i++) {
      sum += exp(double(row[i]));
      weight += double(label[i]);
    }
    for (int i = 0; i < n; i++) {
      total -= double(label[i]) * (double(row[i]) - log(sum));
      to[i] = static_cast<float>(scale * (exp(double(row[i])) / sum * weight - double(label[i])));
    }
  }
  const Array<float> x_(x), labels_(labels), loss(1), dx(x.size());
  const Array<int32_t> places_(places);
  const int given = classes ? int(places_) : int(labels_);
  const auto call = [&] { return dg_loss(DG_LOSS_SOFTMAX, x_, given, loss, dx, rows, n, static_cast<float>(scale)); };
  both_ways("softmax loss", loss, {static_cast<float>(scale * total)}, call);
  both_ways("its gradient", dx, want, call);
}

void losses() {
  for (const auto &[rows, n] : {std::pair<int, int>{1, 1}, {32, 1}, {7, 5}, {300, 100}}) {
    const float scale = 1.0f / static_cast<float>(rows * n);
    element_losses(
        DG_LOSS_SQUARED, rows, n, scale, [](double x, double t) { return (t - x) * (t - x); },
        [](double x, double t) { return 2 * (x - t); });
    element_losses(
        DG_LOSS_SIGMOID, rows, n, scale, [](double x, double t) { return log1p(exp(x)) - t * x; },
        [](double x, double t) { return 1 / (1 + exp(-x)) - t; });
  }
  for (const auto &[rows, n] : {std::pair<int, int>{1, 1}, {32, 10}, {5, 33}, {400, 7}, {3, 5000}})
    for (const bool classes : {false, true}) softmax_losses(rows, n, classes);
}

void refusals() {
  const Array<float> a(6), b(12), y(8), dy(8), dz(8), da(Floats(6, 1)), db(12), dbias(4), one(1), x(6);
  const Array<Half> half(6);
  const Array<int32_t> ints(Ints{0, 1});
  const int gelu = id(DG_NAMES_UNARY, "gelu");
  REFUSED(dg_matmul_grad(a, b, y, dy, dz, da, db, dbias, 2, 4, 3, 0, gelu), "from its result");
  REFUSED(dg_matmul_grad(a, b, 0, dy, dz, da, db, dbias, 2, 4, 3, 0, tanh_), "come with an activation");
  REFUSED(dg_matmul_grad(a, b, y, dy, 0, da, db, dbias, 2, 4, 3, 0, -1), "come with an activation");
  REFUSED(dg_matmul_grad(a, b, y, dy, dz, da, db, 0, 2, 4, 3, 0, tanh_), "come with an activation");
  REFUSED(dg_matmul_grad(a, b, 0, dy, 0, da, db, dbias, 2, 4, 3, 1, -1), "no flags 1");
  REFUSED(dg_matmul_grad(a, b, 0, dy, 0, da, db, dbias, 0, 4, 3, 0, -1), "from 1");
  REFUSED(dg_matmul_grad(a, b, 0, dy, 0, da, db, dbias, 2, 4, 2, 0, -1), "must have 4");
  REFUSED(dg_matmul_grad(half, b, 0, dy, 0, da, db, dbias, 2, 4, 3, 0, -1), "must be float32");
  REFUSED(dg_matmul_grad(a, b, 0, dy, 0, a, db, dbias, 2, 4, 3, 0, -1), "share memory");
  REFUSED(dg_loss(3, x, a, one, da, 2, 3, 1), "no loss 3");
  REFUSED(dg_loss(DG_LOSS_SQUARED, x, ints, one, da, 2, 3, 1), "labels must be floats");
  REFUSED(dg_loss(DG_LOSS_SQUARED, x, a, x, da, 2, 3, 1), "loss must have 1");
  REFUSED(dg_loss(DG_LOSS_SQUARED, x, a, one, x, 2, 3, 1), "share memory");
  REFUSED(dg_loss(DG_LOSS_SQUARED, x, a, one, half, 2, 3, 1), "must be float32");
  const Array<float> none(0);
  REFUSED(dg_loss(DG_LOSS_SQUARED, none, none, one, 0, 0, 3, 1), "no loss of nothing");
  CHECK(da.read() == Floats(6, 1), "a refused call has written");
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("contract_gradients_test: %s\n", message().c_str());
    return 1;
  }
  products();
  losses();
  refusals();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_gradients_test");
}
