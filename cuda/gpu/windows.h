// Which numbers meet in a convolution on tensor cores? Its product looks into a grid of pixels: from each of its lines
// through each tap of a window it sees one of them, or none. Forward and for the filter's gradient lines are outputs and
// pixels inputs; for the input's gradient it is the other way round.
//
// There a stride of s leaves to input i only those taps that reach an output from it: the same ones for inputs that are s
// apart. These are a phase, which sees like a convolution of stride 1, so that nothing is multiplied by zeros that strides
// made. Phases are a batch of products.
#pragma once
#include "index.h"
#include "launch.h"

namespace dg::gpu {

// A line or a tap: where it is along the spatial axes, and as a number of a pixel. What a line sees through a tap is at
// their sum.
struct Spot {
  int32_t at[spatial];
  uint32_t pixel;
};
struct Tap : Spot {
  uint32_t number;  // how far from the phase's first among those of the filter
};

struct Windows {
  static constexpr int64_t most_phases = 16;  // along an axis
  struct Along {
    struct Phase {
      Divider lines, taps;
      int32_t origin;
      uint32_t first_tap;
    } phase[most_phases];
    int32_t phases, tap_phases;  // neighbours of a phase, lines or taps, are as far apart
    // Line i sees through tap j what is at origin + i step + j tap_step, if that is within size.
    int32_t size, step, tap_step;
    uint32_t pixel, line, tap;  // from one (of a phase, for taps) to the next in the numbers of all
  } axis[spatial];
  int64_t images;
  uint32_t image_pixels, image_lines;

  // Which phase of each axis.
  struct Phases {
    int32_t of[spatial] = {};
  };
  __device__ Phases phases(int32_t i) const {
    Phases p;
    for (int d = spatial - 1; d >= 0; d--) {
      p.of[d] = i % axis[d].phases;
      i /= axis[d].phases;
    }
    return p;
  }
  __device__ int64_t lines(const Phases &p) const {
    int64_t n = images;
    for (int d = 0; d < spatial; d++) n *= axis[d].phase[p.of[d]].lines.size();
    return n;
  }
  __device__ int64_t taps(const Phases &p) const {
    int64_t n = 1;
    for (int d = 0; d < spatial; d++) n *= axis[d].phase[p.of[d]].taps.size();
    return n;
  }

