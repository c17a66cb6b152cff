// What is a convolution to the tiles of a matrix product? The pixels of a line are rows of a, channels are k and columns
// of b. Nothing is gathered beforehand: a tile reads its pixels where they lie, one element of the window after another.
//
// The batch is one more axis, with windows of 1. Lines run along the width of an image; where images are narrow they run
// through the batch, over pixels at the same place. Sums meet their terms in an order that follows from the shape.
#pragma once
#include "../../math/window.h"
#include "gemm.h"

namespace dg::DG_ISA {

constexpr int axes = 1 + spatial;
constexpr int along_batch = 0, along_width = axes - 1;

struct Conv {
  Axis axis[axes];
  int64_t in_step[axes], out_step[axes];  // floats between neighbours
  int64_t tap_step[axes];                 // elements of the window between neighbours
  int64_t taps;                           // elements of the window
  int64_t in_channels, out_channels, groups;
  int64_t depth;  // input values per tap and group
  int run;        // the axis that lines follow
  int other[axes - 1];

  Conv(const ConvArgs &args, int line_axis)
      : in_channels(args.in_channels),
        out_channels(args.out_channels),
        groups(args.groups),
        depth(args.in_channels / args.groups) {
    axis[0] = {args.batch, args.batch, 1, 1, 1, 0};
    for (int d = 0; d < spatial; d++) axis[1 + d] = args.axis[d];
    measure();
    follow(line_axis);
  }
  explicit Conv(const ConvArgs &args) : Conv(args, line_axis(args)) {}

  // Neighbours in a window whose inputs lie side by side become one tap of greater depth. Only along lines, and only
  // where no window has elements outside.
  bool can_fold() const {
    const Axis &width = axis[along_width];
    return run == along_width && groups == 1 && width.dilation == 1 && width.window > 1 && width.padding == 0 &&
           width.out > 0 && (width.out - 1) * width.stride + width.window <= width.in;
  }
  void fold() {
    Axis &width = axis[along_width];
    depth *= width.window;
    width.window = 1;
    count_taps();
  }
  // Takes the input to have a border of zeros along its width instead of padding.
  void widen(int64_t in) {
    axis[along_width].in = in;
    axis[along_width].padding = 0;
    measure();
  }
  // For outputs on line number `line` and an element of the window, which lies in the input at `at` as far as the axes
  // show that the line does not follow; false when that is outside.
  bool input_line(int64_t line, int64_t tap, int64_t &at) const {
    at = 0;
    for (int i = axes - 2; i >= 0; i--) {
      const Axis &a = axis[other[i]];
      const int64_t in = input_at(a, line % a.out, tap / tap_step[other[i]] % a.window);
      if (in < 0 || in >= a.in) return false;
      at += in * in_step[other[i]];
      line /= a.out;
    }
    return true;
  }
  int64_t bordered_width() const {
    const Axis &width = axis[along_width];
    const int64_t least = width.padding + width.in, reach = (width.out - 1) * width.stride + width.window;
    return least > reach ? least : reach;
  }

 private:
  static int line_axis(const ConvArgs &args) {
    const int64_t width = args.axis[spatial - 1].out;
    return width < 7 && args.batch >= 2 * width ? along_batch : along_width;
  }
  void measure() {
    int64_t in = in_channels, out = out_channels;
    for (int d = axes - 1; d >= 0; d--) {
      in_step[d] = in;
      out_step[d] = out;
      in *= axis[d].in;
      out *= axis[d].out;
    }
    count_taps();
  }
  void count_taps() {
    taps = 1;
    for (int d = axes - 1; d >= 0; d--) {
      tap_step[d] = taps;
      taps *= axis[d].window;
    }
  }
  void follow(int line_axis) {
    run = line_axis;
    for (int d = 0, i = 0; d < axes; d++)
      if (d != run) other[i++] = d;
  }
};

// Some values of k: `count` of them, whose a begins at a + Stretch::a and whose b begins at row Stretch::b.
struct Stretch {
  int64_t a, b, count;
};

// A tile whose k runs through one stretch after the other.
struct ConvTile {
  const Stretch *stretches;
  int64_t stretch_count;
  const float *a;
  int64_t a_line, a_step;  // see Sums::add
  const float *b;
  int64_t b_row, b_step;
  TileEnds ends;

