// Recurrent layers forwards: in each step the product of the states before it, added to what the inputs say, then gates.
#include "../../math/recurrent.h"

#include "recurrent.h"

namespace dg::DG_ISA {
namespace {

constexpr auto product = [](auto a, auto b) { return a * b; };

// Everything that step t of some samples reads and writes; rows are samples.
struct Step {
  const Samples<RecurrentArgs> &samples;
  int64_t t, count, units;
  int activation, gate;
  ConstFloats projected{}, before{}, kept{};  // h', and what of it meets the kernel
  ConstFloats cell{};                         // c'
  ConstFloats bias{};
  Floats y{}, trace{};

  // Calls f(sample) for those that take part; the states of the others stay.
  template <class F>
  void each(const F &f) const {
    for (int64_t i = 0; i < count; i++) {
      if (!samples.masked(i, t)) {
        f(i);
        continue;
      }
      memcpy(y.at(i), before.at(i), static_cast<size_t>(units) * sizeof(float));
      if (cell.data && trace.at(i) + 4 * units != cell.at(i))
        memcpy(trace.at(i) + 4 * units, cell.at(i), static_cast<size_t>(units) * sizeof(float));
    }
  }
};

struct Simple {
  Packed kernel;
  Simple(const RecurrentArgs &p, const View &columns, float *room) : kernel(columns, p.units, p.units, room) {}
  void run(const Step &s) const {
    kernel.multiply(s.count, s.kept, s.projected, s.y);
    s.each([&](int64_t i) { activate(s.activation, s.y.at(i), s.units); });
  }
};

struct Lstm {
  Packed kernel;
  Lstm(const RecurrentArgs &p, const View &columns, float *room) : kernel(columns, p.units, 4 * p.units, room) {}
  void run(const Step &s) const {
    kernel.multiply(s.count, s.kept, s.projected, s.trace);
    const int64_t u = s.units;
    s.each([&](int64_t i) {
      float *const in = s.trace.at(i), *const h = s.y.at(i);
      float *const forget = in + u, *const fresh = in + 2 * u, *const out = in + 3 * u, *const c = in + 4 * u;
      activate(s.gate, in, 2 * u);
      activate(s.activation, fresh, u);
      activate(s.gate, out, u);
      combine(
          u, c, [](auto g, auto f, auto n, auto c) { return lstm_cell(g, f, n, c); }, in, forget, fresh, s.cell.at(i));
      memcpy(h, c, static_cast<size_t>(u) * sizeof(float));
      activate(s.activation, h, u);
      combine(u, h, product, h, out);
    });
  }
};

// The gates z and r come first; n follows from the state through r.
struct Gru {
  Packed gates, fresh;
  Gru(const RecurrentArgs &p, const View &columns, float *room)
      : gates(columns, p.units, 2 * p.units, room),
        fresh({columns.at(2 * p.units, 0), columns.line, columns.step}, p.units, p.units,
              room + Packed::floats(p.units, 2 * p.units)) {}
  void open_gates(const Step &s) const {
    gates.multiply(s.count, s.kept, s.projected, s.trace);
    for (int64_t i = 0; i < s.count; i++) activate(s.gate, s.trace.at(i), 2 * s.units);
  }
  static void finish(const Step &s) {
    s.each([&](int64_t i) {
      float *const z = s.trace.at(i), *const n = z + 2 * s.units;
      activate(s.activation, n, s.units);
      combine(
          s.units, s.y.at(i), [](auto z, auto n, auto h) { return gru_state(z, n, h); }, z, n, s.before.at(i));
    });
  }
};
struct GruAfter : Gru {
  using Gru::Gru;
  void run(const Step &s) const {
    open_gates(s);
    fresh.multiply(s.count, s.kept, s.bias, s.trace.from(3 * s.units));
    for (int64_t i = 0; i < s.count; i++) {
      float *const z = s.trace.at(i);
      combine(
          s.units, z + 2 * s.units, [](auto r, auto said, auto x) { return fma_(r, said, x); }, z + s.units,
          z + 3 * s.units, s.projected.at(i) + 2 * s.units);
    }
    finish(s);
  }
};
struct GruBefore : Gru {
  using Gru::Gru;
  void run(const Step &s) const {
    open_gates(s);
    for (int64_t i = 0; i < s.count; i++) {
      float *const z = s.trace.at(i);
      combine(s.units, z + 3 * s.units, product, z + s.units, s.kept.at(i));
    }
    fresh.multiply(s.count, s.trace.from(3 * s.units), s.projected.from(2 * s.units), s.trace.from(2 * s.units));
    finish(s);
  }
};

template <class Cell>
int walk(const RecurrentArgs &p, const Cell &cell, const Samples<RecurrentArgs> &samples) {
  const int64_t u = p.units, count = samples.count, traced = trace_parts(p.kind) * u;
  const bool lstm = p.kind == DG_CELL_LSTM;
  float *const room = recurrent_room((1 + count) * u);
  if (!room) return DG_E_MEMORY;
  memset(room, 0, static_cast<size_t>(u) * sizeof(float));
  const Floats kept{room + u, u};
  const auto trace_of = [&](int64_t t) { return samples.step(p.trace, p.traced, traced, p.traced == 1 ? 0 : t); };
  for (int64_t t = 0; t < p.steps; t++) {
    Step s{samples, t, count, u, p.activation, p.gate};
    s.projected = samples.step(p.projected, p.steps, cell_parts(p.kind) * u, t);
    s.before = t ? samples.step(static_cast<const void *>(p.y), p.rows, u, t - 1) : samples.state(p.h, room);
    s.bias = p.bias ? ConstFloats{static_cast<const float *>(p.bias), 0} : ConstFloats{room, 0};
    s.y = samples.step(p.y, p.rows, u, t);
    s.trace = trace_of(t);
    if (lstm) s.cell = t ? ConstFloats(trace_of(t - 1).from(4 * u)) : samples.state(p.c, room);
    s.kept = s.before;
    if (p.keep) {
      for (int64_t i = 0; i < count; i++) combine(u, kept.at(i), product, s.before.at(i), samples.keep(i));
      s.kept = kept;
    }
    cell.run(s);
  }
  if (p.rows == p.steps) return 0;
  const ConstFloats last = trace_of(p.steps - 1).from(4 * u);
  const Floats y = samples.step(p.y, p.rows, u, p.steps);
  for (int64_t i = 0; i < count; i++) memcpy(y.at(i), last.at(i), static_cast<size_t>(u) * sizeof(float));
  return 0;
}

}  // namespace

int run_recurrent(const RecurrentArgs &args) {
  const int64_t units = args.units, parts = cell_parts(args.kind) * units;
  const View lines{static_cast<const float *>(args.kernel), 1, parts};
  const int64_t floats =
      Packed::floats(units, parts) + tile_columns * units;  // a cell may pack two parts by themselves
  return walk_with_cell<Simple, Lstm, GruAfter, GruBefore>(
      args, lines, floats, [](const auto &p, const auto &cell, const auto &samples) { return walk(p, cell, samples); });
}

}  // namespace dg::DG_ISA
