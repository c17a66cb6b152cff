// Entries: normalization.
#include "api.h"

using namespace dg;

namespace dg {
namespace {

// The sizes of x, of which there are as many as elements.
int normal_sizes(NormalSizes &sizes, const Array &x) {
  const double *const given = context().scratch;
  for (int i = 0; i < 4; i++)
    DG_REQUIRE(whole(given[i]) && given[i] >= 1 && given[i] <= 0x1p40,
               "Batch, rows, groups and size must be whole numbers from 1, got ", given[i]);
  DG_TRY(need_count(x, given[0] * given[1] * (given[2] * given[3]), "The input"));
  sizes = {static_cast<int64_t>(given[0]), static_cast<int64_t>(given[1]), static_cast<int64_t>(given[2]),
           static_cast<int64_t>(given[3])};
  return 0;
}

// What lies beside x: another array of its elements, or float32 values.
int need_beside(const Array &a, const Array &x, int dtype, int64_t count, const char *what) {
  DG_TRY(same_device(a, x));
  DG_TRY(need_type(a, dtype, what));
  return need_count(a, static_cast<double>(count), what);
}

float *floats(const Array *a) { return a ? reinterpret_cast<float *>(a->data()) : nullptr; }

}  // namespace
}  // namespace dg

extern "C" {

int dg_normalize(int x_, int scale_, int offset_, int mean_, int variance_, int y_, int measure, float epsilon) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPTIONAL(scale, scale_);
  DG_OPTIONAL(offset, offset_);
  DG_OPTIONAL(mean, mean_);
  DG_OPERAND(variance, variance_);
  DG_OPERAND(y, y_);
  DG_TRY(need_floats(*x, "The input"));
  DG_REQUIRE(measure == 0 || measure == 1, "measure must be 0 or 1, got ", measure);
  NormalizeArgs args{};
  DG_TRY(normal_sizes(args.sizes, *x));
  const int64_t channels = args.sizes.channels(), statistics = args.sizes.batch * args.sizes.groups;
  if (scale) DG_TRY(need_beside(*scale, *x, DG_FLOAT32, channels, "The scale"));
  if (offset) DG_TRY(need_beside(*offset, *x, DG_FLOAT32, channels, "The offset"));
  if (mean) DG_TRY(need_beside(*mean, *x, DG_FLOAT32, statistics, "The mean"));
  DG_TRY(need_beside(*variance, *x, DG_FLOAT32, statistics, "The variance"));
  DG_TRY(need_beside(*y, *x, x->dtype, x->count, "The output"));
  DG_TRY(measure ? all_apart({y, mean, variance}, {x, scale, offset})
                 : all_apart({y}, {x, scale, offset, mean, variance}));
  args.type = x->dtype;
  args.x = x->data();
  args.scale = floats(scale);
  args.offset = floats(offset);
  args.mean = floats(mean);
  args.variance = floats(variance);
  args.y = y->data();
  args.measure = measure;
  args.epsilon = epsilon;
  return DG_SUBMIT(x->device(), NormalizeArgs, normalize, args);
}

int dg_normalize_grad(int x_, int dy_, int scale_, int mean_, int variance_, int dx_, int dscale_, int doffset_,
                      float epsilon) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(dy, dy_);
  DG_OPTIONAL(scale, scale_);
  DG_OPTIONAL(mean, mean_);
  DG_OPERAND(variance, variance_);
  DG_OPERAND(dx, dx_);
  DG_OPTIONAL(dscale, dscale_);
  DG_OPTIONAL(doffset, doffset_);
  DG_TRY(need_floats(*x, "The input"));
  NormalizeGradArgs args{};
  DG_TRY(normal_sizes(args.sizes, *x));
  const int64_t channels = args.sizes.channels(), statistics = args.sizes.batch * args.sizes.groups;
  DG_TRY(need_beside(*dy, *x, x->dtype, x->count, "The upstream gradient"));
  if (scale) DG_TRY(need_beside(*scale, *x, DG_FLOAT32, channels, "The scale"));
  if (mean) DG_TRY(need_beside(*mean, *x, DG_FLOAT32, statistics, "The mean"));
  DG_TRY(need_beside(*variance, *x, DG_FLOAT32, statistics, "The variance"));
  DG_TRY(need_beside(*dx, *x, x->dtype, x->count, "The result"));
  if (dscale) DG_TRY(need_beside(*dscale, *x, DG_FLOAT32, channels, "The scale's gradient"));
  if (doffset) DG_TRY(need_beside(*doffset, *x, DG_FLOAT32, channels, "The offset's gradient"));
  DG_TRY(all_apart({dx, dscale, doffset}, {x, dy, scale, mean, variance}));
  args.type = x->dtype;
  args.x = x->data();
  args.dy = dy->data();
  args.scale = floats(scale);
  args.mean = floats(mean);
  args.variance = floats(variance);
  args.dx = dx->data();
  args.dscale = floats(dscale);
  args.doffset = floats(doffset);
  args.epsilon = epsilon;
  return DG_SUBMIT(x->device(), NormalizeGradArgs, normalize_grad, args);
}

}  // extern "C"
