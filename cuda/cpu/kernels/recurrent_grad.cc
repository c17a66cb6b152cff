// Recurrent layers backwards: from the last step to the first, the gradients of gates from that of the state, and from
// their product with the turned kernel that of the state before.
#include "../../math/recurrent.h"
#include "recurrent.h"

namespace dg::DG_ISA {
namespace {

// What step t of some samples reads and writes; rows are samples.
struct Step {
  int64_t count, units;
  int activation, gate;
  ConstFloats before{}, cell{};  // h' and c'
  ConstFloats y{}, trace{};
  ConstFloats dh{};       // of h, whole
  Floats dcell{};         // of c beyond h, and then of c'
  Floats dsums{};         // of p
  Floats dproduct{};      // of h' K, where that is something else
  Floats direct{};        // of h', past the product
  Floats back{};          // of h' through the product, before what dropout keeps
  ConstFloats keep{};     // by which h' was multiplied before the product, or null
  float *room = nullptr;  // [units]
};

struct Simple {
  Packed turned;
  Simple(const RecurrentGradArgs &p, const View &rows, float *room) : turned(rows, p.units, p.units, room) {}
  void gradient(const Step &s, int64_t i) const {
    combine(
        s.units, s.dsums.at(i), [&](auto d, auto y) { return slope_from_result(s.activation, d, y); }, s.dh.at(i),
        s.y.at(i));
  }
  void product(const Step &s, ConstFloats zeros) const { turned.multiply(s.count, s.dsums, zeros, s.back); }
};

struct Lstm {
  Packed turned;
  Lstm(const RecurrentGradArgs &p, const View &rows, float *room) : turned(rows, 4 * p.units, p.units, room) {}
  void gradient(const Step &s, int64_t i) const {
    const int64_t u = s.units;
    const float *const trace = s.trace.at(i), *const before = s.cell.at(i), *const dh = s.dh.at(i);
    float *const d = s.dsums.at(i), *const dc = s.dcell.at(i), *const fc = s.room;
    memcpy(fc, trace + 4 * u, u * sizeof(float));
    activate(s.activation, fc, u);
    each_vector(0, u, [&](int64_t j, const auto &get, const auto &put) {
      const auto g = lstm_gradient(s.activation, s.gate, get(trace + j), get(trace + u + j), get(trace + 2 * u + j),
                                   get(trace + 3 * u + j), get(before + j), get(fc + j), get(dh + j), get(dc + j));
      put(d + j, g.i);
      put(d + u + j, g.f);
      put(d + 2 * u + j, g.n);
      put(d + 3 * u + j, g.o);
      put(dc + j, g.c);
    });
  }
  void product(const Step &s, ConstFloats zeros) const { turned.multiply(s.count, s.dsums, zeros, s.back); }
};

// z and n, and what of dh goes straight on; dn takes the place of n's sum.
void gru_gates(const Step &s, int64_t i) {
  const int64_t u = s.units;
  const float *const trace = s.trace.at(i), *const before = s.before.at(i), *const dh = s.dh.at(i);
  float *const d = s.dsums.at(i), *const direct = s.direct.at(i);
  each_vector(0, u, [&](int64_t j, const auto &get, const auto &put) {
    const auto g =
        gru_gradient(s.activation, s.gate, get(trace + j), get(trace + 2 * u + j), get(before + j), get(dh + j));
    put(d + j, g.z);
    put(d + 2 * u + j, g.n);
    put(direct + j, g.h);
  });
}
struct GruAfter {
  Packed turned;
  GruAfter(const RecurrentGradArgs &p, const View &rows, float *room) : turned(rows, 3 * p.units, p.units, room) {}
  void gradient(const Step &s, int64_t i) const {
    gru_gates(s, i);
    const int64_t u = s.units;
    const float *const r = s.trace.at(i) + u, *const said = r + 2 * u;
    float *const d = s.dsums.at(i), *const dproduct = s.dproduct.at(i);
    each_vector(0, u, [&](int64_t j, const auto &get, const auto &put) {
      const auto dn = get(d + 2 * u + j), dr = slope_from_result(s.gate, dn * get(said + j), get(r + j));
      put(d + u + j, dr);
      put(dproduct + j, get(d + j));
      put(dproduct + u + j, dr);
      put(dproduct + 2 * u + j, dn * get(r + j));
    });
  }
  void product(const Step &s, ConstFloats zeros) const { turned.multiply(s.count, s.dproduct, zeros, s.back); }
};
struct GruBefore {
  Packed gates, fresh;
  GruBefore(const RecurrentGradArgs &p, const View &rows, float *room)
      : gates(rows, 2 * p.units, p.units, room),
        fresh({rows.at(0, 2 * p.units), rows.line, rows.step}, p.units, p.units,
              room + Packed::floats(2 * p.units, p.units)) {}
  void gradient(const Step &s, int64_t i) const { gru_gates(s, i); }
  // That of r follows from the product of n's alone.
  void product(const Step &s, ConstFloats zeros) const {
    const int64_t u = s.units;
    fresh.multiply(s.count, s.dsums.from(2 * u), zeros, s.back);
    for (int64_t i = 0; i < s.count; i++) {
      const float *const r = s.trace.at(i) + u, *const drh = s.back.at(i), *const before = s.before.at(i);
      float *const dr = s.dsums.at(i) + u, *const direct = s.direct.at(i);
      each_vector(0, u, [&](int64_t j, const auto &get, const auto &put) {
        auto d = get(drh + j);
        if (s.keep.data) d *= get(s.keep.at(i) + j);
        put(dr + j, slope_from_result(s.gate, d * get(before + j), get(r + j)));
        put(direct + j, fma_(d, get(r + j), get(direct + j)));
      });
    }
    gates.multiply(s.count, s.dsums, zeros, s.back);
  }
};

// What steps later say of a state: its gradient but for its own dy.
void gather_back(const Step &s, int64_t i, float *to) {
  if (s.keep.data)
    combine(
        s.units, to, [](auto direct, auto back, auto keep) { return fma_(back, keep, direct); }, s.direct.at(i),
        s.back.at(i), s.keep.at(i));
  else
    combine(
        s.units, to, [](auto direct, auto back) { return direct + back; }, s.direct.at(i), s.back.at(i));
}

// h' as it met the kernel.
void met_kernel(const Step &s, int64_t i, float *to) {
  if (s.keep.data)
    combine(
        s.units, to, [](auto before, auto keep) { return before * keep; }, s.before.at(i), s.keep.at(i));
  else
    memcpy(to, s.before.at(i), static_cast<size_t>(s.units) * sizeof(float));
}

// A step that a mask leaves out hands everything on.
void skip(const Step &s, int64_t i, int64_t parts) {
  memset(s.dsums.at(i), 0, static_cast<size_t>(parts) * sizeof(float));
  if (s.dproduct.data) memset(s.dproduct.at(i), 0, static_cast<size_t>(parts) * sizeof(float));
  memcpy(s.direct.at(i), s.dh.at(i), static_cast<size_t>(s.units) * sizeof(float));
}

template <class Cell>
int walk(const RecurrentGradArgs &p, const Cell &cell, const Samples<RecurrentGradArgs> &samples) {
  const int64_t u = p.units, count = samples.count, parts = cell_parts(p.kind) * u, traced = trace_parts(p.kind) * u;
  const bool lstm = p.kind == DG_CELL_LSTM, gru = p.kind == DG_CELL_GRU || p.kind == DG_CELL_GRU_BEFORE;
  float *const room = recurrent_room((2 + 4 * count) * u);
  if (!room) return DG_E_MEMORY;
  memset(room, 0, static_cast<size_t>((2 + 4 * count) * u) * sizeof(float));
  const auto part = [&](int64_t i) { return Floats{room + (2 + i * count) * u, u}; };
  const Floats dh = part(3);
  const ConstFloats zeros{room, 0};
  Step s{count, u, p.activation, p.gate};
  s.direct = part(0);
  s.back = part(1);
  s.dcell = part(2);
  s.dh = dh;
  s.room = room + u;
  s.keep = p.keep ? samples.state(p.keep, nullptr) : ConstFloats{nullptr, 0};
  if (p.given > p.steps) {
    const ConstFloats last = samples.step(p.dy, p.rows, u, p.steps);
    for (int64_t i = 0; i < count; i++) memcpy(s.dcell.at(i), last.at(i), static_cast<size_t>(u) * sizeof(float));
  }
  for (int64_t t = p.steps - 1; t >= 0; t--) {
    const int64_t row = row_of_dy(p, t);
    const ConstFloats dy = row < 0 ? zeros : samples.step(p.dy, p.given, u, row);
    const Floats before = samples.step(p.before, p.steps, u, t);
    s.y = samples.step(p.y, p.rows, u, t);
    s.before = t ? samples.step(p.y, p.rows, u, t - 1) : samples.state(p.h, room);
    s.trace = samples.step(p.trace, p.steps, traced, t);
    if (lstm) s.cell = t ? samples.step(p.trace, p.steps, traced, t - 1).from(4 * u) : samples.state(p.c, room);
    s.dsums = samples.step(p.dprojected, p.steps, parts, t);
    s.dproduct = samples.step(p.dproduct, p.steps, parts, t);
    for (int64_t i = 0; i < count; i++) {
      gather_back(s, i, dh.at(i));
      combine(
          u, dh.at(i), [](auto a, auto b) { return a + b; }, dh.at(i), dy.at(i));
      if (before.data) met_kernel(s, i, before.at(i));
      if (samples.masked(i, t)) {
        skip(s, i, parts);
        continue;
      }
      if (!gru) memset(s.direct.at(i), 0, static_cast<size_t>(u) * sizeof(float));
      cell.gradient(s, i);
    }
    cell.product(s, zeros);
  }
  for (int64_t i = 0; i < count; i++) {
    const int64_t at = (samples.begin + i) * u;
    gather_back(s, i, p.dh + at);
    if (p.dc) memcpy(p.dc + at, s.dcell.at(i), static_cast<size_t>(u) * sizeof(float));
  }
  return 0;
}

}  // namespace

int run_recurrent_grad(const RecurrentGradArgs &args) {
  const int64_t units = args.units, parts = cell_parts(args.kind) * units;
  const View lines{static_cast<const float *>(args.kernel), parts, 1};
  const int64_t floats = Packed::floats(parts, units);
  return walk_with_cell<Simple, Lstm, GruAfter, GruBefore>(
      args, lines, floats, [](const auto &p, const auto &cell, const auto &samples) { return walk(p, cell, samples); });
}

}  // namespace dg::DG_ISA