  template <int Rows, int Vectors>
  static void run(const ConvTile &tile) {
    Sums<Rows, Vectors> sums(tile.ends);
    for (const Stretch *at = tile.stretches, *end = at + tile.stretch_count; at != end; at++)
      sums.add(tile.a + at->a, tile.a_line, tile.a_step, tile.b + at->b * tile.b_row, tile.b_step, at->count);
    sums.store_to(tile.ends);
  }
};

// Rows of a tile over k values, at most. Small tiles leave registers in which the next one can begin while the last one
// still ends; that counts where k is short.
inline int most_rows(int64_t k) { return k < 64 && tile_rows > 8 ? 8 : tile_rows; }

// `count` lines as tiles of about equal size: f(first line, lines).
template <class F>
void each_tile(int64_t count, int most, const F &f) {
  const int64_t tiles = divide_up(count, most);
  for (int64_t i = 0; i < tiles; i++) {
    const int64_t begin = count * i / tiles;
    f(begin, static_cast<int>(count * (i + 1) / tiles - begin));
  }
}

// The rows of k of b, as panels of columns for each group.
class Panels {
 public:
  // A matrix [rows, groups * columns] in memory. Only panels without whole vectors are copied, or all of them where
  // rows lie far apart and many tiles read them: that takes 7 x 7 x 512 by 3 x 3 from 0.30 to 0.71 of the peak.
  Panels(const float *matrix, int64_t rows, int64_t columns, int64_t groups, int64_t readers)
      : matrix_(matrix), rows_(rows), columns_(columns), groups_(groups), line_(columns * groups) {
    const bool far = line_ * static_cast<int64_t>(sizeof(float)) >= 2048 && readers > 8 * tile_rows;
    copied_ = far ? count() : columns % lanes ? 1 : 0;
  }
  // A filter [taps, columns, groups * depth] in memory, whose rows are (tap, depth).
  static Panels turned(const float *filter, int64_t taps, int64_t depth, int64_t columns, int64_t groups) {
    Panels p(filter, taps * depth, columns, groups, 0);
    p.depth_ = depth;
    p.copied_ = p.count();
    return p;
  }

  int64_t count() const { return divide_up(columns_, tile_columns); }  // of a group
  int width(int64_t i) const {
    const int64_t left = columns_ - i * tile_columns;
    return static_cast<int>(left < tile_columns ? left : tile_columns);
  }
  int64_t room() const { return groups_ * copied_ * rows_ * tile_columns; }  // floats that copies take

  void copy_to(float *room) {
    copies_ = room;
    const int64_t each = depth_ ? depth_ : divide_up(piece_work / 8, tile_columns), pieces = divide_up(rows_, each);
    parallel_for(groups_ * copied_ * pieces, depth_ ? divide_up(piece_work / 8, tile_columns * (depth_ + 1)) : 1,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t at = begin; at < end; at++) copy(at / pieces, at % pieces * each, each);
                 });
  }

  View of(int64_t group, int64_t i) const {
    const int64_t in_place = count() - copied_;
    if (i < in_place) return {matrix_ + group * columns_ + i * tile_columns, 1, line_};
    return {copies_ + (group * copied_ + i - in_place) * rows_ * tile_columns, 1, tile_columns};
  }

 private:
  void copy(int64_t copy, int64_t row, int64_t rows) {
    const int64_t group = copy / copied_, panel = count() - copied_ + copy % copied_;
    float *const to = copies_ + (copy * rows_ + row) * tile_columns;
    if (depth_) {
      const int64_t line = groups_ * depth_, tap = row / depth_;
      const float *from = matrix_ + (tap * columns_ + panel * tile_columns) * line + group * depth_;
      pack_turned<tile_columns>({from, line, 1}, width(panel), depth_, to);
    } else {
      const float *from = matrix_ + row * line_ + group * columns_ + panel * tile_columns;
      pack_straight<tile_columns>({from, 1, line_}, width(panel), rows < rows_ - row ? rows : rows_ - row, to);
    }
  }

  const float *matrix_;
  float *copies_ = nullptr;
  int64_t rows_, columns_, groups_, line_, copied_, depth_ = 0;
};

}  // namespace dg::DG_ISA
