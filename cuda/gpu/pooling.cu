// Pooling: a thread per result, forward over the elements of a window, backward over the windows that hold an input, in
// the order of the outputs.
#include "../core/args.h"
#include "../math/reductions.h"
#include "../math/window.h"
#include "index.h"
#include "launch.h"
#include "number.h"

namespace dg {
namespace gpu {
namespace {

struct Windows {
  Axis axis[spatial];
  int64_t channels, n;  // n: results
  Divider channel, size[spatial];

  template <class Args>
  Windows(const Args &args, int64_t Axis::*results)
      : channels(args.channels), n(args.batch * args.channels), channel(args.channels) {
    for (int d = 0; d < spatial; d++) {
      axis[d] = args.axis[d];
      size[d] = Divider(axis[d].*results);
      n *= axis[d].*results;
    }
  }

  // Splits the number of a result into image, position and channel.
  __device__ int64_t place(int64_t i, int64_t (&at)[spatial], int64_t &c) const {
    i = channel.divide(i, c);
    for (int d = spatial - 1; d >= 0; d--) i = size[d].divide(i, at[d]);
    return i;
  }
  // f(element of x) for the elements of an output's window, in order, until it answers false.
  template <class F>
  __device__ void each_element(int64_t image, const int64_t (&o)[spatial], int64_t c, const F &f) const {
    const Range depth = elements_of(axis[0], o[0]), height = elements_of(axis[1], o[1]),
                width = elements_of(axis[2], o[2]);
    for (int64_t d = depth.begin; d < depth.end; d++)
      for (int64_t h = height.begin; h < height.end; h++) {
        const int64_t row = (image * axis[0].in + input_at(axis[0], o[0], d)) * axis[1].in + input_at(axis[1], o[1], h);
        for (int64_t w = width.begin; w < width.end; w++)
          if (!f((row * axis[2].in + input_at(axis[2], o[2], w)) * channels + c)) return;
      }
  }
  __device__ int64_t count(const int64_t (&o)[spatial]) const {
    return elements_of(axis[0], o[0]).count() * elements_of(axis[1], o[1]).count() * elements_of(axis[2], o[2]).count();
  }
  // f(element of y, output) for the windows that hold an input, in the order of the outputs.
  template <class F>
  __device__ void each_window(int64_t image, const int64_t (&i)[spatial], int64_t c, const F &f) const {
    const Range depth = elements_at(axis[0], i[0]), height = elements_at(axis[1], i[1]),
                width = elements_at(axis[2], i[2]);
    int64_t o[spatial];
    for (int64_t d = depth.end - 1; d >= depth.begin; d--) {
      if (!output_at(axis[0], i[0], d, o[0])) continue;
      for (int64_t h = height.end - 1; h >= height.begin; h--) {
        if (!output_at(axis[1], i[1], h, o[1])) continue;
        for (int64_t w = width.end - 1; w >= width.begin; w--)
          if (output_at(axis[2], i[2], w, o[2]))
            f((((image * axis[0].out + o[0]) * axis[1].out + o[1]) * axis[2].out + o[2]) * channels + c, o);
      }
    }
  }
};

template <class T>
__global__ void __launch_bounds__(block_threads) max_pool(const Windows __grid_constant__ p, const T *x, T *y) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t o[spatial], c;
    const int64_t image = p.place(i, o, c);
    float best = -infinity;
    p.each_element(image, o, c, [&](int64_t at) {
      best = Max::add(best, widen(x[at]));
      return true;
    });
    y[i] = narrow<T>(best);
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads) average_pool(const Windows __grid_constant__ p, const T *x, T *y) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t o[spatial], c;
    const int64_t image = p.place(i, o, c);
    float sum = 0;
    p.each_element(image, o, c, [&](int64_t at) {
      sum += widen(x[at]);
      return true;
    });
    y[i] = narrow<T>(sum / static_cast<float>(p.count(o)));
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    argmax_pool(const Windows __grid_constant__ p, const T *x, int32_t *y) {
  const int64_t sample = p.axis[0].in * p.axis[1].in * p.axis[2].in * p.channels;
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t o[spatial], c;
    const int64_t image = p.place(i, o, c);
    float best = 0;
    int64_t found = -1;
    p.each_element(image, o, c, [&](int64_t at) {
      const float value = widen(x[at]);
      if (found < 0 || value > best || (value != value && best == best)) {
        best = value;
        found = at - image * sample;
      }
      return true;
    });
    y[i] = static_cast<int32_t>(found);
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    max_pool_grad(const Windows __grid_constant__ p, const T *x, const T *y, const T *dy, T *dx) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t at[spatial], c;
    const int64_t image = p.place(i, at, c);
    float sum = 0;
    p.each_window(image, at, c, [&](int64_t output, const int64_t(&o)[spatial]) {
      const float largest = widen(y[output]);
      const auto is_largest = [&](int64_t element) {
        const float value = widen(x[element]);
        return value == largest || (value != value && largest != largest);
      };
      if (!is_largest(i)) return;
      bool first = true;
      p.each_element(image, o, c, [&](int64_t element) {
        if (element == i) return false;
        first = !is_largest(element);
        return first;
      });
      if (first) sum += widen(dy[output]);
    });
    dx[i] = narrow<T>(sum);
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads)
    average_pool_grad(const Windows __grid_constant__ p, const T *dy, T *dx) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t at[spatial], c;
    const int64_t image = p.place(i, at, c);
    float sum = 0;
    p.each_window(image, at, c, [&](int64_t output, const int64_t(&o)[spatial]) {
      sum += widen(dy[output]) / static_cast<float>(p.count(o));
    });
    dx[i] = narrow<T>(sum);
  }
}

template <class T>
int pool(const PoolArgs &args) {
  const Windows p(args, &Axis::out);
  const T *x = static_cast<const T *>(args.x);
  T *y = static_cast<T *>(args.y);
  const int64_t blocks = grid_for(p.n);
  switch (args.kind) {
    case DG_POOL_MAX:
      return launch<max_pool<T>>(blocks, block_threads, 0, p, x, y);
    case DG_POOL_AVERAGE:
      return launch<average_pool<T>>(blocks, block_threads, 0, p, x, y);
    default:
      return launch<argmax_pool<T>>(blocks, block_threads, 0, p, x, static_cast<int32_t *>(args.y));
  }
}

template <class T>
int pool_grad(const PoolGradArgs &args) {
  const Windows p(args, &Axis::in);
  const T *x = static_cast<const T *>(args.x), *y = static_cast<const T *>(args.y);
  const T *dy = static_cast<const T *>(args.dy);
  T *dx = static_cast<T *>(args.dx);
  return args.kind == DG_POOL_MAX ? launch<max_pool_grad<T>>(grid_for(p.n), block_threads, 0, p, x, y, dy, dx)
                                  : launch<average_pool_grad<T>>(grid_for(p.n), block_threads, 0, p, dy, dx);
}

}  // namespace
}  // namespace gpu

int run_pool(const PoolArgs &args) {
  return gpu::with_floats(args.type, [&]<class T>() { return gpu::pool<T>(args); });
}

int run_pool_grad(const PoolGradArgs &args) {
  return gpu::with_floats(args.type, [&]<class T>() { return gpu::pool_grad<T>(args); });
}

}  // namespace dg
