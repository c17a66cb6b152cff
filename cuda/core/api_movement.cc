// Entries: strided copy, gather, scatter-add, coalesce, one-hot.
#include "api.h"
#include "space.h"

using namespace dg;

extern "C" {

int dg_strided(int x_, double x_offset, int y_, double y_offset, int rank) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_TRY(same_device(*x, *y));
  DG_TRY(need_type(*y, x->dtype, "The output"));
  DG_TRY(apart(*y, *x));
  DG_REQUIRE(whole(x_offset) && whole(y_offset), "Offsets must be whole numbers, got ", x_offset, " and ", y_offset);
  StridedArgs args{};
  int64_t xo = static_cast<int64_t>(x_offset), yo = static_cast<int64_t>(y_offset);
  if (!strided_space(args, rank, xo, x->count, yo, y->count)) return DG_E_ARGUMENT;
  if (args.n == 0) return 0;
  args.width = element_size(x->dtype);
  args.x = x->data() + xo * args.width;
  args.y = y->data() + yo * args.width;
  return DG_SUBMIT(x->device(), StridedArgs, strided, args);
}

int dg_gather(int x_, int index_, int start_, int y_, double outer, double rows, double count, double inner) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(index, index_);
  DG_OPERAND(y, y_);
  DG_TRY(same_device(*x, *index));
  DG_TRY(same_device(*x, *y));
  DG_TRY(need_type(*index, DG_INT32, "The index"));
  DG_TRY(need_type(*y, x->dtype, "The output"));
  DG_REQUIRE(whole(outer) && whole(rows) && whole(count) && whole(inner), "Sizes must be whole numbers");
  DG_TRY(need_count(*x, outer * rows * inner, "The input"));
  DG_TRY(need_count(*y, outer * count * inner, "The output"));
  DG_TRY(apart(*y, *x));
  DG_TRY(apart(*y, *index));
  const int32_t *start = nullptr;
  if (start_) {
    DG_OPERAND(s, start_);
    DG_TRY(same_device(*x, *s));
    DG_TRY(need_type(*s, DG_INT32, "start"));
    DG_TRY(need_count(*s, 1, "start"));
    DG_TRY(apart(*y, *s));
    DG_REQUIRE(static_cast<double>(index->count) >= count, "The index has ", index->count, " elements, fewer than ",
               count);
    start = reinterpret_cast<const int32_t *>(s->data());
  } else {
    DG_TRY(need_count(*index, count, "The index"));
  }
  if (y->count == 0) return 0;
  return DG_SUBMIT(x->device(), GatherArgs, gather,
                   (GatherArgs{element_size(x->dtype), x->data(), reinterpret_cast<const int32_t *>(index->data()),
                               start, y->data(), static_cast<int64_t>(outer), static_cast<int64_t>(rows),
                               static_cast<int64_t>(count), static_cast<int64_t>(inner), index->count}));
}

int dg_scatter_add(int x_, int index_, int y_, double outer, double rows, double count, double inner) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(index, index_);
  DG_OPERAND(y, y_);
  DG_TRY(same_device(*x, *index));
  DG_TRY(same_device(*x, *y));
  DG_TRY(need_type(*index, DG_INT32, "The index"));
  DG_REQUIRE(is_float_type(x->dtype) || x->dtype == DG_INT32, "scatter-add takes floats or int32, got ",
             dtype_name(x->dtype));
  DG_TRY(need_type(*y, x->dtype, "The output"));
  DG_REQUIRE(whole(outer) && whole(rows) && whole(count) && whole(inner), "Sizes must be whole numbers");
  DG_TRY(need_count(*x, outer * count * inner, "The input"));
  DG_TRY(need_count(*y, outer * rows * inner, "The output"));
  DG_TRY(need_count(*index, count, "The index"));
  DG_TRY(apart(*y, *x));
  DG_TRY(apart(*y, *index));
  if (x->count == 0 || y->count == 0) return 0;
  return DG_SUBMIT(x->device(), ScatterAddArgs, scatter_add,
                   (ScatterAddArgs{x->dtype, x->data(), reinterpret_cast<const int32_t *>(index->data()), y->data(),
                                   static_cast<int64_t>(outer), static_cast<int64_t>(rows), static_cast<int64_t>(count),
                                   static_cast<int64_t>(inner)}));
}

int dg_coalesce(int x_, int index_, int order_, int y_, double rows, double count, double inner) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(index, index_);
  DG_OPERAND(order, order_);
  DG_OPERAND(y, y_);
  for (const Array *other : {index, order, y}) DG_TRY(same_device(*x, *other));
  DG_TRY(need_type(*x, DG_FLOAT32, "The input"));
  DG_TRY(need_type(*index, DG_INT32, "The index"));
  DG_TRY(need_type(*order, DG_INT32, "The order"));
  DG_TRY(need_type(*y, DG_FLOAT32, "The output"));
  DG_REQUIRE(whole(rows) && rows >= 1 && rows <= INT32_MAX, "There must be 1 to 2^31 - 1 rows, got ", rows);
  DG_REQUIRE(whole(count) && count <= DG_COALESCE, "At most ", DG_COALESCE, " indices are coalesced at once, got ",
             count);
  DG_REQUIRE(whole(inner) && inner >= 1, "A row must have at least 1 element, got ", inner);
  DG_TRY(need_count(*x, count * inner, "The input"));
  DG_TRY(need_count(*y, count * inner, "The output"));
  DG_TRY(need_count(*index, count, "The index"));
  DG_TRY(need_count(*order, count, "The order"));
  DG_TRY(all_apart({order, y}, {x, index}));
  if (x->count == 0) return 0;
  return DG_SUBMIT(
      x->device(), CoalesceArgs, coalesce,
      (CoalesceArgs{reinterpret_cast<const float *>(x->data()), reinterpret_cast<const int32_t *>(index->data()),
                    reinterpret_cast<int32_t *>(order->data()), reinterpret_cast<float *>(y->data()),
                    static_cast<int64_t>(rows), static_cast<int64_t>(count), static_cast<int64_t>(inner)}));
}

int dg_one_hot(int index_, int y_, double depth, float on, float off) {
  Entry entry;
  DG_OPERAND(index, index_);
  DG_OPERAND(y, y_);
  DG_TRY(same_device(*index, *y));
  DG_TRY(need_type(*index, DG_INT32, "The index"));
  DG_REQUIRE(whole(depth), "The depth must be a whole number, got ", depth);
  DG_TRY(need_count(*y, static_cast<double>(index->count) * depth, "The output"));
  DG_TRY(apart(*y, *index));
  if (y->count == 0) return 0;
  return DG_SUBMIT(y->device(), OneHotArgs, one_hot,
                   (OneHotArgs{y->dtype, reinterpret_cast<const int32_t *>(index->data()), y->data(), index->count,
                               static_cast<int64_t>(depth), on, off}));
}

}  // extern "C"
