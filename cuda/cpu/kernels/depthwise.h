// How are channels convolved that have a filter each? Side by side in the lanes of a vector, several pixels at a time.
// Where a channel has several filters, its input is repeated first, so that every lane has a filter of its own.
#pragma once
#include "conv_apply.h"
#include "conv_filter.h"

namespace dg::DG_ISA {

// Pixels of a line that meet the same taps: pixel first + j * period has tap `tap + t * tap_step` on source
// base + j * advance + t * step, for t < taps, as far as that is inside.
struct Phase {
  int64_t first, period, pixels;
  int64_t tap, tap_step, taps;
  int64_t base, advance, step;
  int64_t size;  // of the source

  // The t of pixel j that lie inside.
  Range inside(int64_t j) const {
    const int64_t from = base + j * advance;
    if (step > 0) return within(from, step, size, taps);
    const Range turned = within(from + (taps - 1) * step, -step, size, taps);
    return {taps - turned.end, taps - turned.begin};
  }
};

// Every `period`th pixel from `first` on of a pass's lines.
inline Phase find_phase(const Pass &p, int64_t first) {
  const Axis &axis = p.conv.axis[along_width];
  if (!p.backward) return {first, 1, axis.out, 0, 1, axis.window, -axis.padding, axis.stride, axis.dilation, axis.in};
  Phase phase = {first, axis.stride, divide_up(axis.in - first, axis.stride), 0, axis.stride, 0, 0, 1, 0, axis.out};
  int64_t common = axis.stride;
  for (int64_t rest = axis.dilation % common; rest;) {
    const int64_t next = common % rest;
    common = rest;
    rest = next;
  }
  phase.tap_step = axis.stride / common;
  phase.step = -(axis.dilation / common);
  const auto from = [&](int64_t tap) { return first + axis.padding - tap * axis.dilation; };
  while (phase.tap < phase.tap_step && from(phase.tap) % axis.stride) phase.tap++;
  if (phase.tap == phase.tap_step || phase.tap >= axis.window) return phase;
  phase.taps = divide_up(axis.window - phase.tap, phase.tap_step);
  phase.base = from(phase.tap) / axis.stride;
  return phase;
}

// A line of dest, whose channels are as many as those of source and filter.
struct DepthwiseLine {
  const Stretch *stretches;  // a: where a row of source begins, b: the tap along the other axes
  int64_t count;
  const float *source, *filter, *bias;
  float *dest;
  int64_t channels;
};

// Vector `column` of `Pixels` neighbours of a phase, from pixel j on, with the taps of `inside`.
template <int Pixels, bool Whole>
inline void run_depthwise(const DepthwiseLine &line, const Phase &phase, int64_t j, Range inside, int64_t column,
                          int count) {
  const auto load_some = [=](const float *p) { return Whole ? load(p) : load_part(p, count); };
  const int64_t advance = phase.advance * line.channels, step = phase.step * line.channels;
  FloatLanes sum[Pixels];
  const FloatLanes start = line.bias ? load_some(line.bias + column) : FloatLanes{};
#pragma GCC unroll 8
  for (int i = 0; i < Pixels; i++) sum[i] = start;
  for (const Stretch *at = line.stretches, *end = at + line.count; at != end; at++) {
    const float *x =
        line.source + at->a + column + (phase.base + j * phase.advance) * line.channels + inside.begin * step;
    const float *w = line.filter + (at->b + phase.tap + inside.begin * phase.tap_step) * line.channels + column;
    for (int64_t t = inside.begin; t < inside.end; t++) {
      const FloatLanes weight = load_some(w);
#pragma GCC unroll 8
      for (int i = 0; i < Pixels; i++) sum[i] = fma_(load_some(x + i * advance), weight, sum[i]);
      x += step;
      w += phase.tap_step * line.channels;
    }
  }
  float *const y = line.dest + (phase.first + j * phase.period) * line.channels + column;
#pragma GCC unroll 8
  for (int i = 0; i < Pixels; i++) {
    float *const to = y + i * phase.period * line.channels;
    Whole ? store(to, sum[i]) : store_part(to, count, sum[i]);
  }
}

// All channels of `Pixels` neighbours of a phase.
template <int Pixels>
inline void run_pixels(const DepthwiseLine &line, const Phase &phase, int64_t j, Range inside) {
  int64_t column = 0;
  for (; line.channels - column >= lanes; column += lanes)
    run_depthwise<Pixels, true>(line, phase, j, inside, column, lanes);
  if (const int rest = static_cast<int>(line.channels - column))
    run_depthwise<Pixels, false>(line, phase, j, inside, column, rest);
}

inline void run_line(const DepthwiseLine &line, const Pass &p) {
  constexpr int together = 8;
  const int64_t period = p.backward ? p.conv.axis[along_width].stride : 1, size = p.dest_size(along_width);
  for (int64_t first = 0; first < period && first < size; first++) {
    const Phase phase = find_phase(p, first);
    for (int64_t j = 0; j < phase.pixels;) {
      const Range inside = phase.inside(j);
      if (j + together <= phase.pixels && inside.count() == phase.taps &&
          phase.inside(j + together - 1).count() == phase.taps) {
        run_pixels<together>(line, phase, j, inside);
        j += together;
      } else {
        run_pixels<1>(line, phase, j++, inside);
      }
    }
  }
}

// y [pixels, channels] from x [pixels, channels, times]: sums of neighbours, over the bias.
inline void join_neighbours(const float *x, const float *bias, int64_t pixels, int64_t channels, int64_t times,
                            float *y) {
  for (int64_t i = 0; i < pixels; i++)
    for (int64_t j = 0; j < channels; j++, y++) {
      *y = bias ? bias[j] : 0;
      for (int64_t k = 0; k < times; k++) *y += *x++;
    }
}
// y [n, times] from x [n]
inline void repeat_neighbours(const float *x, int64_t n, int64_t times, float *y) {
  parallel_for(n, divide_up(piece_work / 8, times), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
      for (int64_t k = 0; k < times; k++) y[i * times + k] = x[i];
  });
}

