// Which way does a convolution go? As a matrix product where windows are single pixels, channel by channel where every
// channel has a group of its own, tap by tap where results have few channels, else in tiles that read pixels where they
// lie.
#include "../../core/error.h"
#include "conv_filter.h"
#include "conv_thin.h"
#include "depthwise.h"

namespace dg::DG_ISA {
namespace {

const float *floats(const void *p) { return static_cast<const float *>(p); }

// Memory for a call, taken in pieces that begin at cache lines.
class Room {
 public:
  explicit Room(int64_t floats) {
    static thread_local Scratch scratch;
    next_ = static_cast<float *>(scratch.room((floats + 1) * sizeof(float)));
  }
  bool there() const { return next_ != nullptr; }
  float *take(int64_t floats) {
    float *const piece = next_;
    next_ += size(floats);
    return piece;
  }
  static int64_t size(int64_t floats) { return divide_up(floats, 16) * 16; }

 private:
  float *next_;
};

// An input as the tiles take it. Where windows are shallow, cutting them would cost more than a border of zeros around
// the images, which lets them be folded.
class Input {
 public:
  Input(Conv &c, const ConvArgs &args) : x_(floats(args.a)) {
    constexpr int64_t shallow = 64;
    const Axis width = c.axis[along_width];
    const int64_t bordered = c.bordered_width();
    const int64_t values = c.taps / width.window * c.depth;  // that a window takes at each step along the width
    if (!c.can_fold() && values > 0 && values <= shallow && bordered <= 2 * width.in) {
      Conv widened = c;
      widened.widen(bordered);
      if (widened.can_fold()) {
        c = widened;
        padding_ = width.padding;
        in_ = width.in;
      }
    }
    out_ = c.axis[along_width].in;
    channels_ = c.in_channels;
    rows_ = args.batch * args.axis[0].in * args.axis[1].in;
    if (c.can_fold()) c.fold();
  }

  int64_t room() const { return in_ ? rows_ * out_ * channels_ : 0; }
  const float *place(float *room) const {
    if (!in_) return x_;
    parallel_for(rows_, divide_up(piece_work / 8, out_ * channels_ + 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        float *const row = room + i * out_ * channels_;
        memset(row, 0, padding_ * channels_ * sizeof(float));
        memcpy(row + padding_ * channels_, x_ + i * in_ * channels_, in_ * channels_ * sizeof(float));
        memset(row + (padding_ + in_) * channels_, 0, (out_ - padding_ - in_) * channels_ * sizeof(float));
      }
    });
    return room;
  }

