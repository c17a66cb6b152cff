// What is a convolution to a matrix product? For each direction: how large the product is, and where its factors and
// results lie. Nothing is gathered beforehand; factors outside the input are zeros.
#pragma once
#include "../core/args.h"
#include "../math/half.h"
#include "index.h"

namespace dg::gpu {

// How the windows lie. A place is the position of a pixel along the spatial axes, with its image.
struct Place {
  int64_t image, at[spatial];
};
struct Geometry {
  Axis axis[spatial];
  Divider in[spatial], out[spatial], window[spatial], stride[spatial];
  int64_t in_channels, out_channels, groups;

  explicit Geometry(const ConvArgs &args)
      : in_channels(args.in_channels), out_channels(args.out_channels), groups(args.groups) {
    for (int d = 0; d < spatial; d++) {
      axis[d] = args.axis[d];
      in[d] = Divider(axis[d].in);
      out[d] = Divider(axis[d].out);
      window[d] = Divider(axis[d].window);
      stride[d] = Divider(axis[d].stride);
    }
  }

  __device__ static Place place(int64_t i, const Divider (&size)[spatial]) {
    Place p;
    for (int d = spatial - 1; d >= 0; d--) i = size[d].divide(i, p.at[d]);
    p.image = i;
    return p;
  }
  // Where element `tap` of an output's window lies: its pixel, or -1 outside.
  __device__ int64_t input_pixel(const Place &output, const Place &tap) const {
    int64_t pixel = output.image;
    for (int d = 0; d < spatial; d++) {
      const int64_t at = output.at[d] * axis[d].stride + tap.at[d] * axis[d].dilation - axis[d].padding;
      if (at < 0 || at >= axis[d].in) return -1;
      pixel = pixel * axis[d].in + at;
    }
    return pixel;
  }
  // The output whose window's element `tap` is an input: its pixel, or -1 if there is none.
  __device__ int64_t output_pixel(const Place &input, const Place &tap) const {
    int64_t pixel = input.image;
    for (int d = 0; d < spatial; d++) {
      const int64_t from = input.at[d] + axis[d].padding - tap.at[d] * axis[d].dilation;
      if (from < 0) return -1;
      int64_t rest;
      const int64_t at = stride[d].divide(from, rest);
      if (rest || at >= axis[d].out) return -1;
      pixel = pixel * axis[d].out + at;
    }
    return pixel;
  }
  int64_t inputs() const { return elements(axis, &Axis::in); }
  int64_t outputs() const { return elements(axis, &Axis::out); }
  int64_t taps() const { return elements(axis, &Axis::window); }
  int64_t in_depth() const { return in_channels / groups; }
  int64_t out_depth() const { return out_channels / groups; }
};

// For each group a product [m, k] . [k, n]. A row or a value of k is looked up once (Row, Depth) and used often.
// a_along_k, b_along_k: in which direction neighbours of a factor lie in memory.

template <class T>
struct ForwardOperands {  // rows: outputs; k: (tap, input channel)
  static constexpr bool a_along_k = true, b_along_k = false;
  using Row = Place;
  struct Depth {
    Place tap;
    int64_t channel, k;
  };
  Geometry g;
  const T *x, *filter;
  int64_t depth;
  Divider channels;

  explicit ForwardOperands(const ConvArgs &args)
      : g(args),
        x(static_cast<const T *>(args.a)),
        filter(static_cast<const T *>(args.b)),
        depth(g.in_depth()),
        channels(depth) {}
  int64_t m(int64_t batch) const { return batch * g.outputs(); }
  int64_t n() const { return g.out_depth(); }
  int64_t k(int64_t) const { return g.taps() * depth; }

  __device__ Row row(int64_t m) const { return Geometry::place(m, g.out); }
  __device__ Depth at(int64_t k) const {
    Depth d;
    d.k = k;
    d.tap = Geometry::place(channels.divide(k, d.channel), g.window);
    return d;
  }
  __device__ float a(int64_t group, const Row &row, const Depth &d) const {
    const int64_t pixel = g.input_pixel(row, d.tap);
    return pixel < 0 ? 0 : widen(x[pixel * g.in_channels + group * depth + d.channel]);
  }
  __device__ float b(int64_t column, const Depth &d) const { return widen(filter[d.k * g.out_channels + column]); }
};

template <class T>
struct InputOperands {  // rows: inputs; k: (tap, output channel)
  static constexpr bool a_along_k = true, b_along_k = true;
  using Row = Place;
  struct Depth {
    Place tap;
    int64_t channel, number;  // of the tap
  };
  Geometry g;
  const T *dy, *filter;
  int64_t depth, columns;
  Divider channels, own;

  explicit InputOperands(const ConvArgs &args)
      : g(args),
        dy(static_cast<const T *>(args.a)),
        filter(static_cast<const T *>(args.b)),
        depth(g.out_depth()),
        columns(g.in_depth()),
        channels(depth),
        own(columns) {}
  int64_t m(int64_t batch) const { return batch * g.inputs(); }
  int64_t n() const { return columns; }
  int64_t k(int64_t) const { return g.taps() * depth; }

  __device__ Row row(int64_t m) const { return Geometry::place(m, g.in); }
  __device__ Depth at(int64_t k) const {
    Depth d;
    d.number = channels.divide(k, d.channel);
    d.tap = Geometry::place(d.number, g.window);
    return d;
  }
  __device__ float a(int64_t group, const Row &row, const Depth &d) const {
    const int64_t pixel = g.output_pixel(row, d.tap);
    return pixel < 0 ? 0 : widen(dy[pixel * g.out_channels + group * depth + d.channel]);
  }
  __device__ float b(int64_t column, const Depth &d) const {
    int64_t channel;
    const int64_t group = own.divide(column, channel);
    return widen(filter[(d.number * columns + channel) * g.out_channels + group * depth + d.channel]);
  }
};

template <class T>
struct FilterOperands {  // rows: (tap, input channel); k: outputs
  static constexpr bool a_along_k = false, b_along_k = false;
  struct Row {
    Place tap;
    int64_t channel;
  };
  struct Depth {
    Place output;
    int64_t k;
  };
  Geometry g;
  const T *x, *dy;
  int64_t depth;
  Divider channels;

  explicit FilterOperands(const ConvArgs &args)
      : g(args),
        x(static_cast<const T *>(args.a)),
        dy(static_cast<const T *>(args.b)),
        depth(g.in_depth()),
        channels(depth) {}
  int64_t m(int64_t) const { return g.taps() * depth; }
  int64_t n() const { return g.out_depth(); }
  int64_t k(int64_t batch) const { return batch * g.outputs(); }

  __device__ Row row(int64_t m) const {
    Row r;
    r.tap = Geometry::place(channels.divide(m, r.channel), g.window);
    return r;
  }
  __device__ Depth at(int64_t k) const { return {Geometry::place(k, g.out), k}; }
  __device__ float a(int64_t group, const Row &row, const Depth &d) const {
    const int64_t pixel = g.input_pixel(d.output, row.tap);
    return pixel < 0 ? 0 : widen(x[pixel * g.in_channels + group * depth + row.channel]);
  }
  __device__ float b(int64_t column, const Depth &d) const { return widen(dy[d.k * g.out_channels + column]); }
};

}  // namespace dg::gpu
