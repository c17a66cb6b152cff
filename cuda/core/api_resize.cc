// Entries: resizing.
#include "../math/resize.h"
#include "api.h"

using namespace dg;

namespace dg {
namespace {

// The sizes of images and of what they become, and whether `input` and `output` have their elements.
template <class Args>
int resizing(Args &args, int kind, int grid, const Array &input, const Array &output) {
  DG_REQUIRE(kind == DG_RESIZE_NEAREST || kind == DG_RESIZE_BILINEAR, "There is no resizing of kind ", kind);
  DG_REQUIRE(grid >= DG_GRID_EDGES && grid <= DG_GRID_CENTERS, "There is no grid ", grid);
  const double *const sizes = context().scratch;
  for (int i = 0; i < 2; i++)
    DG_REQUIRE(whole(sizes[i]) && sizes[i] <= INT32_MAX, "Batch and channels must be whole numbers below 2^31, got ",
               sizes[i]);
  for (int i = 2; i < 6; i++)
    DG_REQUIRE(whole(sizes[i]) && sizes[i] >= 1 && sizes[i] <= static_cast<double>(largest_image),
               "Heights and widths must be whole numbers from 1 to 2^20, got ", sizes[i]);
  const double images = sizes[0] * sizes[1];
  DG_TRY(need_count(input, images * (sizes[2] * sizes[4]), "The input"));
  DG_TRY(need_count(output, images * (sizes[3] * sizes[5]), "The output"));
  const auto axis = [&](int at) {
    return resize_axis(kind, grid, static_cast<int64_t>(sizes[at]), static_cast<int64_t>(sizes[at + 1]));
  };
  args.kind = kind;
  args.batch = static_cast<int64_t>(sizes[0]);
  args.channels = static_cast<int64_t>(sizes[1]);
  args.height = axis(2);
  args.width = axis(4);
  return 0;
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_resize(int kind, int x_, int y_, int grid) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_TRY(same_device(*x, *y));
  if (kind != DG_RESIZE_NEAREST) DG_TRY(need_floats(*x, "The input"));
  DG_TRY(need_type(*y, x->dtype, "The output"));
  ResizeArgs args{};
  DG_TRY(resizing(args, kind, grid, *x, *y));
  DG_TRY(apart(*y, *x));
  if (y->count == 0) return 0;
  args.type = x->dtype;
  args.x = x->data();
  args.y = y->data();
  return DG_SUBMIT(x->device(), ResizeArgs, resize, args);
}

int dg_resize_grad(int kind, int dy_, int dx_, int grid) {
  Entry entry;
  DG_OPERAND(dy, dy_);
  DG_OPERAND(dx, dx_);
  DG_TRY(same_device(*dy, *dx));
  DG_TRY(need_floats(*dy, "The upstream gradient"));
  DG_TRY(need_type(*dx, dy->dtype, "The result"));
  ResizeGradArgs args{};
  DG_TRY(resizing(args, kind, grid, *dx, *dy));
  DG_TRY(apart(*dx, *dy));
  if (dx->count == 0) return 0;
  args.type = dy->dtype;
  args.dy = dy->data();
  args.dx = dx->data();
  return DG_SUBMIT(dy->device(), ResizeGradArgs, resize_grad, args);
}

}  // extern "C"