  __device__ Spot line(const Phases &p, int32_t i) const {
    Spot spot;
    spot.pixel = 0;
    for (int d = spatial - 1; d >= 0; d--) {
      const typename Along::Phase &phase = axis[d].phase[p.of[d]];
      int32_t rest;
      i = phase.lines.divide(i, rest);
      spot.at[d] = phase.origin + rest * axis[d].step;
      spot.pixel += static_cast<uint32_t>(spot.at[d]) * axis[d].pixel;
    }
    spot.pixel += static_cast<uint32_t>(i) * image_pixels;
    return spot;
  }
  // Its number among the lines of all phases.
  __device__ uint32_t line_number(const Phases &p, int32_t i) const {
    uint32_t number = 0;
    for (int d = spatial - 1; d >= 0; d--) {
      int32_t rest;
      i = axis[d].phase[p.of[d]].lines.divide(i, rest);
      number += static_cast<uint32_t>(rest * axis[d].phases + p.of[d]) * axis[d].line;
    }
    return number + static_cast<uint32_t>(i) * image_lines;
  }
  __device__ Tap tap(const Phases &p, int32_t i) const {
    Tap tap;
    tap.pixel = tap.number = 0;
    for (int d = spatial - 1; d >= 0; d--) {
      const typename Along::Phase &phase = axis[d].phase[p.of[d]];
      int32_t rest = i;
      if (d > 0) i = phase.taps.divide(i, rest);
      tap.at[d] = rest * axis[d].tap_step;
      tap.pixel += static_cast<uint32_t>(tap.at[d]) * axis[d].pixel;
      tap.number += static_cast<uint32_t>(rest) * axis[d].tap;
    }
    return tap;
  }
  __device__ uint32_t first_tap(const Phases &p) const {
    uint32_t number = 0;
    for (int d = 0; d < spatial; d++) number += axis[d].phase[p.of[d]].first_tap;
    return number;
  }
  __device__ bool inside(const Spot &line, const Spot &tap) const {
    bool is = true;
    for (int d = 0; d < spatial; d++)
      is = is &&
           static_cast<uint32_t>(line.at[d]) + static_cast<uint32_t>(tap.at[d]) < static_cast<uint32_t>(axis[d].size);
    return is;
  }
  // A line that sees nothing.
  static constexpr Spot outside = {{INT32_MIN, 0, 0}, 0};
};

// ---- Made by the host --------------------------------------------------------------------------------------------------

// Whether all numbers above are far enough below 2^31, and phases not too many.
inline bool windows_fit(const ConvArgs &args) {
  constexpr double most = 1 << 30;
  const int64_t inputs = elements(args.axis, &Axis::in), outputs = elements(args.axis, &Axis::out),
                taps = elements(args.axis, &Axis::window);
  bool fit = true;
  for (const Axis &a : args.axis)
    fit = fit && (args.kind != DG_CONV_INPUT || a.stride <= Windows::most_phases) &&
          a.out * a.stride + a.window * a.dilation + a.in + a.padding < int64_t{1} << 30;
  const double lines = static_cast<double>(args.batch) * static_cast<double>(inputs > outputs ? inputs : outputs);
  const auto channels = static_cast<double>(args.in_channels + args.out_channels);
  return fit && lines < most && static_cast<double>(taps) * channels < most;
}

inline typename Windows::Along windows_along(const Axis &a, bool of_outputs) {
  const auto number = [](int64_t n) { return static_cast<int32_t>(n); };
  Windows::Along along{};
  if (!of_outputs) {
    along.phase[0] = {Divider(a.out), Divider(a.window), number(-a.padding), 0};
    along.phases = along.tap_phases = 1;
    along.size = number(a.in);
    along.step = number(a.stride);
    along.tap_step = number(a.dilation);
    return along;
  }
  // Tap w shows input i output (i + padding - w dilation) / stride, where that is a whole number.
  int64_t common = a.stride, rest = a.dilation;
  while (rest) common = std::exchange(rest, common % rest);
  along.phases = number(a.stride);
  along.tap_phases = number(a.stride / common);
  along.size = number(a.out);
  along.step = 1;
  along.tap_step = number(-a.dilation / common);
  for (int64_t i = 0; i < a.stride; i++) {
    auto &phase = along.phase[i];
    phase.lines = Divider(i < a.in ? divide_up(a.in - i, a.stride) : 0);
    phase.taps = Divider(0);
    for (int64_t w = 0; w < a.window && w < along.tap_phases; w++) {
      const int64_t from = i + a.padding - w * a.dilation;
      if (from % a.stride == 0)
        phase = {phase.lines, Divider(divide_up(a.window - w, along.tap_phases)), number(from / a.stride),
                 static_cast<uint32_t>(w)};
    }
  }
  return along;
}

inline Windows windows_of(const ConvArgs &args) {
  const bool of_outputs = args.kind == DG_CONV_INPUT;
  const auto number = [](int64_t n) { return static_cast<uint32_t>(n); };
  Windows w{};
  w.images = args.batch;
  w.image_pixels = w.image_lines = 1;
  uint32_t taps = 1;
  for (int d = spatial - 1; d >= 0; d--) {
    const Axis &a = args.axis[d];
    w.axis[d] = windows_along(a, of_outputs);
    w.axis[d].pixel = std::exchange(w.image_pixels, w.image_pixels * number(of_outputs ? a.out : a.in));
    w.axis[d].line = std::exchange(w.image_lines, w.image_lines * number(of_outputs ? a.in : a.out));
    for (auto &phase : w.axis[d].phase) phase.first_tap *= taps;
    w.axis[d].tap = std::exchange(taps, taps * number(a.window)) * number(w.axis[d].tap_phases);
  }
  return w;
}

}  // namespace dg::gpu
