// Pooling: a thread per result of neighbouring channels, 16 bytes of them where memory allows it, forward over the elements
// of a window, backward over the windows that hold an input, in the order of the outputs.
#include "../core/args.h"
#include "../math/reductions.h"
#include "../math/window.h"
#include "index.h"
#include "launch.h"
#include "number.h"

namespace dg {
namespace gpu {
namespace {

// Must be able to share a multiprocessor; left alone, compilers spill registers for a third.
constexpr int blocks = 2;

struct Windows {
  Axis axis[spatial];
  int64_t channels, n;  // n: results, of some channels together
  Divider channel, size[spatial];

  template <class Args>
  Windows(const Args &args, int64_t Axis::*results, int together)
      : channels(args.channels), n(args.batch * args.channels / together), channel(args.channels / together) {
    for (int d = 0; d < spatial; d++) {
      axis[d] = args.axis[d];
      size[d] = Divider(axis[d].*results);
      n *= axis[d].*results;
    }
  }

  // Splits the number of a result, of `together` channels, into image, position and first channel.
  template <int together>
  __device__ int64_t place(int64_t i, int64_t (&at)[spatial], int64_t &c) const {
    i = channel.divide(i, c);
    c *= together;
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

template <int size, class T>
__device__ Pack<float, size> read(const T *p) {
  const Pack<T, size> pack = *reinterpret_cast<const Pack<T, size> *>(p);  // in one access
  return numbers(pack);
}
template <int size, class T>
__device__ void write(T *p, const Pack<float, size> &values) {
  *reinterpret_cast<Pack<T, size> *>(p) = elements<T>(values);
}
template <int size>
__device__ Pack<float, size> all(float x) {
  Pack<float, size> pack;
  for (int j = 0; j < size; j++) pack.at[j] = x;
  return pack;
}

template <class T, int size>
__global__ void __launch_bounds__(block_threads, blocks) max_pool(const Windows __grid_constant__ p, const T *x, T *y) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t o[spatial], c;
    const int64_t image = p.place<size>(i, o, c);
    Pack<float, size> best = all<size>(-infinity);
    p.each_element(image, o, c, [&](int64_t at) {
      const Pack<float, size> value = read<size>(x + at);
      for (int j = 0; j < size; j++) best.at[j] = Max::add(best.at[j], value.at[j]);
      return true;
    });
    write(y + i * size, best);
  }
}

template <class T, int size>
__global__ void __launch_bounds__(block_threads, blocks)
    average_pool(const Windows __grid_constant__ p, const T *x, T *y) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t o[spatial], c;
    const int64_t image = p.place<size>(i, o, c);
    Pack<float, size> sum = all<size>(0);
    p.each_element(image, o, c, [&](int64_t at) {
      const Pack<float, size> value = read<size>(x + at);
      for (int j = 0; j < size; j++) sum.at[j] += value.at[j];
      return true;
    });
    const auto count = static_cast<float>(p.count(o));
    for (int j = 0; j < size; j++) sum.at[j] /= count;
    write(y + i * size, sum);
  }
}

template <class T, int size>
__global__ void __launch_bounds__(block_threads, blocks)
    argmax_pool(const Windows __grid_constant__ p, const T *x, int32_t *y) {
  const int64_t sample = p.axis[0].in * p.axis[1].in * p.axis[2].in * p.channels;
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t o[spatial], c;
    const int64_t image = p.place<size>(i, o, c);
    Pack<float, size> best = all<size>(0);
    Pack<int32_t, size> found;
    for (int j = 0; j < size; j++) found.at[j] = -1;
    p.each_element(image, o, c, [&](int64_t at) {
      const Pack<float, size> value = read<size>(x + at);
      for (int j = 0; j < size; j++) {
        const float v = value.at[j], b = best.at[j];
        if (found.at[j] < 0 || v > b || (v != v && b == b)) {
          best.at[j] = v;
          found.at[j] = static_cast<int32_t>(at - image * sample) + j;
        }
      }
      return true;
    });
    *reinterpret_cast<Pack<int32_t, size> *>(y + i * size) = found;
  }
}

