// Which elements of an input does a window hold, and which windows hold an element? See dg_conv.
#pragma once
#include "../core/args.h"
#include "lane.h"

namespace dg {

struct Range {
  int64_t begin, end;
  DG_HD int64_t count() const { return end - begin; }
};

// Whole numbers i of [0, limit) with 0 <= i * step + from < size.
DG_HD Range within(int64_t from, int64_t step, int64_t size, int64_t limit) {
  if (from >= 0 && from + (limit - 1) * step < size) return {0, limit};  // mostly
  const int64_t begin = from < 0 ? (step - 1 - from) / step : 0;
  const int64_t after = from < size ? (size - from + step - 1) / step : 0;
  const int64_t end = after < limit ? after : limit;
  return {begin < end ? begin : end, end};
}

// Where element w of the window of output o lies.
DG_HD int64_t input_at(const Axis &axis, int64_t o, int64_t w) {
  return o * axis.stride + w * axis.dilation - axis.padding;
}
// The elements of the window of output o that lie inside the input.
DG_HD Range elements_of(const Axis &axis, int64_t o) {
  return within(o * axis.stride - axis.padding, axis.dilation, axis.in, axis.window);
}
// The outputs that have element w of their window inside the input.
DG_HD Range outputs_with(const Axis &axis, int64_t w) {
  return within(w * axis.dilation - axis.padding, axis.stride, axis.in, axis.out);
}
// The elements that input i can be of some output's window, as far as strides allow.
DG_HD Range elements_at(const Axis &axis, int64_t i) {
  const int64_t reach = i + axis.padding, last = (axis.out - 1) * axis.stride;
  const int64_t begin = reach > last ? (reach - last + axis.dilation - 1) / axis.dilation : 0;
  const int64_t after = reach / axis.dilation + 1, end = after < axis.window ? after : axis.window;
  return {begin < end ? begin : end, end};
}
// Whether input i is element w, one of elements_at, of an output's window, and of which.
DG_HD bool output_at(const Axis &axis, int64_t i, int64_t w, int64_t &o) {
  const int64_t from = i + axis.padding - w * axis.dilation;
  o = axis.stride == 1 ? from : from / axis.stride;
  return o * axis.stride == from;
}

}  // namespace dg
