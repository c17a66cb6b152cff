// A filter applied to an input, or, backwards, to an output: pixels of the one side are sums over pixels of the other.
// Windows are cut to what lies inside, so that padding costs nothing and a stride makes no holes to multiply by.
#pragma once
#include "conv.h"

namespace dg::DG_ISA {

// What a pass reads and writes; see Conv.
struct Pass {
  const Conv &conv;
  bool backward;  // from outputs to inputs
  const float *source;
  float *dest;
  const float *bias;  // of dest's channels, or null
  int activation;     // id of a unary operation or -1
  float alpha;

  const int64_t *source_step() const { return backward ? conv.out_step : conv.in_step; }
  const int64_t *dest_step() const { return backward ? conv.in_step : conv.out_step; }
  int64_t dest_size(int d) const { return backward ? conv.axis[d].in : conv.axis[d].out; }
  int64_t dest_channels() const { return backward ? conv.in_channels : conv.out_channels; }
  int64_t columns() const { return dest_channels() / conv.groups; }
  int64_t depth() const { return backward ? conv.out_channels / conv.groups : conv.depth; }
  int64_t source_group() const { return backward ? depth() : conv.in_channels / conv.groups; }

  // f(tap, source) for the taps that connect `dest` with a source along one axis.
  template <class F>
  void each_tap(int d, int64_t at, const F &f) const {
    const Axis &axis = conv.axis[d];
    if (backward) {
      const Range possible = elements_at(axis, at);
      int64_t o;
      for (int64_t w = possible.begin; w < possible.end; w++)
        if (output_at(axis, at, w, o)) f(w, o);
    } else {
      const Range inside = elements_of(axis, at);
      for (int64_t w = inside.begin; w < inside.end; w++) f(w, input_at(axis, at, w));
    }
  }
};

// Part of a pass: lines [line, line_end) of one group, restricted to some panels of columns, and, where lines run
// through the batch, to some images.
struct PassPart {
  int64_t group, line, line_end, panel, panel_end;
  Range images;
};

// Where a line lies along the axes it does not follow.
struct Line {
  int64_t at[axes - 1], size[axes - 1];

