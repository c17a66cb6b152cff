// Is every resizing right, forward and backward, larger and smaller on every grid, and the same on every instruction set and
// any number of threads?
#include "math/resize.h"

#include "math/half.h"
#include "variants.h"

using namespace dg;

namespace {

struct Shape {
  int64_t batch, channels, height, width, new_height, new_width;
};

// How much of output o input i is, from the definition in dinograd.h.
double weight(int kind, int grid, int64_t in, int64_t out, int64_t o, int64_t i) {
  const bool corners = grid == DG_GRID_CORNERS && out > 1, centers = grid == DG_GRID_CENTERS;
  const float scale = corners ? float(in - 1) / float(out - 1) : float(in) / float(out);
  const auto inside = [in](double at) { return std::min(std::max(at, 0.0), double(in - 1)); };
  if (kind == DG_RESIZE_NEAREST) {
    const float p = centers ? (float(o) + 0.5f) * scale : corners ? roundf(float(o) * scale) : float(o) * scale;
    return inside(floorf(p)) == double(i);
  }
  const double p = centers ? (float(o) + 0.5f) * scale - 0.5f : float(o) * scale, low = floor(p);
  return (inside(low) == double(i)) * (1 - (p - low)) + (inside(low + 1) == double(i)) * (p - low);
}

void check(const Shape &s, int kind, int grid) {
  const int64_t inputs = s.batch * s.height * s.width * s.channels;
  const int64_t outputs = s.batch * s.new_height * s.new_width * s.channels;
  const std::vector<float> x = random_values(inputs), dy = random_values(outputs);
  std::vector<double> y(outputs, 0), dx(inputs, 0);
  for (int64_t b = 0; b < s.batch; b++)
    for (int64_t oh = 0; oh < s.new_height; oh++)
      for (int64_t h = 0; h < s.height; h++) {
        const double row = weight(kind, grid, s.height, s.new_height, oh, h);
        for (int64_t ow = 0; row != 0 && ow < s.new_width; ow++)
          for (int64_t w = 0; w < s.width; w++) {
            const double share = row * weight(kind, grid, s.width, s.new_width, ow, w);
            for (int64_t c = 0; share != 0 && c < s.channels; c++) {
              const int64_t from = ((b * s.height + h) * s.width + w) * s.channels + c;
              const int64_t to = ((b * s.new_height + oh) * s.new_width + ow) * s.channels + c;
              y[to] += share * double(x[from]);
              dx[from] += share * double(dy[to]);
            }
          }
      }
  char what[96];
  snprintf(what, sizeof what, "kind %d, grid %d, %ld x %ld to %ld x %ld, %ld channels", kind, grid, long(s.height),
           long(s.width), long(s.new_height), long(s.new_width), long(s.channels));
  const ResizeAxis height = resize_axis(kind, grid, s.height, s.new_height);
  const ResizeAxis width = resize_axis(kind, grid, s.width, s.new_width);
  const double rounding = kind == DG_RESIZE_NEAREST ? 0 : 1e-6;
  check_close(what,
              run_everywhere<float>(
                  what, outputs,
                  [&](const Kernels &kernels, float *to) {
                    return kernels.resize({kind, DG_FLOAT32, x.data(), to, s.batch, s.channels, height, width});
                  }),
              y, rounding, rounding);
  check_close(what,
              run_everywhere<float>(
                  what, inputs,
                  [&](const Kernels &kernels, float *to) {
                    return kernels.resize_grad({kind, DG_FLOAT32, dy.data(), to, s.batch, s.channels, height, width});
                  }),
              dx, 1e-5, 1e-5 + 1e-7 * double(outputs) / double(inputs + 1));
}

// Types that are only moved keep their bits.
template <class T>
void check_moved(Dtype type) {
  const std::vector<T> x = {T(1), T(250), T(77)}, want = {x[0], x[0], x[1], x[1], x[2], x[2]};
  const ResizeAxis one = resize_axis(DG_RESIZE_NEAREST, DG_GRID_CENTERS, 1, 1);
  const ResizeAxis twice = resize_axis(DG_RESIZE_NEAREST, DG_GRID_CENTERS, 3, 6);
  CHECK(run_everywhere<T>("moving", 6,
                          [&](const Kernels &kernels, T *y) {
                            return kernels.resize({DG_RESIZE_NEAREST, type, x.data(), y, 1, 1, one, twice});
                          }) == want,
        "type %d", type);
}

// What 16-bit images become is what their float32 values would, rounded once.
template <class T>
void check_half(Dtype type) {
  std::vector<T> x, dy;
  std::vector<float> wide_x, wide_dy;
  for (int i = 0; i < 2 * 3 * 5; i++) wide_x.push_back(widen(x.emplace_back(narrow<T>(random_value()))));
  for (int i = 0; i < 4 * 4 * 5; i++) wide_dy.push_back(widen(dy.emplace_back(narrow<T>(random_value()))));
  const ResizeAxis height = resize_axis(DG_RESIZE_BILINEAR, DG_GRID_CENTERS, 2, 4);
  const ResizeAxis width = resize_axis(DG_RESIZE_BILINEAR, DG_GRID_CENTERS, 3, 4);
  const auto both = [&]<class F>(Dtype stored, const F *from, const F *grads) {
    auto y = run_everywhere<F>("16-bit images", 4 * 4 * 5, [&](const Kernels &kernels, F *to) {
      return kernels.resize({DG_RESIZE_BILINEAR, stored, from, to, 1, 5, height, width});
    });
    const auto dx = run_everywhere<F>("16-bit gradients", 2 * 3 * 5, [&](const Kernels &kernels, F *to) {
      return kernels.resize_grad({DG_RESIZE_BILINEAR, stored, grads, to, 1, 5, height, width});
    });
    y.insert(y.end(), dx.begin(), dx.end());
    return y;
  };
  const auto got = both(type, x.data(), dy.data());
  const auto want = both(DG_FLOAT32, wide_x.data(), wide_dy.data());
  for (size_t i = 0; i < want.size(); i++)
    CHECK(widen(got[i]) == widen(narrow<T>(want[i])), "type %d: %g, not %g", type, widen(got[i]), want[i]);
}

}  // namespace

int main() {
  if (kernels_here().empty()) return check_report("resize_test");
  const Shape shapes[] = {{1, 1, 1, 1, 1, 1},  {2, 3, 1, 1, 4, 3},     {2, 3, 5, 4, 1, 1},  {1, 1, 3, 4, 5, 7},
                          {2, 2, 7, 5, 3, 4},  {1, 17, 4, 6, 8, 18},   {1, 33, 9, 8, 3, 2}, {1, 2, 13, 11, 100, 3},
                          {1, 2, 50, 3, 7, 9}, {3, 70, 20, 20, 21, 19}};
  for (const Shape &shape : shapes)
    for (int kind : {DG_RESIZE_NEAREST, DG_RESIZE_BILINEAR})
      for (int grid : {DG_GRID_EDGES, DG_GRID_CORNERS, DG_GRID_CENTERS}) check(shape, kind, grid);
  check_moved<int32_t>(DG_INT32);
  check_moved<uint8_t>(DG_UINT8);
  check_moved<uint8_t>(DG_BOOL);
  check_half<Half>(DG_FLOAT16);
  check_half<Brain>(DG_BFLOAT16);
  // A narrow image as long as any: every input has its outputs.
  for (int64_t out : {int64_t{999983}, largest_image}) check({1, 1, 1, 37, 1, out}, DG_RESIZE_NEAREST, DG_GRID_CENTERS);
  return check_report("resize_test");
}
