// Entries: recurrent layers.
#include "../math/slope.h"
#include "api.h"

using namespace dg;

namespace dg {
namespace {

constexpr double max_count = 9007199254740992.0;  // what f64 carries exactly

// One call's operands: all are floats of the type of the first, on its device, and apart from what was written before.
class Call {
 public:
  explicit Call(const Array &first) : first_(first) {}

  template <class T>
  int in(int handle, double count, const char *what, const T **data, int dtype = -1) {
    DG_OPERAND(a, handle);
    DG_TRY(same_device(first_, *a));
    DG_TRY(need_type(*a, dtype < 0 ? first_.dtype : dtype, what));
    DG_TRY(need_count(*a, count, what));
    arrays_[count_++] = a;
    *data = reinterpret_cast<const T *>(a->data());
    return 0;
  }
  int in_or_none(int handle, double count, const char *what, const void **data) {
    return handle ? in(handle, count, what, data) : 0;
  }
  // After all inputs.
  template <class T>
  int out(int handle, double count, const char *what, T **data, int dtype = -1) {
    DG_TRY(in(handle, count, what, const_cast<const T **>(data), dtype));
    for (int i = 0; i < count_ - 1; i++) DG_TRY(apart(*arrays_[count_ - 1], *arrays_[i]));
    return 0;
  }

