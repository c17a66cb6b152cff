// Pooling: windows of each channel by itself, channels side by side in the lanes of a vector. Gradients are added window
// by window in the order of the outputs, for each image and block of channels by itself.
#include <string.h>

#include "../../math/reductions.h"
#include "../../math/window.h"
#include "../threads.h"
#include "lanes.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 14;
constexpr int64_t block = 64;  // channels that a piece of a gradient takes

// Vectors of channels that go through a window together, so that walking it is paid for once.
template <int N>
struct Whole {
  static constexpr int count = N;
  FloatLanes load(const float *p, int v) const { return DG_ISA::load(p + v * lanes); }
  void store(float *p, int v, FloatLanes x) const { DG_ISA::store(p + v * lanes, x); }
};
struct Part {  // of one vector
  static constexpr int count = 1;
  int channels;
  FloatLanes load(const float *p, int) const { return load_part(p, channels); }
  void store(float *p, int, FloatLanes x) const { store_part(p, channels, x); }
};

// f(first channel, vectors) for the channels [begin, end).
template <class F>
inline void each_vectors(int64_t begin, int64_t end, const F &f) {
  for (; end - begin >= 4 * lanes; begin += 4 * lanes) f(begin, Whole<4>{});
  if (end - begin >= 2 * lanes) f(begin, Whole<2>{}), begin += 2 * lanes;
  if (end - begin >= lanes) f(begin, Whole<1>{}), begin += lanes;
  if (const int rest = static_cast<int>(end - begin)) f(begin, Part{rest});
}

// The elements of a window that lie inside the input.
struct Window {
  Range range[spatial];
  int64_t first;          // pixel of the first one
  int64_t step[spatial];  // pixels between neighbours

  int64_t count() const { return range[0].count() * range[1].count() * range[2].count(); }
  // f(pixel) for each of them, in order.
  template <class F>
  void each(const F &f) const {
    for (int64_t d = 0; d < range[0].count(); d++)
      for (int64_t h = 0; h < range[1].count(); h++) {
        int64_t pixel = first + d * step[0] + h * step[1];
        for (int64_t w = range[2].count(); w > 0; w--, pixel += step[2]) f(pixel);
      }
  }
};

// f(output pixel, window) for the outputs of lines [line, line_end), which are (image, depth, height).
template <class F>
void each_output(const Axis (&axis)[spatial], int64_t line, int64_t line_end, const F &f) {
  const Axis &width = axis[2];
  const int64_t reach = (width.window - 1) * width.dilation;
  Window window;
  window.step[2] = width.dilation;
  window.step[1] = axis[1].dilation * width.in;
  window.step[0] = axis[0].dilation * axis[1].in * width.in;
  for (; line < line_end; line++) {
    const int64_t height = line % axis[1].out, depth = line / axis[1].out % axis[0].out;
    window.range[0] = elements_of(axis[0], depth);
    window.range[1] = elements_of(axis[1], height);
    int64_t row = line / (axis[1].out * axis[0].out) * axis[0].in + input_at(axis[0], depth, window.range[0].begin);
    row = (row * axis[1].in + input_at(axis[1], height, window.range[1].begin)) * width.in;
    for (int64_t o = 0; o < width.out; o++) {
      const int64_t at = o * width.stride - width.padding;
      window.range[2] = at >= 0 && at + reach < width.in ? Range{0, width.window} : elements_of(width, o);
      window.first = row + at + window.range[2].begin * width.dilation;
      f(line * width.out + o, window);
    }
  }
}

int64_t window_size(const Axis (&axis)[spatial]) {
  int64_t n = 1;
  for (const Axis &a : axis) n *= a.window < a.in ? a.window : a.in;
  return n;
}

template <class F>
void each_output(const PoolArgs &p, const F &f) {
  const int64_t work = p.axis[2].out * p.channels * window_size(p.axis);
  parallel_for(p.batch * p.axis[0].out * p.axis[1].out, elements_per_piece / (work + 1) + 1,
               [&](int64_t begin, int64_t end) { each_output(p.axis, begin, end, f); });
}

// Combines the elements of each window: y = finish(result, elements).
template <class Op, class Finish>
void combine(const PoolArgs &p, const Finish &finish) {
  const float *const x = static_cast<const float *>(p.x);
  float *const y = static_cast<float *>(p.y);
  each_output(p, [&](int64_t output, const Window &window) {
    each_vectors(0, p.channels, [&](int64_t c, const auto &vectors) {
      constexpr int n = std::remove_reference_t<decltype(vectors)>::count;
      FloatLanes result[n];
      for (int v = 0; v < n; v++) result[v] = splat<FloatLanes>(Op::start(0.0f));
      window.each([&](int64_t at) {
        const float *const from = x + at * p.channels + c;
        for (int v = 0; v < n; v++) result[v] = Op::add(result[v], vectors.load(from, v));
      });
      float *const to = y + output * p.channels + c;
      for (int v = 0; v < n; v++) vectors.store(to, v, finish(result[v], window.count()));
    });
  });
}

