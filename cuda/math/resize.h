// From which inputs is an output of a resized image made, and which outputs is an input in? One dimension at a time; see
// dg_resize.
#pragma once
#include "../core/args.h"
#include "real.h"
#include "window.h"

namespace dg {

constexpr int64_t largest_image = int64_t{1} << 20;  // whose positions are exact enough for outputs_near

inline ResizeAxis resize_axis(int kind, int grid, int64_t in, int64_t out) {
  const bool corners = grid == DG_GRID_CORNERS && out > 1, centers = grid == DG_GRID_CENTERS;
  const bool nearest = kind == DG_RESIZE_NEAREST;
  const float scale = corners ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                              : static_cast<float>(in) / static_cast<float>(out);
  return {in, out, centers ? 0.5f : 0.0f, scale, nearest ? (corners ? 0.5f : 0.0f) : centers ? -0.5f : 0.0f};
}

// The two inputs that an output lies between, and how much of it is the second's.
struct Neighbours {
  int64_t first, second;
  float share;
};
DG_HD int64_t clamp_to(int64_t size, int64_t i) { return i < 0 ? 0 : i < size ? i : size - 1; }
DG_HD Neighbours neighbours_of(const ResizeAxis &axis, int64_t o) {
  const float p = (static_cast<float>(o) + axis.before) * axis.scale + axis.after, floor = floor_(p);
  const int64_t at = static_cast<int64_t>(floor);
  return {clamp_to(axis.in, at), clamp_to(axis.in, at + 1), p - floor};
}

// How much of output o input i is.
template <bool bilinear>
DG_HD float weight_of(const ResizeAxis &axis, int64_t o, int64_t i) {
  const Neighbours n = neighbours_of(axis, o);
  if (!bilinear) return n.first == i ? 1.0f : 0.0f;
  return (n.first == i ? 1 - n.share : 0.0f) + (n.second == i ? n.share : 0.0f);
}

// Outputs that hold all those with a weight for input i, and a few more.
DG_HD Range outputs_near(const ResizeAxis &axis, int64_t i) {
  const float at = static_cast<float>(i) - axis.after;
  const int64_t begin = i == 0 ? 0 : static_cast<int64_t>(floor_((at - 1) / axis.scale - axis.before)) - 1;
  const int64_t end =
      i == axis.in - 1 ? axis.out : static_cast<int64_t>(ceil_((at + 1) / axis.scale - axis.before)) + 2;
  return {begin < 0 ? 0 : begin, end < axis.out ? end : axis.out};
}

DG_HD float mix(float a, float b, float share) { return fma_(b - a, share, a); }
#if defined(DG_LANES)
DG_HD FloatLanes mix(FloatLanes a, FloatLanes b, float share) { return fma_(b - a, share, a); }
#endif

}  // namespace dg
