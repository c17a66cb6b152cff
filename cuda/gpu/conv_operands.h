// What is a convolution to a matrix product? For each direction: how large the product is, and where its factors and
// results lie. Nothing is gathered beforehand; factors outside the input are zeros.
#pragma once
#include "../core/args.h"
#include "../math/half.h"
#include "index.h"

namespace dg::gpu {

// The position of a pixel along the spatial axes, or of an element of a window; core sees to it that int holds them.
struct Place {
  int32_t image, at[spatial];
};

// How the windows lie.
struct Geometry {
  struct Along {
    Divider in, out, window, stride;
    int32_t in_size, out_size, step, dilation, padding;
  } axis[spatial];
  int64_t inputs, taps;
  int64_t in_channels, out_channels, groups;

  explicit Geometry(const ConvArgs &args)
      : inputs(elements(args.axis, &Axis::in)),
        taps(elements(args.axis, &Axis::window)),
        in_channels(args.in_channels),
        out_channels(args.out_channels),
        groups(args.groups) {
    const auto number = [](int64_t n) { return static_cast<int32_t>(n); };
    for (int d = 0; d < spatial; d++) {
      const Axis &a = args.axis[d];
      axis[d] = {Divider(a.in), Divider(a.out),   Divider(a.window),  Divider(a.stride), number(a.in),
                 number(a.out), number(a.stride), number(a.dilation), number(a.padding)};
    }
  }

  // The place of number i among those of the sizes that `size` picks from an axis.
  template <Divider Along::*size>
  __device__ Place place(int64_t i) const {
    Place p;
    for (int d = spatial - 1; d >= 0; d--) {
      int64_t rest;
      i = (axis[d].*size).divide(i, rest);
      p.at[d] = static_cast<int32_t>(rest);
    }
    p.image = static_cast<int32_t>(i);
    return p;
  }
  // Where the window of output i begins.
  __device__ Place window_of(int64_t i) const {
    Place p = place<&Along::out>(i);
    for (int d = 0; d < spatial; d++) p.at[d] = p.at[d] * axis[d].step - axis[d].padding;
    return p;
  }
  // Element i of a window, as a distance from where that begins.
  __device__ Place element(int64_t i) const {
    Place p = place<&Along::window>(i);
    for (int d = 0; d < spatial; d++) p.at[d] *= axis[d].dilation;
    return p;
  }
  // The pixel of the input there, or -1 outside.
  __device__ int64_t input_pixel(const Place &window, const Place &element) const {
    int64_t pixel = window.image;
    for (int d = 0; d < spatial; d++) {
      const int32_t at = window.at[d] + element.at[d];
      if (at < 0 || at >= axis[d].in_size) return -1;
      pixel = pixel * axis[d].in_size + at;
    }
    return pixel;
  }
  // The output whose window has an input at an element, or -1 if there is none.
  __device__ int64_t output_pixel(const Place &input, const Place &element) const {
    int64_t pixel = input.image;
    for (int d = 0; d < spatial; d++) {
      const int32_t from = input.at[d] + axis[d].padding - element.at[d];
      if (from < 0) return -1;
      int64_t rest;
      const int64_t at = axis[d].stride.divide(from, rest);
      if (rest || at >= axis[d].out_size) return -1;
      pixel = pixel * axis[d].out_size + at;
    }
    return pixel;
  }
  int64_t in_depth() const { return in_channels / groups; }
  int64_t out_depth() const { return out_channels / groups; }
};

// For each group a product [m, k] . [k, n]. A row, or a value of k, is looked up once (Row, Depth) and used often.
// a_along_k, b_along_k: in which direction neighbours of a factor lie in memory.

template <class T>
struct ForwardOperands {  // rows: outputs; k: (tap, input channel)
  static constexpr bool a_along_k = true, b_along_k = false;
  using Row = Place;
  struct Depth {
    Place element;
    int64_t channel, k;
  };
  Geometry g;
  const T *x, *filter;
  int64_t depth, m, n, k;
  Divider channels;

