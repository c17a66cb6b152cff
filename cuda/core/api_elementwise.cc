// Entries: unary, binary, where, cast.
#include "../math/op_table.h"
#include "api.h"
#include "space.h"

using namespace dg;

namespace dg {
namespace {

// The index space of an elementwise call with up to three inputs. rank 0: same counts, or single elements.
int elementwise_space(Space &space, int rank, const Array *const *in, int inputs, const Array &out) {
  if (rank) {
    if (!broadcast_space(space, rank, inputs)) return DG_E_ARGUMENT;
    for (int i = 0; i < inputs; i++) {
      double count = 1;
      for (int d = 0; d < rank; d++) count *= context().scratch[i * rank + d];
      DG_TRY(need_count(*in[i], count, "An operand"));
    }
    return need_count(out, static_cast<double>(space.n), "The output");
  }
  space.n = out.count;
  space.rank = 1;
  space.size[0] = out.count;
  for (int i = 0; i < inputs; i++) {
    DG_REQUIRE(in[i]->count == out.count || in[i]->count == 1, "An operand must have ", out.count,
               " elements or one, got ", in[i]->count);
    space.stride[i][0] = in[i]->count == 1 && out.count != 1 ? 0 : 1;
  }
  return 0;
}

// An output may be an input only where both walk the same elements in the same order.
int in_place(const Array &out, const Array &in) { return in.count == out.count ? not_partly(out, in) : apart(out, in); }

}  // namespace
}  // namespace dg

extern "C" {

int dg_unary(int op, int x_, int y_, float a, float b) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_REQUIRE(unary_name(op), "There is no unary operation ", op);
  DG_REQUIRE(unary_accepts(op, x->dtype), unary_name(op), " does not take ", dtype_name(x->dtype));
  DG_TRY(same_device(*x, *y));
  DG_TRY(need_type(*y, unary_result(op, x->dtype), "The output"));
  DG_TRY(need_count(*y, static_cast<double>(x->count), "The output"));
  DG_TRY(not_partly(*y, *x));
  if (x->count == 0) return 0;
  return DG_SUBMIT(x->device(), UnaryArgs, unary,
                   (UnaryArgs{op, x->dtype, y->dtype, x->data(), y->data(), x->count, a, b}));
}

int dg_binary(int op, int a_, int b_, int y_, int rank) {
  Entry entry;
  DG_OPERAND(a, a_);
  DG_OPERAND(b, b_);
  DG_OPERAND(y, y_);
  DG_REQUIRE(binary_name(op), "There is no binary operation ", op);
  DG_REQUIRE(binary_accepts(op, a->dtype), binary_name(op), " does not take ", dtype_name(a->dtype));
  DG_TRY(need_type(*b, a->dtype, "The second operand"));
  DG_TRY(need_type(*y, binary_result(op, a->dtype), "The output"));
  DG_TRY(same_device(*a, *b));
  DG_TRY(same_device(*a, *y));
  BinaryArgs args{op, a->dtype, y->dtype, a->data(), b->data(), y->data(), {}};
  const Array *in[] = {a, b};
  DG_TRY(elementwise_space(args.space, rank, in, 2, *y));
  DG_TRY(in_place(*y, *a));
  DG_TRY(in_place(*y, *b));
  if (args.space.n == 0) return 0;
  return DG_SUBMIT(a->device(), BinaryArgs, binary, args);
}

int dg_where(int condition_, int a_, int b_, int y_, int rank) {
  Entry entry;
  DG_OPERAND(condition, condition_);
  DG_OPERAND(a, a_);
  DG_OPERAND(b, b_);
  DG_OPERAND(y, y_);
  DG_TRY(need_type(*condition, DG_BOOL, "The condition"));
  DG_TRY(need_type(*b, a->dtype, "The second choice"));
  DG_TRY(need_type(*y, a->dtype, "The output"));
  DG_TRY(same_device(*a, *b));
  DG_TRY(same_device(*a, *condition));
  DG_TRY(same_device(*a, *y));
  WhereArgs args{a->dtype, reinterpret_cast<const uint8_t *>(condition->data()), a->data(), b->data(), y->data(), {}};
  const Array *in[] = {condition, a, b};
  DG_TRY(elementwise_space(args.space, rank, in, 3, *y));
  for (const Array *array : in) DG_TRY(in_place(*y, *array));
  if (args.space.n == 0) return 0;
  return DG_SUBMIT(a->device(), WhereArgs, where, args);
}

int dg_cast(int x_, int y_) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_TRY(same_device(*x, *y));
  DG_TRY(need_count(*y, static_cast<double>(x->count), "The output"));
  DG_TRY(not_partly(*y, *x));
  if (x->count == 0) return 0;
  return DG_SUBMIT(x->device(), CastArgs, cast, (CastArgs{x->dtype, y->dtype, x->data(), y->data(), x->count}));
}

}  // extern "C"
