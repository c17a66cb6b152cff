// Resizing: a thread per output, and in gradients a thread per input, which adds up the outputs it is in, in their order.
#include "../math/resize.h"
#include "index.h"
#include "launch.h"
#include "number.h"
#include "widen.h"

namespace dg {
namespace gpu {
namespace {

struct Images {
  ResizeAxis height, width;
  int64_t channels, n;  // n: results
  Divider channel, row, column;

  template <class Args>
  Images(const Args &args, int64_t ResizeAxis::*results)
      : height(args.height),
        width(args.width),
        channels(args.channels),
        n(args.batch * args.channels * (height.*results) * (width.*results)),
        channel(channels),
        row(height.*results),
        column(width.*results) {}

  // Splits the number of a result into image, row, column and channel.
  __device__ int64_t place(int64_t i, int64_t &h, int64_t &w, int64_t &c) const {
    return row.divide(column.divide(channel.divide(i, c), w), h);
  }
};

template <class T>
__global__ void __launch_bounds__(block_threads) copy_nearest(const Images __grid_constant__ p, const T *x, T *y) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t h, w, c;
    const int64_t image = p.place(i, h, w, c) * p.height.in, row = image + neighbours_of(p.height, h).first;
    y[i] = x[(row * p.width.in + neighbours_of(p.width, w).first) * p.channels + c];
  }
}

template <class T>
__global__ void __launch_bounds__(block_threads) mix_bilinear(const Images __grid_constant__ p, const T *x, T *y) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t h, w, c;
    const int64_t image = p.place(i, h, w, c) * p.height.in;
    const Neighbours rows = neighbours_of(p.height, h), columns = neighbours_of(p.width, w);
    const auto along = [&](int64_t row) {
      const T *const from = x + (image + row) * p.width.in * p.channels + c;
      return mix(widen(from[columns.first * p.channels]), widen(from[columns.second * p.channels]), columns.share);
    };
    y[i] = narrow<T>(mix(along(rows.first), along(rows.second), rows.share));
  }
}

template <class T, bool bilinear>
__global__ void __launch_bounds__(block_threads) add_gradients(const Images __grid_constant__ p, const T *dy, T *dx) {
  for (int64_t i = first_index(); i < p.n; i += index_step()) {
    int64_t h, w, c;
    const int64_t image = p.place(i, h, w, c) * p.height.out;
    const Range rows = outputs_near(p.height, h), columns = outputs_near(p.width, w);
    float sum = 0;
    for (int64_t r = rows.begin; r < rows.end; r++) {
      const float weight = weight_of<bilinear>(p.height, r, h);
      if (weight == 0) continue;
      for (int64_t s = columns.begin; s < columns.end; s++) {
        const float share = weight * weight_of<bilinear>(p.width, s, w);
        if (share != 0) sum = fma_(widen(dy[((image + r) * p.width.out + s) * p.channels + c]), share, sum);
      }
    }
    dx[i] = narrow<T>(sum);
  }
}

template <class T>
int copy_as(const ResizeArgs &args) {
  const Images p(args, &ResizeAxis::out);
  return launch<copy_nearest<T>>(grid_for(p.n), block_threads, 0, p, static_cast<const T *>(args.x),
                                 static_cast<T *>(args.y));
}

}  // namespace
}  // namespace gpu

int run_resize(const ResizeArgs &args) {
  if (args.kind == DG_RESIZE_NEAREST) {
    if (is_half(args.type)) return gpu::copy_as<uint16_t>(args);
    return args.type == DG_UINT8 || args.type == DG_BOOL ? gpu::copy_as<uint8_t>(args) : gpu::copy_as<int32_t>(args);
  }
  const gpu::Images p(args, &ResizeAxis::out);
  return gpu::with_floats(args.type, [&]<class T>() {
    return gpu::launch<gpu::mix_bilinear<T>>(gpu::grid_for(p.n), gpu::block_threads, 0, p,
                                             static_cast<const T *>(args.x), static_cast<T *>(args.y));
  });
}

int run_resize_grad(const ResizeGradArgs &args) {
  const gpu::Images p(args, &ResizeAxis::in);
  return gpu::with_floats(args.type, [&]<class T>() {
    const T *const dy = static_cast<const T *>(args.dy);
    T *const dx = static_cast<T *>(args.dx);
    const int64_t blocks = gpu::grid_for(p.n);
    return args.kind == DG_RESIZE_BILINEAR
               ? gpu::launch<gpu::add_gradients<T, true>>(blocks, gpu::block_threads, 0, p, dy, dx)
               : gpu::launch<gpu::add_gradients<T, false>>(blocks, gpu::block_threads, 0, p, dy, dx);
  });
}

}  // namespace dg