  explicit ForwardOperands(const ConvArgs &args)
      : g(args),
        x(static_cast<const T *>(args.a)),
        filter(static_cast<const T *>(args.b)),
        depth(g.in_depth()),
        m(args.batch * elements(args.axis, &Axis::out)),
        n(g.out_depth()),
        k(g.taps * depth),
        channels(depth) {}

  __device__ Row row(int64_t i) const { return g.window_of(i); }
  __device__ Depth at(int64_t i) const {
    Depth d;
    d.k = i;
    d.element = g.element(channels.divide(i, d.channel));
    return d;
  }
  __device__ float a(int64_t group, const Row &row, const Depth &d) const {
    const int64_t pixel = g.input_pixel(row, d.element);
    return pixel < 0 ? 0 : widen(x[pixel * g.in_channels + group * depth + d.channel]);
  }
  __device__ float b(int64_t column, const Depth &d) const { return widen(filter[d.k * g.out_channels + column]); }
};

template <class T>
struct InputOperands {  // rows: inputs; k: (tap, output channel)
  static constexpr bool a_along_k = true, b_along_k = true;
  using Row = Place;
  struct Depth {
    Place element;
    int64_t channel, tap;
  };
  Geometry g;
  const T *dy, *filter;
  int64_t depth, m, n, k;
  Divider channels, own;

  explicit InputOperands(const ConvArgs &args)
      : g(args),
        dy(static_cast<const T *>(args.a)),
        filter(static_cast<const T *>(args.b)),
        depth(g.out_depth()),
        m(args.batch * g.inputs),
        n(g.in_depth()),
        k(g.taps * depth),
        channels(depth),
        own(n) {}

  __device__ Row row(int64_t i) const { return g.place<&Geometry::Along::in>(i); }
  __device__ Depth at(int64_t i) const {
    Depth d;
    d.tap = channels.divide(i, d.channel);
    d.element = g.element(d.tap);
    return d;
  }
  __device__ float a(int64_t group, const Row &row, const Depth &d) const {
    const int64_t pixel = g.output_pixel(row, d.element);
    return pixel < 0 ? 0 : widen(dy[pixel * g.out_channels + group * depth + d.channel]);
  }
  __device__ float b(int64_t column, const Depth &d) const {
    int64_t channel;
    const int64_t group = own.divide(column, channel);
    return widen(filter[(d.tap * n + channel) * g.out_channels + group * depth + d.channel]);
  }
};

template <class T>
struct FilterOperands {  // rows: (tap, input channel); k: outputs
  static constexpr bool a_along_k = false, b_along_k = false;
  struct Row {
    Place element;
    int64_t channel;
  };
  struct Depth {
    Place window;
    int64_t k;
  };
  Geometry g;
  const T *x, *dy;
  int64_t depth, m, n, k;
  Divider channels;

  explicit FilterOperands(const ConvArgs &args)
      : g(args),
        x(static_cast<const T *>(args.a)),
        dy(static_cast<const T *>(args.b)),
        depth(g.in_depth()),
        m(g.taps * depth),
        n(g.out_depth()),
        k(args.batch * elements(args.axis, &Axis::out)),
        channels(depth) {}

  __device__ Row row(int64_t i) const {
    Row r;
    r.element = g.element(channels.divide(i, r.channel));
    return r;
  }
  __device__ Depth at(int64_t i) const { return {g.window_of(i), i}; }
  __device__ float a(int64_t group, const Row &row, const Depth &d) const {
    const int64_t pixel = g.input_pixel(d.window, row.element);
    return pixel < 0 ? 0 : widen(x[pixel * g.in_channels + group * depth + row.channel]);
  }
  __device__ float b(int64_t column, const Depth &d) const { return widen(dy[d.k * g.out_channels + column]); }
};

}  // namespace dg::gpu
