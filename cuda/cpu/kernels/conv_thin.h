// How is a convolution computed whose results have a channel or a few? They would leave most lanes of a tile idle. So
// every source pixel is first multiplied by all taps at once, in a matrix product; then each result sums what its
// sources hold for it.
#pragma once
#include "conv_apply.h"

namespace dg::DG_ISA {

int run_matmul(const MatMulArgs &args);

class Thin {
 public:
  explicit Thin(const Pass &p) : p_(p), terms_(p.conv.taps * p.columns()) {
    constexpr int64_t floats = 1 << 18;  // stay in the second-level cache
    pixels_ = p.source_step()[along_batch] / p.source_step()[along_width];
    const int64_t batch = p.conv.axis[along_batch].out, fit = floats / (pixels_ * terms_ + 1);
    images_ = fit < 1 ? 1 : fit < batch ? fit : batch;
  }

  static bool suits(const Pass &p) {
    return p.conv.groups == 1 && p.columns() <= 4 && p.depth() >= 8 && p.conv.taps > 1;
  }
  int64_t room() const { return images_ * pixels_ * terms_ + (p_.backward ? 0 : p_.depth() * terms_); }

  // 0 or DG_E_MEMORY.
  int run(const float *filter, float *room) const {
    const int64_t depth = p_.depth(), columns = p_.columns(), batch = p_.conv.axis[along_batch].out;
    const float *by = filter;  // backwards [taps, columns, depth], else [depth, taps, columns]
    if (!p_.backward) {
      float *const turned = room + images_ * pixels_ * terms_;
      for (int64_t tap = 0; tap < p_.conv.taps; tap++)
        for (int64_t k = 0; k < depth; k++)
          memcpy(turned + k * terms_ + tap * columns, filter + (tap * depth + k) * columns, columns * sizeof(float));
      by = turned;
    }
    for (int64_t image = 0; image < batch; image += images_) {
      const int64_t images = images_ < batch - image ? images_ : batch - image;
      const float *const from = p_.source + image * p_.source_step()[along_batch];
      if (const int status = run_matmul({DG_FLOAT32, from, by, nullptr, room, 1, images * pixels_, terms_, depth, 0, 0,
                                         0, p_.backward, 0, -1, 0}))
        return status;
      sum_terms(room, image, images);
    }
    return 0;
  }

 private:
  void sum_terms(const float *terms, int64_t image, int64_t images) const {
    const Conv &c = p_.conv;
    const int64_t width = p_.dest_size(along_width), columns = p_.columns();
    const int64_t lines = p_.dest_size(1) * p_.dest_size(2);
    parallel_for(images * lines, divide_up(piece_work / 8, width * terms_ + 1), [&](int64_t begin, int64_t end) {
      Line line(p_, image * lines + begin);
      for (; begin < end; begin++, line.next()) {
        float *const dest = p_.dest + (image * lines + begin) * width * columns;
        for (int64_t i = 0; i < width * columns; i++) dest[i] = p_.bias ? p_.bias[i % columns] : 0;
        p_.each_tap(1, line.at[1], [&](int64_t w1, int64_t s1) {
          p_.each_tap(2, line.at[2], [&](int64_t w2, int64_t s2) {
            const int64_t tap = w1 * c.tap_step[1] + w2 * c.tap_step[2];
            const int64_t row = ((line.at[0] - image) * source_size(1) + s1) * source_size(2) + s2;
            add_row(terms + row * source_size(along_width) * terms_ + tap * columns, dest);
          });
        });
        if (p_.activation >= 0) apply_unary_inplace(p_.activation, dest, width * columns, p_.alpha);
      }
    });
  }

  // What a row of sources holds for a line, for each tap along the width.
  void add_row(const float *terms, float *dest) const {
    const Axis &axis = p_.conv.axis[along_width];
    const int64_t columns = p_.columns(), across = p_.backward ? axis.stride : 1, step = p_.backward ? 1 : axis.stride;
    for (int64_t tap = 0; tap < axis.window; tap++) {
      const Range t = outputs_with(axis, tap);
      const int64_t in = input_at(axis, t.begin, tap);
      const float *from = terms + (p_.backward ? t.begin : in) * terms_ + tap * columns;
      float *to = dest + (p_.backward ? in : t.begin) * columns;
      for (int64_t i = t.begin; i < t.end; i++, from += step * terms_, to += across * columns)
        for (int64_t j = 0; j < columns; j++) to[j] += from[j];
    }
  }
  int64_t source_size(int d) const { return p_.backward ? p_.conv.axis[d].out : p_.conv.axis[d].in; }

  const Pass &p_;
  int64_t terms_, pixels_, images_;  // of a source pixel, of a source image, taken together
};

}  // namespace dg::DG_ISA