// A pass over channels with a filter each. `times` neighbours of the result, where it is more than 1, are then joined to
// one. 0 or DG_E_MEMORY.
inline int apply_depthwise(const Pass &p, const float *filter, int64_t times) {
  const Conv &c = p.conv;
  const int64_t channels = c.out_channels, width = p.dest_size(along_width), results = width * channels / times;
  int64_t lines = 1;
  for (const int d : c.other) lines *= p.dest_size(d);
  int status = 0;
  parallel_for(lines, divide_up(piece_work / 2, width * channels * c.taps + 1), [&](int64_t begin, int64_t end) {
    static thread_local Scratch scratch;
    const int64_t floats = times > 1 ? divide_up(width * channels, 16) * 16 : 0;
    auto *const room = static_cast<float *>(scratch.room(floats * sizeof(float) + c.taps * sizeof(Stretch)));
    if (!room) return __atomic_store_n(&status, DG_E_MEMORY, __ATOMIC_RELAXED);
    auto *const stretches = reinterpret_cast<Stretch *>(room + floats);
    for (Line line(p, begin); begin < end; begin++, line.next()) {
      float *const dest = p.dest + begin * results;
      const int64_t count = find_stretches(p, line, stretches);
      const bool join = times > 1;
      run_line({stretches, count, p.source, filter, join ? nullptr : p.bias, join ? room : dest, channels}, p);
      if (join) join_neighbours(room, p.bias, width, channels / times, times, dest);
      if (p.activation >= 0) apply_unary_inplace(p.activation, dest, results, p.alpha);
    }
  });
  return status;
}

// dw [taps, channels] from lines [line, line_end) of outputs, for `Vectors` vectors of channels from `column` on.
template <int Vectors, bool Whole>
void multiply_depthwise(const Conv &c, const float *x, const float *dy, Range lines, int64_t column, int count,
                        float *dw) {
  const auto load_some = [=](const float *p) { return Whole ? load(p) : load_part(p, count); };
  const Axis &axis = c.axis[along_width];
  const int64_t channels = c.out_channels;
  for (int64_t tap = 0; tap < c.taps; tap++) {
    FloatLanes sum[Vectors] = {};
    const Range t = outputs_with(axis, tap % axis.window);
    for (int64_t line = lines.begin; line < lines.end && t.begin < t.end; line++) {
      int64_t at;
      if (!c.input_line(line, tap, at)) continue;
      const float *from = x + at + input_at(axis, t.begin, tap % axis.window) * channels + column;
      const float *by = dy + (line * axis.out + t.begin) * channels + column;
      for (int64_t i = t.begin; i < t.end; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; v++) sum[v] = fma_(load_some(from + v * lanes), load_some(by + v * lanes), sum[v]);
        from += axis.stride * channels;
        by += channels;
      }
    }
    float *const to = dw + tap * channels + column;
    for (int v = 0; v < Vectors; v++) Whole ? store(to + v * lanes, sum[v]) : store_part(to + v * lanes, count, sum[v]);
  }
}

inline void depthwise_gradient(const Conv &c, const FilterSplit &split, const float *x, const float *dy, float *dw,
                               float *room) {
  constexpr int vectors = 4;
  const int64_t blocks = divide_up(c.out_channels, vectors * lanes);
  parallel_for(split.parts * blocks, 1, [&](int64_t i, int64_t) {
    const int64_t part = i / blocks,
                  end = i % blocks == blocks - 1 ? c.out_channels : (i % blocks + 1) * vectors * lanes;
    const Range lines = split.part(part);
    float *const to = split.parts > 1 ? room + part * split.size : dw;
    int64_t column = i % blocks * vectors * lanes;
    if (end - column >= vectors * lanes) return multiply_depthwise<vectors, true>(c, x, dy, lines, column, lanes, to);
    for (; end - column >= lanes; column += lanes) multiply_depthwise<1, true>(c, x, dy, lines, column, lanes, to);
    if (column < end) multiply_depthwise<1, false>(c, x, dy, lines, column, static_cast<int>(end - column), to);
  });
  split.join(room, dw);
}

}  // namespace dg::DG_ISA