 private:
  const float *x_;
  int64_t in_ = 0, padding_ = 0, out_, channels_, rows_;  // a row of the copy: padding_, in_, zeros up to out_
};

Pass pass_of(const ConvArgs &args, const Conv &c, const float *source) {
  return {
      c,         args.kind == DG_CONV_INPUT, source, static_cast<float *>(args.y), floats(args.bias), args.activation,
      args.alpha};
}

int forward(const ConvArgs &args) {
  Conv c(args);
  const Input input(c, args);
  const int64_t pixels = args.batch * elements(args.axis, &Axis::out);
  Panels filter(floats(args.b), c.taps * c.depth, c.out_channels / c.groups, c.groups, pixels);
  Room room(Room::size(input.room()) + filter.room());
  if (!room.there()) return DG_E_MEMORY;
  const float *const x = input.place(room.take(input.room()));
  filter.copy_to(room.take(filter.room()));
  return apply(pass_of(args, c, x), filter);
}

int data_gradient(const ConvArgs &args) {
  const Conv c(args);
  Panels filter = Panels::turned(floats(args.b), c.taps, c.out_channels / c.groups, c.depth, c.groups);
  Room room(filter.room());
  if (!room.there()) return DG_E_MEMORY;
  filter.copy_to(room.take(filter.room()));
  return apply(pass_of(args, c, floats(args.a)), filter);
}

// Results of few channels.
bool is_thin(const ConvArgs &args) {
  const Conv c(args, along_width);
  return args.kind != DG_CONV_FILTER && Thin::suits(pass_of(args, c, nullptr));
}
int thin(const ConvArgs &args) {
  const Conv c(args, along_width);
  const Pass pass = pass_of(args, c, floats(args.a));
  const Thin thin(pass);
  Room room(thin.room());
  return room.there() ? thin.run(floats(args.b), room.take(thin.room())) : DG_E_MEMORY;
}

int gradient_of_filter(const ConvArgs &args) {
  Conv c(args);
  const Input input(c, args);
  const int64_t pixels = args.batch * elements(args.axis, &Axis::out);
  const FilterSplit split(c);
  Panels dy(floats(args.b), pixels, c.out_channels / c.groups, c.groups, 0);
  Room room(Room::size(input.room()) + Room::size(dy.room()) + split.room());
  if (!room.there()) return DG_E_MEMORY;
  const float *const x = input.place(room.take(input.room()));
  dy.copy_to(room.take(dy.room()));
  filter_gradient(c, split, x, dy, static_cast<float *>(args.y), room.take(split.room()));
  return 0;
}

// Every channel has filters of its own.
int depthwise(const ConvArgs &args) {
  const int64_t times = args.out_channels / args.groups;
  ConvArgs even = args;  // as many inputs as outputs
  even.in_channels = even.groups = args.out_channels;
  const Conv c(even, along_width);
  const Pass pass = pass_of(args, c, floats(args.a));
  if (pass.backward) return apply_depthwise(pass, floats(args.b), times);
  const int64_t inputs = args.batch * (c.in_step[along_batch] / times), copies = times > 1 ? inputs * times : 0;
  const FilterSplit split(c);
  Room room(Room::size(copies) + split.room());
  if (!room.there()) return DG_E_MEMORY;
  const float *x = pass.source;
  if (copies) {
    float *const repeated = room.take(copies);
    repeat_neighbours(x, inputs, times, repeated);
    x = repeated;
  }
  if (args.kind == DG_CONV_FORWARD) return apply_depthwise(pass_of(args, c, x), floats(args.b), 1);
  depthwise_gradient(c, split, x, floats(args.b), pass.dest, room.take(split.room()));
  return 0;
}

// Windows of one pixel that meet all pixels: a product of [pixels, channels] by the filter, or by its transpose.
bool is_product(const ConvArgs &args) {
  for (const Axis &axis : args.axis)
    if (axis.window != 1 || axis.stride != 1 || axis.padding != 0 || axis.in != axis.out) return false;
  return args.groups == 1 && args.kind != DG_CONV_FILTER;
}
int product(const ConvArgs &args) {
  const bool back = args.kind == DG_CONV_INPUT;
  const int64_t pixels = args.batch * elements(args.axis, &Axis::in);
  const int64_t n = back ? args.in_channels : args.out_channels, k = back ? args.out_channels : args.in_channels;
  return run_matmul({args.type, args.a, args.b, args.bias, args.y, 1, pixels, n, k, pixels * k, k * n, 0, back,
                     args.tf32, args.activation, args.alpha});
}

int convolve(const ConvArgs &args) {
  if (is_product(args)) return product(args);
  if (args.groups > 1 && args.in_channels == args.groups) return depthwise(args);
  if (is_thin(args)) return thin(args);
  switch (args.kind) {
    case DG_CONV_FORWARD:
      return forward(args);
    case DG_CONV_INPUT:
      return data_gradient(args);
    default:
      return gradient_of_filter(args);
  }
}

}  // namespace

int run_conv(const ConvArgs &args) {
  if (const int status = convolve(args))
    return fail(status, "Out of memory: a convolution has no room to arrange its operands");
  return 0;
}

}  // namespace dg::DG_ISA
