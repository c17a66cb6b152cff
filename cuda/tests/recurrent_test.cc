// Are recurrent layers right, forward and backward, with masks, dropout and states to begin with, and the same on every
// instruction set and any number of threads?
#include "math/recurrent.h"

#include <functional>

#include "variants.h"

using namespace dg;

namespace {

using Doubles = std::vector<double>;

struct Shape {
  int kind;
  int64_t batch, steps, units;
  Unary activation, gate;
  bool masked, dropped, begun, with_cell;

  int64_t states() const { return batch * units; }
  int64_t parts() const { return cell_parts(kind); }
  int64_t sums() const { return batch * steps * parts() * units; }
  int64_t rows() const { return steps + with_cell; }
  int64_t traces() const { return trace_parts(kind) * steps * states(); }
};

double apply(Unary f, double x) {
  if (f == Unary::tanh) return tanh(x);
  if (f == Unary::sigmoid) return 1 / (1 + exp(-x));
  return x > 3 ? 1 : x < -3 ? 0 : x / 6 + 0.5;  // hardSigmoid
}

// What a layer computes from, and what follows, in float64 straight from the definition in dinograd.h.
struct Layer {
  Doubles projected, kernel, bias, h, c;
  std::vector<uint8_t> mask;
  Doubles keep;

  Doubles run(const Shape &s) const {
    const int64_t u = s.units, parts = s.parts();
    Doubles y(size_t(s.rows() * s.states()));
    for (int64_t b = 0; b < s.batch; b++) {
      Doubles state(h.begin() + b * u, h.begin() + (b + 1) * u), cell(c.begin() + b * u, c.begin() + (b + 1) * u);
      for (int64_t t = 0; t < s.steps; t++) {
        const double *const p = &projected[(b * s.steps + t) * parts * u];
        const auto product = [&](int64_t part, int64_t j, const std::function<double(int64_t)> &of) {
          double sum = 0;
          for (int64_t k = 0; k < u; k++) sum += of(k) * keep[b * u + k] * kernel[(k * parts + part) * u + j];
          return sum;
        };
        const auto said = [&](int64_t part, int64_t j) {
          return product(part, j, [&](int64_t k) { return state[k]; });
        };
        const auto sum = [&](int64_t part, int64_t j) { return p[part * u + j] + said(part, j); };
        Doubles next(u), next_cell(cell);
        for (int64_t j = 0; j < u; j++) {
          if (s.kind == DG_CELL_SIMPLE) {
            next[j] = apply(s.activation, sum(0, j));
          } else if (s.kind == DG_CELL_LSTM) {
            next_cell[j] =
                apply(s.gate, sum(1, j)) * cell[j] + apply(s.gate, sum(0, j)) * apply(s.activation, sum(2, j));
            next[j] = apply(s.gate, sum(3, j)) * apply(s.activation, next_cell[j]);
          } else {
            const auto reset = [&](int64_t k) { return apply(s.gate, sum(1, k)); };
            const double z = apply(s.gate, sum(0, j));
            const double fresh = s.kind == DG_CELL_GRU ? reset(j) * (said(2, j) + bias[j])
                                                       : product(2, j, [&](int64_t k) { return state[k] * reset(k); });
            next[j] = z * state[j] + (1 - z) * apply(s.activation, p[2 * u + j] + fresh);
          }
        }
        if (mask[b * s.steps + t]) {
          state = next;
          cell = next_cell;
        }
        std::copy(state.begin(), state.end(), &y[(b * s.rows() + t) * u]);
      }
      if (s.with_cell) std::copy(cell.begin(), cell.end(), &y[(b * s.rows() + s.steps) * u]);
    }
    return y;
  }
};

Doubles wide(const std::vector<float> &x) { return Doubles(x.begin(), x.end()); }
double dot(const Doubles &a, const Doubles &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); i++) sum += a[i] * b[i];
  return sum;
}

