// Entries: random numbers, optimizer updates, gradient clipping, the finite check, notes.
#include <algorithm>
#include <functional>
#include <vector>

#include "../math/families.h"
#include "../math/real.h"
#include "../math/updates.h"
#include "api.h"

using namespace dg;

namespace dg {
namespace {

// The segments that scratch lists, with their places in the flat array, and the parameters behind them.
int read_segments(int count, const Array &flat, Segment *&segments, std::vector<const Array *> &params) {
  DG_REQUIRE(count >= 0 && count <= DG_SCRATCH / 2, "At most ", DG_SCRATCH / 2, " parameters fit one call, got ",
             count);
  segments = new_segments(count);
  int64_t at = 0;
  for (int i = 0; i < count; i++) {
    const double handle = context().scratch[2 * i];
    DG_REQUIRE(whole(handle) && handle <= INT32_MAX, "Parameter ", i, " must be a handle, got ", handle);
    DG_OPERAND(p, static_cast<int>(handle));
    DG_TRY(same_device(flat, *p));
    DG_TRY(need_floats(*p, "A parameter"));
    at = (at + segment_align - 1) / segment_align * segment_align;
    segments[i] = {p->data(), p->dtype, at, p->count, context().scratch[2 * i + 1] != 0};
    at += p->count;
    params.push_back(p);
  }
  DG_REQUIRE(at <= flat.count, "The parameters need ", at, " gradients, got ", flat.count);
  return 0;
}

// The tables that scratch lists behind `count` segments. `rests`: whether the rule leaves rows without gradients as they
// are.
int read_tables(int tables, int count, const Array &flat, Segment *segments, std::vector<const Array *> &arrays,
                bool rests) {
  DG_REQUIRE(tables >= 0 && 2 * count + 3 * tables <= DG_SCRATCH, "At most ", (DG_SCRATCH - 2 * count) / 3,
             " tables fit one call, got ", tables);
  int from = 0;
  for (int i = 0; i < tables; i++) {
    const double *const row = context().scratch + 2 * count + 3 * i;
    DG_REQUIRE(whole(row[0]) && row[0] >= from && row[0] < count, "Table ", i, " must be a segment of ", from, " to ",
               count - 1, ", got ", row[0]);
    Segment &s = segments[static_cast<int>(row[0])];
    from = static_cast<int>(row[0]) + 1;
    for (int k = 1; k < 3; k++)
      DG_REQUIRE(whole(row[k]) && row[k] <= INT32_MAX, "Table ", i, " must have handles, got ", row[k]);
    DG_OPERAND(order, static_cast<int>(row[1]));
    DG_OPERAND(sums, static_cast<int>(row[2]));
    for (const Array *a : {order, sums}) DG_TRY(same_device(flat, *a));
    DG_TRY(need_type(*order, DG_INT32, "The order of a table"));
    DG_TRY(need_type(*sums, DG_FLOAT32, "The sums of a table"));
    const int64_t inner = order->count ? sums->count / order->count : 1;
    DG_REQUIRE(inner * order->count == sums->count && inner > 0 && s.n % inner == 0, "Table ", i, " has ", s.n,
               " elements and ", order->count, " rows in order: the sums cannot be ", sums->count);
    s.order = reinterpret_cast<const int32_t *>(order->data());
    s.sums = reinterpret_cast<const float *>(sums->data());
    s.listed = order->count;
    s.inner = inner;
    s.only_listed = rests && !s.decay;
    arrays.push_back(order);
    arrays.push_back(sums);
  }
  return 0;
}

int one_integer(const Array &a, const char *what) {
  DG_TRY(need_type(a, DG_INT32, what));
  return need_count(a, 1, what);
}

// 0 if no two of the arrays share memory.
int all_apart(std::vector<const Array *> &arrays) {
  std::erase_if(arrays, [](const Array *a) { return a->count == 0; });
  std::sort(arrays.begin(), arrays.end(), [](const Array *a, const Array *b) {
    return a->storage != b->storage ? std::less<>()(a->storage, b->storage) : a->offset < b->offset;
  });
  for (size_t i = 1; i < arrays.size(); i++)
    DG_REQUIRE(!overlap(*arrays[i - 1], *arrays[i]), "Two of the arrays of a call share memory");
  return 0;
}

// Whether a distribution makes values of this type with these parameters.
int drawable(int op, int dtype, float a, float b) {
  const Random random = static_cast<Random>(op);
  const bool integers = random == Random::uniformInt, either = random == Random::bernoulli;
  DG_REQUIRE((is_float_type(dtype) && !integers) || (dtype == DG_INT32 && (integers || either)), random_name(op),
             " does not make ", dtype_name(dtype));
  const double low = a, high = b;
  if (random == Random::uniform) DG_REQUIRE(a <= b && b - a < infinity, "Cannot draw from [", low, ", ", high, ")");
  if (integers)
    DG_REQUIRE(ceil(low) < ceil(high) && low >= INT32_MIN && high <= -double{INT32_MIN}, "Cannot draw integers of [",
               low, ", ", high, "): there must be some, and they must be int32");
  return 0;
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_random(int op, int state_, int y_, float a, float b) {
  Entry entry;
  DG_OPERAND(state, state_);
  DG_OPERAND(y, y_);
  DG_REQUIRE(random_name(op), "There is no distribution ", op);
  DG_TRY(same_device(*state, *y));
  DG_TRY(need_type(*state, DG_INT32, "The random state"));
  DG_TRY(need_count(*state, 4, "The random state"));
  DG_TRY(apart(*y, *state));
  DG_TRY(drawable(op, y->dtype, a, b));
  if (y->count == 0) return 0;
  return DG_SUBMIT(y->device(), RandomArgs, random,
                   (RandomArgs{op, y->dtype, reinterpret_cast<int32_t *>(state->data()), y->data(), y->count, a, b}));
}

int dg_update(int op, int grads_, int s1, int s2, int s3, int hyper_, int iteration_, int finite_, int count,
              int tables) {
  Entry entry;
  DG_OPERAND(grads, grads_);
  DG_OPERAND(hyper, hyper_);
  DG_OPERAND(iteration, iteration_);
  DG_REQUIRE(update_name(op), "There is no optimizer rule ", op);
  DG_TRY(same_device(*grads, *hyper));
  DG_TRY(same_device(*grads, *iteration));
  DG_TRY(need_type(*grads, DG_FLOAT32, "The gradients"));
  DG_TRY(need_type(*hyper, DG_FLOAT32, "hyper"));
  DG_TRY(need_count(*hyper, DG_HYPER, "hyper"));
  DG_TRY(one_integer(*iteration, "iteration"));
  std::vector<const Array *> arrays = {grads, hyper, iteration};
  const int32_t *finite = nullptr;
  if (finite_) {
    DG_OPERAND(flag, finite_);
    DG_TRY(same_device(*grads, *flag));
    DG_TRY(one_integer(*flag, "finite"));
    arrays.push_back(flag);
    finite = reinterpret_cast<const int32_t *>(flag->data());
  }
  float *slots[3] = {};
  const int handles[3] = {s1, s2, s3};
  for (int i = 0; i < 3; i++) {
    if (!handles[i]) {
      DG_REQUIRE(!(update_slots(op) >> i & 1), update_name(op), " needs state array s", i + 1);
      continue;
    }
    DG_OPERAND(s, handles[i]);
    DG_TRY(same_device(*grads, *s));
    DG_TRY(need_type(*s, DG_FLOAT32, "A state array"));
    DG_TRY(need_count(*s, static_cast<double>(grads->count), "A state array"));
    arrays.push_back(s);
    slots[i] = reinterpret_cast<float *>(s->data());
  }
  Segment *segments = nullptr;
  DG_TRY(read_segments(count, *grads, segments, arrays));
  const int given = (s1 ? 1 : 0) | (s2 ? 2 : 0) | (s3 ? 4 : 0);
  const bool rests = with_rule(static_cast<Update>(op), given, [](auto rule) { return decltype(rule)::Rule::rests; });
  DG_TRY(read_tables(tables, count, *grads, segments, arrays, rests));
  DG_TRY(all_apart(arrays));
  return DG_SUBMIT(grads->device(), UpdateArgs, update,
                   (UpdateArgs{op, reinterpret_cast<const float *>(grads->data()), slots[0], slots[1], slots[2],
                               reinterpret_cast<float *>(hyper->data()), reinterpret_cast<int32_t *>(iteration->data()),
                               finite, segments, count}));
}

int dg_clip(int op, int grads_, float limit, int count) {
  Entry entry;
  DG_OPERAND(grads, grads_);
  DG_REQUIRE(clip_name(op), "There is no clipping ", op);
  DG_TRY(need_type(*grads, DG_FLOAT32, "The gradients"));
  DG_REQUIRE(limit >= 0, clip_name(op), " must not be negative, got ", static_cast<double>(limit));
  Segment *segments = nullptr;
  std::vector<const Array *> params;
  DG_TRY(read_segments(count, *grads, segments, params));
  return DG_SUBMIT(grads->device(), ClipArgs, clip,
                   (ClipArgs{op, reinterpret_cast<float *>(grads->data()), limit, segments, count}));
}

int dg_all_finite(int x_, int flag_) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(flag, flag_);
  DG_TRY(same_device(*x, *flag));
  DG_TRY(need_type(*x, DG_FLOAT32, "The input"));
  DG_TRY(one_integer(*flag, "The flag"));
  DG_TRY(apart(*flag, *x));
  return DG_SUBMIT(
      x->device(), AllFiniteArgs, all_finite,
      (AllFiniteArgs{reinterpret_cast<const float *>(x->data()), reinterpret_cast<int32_t *>(flag->data()), x->count}));
}

int dg_loss_scale(int scale_, int steps_, int finite_, int growth) {
  Entry entry;
  DG_OPERAND(scale, scale_);
  DG_OPERAND(steps, steps_);
  DG_OPERAND(finite, finite_);
  DG_TRY(same_device(*scale, *steps));
  DG_TRY(same_device(*scale, *finite));
  DG_TRY(need_type(*scale, DG_FLOAT32, "The scale"));
  DG_TRY(need_count(*scale, 1, "The scale"));
  DG_TRY(one_integer(*steps, "steps"));
  DG_TRY(one_integer(*finite, "finite"));
  DG_TRY(apart(*scale, *finite));
  DG_TRY(apart(*steps, *finite));
  DG_TRY(apart(*steps, *scale));
  DG_REQUIRE(growth >= 1, "The scale must grow after at least one step, got ", growth);
  return DG_SUBMIT(scale->device(), LossScaleArgs, loss_scale,
                   (LossScaleArgs{reinterpret_cast<float *>(scale->data()), reinterpret_cast<int32_t *>(steps->data()),
                                  reinterpret_cast<const int32_t *>(finite->data()), growth}));
}

int dg_note(int value_, int log_, int counters_, int advance_) {
  Entry entry;
  DG_OPERAND(value, value_);
  DG_OPERAND(log, log_);
  DG_OPERAND(counters, counters_);
  DG_OPERAND(advance, advance_);
  for (const Array *other : {log, counters, advance}) DG_TRY(same_device(*value, *other));
  DG_TRY(need_type(*value, DG_FLOAT32, "The value"));
  DG_TRY(need_count(*value, 1, "The value"));
  DG_TRY(need_type(*log, DG_FLOAT32, "The log"));
  DG_TRY(need_type(*counters, DG_INT32, "The counters"));
  DG_TRY(need_type(*advance, DG_INT32, "Their advance"));
  DG_REQUIRE(counters->count >= 1, "There must be a counter for the number");
  DG_TRY(need_count(*advance, static_cast<double>(counters->count), "Their advance"));
  std::vector<const Array *> arrays = {value, log, counters, advance};
  DG_TRY(all_apart(arrays));
  return DG_SUBMIT(value->device(), NoteArgs, note,
                   (NoteArgs{reinterpret_cast<const float *>(value->data()), reinterpret_cast<float *>(log->data()),
                             reinterpret_cast<int32_t *>(counters->data()),
                             reinterpret_cast<const int32_t *>(advance->data()), log->count, counters->count}));
}

}  // extern "C"
