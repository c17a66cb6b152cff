// The gradient of a filter: for each element of the window a product of the input's channels by the output's, over all
// pixels. The pixels are cut into parts, a number of them that depends on the shape; parts are summed in order.
#pragma once
#include "conv.h"

namespace dg::DG_ISA {

// Outputs [line, line_end) for one tap; tiles of its result are added to, or begun.
struct FilterChunk {
  static constexpr int64_t pixels = 256, most = 256;
  Stretch stretches[most];
  int64_t count = 0;

  // Lines of a chunk.
  static int64_t lines(const Conv &c) {
    const int64_t length = c.axis[c.run].out;
    return length < pixels ? pixels / (length ? length : 1) : 1;
  }

  FilterChunk(const Conv &c, int64_t tap, int64_t line, int64_t line_end) {
    const int64_t along = tap / c.tap_step[c.run] % c.axis[c.run].window;
    const Range t = outputs_with(c.axis[c.run], along);
    const int64_t in = input_at(c.axis[c.run], t.begin, along) * c.in_step[c.run];
    const int64_t step = a_step(c), pixel = c.out_step[c.run] / c.out_channels;
    const int64_t pixels_of_line = c.run == along_width ? c.axis[along_width].out : 1;
    for (; line < line_end && t.begin < t.end; line++) {
      int64_t at;
      if (!c.input_line(line, tap, at)) continue;
      const Stretch next = {at + in, line * pixels_of_line + t.begin * pixel, t.count()};
      Stretch &last = stretches[count ? count - 1 : 0];
      if (count && last.a + last.count * step == next.a && last.b + last.count * pixel == next.b) {
        last.count += next.count;
      } else {
        stretches[count++] = next;
      }
    }
  }

  static int64_t a_step(const Conv &c) { return c.axis[c.run].stride * c.in_step[c.run]; }
};

// Lines [line, line_end) of some taps and a group, into panels [panel, panel_end) of dw.
struct FilterPart {
  int64_t tap, tap_end, group, line, line_end, panel, panel_end;
};

inline void add_products(const Conv &c, const float *x, const Panels &dy, const FilterPart &part, float *dw) {
  static const float zeros[tile_columns] = {};
  const int64_t columns = c.out_channels / c.groups, pixel = c.out_step[c.run] / c.out_channels;
  x += part.group * (c.in_channels / c.groups);
  int64_t line = part.line;
  do {  // once at least, to begin with zeros
    const bool first = line == part.line;
    const int64_t next = line + FilterChunk::lines(c), end = next < part.line_end ? next : part.line_end;
    for (int64_t tap = part.tap; tap < part.tap_end; tap++) {
      const FilterChunk chunk(c, tap, line, end);
      float *const to = dw + tap * c.depth * c.out_channels + part.group * columns;
      for (int64_t i = part.panel; i < part.panel_end; i++) {
        const View panel = dy.of(part.group, i);
        each_tile(c.depth, tile_rows, [&](int64_t row, int rows) {
          float *const y = to + row * c.out_channels + i * tile_columns;
          run_tile(
              ConvTile{chunk.stretches, chunk.count, x + row, 1, chunk.a_step(c), panel.data, panel.step,
                       panel.step * pixel, TileEnds{first ? zeros : y, first ? 0 : c.out_channels, y, c.out_channels}},
              rows, dy.width(i));
        });
      }
    }
    line = end;
  } while (line < part.line_end);
}

struct FilterSplit {
  int64_t lines = 1, parts = 1, size;  // size: elements of the filter

  explicit FilterSplit(const Conv &c) : size(c.taps * c.depth * c.out_channels) {
    constexpr int64_t least_pixels = 512, most_parts = 16, most_floats = 1 << 22;
    for (const int d : c.other) lines *= c.axis[d].out;
    const auto limit = [&](int64_t most) { parts = parts < most ? parts : most; };
    parts = lines * c.axis[c.run].out / least_pixels;
    limit(most_parts);
    limit(lines);
    limit(most_floats / (size + 1));
    if (parts < 1) parts = 1;
  }
  int64_t room() const { return parts > 1 ? parts * size : 0; }  // floats
  Range part(int64_t i) const { return {lines * i / parts, lines * (i + 1) / parts}; }

  // dw = the sum of the parts' results in `room`, in order.
  void join(const float *room, float *dw) const {
    if (parts == 1) return;
    parallel_for(size, 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; at += 32) {
        Block<32> sum = load_block<32>(room + at, end - at, 0);
        for (int64_t i = 1; i < parts; i++)
          sum = map([](auto a, auto b) { return a + b; }, sum, load_block<32>(room + i * size + at, end - at, 0));
        store_block(dw + at, end - at, sum);
      }
    });
  }
};

// dw from x and the panels of dy; `room` is for the sums of the parts.
inline void filter_gradient(const Conv &c, const FilterSplit &split, const float *x, const Panels &dy, float *dw,
                            float *room) {
  const int64_t panels = dy.count(), pixels = split.lines * c.axis[c.run].out;
  const int64_t across = divide_up(piece_work, (pixels / split.parts + 1) * (c.depth + 1) * tile_columns);
  const int64_t pieces = divide_up(panels, across);
  // Taps of few rows go together, so that dy is read once for them all.
  const int64_t together = divide_up(tile_rows, c.depth + 1), sets = divide_up(c.taps, together);
  parallel_for(split.parts * sets * c.groups * pieces, 1, [&](int64_t i, int64_t) {
    FilterPart part;
    part.panel = i % pieces * across;
    part.panel_end = part.panel + across < panels ? part.panel + across : panels;
    i /= pieces;
    part.group = i % c.groups;
    i /= c.groups;
    part.tap = i % sets * together;
    part.tap_end = part.tap + together < c.taps ? part.tap + together : c.taps;
    i /= sets;
    const Range lines = split.part(i);
    part.line = lines.begin;
    part.line_end = lines.end;
    add_products(c, x, dy, part, split.parts > 1 ? room + i * split.size : dw);
  });
  split.join(room, dw);
}

}  // namespace dg::DG_ISA
