// How does one thread take one unit of one sample through one step of a recurrent layer, and back? Once its sums are there, it
// needs nothing of others. Arrays are read and written a few numbers per step, so their type is looked up as it goes.
#pragma once
#include "../math/recurrent.h"
#include "launch.h"
#include "number.h"

namespace dg::gpu {

__device__ inline float read(Dtype type, const void *p, int64_t i) {
  if (type == DG_FLOAT32) return static_cast<const float *>(p)[i];
  if (type == DG_FLOAT16) return widen(static_cast<const Half *>(p)[i]);
  return widen(static_cast<const Brain *>(p)[i]);
}
__device__ inline void write(Dtype type, void *p, int64_t i, float v) {
  if (type == DG_FLOAT32)
    static_cast<float *>(p)[i] = v;
  else if (type == DG_FLOAT16)
    static_cast<Half *>(p)[i] = narrow<Half>(v);
  else
    static_cast<Brain *>(p)[i] = narrow<Brain>(v);
}
// Of a thing that may be none.
__device__ inline float read_or(float otherwise, Dtype type, const void *p, int64_t i) {
  return p ? read(type, p, i) : otherwise;
}

template <int kind>
constexpr int parts_of = static_cast<int>(cell_parts(kind));

// Where a unit of a sample lies in the arrays of a call.
template <int kind, class Args>
struct Unit {
  static constexpr int parts = parts_of<kind>, traces = static_cast<int>(trace_parts(kind));
  const Args &p;
  int64_t sample, unit;

  __device__ int64_t state() const { return sample * p.units + unit; }
  __device__ int64_t row(int64_t t) const { return (sample * p.rows + t) * p.units + unit; }
  __device__ int64_t sum(int64_t t, int part) const { return ((sample * p.steps + t) * parts + part) * p.units + unit; }
  __device__ bool masked(int64_t t) const { return p.mask && !p.mask[sample * p.steps + t]; }
  __device__ float keep() const { return read_or(1, p.type, p.keep, state()); }
  __device__ float before(int64_t t) const {  // h'
    return t ? read(p.type, p.y, row(t - 1)) : read_or(0, p.type, p.h, state());
  }
};

// ---- Forwards --------------------------------------------------------------------------------------------------------

template <int kind>
struct ForwardUnit : Unit<kind, RecurrentArgs> {
  using Base = Unit<kind, RecurrentArgs>;
  using Base::p;

  __device__ int64_t trace_at(int64_t t, int part) const {
    const int64_t step = p.traced == 1 ? 0 : t;
    return ((this->sample * p.traced + step) * Base::traces + part) * p.units + this->unit;
  }
  __device__ float traced(int64_t t, int part) const { return read(p.type, p.trace, trace_at(t, part)); }
  __device__ void note(int64_t t, int part, float v) const { write(p.type, p.trace, trace_at(t, part), v); }
  __device__ float projected(int64_t t, int part) const { return read(p.type, p.projected, this->sum(t, part)); }
  __device__ float cell_before(int64_t t) const {  // c'
    return t ? traced(t - 1, 4) : read_or(0, p.type, p.c, this->state());
  }

  // Gates z and r of DG_CELL_GRU_BEFORE from their sums; r h', which meets the kernel next. h': what dropout keeps.
  __device__ float open_gates(int64_t t, float z, float r, float kept) const {
    z = activate_by_id(p.gate, z);
    r = activate_by_id(p.gate, r);
    note(t, 0, z);
    note(t, 1, r);
    note(t, 3, r * kept);
    return r * kept;
  }

  // h from its sums: those of p and h' K. Of a GRU n's is h' K + bias alone (r h' K where the gate comes before), beside it
  // n's p; the gates of DG_CELL_GRU_BEFORE are open.
  __device__ float advance(int64_t t, const float (&sums)[Base::parts], float fresh, float before) const {
    const bool stays = this->masked(t);
    float h;
    if constexpr (kind == DG_CELL_SIMPLE) {
      h = activate_by_id(p.activation, sums[0]);
    } else if constexpr (kind == DG_CELL_LSTM) {
      const float i = activate_by_id(p.gate, sums[0]), f = activate_by_id(p.gate, sums[1]);
      const float n = activate_by_id(p.activation, sums[2]), o = activate_by_id(p.gate, sums[3]);
      const float c_before = cell_before(t), c = stays ? c_before : lstm_cell(i, f, n, c_before);
      note(t, 0, i);
      note(t, 1, f);
      note(t, 2, n);
      note(t, 3, o);
      note(t, 4, c);
      if (t == p.steps - 1 && p.rows > p.steps) write(p.type, p.y, this->row(p.steps), c);
      h = o * activate_by_id(p.activation, c);
    } else if constexpr (kind == DG_CELL_GRU) {
      const float z = activate_by_id(p.gate, sums[0]), r = activate_by_id(p.gate, sums[1]);
      const float n = activate_by_id(p.activation, fma_(r, sums[2], fresh));
      note(t, 0, z);
      note(t, 1, r);
      note(t, 2, n);
      note(t, 3, sums[2]);
      h = gru_state(z, n, before);
    } else {
      const float n = activate_by_id(p.activation, sums[2] + fresh);
      note(t, 2, n);
      h = gru_state(traced(t, 0), n, before);
    }
    if (stays) h = before;
    write(p.type, p.y, this->row(t), h);
    return h;
  }
};

// ---- Backwards -------------------------------------------------------------------------------------------------------

// What steps later say of a unit's states: of h past the product, and of c.
struct Later {
  float direct, cell;
};

template <int kind>
struct BackwardUnit : Unit<kind, RecurrentGradArgs> {
  using Base = Unit<kind, RecurrentGradArgs>;
  using Base::p;

