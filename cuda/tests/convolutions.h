// What is a convolution by its definition, and how do tests write down its windows?
#pragma once
#include <math.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "core/args.h"
#include "dinograd.h"

namespace dg {

struct ConvShape {
  int64_t batch, in_channels, out_channels, groups;
  Axis axis[spatial];

  int64_t count(int64_t Axis::*size) const { return elements(axis, size); }
  int64_t inputs() const { return batch * count(&Axis::in) * in_channels; }
  int64_t outputs() const { return batch * count(&Axis::out) * out_channels; }
  int64_t weights() const { return count(&Axis::window) * (in_channels / groups) * out_channels; }
  int64_t operand_a(int kind) const { return kind == DG_CONV_INPUT ? outputs() : inputs(); }
  int64_t operand_b(int kind) const { return kind == DG_CONV_FILTER ? outputs() : weights(); }
  int64_t result(int kind) const {
    return kind == DG_CONV_FORWARD ? outputs() : kind == DG_CONV_INPUT ? inputs() : weights();
  }
  int64_t channels(int kind) const { return kind == DG_CONV_INPUT ? in_channels : out_channels; }  // of the bias

  ConvArgs args(int kind, Dtype type) const {
    ConvArgs args{};
    args.kind = kind;
    args.type = type;
    args.batch = batch;
    args.in_channels = in_channels;
    args.out_channels = out_channels;
    args.groups = groups;
    for (int d = 0; d < spatial; d++) args.axis[d] = axis[d];
    args.activation = -1;
    return args;
  }

  std::string name() const {
    std::string text = std::to_string(batch) + " images, " + std::to_string(in_channels) + " to " +
                       std::to_string(out_channels) + " channels in " + std::to_string(groups) + " groups";
    for (const Axis &a : axis)
      if (a.in != 1 || a.window != 1)
        for (const int64_t n : {a.in, a.out, a.window, a.stride, a.dilation, a.padding})
          text.append(" ").append(std::to_string(n));
    return text;
  }
};

inline constexpr Axis no_axis = {1, 1, 1, 1, 1, 0};
// The padding "same" of TensorFlow, or none.
inline Axis same(int64_t in, int64_t window, int64_t stride = 1, int64_t dilation = 1) {
  const int64_t out = (in + stride - 1) / stride, reach = (out - 1) * stride + (window - 1) * dilation + 1;
  return {in, out, window, stride, dilation, reach > in ? (reach - in) / 2 : 0};
}
inline Axis valid(int64_t in, int64_t window, int64_t stride = 1, int64_t dilation = 1) {
  return {in, (in - (window - 1) * dilation - 1) / stride + 1, window, stride, dilation, 0};
}

// A result, and what bounds its error: the size and number of its terms.
struct ConvSum {
  double value = 0, size = 0;
  int64_t terms = 0;
  void add(double term) {
    value += term;
    size += fabs(term);
    terms++;
  }
};

// Every pair of an output and an element of its window adds to a result. a(i), b(i), bias(i): elements of the operands.
template <class A, class B, class Bias>
std::vector<ConvSum> convolve_plainly(const ConvShape &s, int kind, const A &a, const B &b, const Bias &bias) {
  std::vector<ConvSum> sums(s.result(kind));
  for (int64_t i = 0; i < s.result(kind); i++) sums[i].add(bias(i % s.channels(kind)));
  const int64_t depth = s.in_channels / s.groups, columns = s.out_channels / s.groups;
  for (int64_t o = 0; o < s.batch * s.count(&Axis::out); o++)
    for (int64_t w = 0; w < s.count(&Axis::window); w++) {
      int64_t at[spatial], out = o, element = w, pixel = o / s.count(&Axis::out);
      bool inside = true;
      for (int d = spatial - 1; d >= 0; d--) {
        const Axis &axis = s.axis[d];
        at[d] = out % axis.out * axis.stride + element % axis.window * axis.dilation - axis.padding;
        inside = inside && at[d] >= 0 && at[d] < axis.in;
        out /= axis.out;
        element /= axis.window;
      }
      if (!inside) continue;
      for (int d = 0; d < spatial; d++) pixel = pixel * s.axis[d].in + at[d];
      for (int64_t j = 0; j < s.out_channels; j++)
        for (int64_t i = 0; i < depth; i++) {
          const int64_t x = pixel * s.in_channels + j / columns * depth + i, y = o * s.out_channels + j;
          const int64_t f = (w * depth + i) * s.out_channels + j;
          if (kind == DG_CONV_FORWARD) sums[y].add(a(x) * b(f));
          if (kind == DG_CONV_INPUT) sums[x].add(a(y) * b(f));
          if (kind == DG_CONV_FILTER) sums[f].add(a(x) * b(y));
        }
    }
  return sums;
}

}  // namespace dg
