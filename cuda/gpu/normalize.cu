// Normalization, forward and backward, of what lies in one row (layer normalization): the row is read once, measured and
// written.
#include "../math/normalize.h"
#include "normalize.h"
#include "rows.h"

namespace dg {
namespace gpu {
namespace {

// The row's elements of a list that all samples share, such as the scale; `rest` where there is none.
template <class T>
class Shared {
 public:
  using Values = typename Row<T>::Values;

  __device__ Shared(const Row<T> &row, const float *list, int64_t groups, float rest)
      : row_(row), list_(list ? list + row.index % groups * row.n : nullptr), rest_(rest) {}
  __device__ Values read(int64_t i) const {
    Values v;
    for (int j = 0; j < Row<T>::size; j++) v.at[j] = list_ && row_.at(i, j) < row_.n ? list_[row_.at(i, j)] : rest_;
    return v;
  }

 private:
  const Row<T> &row_;
  const float *list_;
  float rest_;
};

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    normalize_rows(RowShape shape, const T *x_, const float *scale_, const float *offset_, float *mean, float *variance,
                   T *y, int64_t groups, bool measured, float epsilon) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> x(row, x_, 0);
  const Shared<T> scale(row, scale_, groups, 1), offset(row, offset_, groups, 0);
  const bool first = row.lane == 0 && row.n;
  float centre = 0, spread = 0;
  if (measured) {
    const float share = 1.0f / static_cast<float>(shape.n);
    centre = row.template reduce<Sum>([&](int64_t i) { return x.first(i); }) * share;
    if (!mean) centre = 0;
    spread = share * row.template reduce<Sum>([&](int64_t i) {
      auto v = x.again(i);
      for (int j = 0; j < row.size; j++) {
        const float apart = row.at(i, j) < row.n ? v.at[j] - centre : 0;
        v.at[j] = apart * apart;
      }
      return v;
    });
    if (first && mean) mean[row.index] = centre;
    if (first) variance[row.index] = spread;
  } else if (row.n) {
    centre = mean ? mean[row.index] : 0;
    spread = variance[row.index];
  }
  const float inverse = inverse_deviation(spread, epsilon);
  row.write(y, [&](int64_t i) {
    return map([&](float v, float s, float o) { return normalized(v, centre, s * inverse, o); },
               measured ? x.again(i) : x.read(i), scale.read(i), offset.read(i));
  });
}

struct Products {
  float g, gz;
};

template <class T>
__global__ void __launch_bounds__(long_row_threads, least_blocks)
    normalize_grad_rows(RowShape shape, const T *x_, const T *dy_, const float *scale_, const float *mean,
                        const float *variance, T *dx, int64_t groups, float epsilon) {
  DG_SHARED(float, shared);
  const Row<T> row(shape, shared);
  const RowInput<T> x(row, x_, 0), dy(row, dy_, 0, 1);
  const Shared<T> scale(row, scale_, groups, 1);
  const float centre = row.n && mean ? mean[row.index] : 0;
  const float inverse = row.n ? inverse_deviation(variance[row.index], epsilon) : 0;
  const auto times = [](float a, float b) { return a * b; };
  Products sums = {};
  row.each([&](int64_t i) {
    const auto v = x.first(i), g = map(times, dy.first(i), scale.read(i));
    for (int j = 0; j < row.size; j++) {
      sums.g += g.at[j];
      sums.gz = fma_(g.at[j], v.at[j] - centre, sums.gz);
    }
  });
  sums = join_group(sums, row.width, reinterpret_cast<Products *>(row.joins), [](const Products &a, const Products &b) {
    return Products{a.g + b.g, a.gz + b.gz};
  });
  const float share = 1.0f / static_cast<float>(shape.n);
  const Slope<float> slope = slope_of(centre, inverse, 1, mean ? sums.g * share : 0, sums.gz * inverse * share);
  row.write(dx, [&](int64_t i) {
    return map([&](float v, float d) { return slope(v, d); }, x.again(i), map(times, dy.again(i), scale.read(i)));
  });
}

}  // namespace
}  // namespace gpu

int run_normalize(const NormalizeArgs &args) {
  if (args.sizes.rows > 1) return gpu::normalize_columns(args);
  return gpu::with_floats(args.type, [&]<class T>() {
    const gpu::RowShape shape(args.sizes.batch * args.sizes.groups, args.sizes.size, gpu::pack_size<T>, 1);
    return gpu::launch_rows<gpu::normalize_rows<T>>(shape, static_cast<const T *>(args.x), args.scale, args.offset,
                                                    args.mean, args.variance, static_cast<T *>(args.y),
                                                    args.sizes.groups, args.measure != 0, args.epsilon);
  });
}

int run_normalize_grad(const NormalizeGradArgs &args) {
  if (args.sizes.rows > 1) return gpu::normalize_grad_columns(args);
  if (args.dscale || args.doffset)
    if (const int failed = gpu::sum_samples(args)) return failed;
  return gpu::with_floats(args.type, [&]<class T>() {
    const gpu::RowShape shape(args.sizes.batch * args.sizes.groups, args.sizes.size, gpu::pack_size<T>, 2);
    return gpu::launch_rows<gpu::normalize_grad_rows<T>>(
        shape, static_cast<const T *>(args.x), static_cast<const T *>(args.dy), args.scale, args.mean, args.variance,
        static_cast<T *>(args.dx), args.sizes.groups, args.epsilon);
  });
}

}  // namespace dg