void find_maximum(const PoolArgs &p) {
  const float *const x = static_cast<const float *>(p.x);
  int32_t *const y = static_cast<int32_t *>(p.y);
  const int64_t inputs = elements(p.axis, &Axis::in), outputs = elements(p.axis, &Axis::out);
  each_output(p, [&](int64_t output, const Window &window) {
    const int64_t image = output / outputs * inputs;
    each_vectors(0, p.channels, [&](int64_t c, const auto &vectors) {
      constexpr int n = std::remove_reference_t<decltype(vectors)>::count;
      FloatLanes best[n] = {};
      IntLanes found[n];
      for (int v = 0; v < n; v++) found[v] = splat<IntLanes>(-1);
      window.each([&](int64_t at) {
        const float *const from = x + at * p.channels + c;
        const IntLanes first = lane_numbers() + static_cast<int32_t>((at - image) * p.channels + c);
        for (int v = 0; v < n; v++) {
          const FloatLanes value = vectors.load(from, v);
          const auto better = (found[v] < 0) | (value > best[v]) | ((value != value) & (best[v] == best[v]));
          found[v] = select(better, first + v * lanes, found[v]);
          best[v] = select(better, value, best[v]);
        }
      });
      float *const to = reinterpret_cast<float *>(y + output * p.channels + c);
      for (int v = 0; v < n; v++) vectors.store(to, v, from_bits(found[v]));
    });
  });
}

// How windows lie: apart, so that an input has one gradient at most, and over every input?
bool are_apart(const Axis (&axis)[spatial]) {
  for (const Axis &a : axis)
    if ((a.window - 1) * a.dilation >= a.stride) return false;
  return true;
}
bool cover(const Axis (&axis)[spatial]) {
  for (const Axis &a : axis)
    if (a.window < a.stride || a.dilation != 1 || a.padding != 0 || (a.out - 1) * a.stride + a.window < a.in)
      return false;
  return true;
}

// dx, an image and a block of channels at a time: f(output pixel, window, channel, vectors) adds to it, or sets it where
// windows are apart.
template <class F>
void each_gradient(const PoolGradArgs &p, const F &f) {
  const int64_t inputs = elements(p.axis, &Axis::in), lines = p.axis[0].out * p.axis[1].out;
  const int64_t blocks = (p.channels + block - 1) / block, wide = p.channels < block ? p.channels : block;
  const int64_t work = inputs * wide + lines * p.axis[2].out * wide * window_size(p.axis);
  const bool all_set = are_apart(p.axis) && cover(p.axis);
  float *const dx = static_cast<float *>(p.dx);
  parallel_for(p.batch * blocks, elements_per_piece / (work + 1) + 1, [&](int64_t begin, int64_t end) {
    for (; begin < end; begin++) {
      const int64_t image = begin / blocks, from = begin % blocks * block;
      const int64_t to = from + block < p.channels ? from + block : p.channels;
      for (int64_t i = image * inputs; !all_set && i < (image + 1) * inputs; i++)
        memset(dx + i * p.channels + from, 0, (to - from) * sizeof(float));
      each_output(p.axis, image * lines, (image + 1) * lines, [&](int64_t output, const Window &window) {
        each_vectors(from, to, [&](int64_t c, const auto &vectors) { f(output, window, c, vectors); });
      });
    }
  });
}

template <bool Apart>
void max_gradient(const PoolGradArgs &p) {
  const float *const x = static_cast<const float *>(p.x), *const y = static_cast<const float *>(p.y);
  const float *const dy = static_cast<const float *>(p.dy);
  float *const dx = static_cast<float *>(p.dx);
  each_gradient(p, [&](int64_t output, const Window &window, int64_t c, const auto &vectors) {
    constexpr int n = std::remove_reference_t<decltype(vectors)>::count;
    const int64_t at_output = output * p.channels + c;
    FloatLanes largest[n], grad[n];  // what is left to give
    for (int v = 0; v < n; v++) largest[v] = vectors.load(y + at_output, v);
    for (int v = 0; v < n; v++) grad[v] = vectors.load(dy + at_output, v);
    window.each([&](int64_t at) {
      const int64_t i = at * p.channels + c;
      for (int v = 0; v < n; v++) {
        const FloatLanes value = vectors.load(x + i, v);
        const auto here = (value == largest[v]) | ((value != value) & (largest[v] != largest[v]));
        const FloatLanes given = select(here, grad[v], 0.0f);
        grad[v] = select(here, 0.0f, grad[v]);
        vectors.store(dx + i, v, Apart ? given : vectors.load(dx + i, v) + given);
      }
    });
  });
}

template <bool Apart>
void average_gradient(const PoolGradArgs &p) {
  const float *const dy = static_cast<const float *>(p.dy);
  float *const dx = static_cast<float *>(p.dx);
  each_gradient(p, [&](int64_t output, const Window &window, int64_t c, const auto &vectors) {
    constexpr int n = std::remove_reference_t<decltype(vectors)>::count;
    FloatLanes share[n];
    for (int v = 0; v < n; v++)
      share[v] = vectors.load(dy + output * p.channels + c, v) / static_cast<float>(window.count());
    window.each([&](int64_t at) {
      const int64_t i = at * p.channels + c;
      for (int v = 0; v < n; v++) vectors.store(dx + i, v, Apart ? share[v] : vectors.load(dx + i, v) + share[v]);
    });
  });
}

}  // namespace

int run_pool(const PoolArgs &args) {
  switch (args.kind) {
    case DG_POOL_MAX:
      combine<Max>(args, [](FloatLanes max, int64_t) { return max; });
      return 0;
    case DG_POOL_AVERAGE:
      combine<Sum>(args, [](FloatLanes sum, int64_t count) { return sum / static_cast<float>(count); });
      return 0;
    default:
      find_maximum(args);
      return 0;
  }
}

int run_pool_grad(const PoolGradArgs &args) {
  if (are_apart(args.axis)) {
    args.kind == DG_POOL_MAX ? max_gradient<true>(args) : average_gradient<true>(args);
  } else {
    args.kind == DG_POOL_MAX ? max_gradient<false>(args) : average_gradient<false>(args);
  }
  return 0;
}

}  // namespace dg::DG_ISA
