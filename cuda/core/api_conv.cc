// Entries: convolution and pooling.
#include "api.h"

using namespace dg;

namespace dg {
namespace {

constexpr double max_count = 9007199254740992.0;  // what f64 carries exactly

// The next number of the scratch area, within [least, 2^31).
class Numbers {
 public:
  int next(int64_t &value, int least, const char *what) {
    const double given = *at_++;
    DG_REQUIRE(whole(given) && given >= least && given <= INT32_MAX, what, " must be a whole number from ", least,
               " to 2^31 - 1, got ", given);
    value = static_cast<int64_t>(given);
    return 0;
  }

 private:
  const double *at_ = context().scratch;
};

int read_axes(Numbers &numbers, int rank, Axis *axes) {
  DG_REQUIRE(rank >= 1 && rank <= spatial, "There must be 1 to ", spatial, " spatial dimensions, got ", rank);
  for (int d = 0; d < spatial - rank; d++) *axes++ = {1, 1, 1, 1, 1, 0};
  for (int d = 0; d < rank; d++) DG_TRY(numbers.next(axes[d].in, 0, "An input size"));
  for (int d = 0; d < rank; d++) DG_TRY(numbers.next(axes[d].out, 0, "An output size"));
  for (int d = 0; d < rank; d++) DG_TRY(numbers.next(axes[d].window, 1, "A window size"));
  for (int d = 0; d < rank; d++) DG_TRY(numbers.next(axes[d].stride, 1, "A stride"));
  for (int d = 0; d < rank; d++) DG_TRY(numbers.next(axes[d].dilation, 1, "A dilation"));
  for (int d = 0; d < rank; d++) DG_TRY(numbers.next(axes[d].padding, 0, "A padding"));
  for (int d = 0; d < rank; d++) {
    const double out = static_cast<double>(axes[d].out), window = static_cast<double>(axes[d].window);
    const double reach = out * static_cast<double>(axes[d].stride) + window * static_cast<double>(axes[d].dilation) +
                         static_cast<double>(axes[d].in + axes[d].padding);
    DG_REQUIRE(reach <= INT32_MAX, "Windows may reach over 2^31 - 1 elements, got ", reach);
  }
  return 0;
}

// Checks that an array has first * last elements for each position of the spatial dimensions. Behind a size of 0 the
// others may not overflow either.
int need_elements(const Array &a, int64_t first, const Axis *axes, int64_t Axis::*size, int64_t last,
                  const char *what) {
  double count = 1, extent = 1;
  const int64_t sizes[] = {first, axes[0].*size, axes[1].*size, axes[2].*size, last};
  for (const int64_t n : sizes) {
    count *= static_cast<double>(n);
    extent *= static_cast<double>(n ? n : 1);
  }
  DG_REQUIRE(extent <= max_count, what, " would have more than 2^53 elements");
  return need_count(a, count, what);
}

int convolution(ConvArgs &args, int rank) {
  Numbers numbers;
  DG_TRY(numbers.next(args.batch, 0, "The batch"));
  DG_TRY(numbers.next(args.in_channels, 0, "The number of input channels"));
  DG_TRY(numbers.next(args.out_channels, 0, "The number of output channels"));
  DG_TRY(numbers.next(args.groups, 1, "The number of groups"));
  DG_REQUIRE(args.in_channels % args.groups == 0 && args.out_channels % args.groups == 0, "Cannot divide ",
             args.in_channels, " input and ", args.out_channels, " output channels into ", args.groups, " groups");
  return read_axes(numbers, rank, args.axis);
}

// The windows of a pooling, and whether x and y have their elements.
template <class Args>
int pooling(Args &args, int rank, const Array *x, const Array *y) {
  Numbers numbers;
  DG_TRY(numbers.next(args.batch, 0, "The batch"));
  DG_TRY(numbers.next(args.channels, 0, "The number of channels"));
  DG_TRY(read_axes(numbers, rank, args.axis));
  if (x) DG_TRY(need_elements(*x, args.batch, args.axis, &Axis::in, args.channels, "The input"));
  if (y) DG_TRY(need_elements(*y, args.batch, args.axis, &Axis::out, args.channels, "The output"));
  return 0;
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_conv(int kind, int a_, int b_, int bias_, int y_, int rank, int flags, int activation, float alpha) {
  Entry entry;
  DG_OPERAND(a, a_);
  DG_OPERAND(b, b_);
  DG_OPERAND(y, y_);
  DG_REQUIRE(kind >= DG_CONV_FORWARD && kind <= DG_CONV_FILTER, "There is no convolution of kind ", kind);
  DG_REQUIRE((flags & ~(DG_TF32 | DG_TF32X3)) == 0, "There are no convolution flags ", flags);
  DG_TRY(same_device(*a, *b));
  DG_TRY(same_device(*a, *y));
  DG_TRY(need_floats(*a, "The first operand"));
  DG_TRY(need_type(*b, a->dtype, "The second operand"));
  DG_TRY(need_type(*y, a->dtype, "The result"));
  ConvArgs args{};
  DG_TRY(convolution(args, rank));
  const Array *input = kind == DG_CONV_INPUT ? y : a, *filter = kind == DG_CONV_FILTER ? y : b;
  const Array *output = kind == DG_CONV_FORWARD ? y : kind == DG_CONV_INPUT ? a : b;
  DG_TRY(need_elements(*input, args.batch, args.axis, &Axis::in, args.in_channels, "The input"));
  DG_TRY(need_elements(*output, args.batch, args.axis, &Axis::out, args.out_channels, "The output"));
  DG_TRY(need_elements(*filter, args.in_channels / args.groups, args.axis, &Axis::window, args.out_channels,
                       "The filter"));
  DG_TRY(apart(*y, *a));
  DG_TRY(apart(*y, *b));
  if (bias_) {
    DG_OPERAND(c, bias_);
    DG_TRY(same_device(*a, *c));
    DG_TRY(need_type(*c, a->dtype, "The bias"));
    DG_TRY(
        need_count(*c, static_cast<double>(kind == DG_CONV_INPUT ? args.in_channels : args.out_channels), "The bias"));
    DG_TRY(apart(*y, *c));
    args.bias = c->data();
  }
  DG_TRY(need_activation(activation));
  DG_REQUIRE(kind != DG_CONV_FILTER || (!bias_ && activation == -1),
             "The gradient of a filter takes no bias or activation");
  if (y->count == 0) return 0;
  args.kind = kind;
  args.type = a->dtype;
  args.a = a->data();
  args.b = b->data();
  args.y = y->data();
  args.tf32 = tf32_of(flags);
  args.activation = activation;
  args.alpha = alpha;
  return DG_SUBMIT(a->device(), ConvArgs, conv, args);
}

int dg_pool(int kind, int x_, int y_, int rank) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_REQUIRE(kind >= DG_POOL_MAX && kind <= DG_POOL_ARGMAX, "There is no pooling of kind ", kind);
  DG_TRY(same_device(*x, *y));
  DG_TRY(need_floats(*x, "The input"));
  DG_TRY(need_type(*y, kind == DG_POOL_ARGMAX ? DG_INT32 : x->dtype, "The output"));
  PoolArgs args{};
  DG_TRY(pooling(args, rank, x, y));
  DG_TRY(apart(*y, *x));
  if (y->count == 0) return 0;
  DG_REQUIRE(kind != DG_POOL_ARGMAX || args.batch == 0 || x->count / args.batch <= INT32_MAX,
             "A sample has more than 2^31 - 1 elements, which int32 cannot number");
  args.kind = kind;
  args.type = x->dtype;
  args.x = x->data();
  args.y = y->data();
  return DG_SUBMIT(x->device(), PoolArgs, pool, args);
}

int dg_pool_grad(int kind, int x_, int y_, int dy_, int dx_, int rank) {
  Entry entry;
  DG_OPERAND(dy, dy_);
  DG_OPERAND(dx, dx_);
  DG_REQUIRE(kind == DG_POOL_MAX || kind == DG_POOL_AVERAGE, "There is no gradient of pooling of kind ", kind);
  DG_TRY(same_device(*dy, *dx));
  DG_TRY(need_floats(*dy, "The upstream gradient"));
  DG_TRY(need_type(*dx, dy->dtype, "The result"));
  PoolGradArgs args{};
  DG_TRY(pooling(args, rank, dx, dy));
  DG_TRY(apart(*dx, *dy));
  if (kind == DG_POOL_MAX) {
    DG_OPERAND(x, x_);
    DG_OPERAND(y, y_);
    DG_TRY(same_device(*dy, *x));
    DG_TRY(same_device(*dy, *y));
    DG_TRY(need_type(*x, dy->dtype, "The input"));
    DG_TRY(need_type(*y, dy->dtype, "The output"));
    DG_TRY(pooling(args, rank, x, y));
    DG_TRY(apart(*dx, *x));
    DG_TRY(apart(*dx, *y));
    args.x = x->data();
    args.y = y->data();
  } else {
    DG_REQUIRE(x_ == 0 && y_ == 0, "The gradient of an average takes no input or output");
  }
  if (dx->count == 0) return 0;
  args.kind = kind;
  args.type = dy->dtype;
  args.dy = dy->data();
  args.dx = dx->data();
  return DG_SUBMIT(dy->device(), PoolGradArgs, pool_grad, args);
}

}  // extern "C"