template <class T, int size>
__global__ void __launch_bounds__(block_threads, blocks)
    max_pool_grad(const Windows __grid_constant__ p, const T *x, const T *y, const T *dy, T *dx) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t at[spatial], c;
    const int64_t image = p.place<size>(i, at, c);
    const Pack<float, size> own = read<size>(x + i * size);
    Pack<float, size> sum = all<size>(0);
    p.each_window(image, at, c, [&](int64_t output, const int64_t(&o)[spatial]) {
      const Pack<float, size> largest = read<size>(y + output);
      // Bit j: element j of a pack is the largest of its window.
      const auto are_largest = [&](const Pack<float, size> &value) {
        unsigned are = 0;
        for (int j = 0; j < size; j++) {
          const float v = value.at[j], l = largest.at[j];
          are |= static_cast<unsigned>(v == l || (v != v && l != l)) << j;
        }
        return are;
      };
      unsigned first = are_largest(own);
      if (first == 0) return;
      p.each_element(image, o, c, [&](int64_t element) {
        if (element == i * size || first == 0) return false;
        first &= ~are_largest(read<size>(x + element));
        return true;
      });
      const Pack<float, size> gradient = read<size>(dy + output);
      for (int j = 0; j < size; j++)
        if (first >> j & 1) sum.at[j] += gradient.at[j];
    });
    write(dx + i * size, sum);
  }
}

template <class T, int size>
__global__ void __launch_bounds__(block_threads, blocks)
    average_pool_grad(const Windows __grid_constant__ p, const T *dy, T *dx) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t at[spatial], c;
    const int64_t image = p.place<size>(i, at, c);
    Pack<float, size> sum = all<size>(0);
    p.each_window(image, at, c, [&](int64_t output, const int64_t(&o)[spatial]) {
      const Pack<float, size> gradient = read<size>(dy + output);
      const auto count = static_cast<float>(p.count(o));
      for (int j = 0; j < size; j++) sum.at[j] += gradient.at[j] / count;
    });
    write(dx + i * size, sum);
  }
}

// Calls f.operator()<T, channels together>() for a type of floats.
template <class... Pointers, class F>
int with_packs(Dtype type, int64_t channels, const F &f, Pointers... pointers) {
  return with_floats(type, [&]<class T>() {
    constexpr int size = pack_size<T>;
    const bool whole = channels % size == 0 && (... && aligned<size>(static_cast<const T *>(pointers)));
    return whole ? f.template operator()<T, size>() : f.template operator()<T, 1>();
  });
}

template <class T, int size>
int pool(const PoolArgs &args) {
  const Windows p(args, &Axis::out, size);
  const T *x = static_cast<const T *>(args.x);
  T *y = static_cast<T *>(args.y);
  const int64_t grid = grid_for(p.n);
  switch (args.kind) {
    case DG_POOL_MAX:
      return launch<max_pool<T, size>>(grid, block_threads, 0, p, x, y);
    case DG_POOL_AVERAGE:
      return launch<average_pool<T, size>>(grid, block_threads, 0, p, x, y);
    default:
      return launch<argmax_pool<T, size>>(grid, block_threads, 0, p, x, static_cast<int32_t *>(args.y));
  }
}

template <class T, int size>
int pool_grad(const PoolGradArgs &args) {
  const Windows p(args, &Axis::in, size);
  const T *x = static_cast<const T *>(args.x), *y = static_cast<const T *>(args.y);
  const T *dy = static_cast<const T *>(args.dy);
  T *dx = static_cast<T *>(args.dx);
  return args.kind == DG_POOL_MAX ? launch<max_pool_grad<T, size>>(grid_for(p.n), block_threads, 0, p, x, y, dy, dx)
                                  : launch<average_pool_grad<T, size>>(grid_for(p.n), block_threads, 0, p, dy, dx);
}

}  // namespace
}  // namespace gpu

int run_pool(const PoolArgs &args) {
  return gpu::with_packs(
      args.type, args.channels, [&]<class T, int size>() { return gpu::pool<T, size>(args); }, args.x, args.y);
}

int run_pool_grad(const PoolGradArgs &args) {
  return gpu::with_packs(
      args.type, args.channels, [&]<class T, int size>() { return gpu::pool_grad<T, size>(args); }, args.x, args.y,
      args.dy, args.dx);
}

}  // namespace dg