 private:
  const Array &first_;
  const Array *arrays_[16];
  int count_ = 0;
};

struct Sizes {
  double batch, steps, units;
};

template <class Args>
int cell(Args &args, Sizes &sizes, int kind, int activation, int gate, const Array &y) {
  DG_REQUIRE(kind >= DG_CELL_SIMPLE && kind <= DG_CELL_GRU_BEFORE, "There is no recurrent cell ", kind);
  for (int id : {activation, gate})
    DG_REQUIRE(slope_follows(id), "A recurrent cell cannot have unary operation ", id, " as an activation");
  const double *const given = context().scratch;
  sizes = {given[0], given[1], given[2]};
  DG_REQUIRE(whole(sizes.batch), "The batch must be a whole number, got ", sizes.batch);
  DG_REQUIRE(whole(sizes.steps) && sizes.steps >= 1 && whole(sizes.units) && sizes.units >= 1,
             "Steps and units must be whole numbers from 1, got ", sizes.steps, " and ", sizes.units);
  const double largest = sizes.batch > sizes.units ? sizes.batch : sizes.units;
  DG_REQUIRE(largest * sizes.units * (sizes.steps + 1) * 5 <= max_count,
             "A recurrent layer's arrays would have more than 2^53 elements");
  args.kind = kind;
  args.activation = activation;
  args.gate = gate;
  args.batch = static_cast<int64_t>(sizes.batch);
  args.steps = static_cast<int64_t>(sizes.steps);
  args.units = static_cast<int64_t>(sizes.units);
  DG_TRY(need_floats(y, "The states"));
  args.type = y.dtype;
  const bool longer = kind == DG_CELL_LSTM && static_cast<double>(y.count) != sizes.batch * sizes.steps * sizes.units;
  args.rows = args.steps + longer;
  return 0;
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_recurrent(int kind, int projected, int kernel, int bias, int h, int c, int mask, int keep, int y, int trace,
                 int activation, int gate) {
  Entry entry;
  DG_OPERAND(states, y);
  RecurrentArgs args{};
  Sizes sizes;
  DG_TRY(cell(args, sizes, kind, activation, gate, *states));
  const double each = sizes.batch * sizes.units, parts = static_cast<double>(cell_parts(kind));
  const double traced = static_cast<double>(trace_parts(kind));
  DG_REQUIRE(!bias || kind == DG_CELL_GRU, "Only the GRU whose reset gate follows the product takes a bias");
  DG_REQUIRE(!c || kind == DG_CELL_LSTM, "Only an LSTM takes cell states");
  DG_REQUIRE(!trace == !traced, traced ? "This cell needs a trace" : "A simple cell has no trace");
  Call call(*states);
  DG_TRY(call.in(projected, sizes.steps * each * parts, "What inputs say", &args.projected));
  DG_TRY(call.in(kernel, sizes.units * sizes.units * parts, "The recurrent kernel", &args.kernel));
  if (bias) DG_TRY(call.in(bias, sizes.units, "The bias", &args.bias));
  if (h) DG_TRY(call.in(h, each, "The first state", &args.h));
  if (c) DG_TRY(call.in(c, each, "The first cell state", &args.c));
  if (mask) DG_TRY(call.in(mask, sizes.batch * sizes.steps, "The mask", &args.mask, DG_BOOL));
  if (keep) DG_TRY(call.in(keep, each, "What dropout keeps", &args.keep));
  DG_TRY(call.out(y, static_cast<double>(args.rows) * each, "The states", &args.y));
  if (trace) {
    DG_FIND(room, trace);
    args.traced = static_cast<double>(room->count) == each * traced ? 1 : args.steps;
    DG_TRY(call.out(trace, static_cast<double>(args.traced) * each * traced, "The trace", &args.trace));
  }
  if (states->count == 0) return 0;
  return DG_SUBMIT(states->device(), RecurrentArgs, recurrent, args);
}

int dg_recurrent_grad(int kind, int kernel, int h, int c, int mask, int keep, int y, int trace, int dy, int dprojected,
                      int dproduct, int before, int dh, int dc, int activation, int gate) {
  Entry entry;
  DG_OPERAND(states, y);
  RecurrentGradArgs args{};
  Sizes sizes;
  DG_TRY(cell(args, sizes, kind, activation, gate, *states));
  const double each = sizes.batch * sizes.units, parts = static_cast<double>(cell_parts(kind));
  const double traced = static_cast<double>(trace_parts(kind)), rows = static_cast<double>(args.rows);
  DG_REQUIRE(!c || kind == DG_CELL_LSTM, "Only an LSTM takes cell states");
  DG_REQUIRE(!dc == (kind != DG_CELL_LSTM), "An LSTM, and only that, has a gradient of the first cell state");
  DG_REQUIRE(!trace == !traced, traced ? "This cell needs a trace" : "A simple cell has no trace");
  DG_REQUIRE(!dproduct == (kind != DG_CELL_GRU),
             "Only the GRU whose reset gate follows the product has a gradient of that, and it needs one");
  Call call(*states);
  DG_TRY(call.in(kernel, sizes.units * sizes.units * parts, "The recurrent kernel", &args.kernel));
  if (h) DG_TRY(call.in(h, each, "The first state", &args.h));
  if (c) DG_TRY(call.in(c, each, "The first cell state", &args.c));
  if (mask) DG_TRY(call.in(mask, sizes.batch * sizes.steps, "The mask", &args.mask, DG_BOOL));
  if (keep) DG_TRY(call.in(keep, each, "What dropout keeps", &args.keep));
  DG_TRY(call.in(y, rows * each, "The states", &args.y));
  if (trace) DG_TRY(call.in(trace, sizes.steps * each * traced, "The trace", &args.trace));
  DG_FIND(upstream, dy);
  args.given = static_cast<double>(upstream->count) == each ? 1 : args.rows;
  DG_TRY(call.in(dy, static_cast<double>(args.given) * each, "The upstream gradient", &args.dy));
  DG_TRY(call.out(dprojected, sizes.steps * each * parts, "The gradient of what inputs say", &args.dprojected));
  if (dproduct) DG_TRY(call.out(dproduct, sizes.steps * each * parts, "The gradient of the product", &args.dproduct));
  if (before) DG_TRY(call.out(before, sizes.steps * each, "What met the kernel", &args.before));
  DG_TRY(call.out(dh, each, "The gradient of the first state", &args.dh, DG_FLOAT32));
  if (dc) DG_TRY(call.out(dc, each, "The gradient of the first cell state", &args.dc, DG_FLOAT32));
  if (states->count == 0) return 0;
  return DG_SUBMIT(states->device(), RecurrentGradArgs, recurrent_grad, args);
}

}  // extern "C"
