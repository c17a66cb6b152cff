// Resizing: rows of outputs from two rows of inputs each, and rows of gradients from the rows of outputs they are in, so that
// nothing depends on how rows are shared out among threads. Channels lie side by side in the lanes of a vector.
#include "../../math/resize.h"

#include <string.h>

#include "../../core/error.h"
#include "../threads.h"
#include "vectors.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 14;

// f(image, row) for each row of `rows` in every image; a row is so much work.
template <class F>
void each_row(int64_t batch, int64_t rows, int64_t work, const F &f) {
  parallel_for(batch * rows, elements_per_piece / (work + 1) + 1, [&](int64_t begin, int64_t end) {
    for (; begin < end; begin++) f(begin / rows, begin % rows);
  });
}

template <class T>
int copy_nearest(const ResizeArgs &p) {
  each_row(p.batch, p.height.out, p.width.out * p.channels, [&](int64_t image, int64_t o) {
    const int64_t row = image * p.height.in + neighbours_of(p.height, o).first;
    const T *const x = static_cast<const T *>(p.x) + row * p.width.in * p.channels;
    T *y = static_cast<T *>(p.y) + (image * p.height.out + o) * p.width.out * p.channels;
    for (int64_t w = 0; w < p.width.out; w++, y += p.channels)
      memcpy(y, x + neighbours_of(p.width, w).first * p.channels, p.channels * sizeof(T));
  });
  return 0;
}

int mix_bilinear(const ResizeArgs &p) {
  const int64_t size = p.width.in * p.channels;
  each_row(p.batch, p.height.out, p.width.out * p.channels * 4, [&](int64_t image, int64_t o) {
    const Neighbours rows = neighbours_of(p.height, o);
    const float *const top = static_cast<const float *>(p.x) + (image * p.height.in + rows.first) * size;
    const float *const bottom = static_cast<const float *>(p.x) + (image * p.height.in + rows.second) * size;
    float *y = static_cast<float *>(p.y) + (image * p.height.out + o) * p.width.out * p.channels;
    for (int64_t w = 0; w < p.width.out; w++, y += p.channels) {
      const Neighbours columns = neighbours_of(p.width, w);
      const int64_t left = columns.first * p.channels, right = columns.second * p.channels;
      each_vector(0, p.channels, [&](int64_t c, const auto &load_some, const auto &store_some) {
        const FloatLanes above = mix(load_some(top + left + c), load_some(top + right + c), columns.share);
        const FloatLanes below = mix(load_some(bottom + left + c), load_some(bottom + right + c), columns.share);
        store_some(y + c, mix(above, below, rows.share));
      });
    }
  });
  return 0;
}

template <bool bilinear>
int add_gradients(const ResizeGradArgs &p) {
  const int64_t work = p.width.in * p.channels + p.height.out * p.width.out * p.channels / p.height.in;
  each_row(p.batch, p.height.in, work * 2, [&](int64_t image, int64_t i) {
    float *const dx = static_cast<float *>(p.dx) + (image * p.height.in + i) * p.width.in * p.channels;
    memset(dx, 0, p.width.in * p.channels * sizeof(float));
    const Range rows = outputs_near(p.height, i);
    for (int64_t o = rows.begin; o < rows.end; o++) {
      const float weight = weight_of<bilinear>(p.height, o, i);
      if (weight == 0) continue;
      const float *dy = static_cast<const float *>(p.dy) + (image * p.height.out + o) * p.width.out * p.channels;
      for (int64_t w = 0; w < p.width.out; w++, dy += p.channels) {
        const Neighbours columns = neighbours_of(p.width, w);
        const auto add = [&](int64_t column, float share) {
          float *const to = dx + column * p.channels;
          each_vector(0, p.channels, [&](int64_t c, const auto &load_some, const auto &store_some) {
            store_some(to + c, fma_(load_some(dy + c), share, load_some(to + c)));
          });
        };
        add(columns.first, bilinear ? weight * (1 - columns.share) : weight);
        if (bilinear && columns.share != 0) add(columns.second, weight * columns.share);
      }
    }
  });
  return 0;
}

}  // namespace

int run_resize(const ResizeArgs &args) {
  if (args.kind == DG_RESIZE_BILINEAR) return mix_bilinear(args);
  return args.type == DG_UINT8 || args.type == DG_BOOL ? copy_nearest<uint8_t>(args) : copy_nearest<int32_t>(args);
}

int run_resize_grad(const ResizeGradArgs &args) {
  return args.kind == DG_RESIZE_BILINEAR ? add_gradients<true>(args) : add_gradients<false>(args);
}

}  // namespace dg::DG_ISA
