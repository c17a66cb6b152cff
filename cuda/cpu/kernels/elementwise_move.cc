// Elementwise without arithmetic: where, cast, fill, copy.
#include "../../math/elementwise.h"
#include "elementwise.h"

namespace dg::DG_ISA {
namespace {

void where_loop(const Stream *in, char *y, int64_t vectors, const float *) {
  const char *condition = in[0].data, *a = in[1].data, *b = in[2].data;
  for (; vectors > 0; vectors--, y += vector_bytes) {
    const auto chosen = load_vector<IntLanes>(condition) != 0;
    store_vector(y, select(chosen, load_vector<IntLanes>(a), load_vector<IntLanes>(b)));
    condition += in[0].step;
    a += in[1].step;
    b += in[2].step;
  }
}

struct Same {
  static DG_HD auto convert(IntLanes x) { return x; }
};
struct ToFloat {
  static DG_HD auto convert(IntLanes x) { return to_float(x); }
};
struct ToInt {
  static DG_HD auto convert(IntLanes x) { return to_int_saturated(from_bits(x)); }
};
struct FloatTest {
  static DG_HD auto convert(IntLanes x) { return (from_bits(x) != 0.0f) & 1; }
};
struct IntTest {
  static DG_HD auto convert(IntLanes x) { return (x != 0) & 1; }
};

template <class Conversion>
void convert_loop(const Stream *in, char *y, int64_t vectors, const float *) {
  const char *x = in[0].data;
  for (; vectors > 0; vectors--, x += in[0].step, y += vector_bytes)
    store_vector(y, Conversion::convert(load_vector<IntLanes>(x)));
}

Loop conversion(Dtype from, Dtype to) {
  const bool from_floats = type_flag(from) == FLOAT, to_floats = type_flag(to) == FLOAT;
  if (to == DG_BOOL && from != DG_BOOL) return from_floats ? convert_loop<FloatTest> : convert_loop<IntTest>;
  if (from_floats == to_floats) return convert_loop<Same>;
  return to_floats ? convert_loop<ToFloat> : convert_loop<ToInt>;
}

}  // namespace

int run_where(const WhereArgs &args) {
  Walk walk(where_loop, nullptr, args.y, args.type, args.space.n);
  walk.add_input(args.condition, DG_BOOL, args.space, 0);
  walk.add_input(args.a, args.type, args.space, 1);
  walk.add_input(args.b, args.type, args.space, 2);
  walk.run(false);
  return 0;
}

int run_cast(const CastArgs &args) {
  Walk walk(conversion(args.in, args.out), nullptr, args.y, args.out, args.n);
  walk.add_input(args.x, args.in);
  walk.run(false);
  return 0;
}

int run_fill(const FillArgs &args) {
  union {
    float f;
    int32_t i;
    uint8_t byte;
  } value;
  const double whole = args.value < INT32_MIN ? INT32_MIN : args.value > INT32_MAX ? INT32_MAX : args.value;
  const int32_t i = args.value == args.value ? static_cast<int32_t>(whole) : 0;
  switch (args.type) {
    case DG_INT32:
      value.i = i;
      break;
    case DG_UINT8:
      value.byte = static_cast<uint8_t>(i);
      break;
    case DG_BOOL:
      value.byte = args.value != 0;
      break;
    default:
      value.f = static_cast<float>(args.value);
  }
  Walk walk(convert_loop<Same>, nullptr, args.y, args.type, args.n);
  walk.add_scalar(&value, is_half(args.type) ? DG_FLOAT32 : args.type);
  walk.run(false);
  return 0;
}

// Bytes: as whole elements of 4 where they come to that and lie like that.
int run_copy(const CopyArgs &args) {
  const bool words = (args.bytes | reinterpret_cast<intptr_t>(args.x) | reinterpret_cast<intptr_t>(args.y)) % 4 == 0;
  Walk walk(convert_loop<Same>, nullptr, args.y, words ? DG_INT32 : DG_UINT8, words ? args.bytes / 4 : args.bytes);
  walk.add_input(args.x, words ? DG_INT32 : DG_UINT8);
  walk.run(false);
  return 0;
}

}  // namespace dg::DG_ISA
