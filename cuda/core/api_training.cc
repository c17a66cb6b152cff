// Entries: random numbers, optimizer updates, gradient clipping, the finite check.
#include "../math/families.h"
#include "api.h"

using namespace dg;

namespace dg {
namespace {

// The segments that scratch lists, with their places in the flat array. `params`: write access to the parameters is
// wanted.
int read_segments(int count, const Array &flat, bool params, Segment *&segments) {
  DG_REQUIRE(count >= 0 && count * 2 <= DG_SCRATCH, "At most ", DG_SCRATCH / 2, " parameters fit one call, got ",
             count);
  segments = new_segments(count);
  int64_t at = 0;
  for (int i = 0; i < count; i++) {
    DG_FIND(p, static_cast<int>(scratch_int(2 * i)));
    DG_TRY(same_device(flat, *p));
    DG_TRY(need_type(*p, DG_FLOAT32, "A parameter"));
    if (params) DG_TRY(apart(*p, flat));
    at = (at + segment_align - 1) / segment_align * segment_align;
    segments[i] = {params ? reinterpret_cast<float *>(p->data()) : nullptr, at, p->count,
                   context().scratch[2 * i + 1] != 0};
    at += p->count;
  }
  DG_REQUIRE(at <= flat.count, "The parameters need ", at, " gradients, got ", flat.count);
  return 0;
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_random(int op, int state_, int y_, float a, float b) {
  Entry entry;
  DG_FIND(state, state_);
  DG_FIND(y, y_);
  DG_REQUIRE(random_name(op), "There is no distribution ", op);
  DG_TRY(same_device(*state, *y));
  DG_TRY(need_type(*state, DG_INT32, "The random state"));
  DG_TRY(need_count(*state, 4, "The random state"));
  DG_TRY(apart(*y, *state));
  DG_REQUIRE(y->dtype == DG_FLOAT32 || y->dtype == DG_INT32, random_name(op), " makes float32 or int32, not ",
             dtype_name(y->dtype));
  if (y->count == 0) return 0;
  return DG_SUBMIT(y->device(), RandomArgs, random,
                   (RandomArgs{op, y->dtype, reinterpret_cast<int32_t *>(state->data()), y->data(), y->count, a, b}));
}

int dg_update(int op, int grads_, int s1, int s2, int s3, int hyper_, int iteration_, int count) {
  Entry entry;
  DG_FIND(grads, grads_);
  DG_FIND(hyper, hyper_);
  DG_FIND(iteration, iteration_);
  DG_REQUIRE(update_name(op), "There is no optimizer rule ", op);
  DG_TRY(same_device(*grads, *hyper));
  DG_TRY(same_device(*grads, *iteration));
  DG_TRY(need_type(*grads, DG_FLOAT32, "The gradients"));
  DG_TRY(need_type(*hyper, DG_FLOAT32, "hyper"));
  DG_TRY(need_count(*hyper, DG_HYPER, "hyper"));
  DG_TRY(need_type(*iteration, DG_INT32, "iteration"));
  DG_TRY(need_count(*iteration, 1, "iteration"));
  float *slots[3] = {};
  const int handles[3] = {s1, s2, s3};
  for (int i = 0; i < 3; i++) {
    if (!handles[i]) {
      DG_REQUIRE(!(update_slots(op) >> i & 1), update_name(op), " needs state array s", i + 1);
      continue;
    }
    DG_FIND(s, handles[i]);
    DG_TRY(same_device(*grads, *s));
    DG_TRY(need_type(*s, DG_FLOAT32, "A state array"));
    DG_TRY(need_count(*s, static_cast<double>(grads->count), "A state array"));
    DG_TRY(apart(*s, *grads));
    slots[i] = reinterpret_cast<float *>(s->data());
  }
  Segment *segments = nullptr;
  DG_TRY(read_segments(count, *grads, true, segments));
  return DG_SUBMIT(grads->device(), UpdateArgs, update,
                   (UpdateArgs{op, reinterpret_cast<const float *>(grads->data()), slots[0], slots[1], slots[2],
                               reinterpret_cast<float *>(hyper->data()), reinterpret_cast<int32_t *>(iteration->data()),
                               segments, count}));
}

int dg_clip(int op, int grads_, float limit, int count) {
  Entry entry;
  DG_FIND(grads, grads_);
  DG_REQUIRE(clip_name(op), "There is no clipping ", op);
  DG_TRY(need_type(*grads, DG_FLOAT32, "The gradients"));
  DG_REQUIRE(limit >= 0, clip_name(op), " must not be negative, got ", static_cast<double>(limit));
  Segment *segments = nullptr;
  DG_TRY(read_segments(count, *grads, false, segments));
  return DG_SUBMIT(grads->device(), ClipArgs, clip,
                   (ClipArgs{op, reinterpret_cast<float *>(grads->data()), limit, segments, count}));
}

int dg_all_finite(int x_, int flag_) {
  Entry entry;
  DG_FIND(x, x_);
  DG_FIND(flag, flag_);
  DG_TRY(same_device(*x, *flag));
  DG_TRY(need_type(*x, DG_FLOAT32, "The input"));
  DG_TRY(need_type(*flag, DG_INT32, "The flag"));
  DG_TRY(need_count(*flag, 1, "The flag"));
  DG_TRY(apart(*flag, *x));
  return DG_SUBMIT(
      x->device(), AllFiniteArgs, all_finite,
      (AllFiniteArgs{reinterpret_cast<const float *>(x->data()), reinterpret_cast<int32_t *>(flag->data()), x->count}));
}

}  // extern "C"