  Line(const Pass &p, int64_t line) {
    for (int i = axes - 2; i >= 0; i--) {
      size[i] = p.dest_size(p.conv.other[i]);
      at[i] = line % size[i];
      line /= size[i];
    }
  }
  void next() {
    for (int i = axes - 2; ++at[i] == size[i] && i > 0; i--) at[i] = 0;
  }
};

// The stretches of a line for the first tap along it; those that continue each other become one.
inline int64_t find_stretches(const Pass &p, const Line &line, Stretch *stretches) {
  const int *other = p.conv.other;
  const int64_t *step = p.source_step(), *tap_step = p.conv.tap_step;
  const int64_t depth = p.depth();
  int64_t n = 0;
  p.each_tap(other[0], line.at[0], [&](int64_t w0, int64_t s0) {
    p.each_tap(other[1], line.at[1], [&](int64_t w1, int64_t s1) {
      p.each_tap(other[2], line.at[2], [&](int64_t w2, int64_t s2) {
        const int64_t tap = w0 * tap_step[other[0]] + w1 * tap_step[other[1]] + w2 * tap_step[other[2]];
        const Stretch next = {s0 * step[other[0]] + s1 * step[other[1]] + s2 * step[other[2]], tap * depth, depth};
        Stretch &last = stretches[n ? n - 1 : 0];
        if (n && last.a + last.count == next.a && last.b + last.count == next.b) {
          last.count += depth;
        } else {
          stretches[n++] = next;
        }
      });
    });
  });
  return n;
}

// Whether tap 0 along a line gives every pixel of it a term, so that sums can start from the bias.
inline bool covers(const Pass &p) {
  const Axis &axis = p.conv.axis[p.conv.run];
  const int64_t outputs = outputs_with(axis, 0).count();
  return p.backward ? axis.stride == 1 && outputs == axis.in : outputs == axis.out;
}

inline void apply_part(const Pass &p, const Panels &filter, const PassPart &part, Stretch *stretches) {
  static const float zeros[tile_columns] = {};
  const Conv &c = p.conv;
  const Axis &axis = c.axis[c.run];
  const int64_t source_step = p.source_step()[c.run], dest_step = p.dest_step()[c.run];
  const int64_t first_column = part.panel * tile_columns;
  const int64_t last_column = (part.panel_end - 1) * tile_columns + filter.width(part.panel_end - 1);
  const int64_t group_column = part.group * p.columns(), columns = last_column - first_column;
  const float *const bias = p.bias ? p.bias + group_column : nullptr;
  const bool covered = covers(p);
  const Range pixels = c.run == along_batch ? part.images : Range{0, p.dest_size(c.run)};
  Line line(p, part.line);
  for (int64_t l = part.line; l < part.line_end; l++, line.next()) {
    float *dest = p.dest + group_column;
    for (int i = 0; i < axes - 1; i++) dest += line.at[i] * p.dest_step()[c.other[i]];
    const int64_t n = find_stretches(p, line, stretches);
    if (!covered) {
      for (int64_t i = pixels.begin; i < pixels.end; i++) {
        float *const pixel = dest + i * dest_step + first_column;
        bias ? memcpy(pixel, bias + first_column, columns * sizeof(float)) : memset(pixel, 0, columns * sizeof(float));
      }
    }
    for (int64_t tap = 0; tap < axis.window; tap++) {
      Range t = outputs_with(axis, tap);
      if (c.run == along_batch) t = part.images;
      if (t.begin >= t.end || (n == 0 && !(covered && tap == 0))) continue;
      const bool first = covered && tap == 0;
      const int64_t source_line = p.backward ? source_step : source_step * axis.stride;
      const int64_t dest_line = p.backward ? dest_step * axis.stride : dest_step;
      const int64_t in = input_at(axis, t.begin, tap);
      const float *const from = p.source + part.group * p.source_group() + (p.backward ? t.begin : in) * source_step;
      float *const to = dest + (p.backward ? in : t.begin) * dest_step;
      for (int64_t i = part.panel; i < part.panel_end; i++) {
        const View panel = filter.of(part.group, i);
        const float *const b = panel.at(0, tap * c.tap_step[c.run] * p.depth());
        each_tile(t.count(), most_rows(n * p.depth()), [&](int64_t row, int rows) {
          float *const y = to + row * dest_line + i * tile_columns;
          const float *const start = !first ? y : bias ? bias + i * tile_columns : zeros;
          run_tile(ConvTile{stretches, n, from + row * source_line, source_line, 1, b, panel.step, panel.step,
                            TileEnds{start, first ? 0 : dest_line, y, dest_line}},
                   rows, filter.width(i));
        });
      }
    }
    if (p.activation < 0) continue;
    float *const y = dest + pixels.begin * dest_step + first_column;
    if (columns == dest_step) {
      apply_unary_inplace(p.activation, y, pixels.count() * columns, p.alpha);
    } else {
      for (int64_t i = 0; i < pixels.count(); i++)
        apply_unary_inplace(p.activation, y + i * dest_step, columns, p.alpha);
    }
  }
}

// 0 or DG_E_MEMORY.
inline int apply(const Pass &p, const Panels &filter) {
  const Conv &c = p.conv;
  int64_t lines = 1;
  for (const int d : c.other) lines *= p.dest_size(d);
  // A piece is worth handing over: lines where they are long, else several; where there are few lines, some of the
  // panels, and some of the images that a line runs through.
  constexpr int64_t few = 16, images = 56;
  const int64_t panels = filter.count(), batch = c.axis[along_batch].out;
  const int64_t blocks = c.run == along_batch ? divide_up(batch, images) : 1;
  const int64_t length = c.run == along_batch ? batch / blocks : p.dest_size(c.run);
  const int64_t panel_work = length * c.taps * p.depth() * tile_columns + 1;
  const int64_t across = lines * blocks < few ? divide_up(piece_work, panel_work) : panels;
  const int64_t parts = divide_up(panels, across), least = across < panels ? across : panels;
  const int64_t down = divide_up(piece_work, panel_work * least), pieces = divide_up(lines, down);
  int status = 0;
  parallel_for(c.groups * blocks * pieces * parts, 1, [&](int64_t i, int64_t) {
    static thread_local Scratch scratch;
    auto *const stretches = static_cast<Stretch *>(scratch.room(c.taps * sizeof(Stretch)));
    if (!stretches) return __atomic_store_n(&status, DG_E_MEMORY, __ATOMIC_RELAXED);
    PassPart part;
    part.panel = i % parts * across;
    part.panel_end = part.panel + across < panels ? part.panel + across : panels;
    i /= parts;
    part.line = i % pieces * down;
    part.line_end = part.line + down < lines ? part.line + down : lines;
    i /= pieces;
    part.images = {batch * (i % blocks) / blocks, batch * (i % blocks + 1) / blocks};
    part.group = i / blocks;
    apply_part(p, filter, part, stretches);
  });
  return status;
}

}  // namespace dg::DG_ISA