  __device__ float traced(int64_t t, int part) const {
    return read(p.type, p.trace, ((this->sample * p.steps + t) * Base::traces + part) * p.units + this->unit);
  }
  __device__ float cell_before(int64_t t) const {
    return t ? traced(t - 1, 4) : read_or(0, p.type, p.c, this->state());
  }
  __device__ Later last() const { return {0, p.given > p.steps ? read(p.type, p.dy, this->row(p.steps)) : 0}; }

  __device__ float given(int64_t t) const {  // dy
    const int64_t row = row_of_dy(p, t);
    return row < 0 ? 0 : read(p.type, p.dy, (this->sample * p.given + row) * p.units + this->unit);
  }

  // What r's gate gets through the product of n in DG_CELL_GRU_BEFORE; drh: the gradient of r h'.
  __device__ float reset_gradient(int64_t t, float drh, Later &later) const {
    const float r = traced(t, 1), d = drh * this->keep();
    if (this->masked(t)) return 0;
    later.direct = fma_(d, r, later.direct);
    return slope_from_result(p.gate, d * this->before(t), r);
  }

  // Gradients of the sums, and of what meets the turned kernel (of DG_CELL_GRU another n), from that of h through the
  // product: before dropout. r's of DG_CELL_GRU_BEFORE is left at 0.
  __device__ void turn_back(int64_t t, float back, Later &later, float (&d)[Base::parts],
                            float (&product)[Base::parts]) const {
    const float dh = later.direct + back * this->keep() + given(t);
    if (p.before)
      write(p.type, p.before, (this->sample * p.steps + t) * p.units + this->unit, this->before(t) * this->keep());
    if (this->masked(t)) {
      for (int g = 0; g < Base::parts; g++) d[g] = product[g] = 0;
      later.direct = dh;
      return;
    }
    later.direct = 0;
    if constexpr (kind == DG_CELL_SIMPLE) {
      d[0] = slope_from_result(p.activation, dh, read(p.type, p.y, this->row(t)));
    } else if constexpr (kind == DG_CELL_LSTM) {
      const auto g = lstm_gradient(p.activation, p.gate, traced(t, 0), traced(t, 1), traced(t, 2), traced(t, 3),
                                   cell_before(t), activate_by_id(p.activation, traced(t, 4)), dh, later.cell);
      d[0] = g.i;
      d[1] = g.f;
      d[2] = g.n;
      d[3] = g.o;
      later.cell = g.c;
    } else {
      const auto g = gru_gradient(p.activation, p.gate, traced(t, 0), traced(t, 2), this->before(t), dh);
      later.direct = g.h;
      d[0] = g.z;
      d[1] = kind == DG_CELL_GRU ? slope_from_result(p.gate, g.n * traced(t, 3), traced(t, 1)) : 0;
      d[2] = g.n;
    }
    for (int part = 0; part < Base::parts; part++) product[part] = d[part];
    if constexpr (kind == DG_CELL_GRU) product[2] *= traced(t, 1);
  }

  __device__ void note(int64_t t, int part, float d) const { write(p.type, p.dprojected, this->sum(t, part), d); }
  __device__ void note_all(int64_t t, const float (&d)[Base::parts], const float (&product)[Base::parts]) const {
    for (int part = 0; part < Base::parts; part++) {
      note(t, part, d[part]);
      if (kind == DG_CELL_GRU) write(p.type, p.dproduct, this->sum(t, part), product[part]);
    }
  }
  __device__ void finish(float back, const Later &later) const {
    p.dh[this->state()] = fma_(back, this->keep(), later.direct);
    if (kind == DG_CELL_LSTM) p.dc[this->state()] = later.cell;
  }
};

// Calls f.operator()<kind>().
template <class F>
int with_cell(int kind, const F &f) {
  switch (kind) {
    case DG_CELL_SIMPLE:
      return f.template operator()<DG_CELL_SIMPLE>();
    case DG_CELL_LSTM:
      return f.template operator()<DG_CELL_LSTM>();
    case DG_CELL_GRU:
      return f.template operator()<DG_CELL_GRU>();
    default:
      return f.template operator()<DG_CELL_GRU_BEFORE>();
  }
}

// Layers with more units go step by step.
constexpr int64_t most_resident_units = 128;
int walk_resident(const RecurrentArgs &args);
int walk_resident(const RecurrentGradArgs &args);
int walk_stepwise(const RecurrentArgs &args);
int walk_stepwise(const RecurrentGradArgs &args);

}  // namespace dg::gpu