void check(const Shape &s) {
  char what[120];
  snprintf(what, sizeof what, "cell %d, %ld x %ld steps, %ld units, mask %d, dropout %d, begun %d", s.kind,
           long(s.batch), long(s.steps), long(s.units), s.masked, s.dropped, s.begun);
  const bool lstm = s.kind == DG_CELL_LSTM, gru = s.kind == DG_CELL_GRU;
  const std::vector<float> projected = random_values(s.sums()), dy = random_values(s.rows() * s.states());
  std::vector<float> kernel = random_values(s.units * s.units * s.parts()), bias = random_values(s.units);
  for (float &k : kernel) k /= sqrtf(float(s.units));
  std::vector<float> h = random_values(s.states()), c = random_values(s.states()), keep(s.states(), 1);
  std::vector<uint8_t> mask(s.batch * s.steps, 1);
  if (!s.begun) h = c = std::vector<float>(s.states(), 0);
  if (!gru) bias.assign(s.units, 0);
  if (s.dropped)
    for (float &k : keep) k = random_bits() % 3 ? 1.5f : 0;
  if (s.masked)
    for (uint8_t &m : mask) m = random_bits() % 3 != 0;
  const Layer layer{wide(projected), wide(kernel), wide(bias), wide(h), wide(c), mask, wide(keep)};

  // What is left out of the call must count as what the definition begins with.
  const auto id = [](Unary f) { return static_cast<int32_t>(f); };
  RecurrentArgs args{};
  args.kind = s.kind;
  args.activation = id(s.activation);
  args.gate = id(s.gate);
  args.projected = projected.data();
  args.kernel = kernel.data();
  args.bias = gru ? bias.data() : nullptr;
  args.h = s.begun ? h.data() : nullptr;
  args.c = s.begun && lstm ? c.data() : nullptr;
  args.mask = s.masked ? mask.data() : nullptr;
  args.keep = s.dropped ? keep.data() : nullptr;
  args.batch = s.batch;
  args.steps = s.steps;
  args.units = s.units;
  args.rows = s.rows();
  const int64_t made = s.rows() * s.states();
  const auto forward = [&](int64_t traced) {
    return run_everywhere<float>(what, made + s.traces() / s.steps * traced, [&](const Kernels &kernels, float *to) {
      RecurrentArgs all = args;
      all.y = to;
      all.trace = s.traces() ? to + made : nullptr;
      all.traced = traced;
      return kernels.recurrent(all);
    });
  };
  const std::vector<float> whole = forward(s.steps), short_trace = forward(1);
  const std::vector<float> y(whole.begin(), whole.begin() + made), trace(whole.begin() + made, whole.end());
  check_close(what, y, layer.run(s), 2e-5, 2e-5);
  CHECK(same_bits(y, std::vector<float>(short_trace.begin(), short_trace.begin() + made)), "%s without a trace", what);

  RecurrentGradArgs back{};
  back.kind = s.kind;
  back.activation = args.activation;
  back.gate = args.gate;
  back.kernel = kernel.data();
  back.h = args.h;
  back.c = args.c;
  back.mask = args.mask;
  back.keep = args.keep;
  back.y = y.data();
  back.trace = s.traces() ? trace.data() : nullptr;
  back.dy = dy.data();
  back.batch = s.batch;
  back.steps = s.steps;
  back.units = s.units;
  back.rows = back.given = s.rows();
  const int64_t products = gru ? s.sums() : 0;
  const std::vector<float> gradients = run_everywhere<float>(
      what, s.sums() + products + (1 + lstm) * s.states(), [&](const Kernels &kernels, float *to) {
        RecurrentGradArgs all = back;
        all.dprojected = to;
        all.dproduct = gru ? to + s.sums() : nullptr;
        all.dh = to + s.sums() + products;
        all.dc = lstm ? to + s.sums() + products + s.states() : nullptr;
        return kernels.recurrent_grad(all);
      });
  const auto part = [&](int64_t from, int64_t n) {
    return Doubles(gradients.begin() + from, gradients.begin() + from + n);
  };

  // Along a random direction, against how the sum of y dy changes.
  const auto follows = [&](const char *of, Doubles Layer::*input, const Doubles &gradient) {
    Layer up = layer, down = layer;
    Doubles direction(gradient.size());
    const double small = 1e-5;
    for (size_t i = 0; i < direction.size(); i++) {
      direction[i] = double(random_value());
      (up.*input)[i] += small * direction[i];
      (down.*input)[i] -= small * direction[i];
    }
    const double want = (dot(up.run(s), wide(dy)) - dot(down.run(s), wide(dy))) / (2 * small);
    const double got = dot(gradient, direction);
    CHECK(fabs(got - want) <= 1e-4 * (1 + fabs(want)), "%s: along %s it is %g, not %g", what, of, got, want);
  };
  follows("projected", &Layer::projected, part(0, s.sums()));
  follows("h", &Layer::h, part(s.sums() + products, s.states()));
  if (lstm) follows("c", &Layer::c, part(s.sums() + products + s.states(), s.states()));
  // The kernel's gradient, as dinograd.h says that it follows.
  const Doubles product = part(gru ? s.sums() : 0, s.sums());
  Doubles dkernel(kernel.size(), 0);
  for (int64_t b = 0; b < s.batch; b++)
    for (int64_t t = 0; t < s.steps; t++)
      for (int64_t k = 0; k < s.units; k++) {
        const double before = double(t ? y[(b * s.rows() + t - 1) * s.units + k] : h[b * s.units + k]);
        for (int64_t j = 0; j < s.parts() * s.units; j++) {
          const bool reset = s.kind == DG_CELL_GRU_BEFORE && j >= 2 * s.units;
          const double met =
              reset ? double(trace[((b * s.steps + t) * 4 + 3) * s.units + k]) : before * double(keep[b * s.units + k]);
          dkernel[k * s.parts() * s.units + j] += met * product[(b * s.steps + t) * s.parts() * s.units + j];
        }
      }
  follows("kernel", &Layer::kernel, dkernel);
}

}  // namespace

int main() {
  for (int kind : {DG_CELL_SIMPLE, DG_CELL_LSTM, DG_CELL_GRU, DG_CELL_GRU_BEFORE}) {
    const bool lstm = kind == DG_CELL_LSTM;
    const auto with = [&](int64_t batch, int64_t steps, int64_t units, int flags) {
      check({kind, batch, steps, units, Unary::tanh, flags & 8 ? Unary::hardSigmoid : Unary::sigmoid, (flags & 1) != 0,
             (flags & 2) != 0, (flags & 4) != 0, lstm && (flags & 16) != 0});
    };
    for (int flags = 0; flags < 32; flags++) with(3, 4, 5, flags);
    with(1, 1, 1, 31);
    with(7, 3, 19, 0);
    with(2, 2, 66, 23);   // more than a GPU's thread holds in registers
    with(40, 2, 12, 4);   // more samples than the emulated GPU has multiprocessors
    with(18, 3, 131, 7);  // weights that fit no multiprocessor
  }
  return check_report("recurrent_test");
}
