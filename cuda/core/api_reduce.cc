// Entries: reductions, arg-reductions, scans, softmax and cross-entropy.
#include "../math/families.h"
#include "api.h"
#include "space.h"

using namespace dg;

namespace dg {
namespace {

float *floats(const Array &a) { return reinterpret_cast<float *>(a.data()); }  // of float32

bool reducible(Reduce op, int dtype) {
  if (op == Reduce::all || op == Reduce::any) return dtype == DG_BOOL;
  return is_float_type(dtype) || (dtype == DG_INT32 && op != Reduce::mean);
}

// [outer, n, inner] of an input as three integers, checked against its count.
int lines(const Array &x, double outer, double n, double inner) {
  DG_REQUIRE(whole(outer) && whole(n) && whole(inner), "Sizes must be whole numbers");
  return need_count(x, outer * n * inner, "The input");
}

// A matrix [rows, n] of a call, of one type of floats.
int matrix(const Array &a, int dtype, double rows, double n, const char *what) {
  DG_REQUIRE(whole(rows) && whole(n), "Sizes must be whole numbers");
  DG_TRY(need_floats(a, what));
  DG_TRY(need_type(a, dtype, what));
  return need_count(a, rows * n, what);
}

// Labels of a cross-entropy: floats [rows, n] or int32 [rows].
int label_kind(const Array &labels, const Array &logits, double rows, double n) {
  if (labels.dtype == DG_INT32) return need_count(labels, rows, "The class numbers");
  return matrix(labels, logits.dtype, rows, n, "The labels");
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_reduce(int op, int x_, int y_, int rank, int axes) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_REQUIRE(reduce_name(op), "There is no reduction ", op);
  DG_REQUIRE(reducible(static_cast<Reduce>(op), x->dtype), reduce_name(op), " does not take ", dtype_name(x->dtype));
  DG_TRY(same_device(*x, *y));
  DG_TRY(need_type(*y, x->dtype, "The output"));
  ReduceArgs args{};
  args.op = op;
  args.type = x->dtype;
  if (!reduce_space(args, rank, axes)) return DG_E_ARGUMENT;
  DG_TRY(need_count(*x, static_cast<double>(args.n_out) * static_cast<double>(args.n_red), "The input"));
  DG_TRY(need_count(*y, static_cast<double>(args.n_out), "The output"));
  DG_TRY(apart(*y, *x));
  if (args.n_out == 0) return 0;
  args.x = x->data();
  args.y = y->data();
  return DG_SUBMIT(x->device(), ReduceArgs, reduce, args);
}

int dg_argreduce(int op, int x_, int y_, double outer, double n, double inner) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_REQUIRE(argreduce_name(op), "There is no arg-reduction ", op);
  DG_TRY(same_device(*x, *y));
  DG_REQUIRE(is_float_type(x->dtype) || x->dtype == DG_INT32, argreduce_name(op), " does not take ",
             dtype_name(x->dtype));
  DG_TRY(need_type(*y, DG_INT32, "The output"));
  DG_TRY(lines(*x, outer, n, inner));
  DG_TRY(need_count(*y, outer * inner, "The output"));
  DG_TRY(apart(*y, *x));
  if (y->count == 0) return 0;
  DG_REQUIRE(n > 0 && n <= INT32_MAX, argreduce_name(op), " needs 1 to 2^31 - 1 elements along its axis, got ", n);
  return DG_SUBMIT(x->device(), ArgReduceArgs, argreduce,
                   (ArgReduceArgs{op, x->dtype, x->data(), reinterpret_cast<int32_t *>(y->data()),
                                  static_cast<int64_t>(outer), static_cast<int64_t>(n), static_cast<int64_t>(inner)}));
}

int dg_scan(int op, int x_, int y_, double outer, double n, double inner, int exclusive, int reverse) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_REQUIRE(scan_name(op), "There is no scan ", op);
  DG_TRY(same_device(*x, *y));
  DG_REQUIRE(is_float_type(x->dtype) || x->dtype == DG_INT32, scan_name(op), " does not take ", dtype_name(x->dtype));
  DG_TRY(need_type(*y, x->dtype, "The output"));
  DG_TRY(lines(*x, outer, n, inner));
  DG_TRY(need_count(*y, static_cast<double>(x->count), "The output"));
  DG_TRY(apart(*y, *x));
  if (x->count == 0) return 0;
  return DG_SUBMIT(x->device(), ScanArgs, scan,
                   (ScanArgs{op, x->dtype, x->data(), y->data(), static_cast<int64_t>(outer), static_cast<int64_t>(n),
                             static_cast<int64_t>(inner), exclusive != 0, reverse != 0}));
}

int dg_softmax(int x_, int y_, double rows, double n, int log) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(y, y_);
  DG_TRY(same_device(*x, *y));
  DG_TRY(matrix(*x, x->dtype, rows, n, "The input"));
  DG_TRY(matrix(*y, x->dtype, rows, n, "The output"));
  DG_TRY(not_partly(*y, *x));
  if (x->count == 0) return 0;
  return DG_SUBMIT(
      x->device(), SoftmaxArgs, softmax,
      (SoftmaxArgs{x->dtype, x->data(), y->data(), static_cast<int64_t>(rows), static_cast<int64_t>(n), log != 0}));
}

int dg_softmax_grad(int dy_, int y_, int dx_, double rows, double n, int log) {
  Entry entry;
  DG_OPERAND(dy, dy_);
  DG_OPERAND(y, y_);
  DG_OPERAND(dx, dx_);
  DG_TRY(same_device(*dy, *y));
  DG_TRY(same_device(*dy, *dx));
  DG_TRY(matrix(*dy, dy->dtype, rows, n, "The upstream gradient"));
  DG_TRY(matrix(*y, dy->dtype, rows, n, "The forward result"));
  DG_TRY(matrix(*dx, dy->dtype, rows, n, "The output"));
  DG_TRY(not_partly(*dx, *dy));
  DG_TRY(not_partly(*dx, *y));
  if (dy->count == 0) return 0;
  return DG_SUBMIT(dy->device(), SoftmaxGradArgs, softmax_grad,
                   (SoftmaxGradArgs{dy->dtype, dy->data(), y->data(), dx->data(), static_cast<int64_t>(rows),
                                    static_cast<int64_t>(n), log != 0}));
}

int dg_cross_entropy(int logits_, int labels_, int loss_, double rows, double n) {
  Entry entry;
  DG_OPERAND(logits, logits_);
  DG_OPERAND(labels, labels_);
  DG_OPERAND(loss, loss_);
  DG_TRY(same_device(*logits, *labels));
  DG_TRY(same_device(*logits, *loss));
  DG_TRY(matrix(*logits, logits->dtype, rows, n, "The logits"));
  DG_TRY(label_kind(*labels, *logits, rows, n));
  DG_TRY(matrix(*loss, DG_FLOAT32, rows, 1, "The loss"));
  DG_TRY(apart(*loss, *logits));
  DG_TRY(apart(*loss, *labels));
  if (rows == 0) return 0;
  bool classes = labels->dtype == DG_INT32;
  return DG_SUBMIT(logits->device(), CrossEntropyArgs, cross_entropy,
                   (CrossEntropyArgs{logits->dtype, logits->data(), classes ? nullptr : labels->data(),
                                     classes ? reinterpret_cast<const int32_t *>(labels->data()) : nullptr,
                                     floats(*loss), static_cast<int64_t>(rows), static_cast<int64_t>(n)}));
}

int dg_cross_entropy_grad(int logits_, int labels_, int dloss_, int dlogits_, double rows, double n) {
  Entry entry;
  DG_OPERAND(logits, logits_);
  DG_OPERAND(labels, labels_);
  DG_OPERAND(dloss, dloss_);
  DG_OPERAND(dlogits, dlogits_);
  DG_TRY(same_device(*logits, *labels));
  DG_TRY(same_device(*logits, *dloss));
  DG_TRY(same_device(*logits, *dlogits));
  DG_TRY(matrix(*logits, logits->dtype, rows, n, "The logits"));
  DG_TRY(label_kind(*labels, *logits, rows, n));
  DG_TRY(matrix(*dloss, DG_FLOAT32, rows, 1, "The upstream gradient"));
  DG_TRY(matrix(*dlogits, logits->dtype, rows, n, "The output"));
  DG_TRY(not_partly(*dlogits, *logits));
  DG_TRY(labels->dtype == DG_INT32 ? apart(*dlogits, *labels) : not_partly(*dlogits, *labels));
  DG_TRY(apart(*dlogits, *dloss));
  if (logits->count == 0) return 0;
  bool classes = labels->dtype == DG_INT32;
  return DG_SUBMIT(
      logits->device(), CrossEntropyGradArgs, cross_entropy_grad,
      (CrossEntropyGradArgs{logits->dtype, logits->data(), classes ? nullptr : labels->data(),
                            classes ? reinterpret_cast<const int32_t *>(labels->data()) : nullptr, floats(*dloss),
                            dlogits->data(), static_cast<int64_t>(rows), static_cast<int64_t>(n)}));
}

int dg_loss(int kind, int x_, int labels_, int loss_, int dx_, double rows, double n, float scale) {
  Entry entry;
  DG_OPERAND(x, x_);
  DG_OPERAND(labels, labels_);
  DG_OPERAND(loss, loss_);
  DG_OPTIONAL(dx, dx_);
  DG_REQUIRE(kind >= DG_LOSS_SQUARED && kind <= DG_LOSS_SOFTMAX, "There is no loss ", kind);
  for (const Array *other : {labels, loss}) DG_TRY(same_device(*x, *other));
  DG_TRY(matrix(*x, x->dtype, rows, n, "The predictions"));
  DG_REQUIRE(x->count > 0, "There is no loss of nothing");
  const bool softmax = kind == DG_LOSS_SOFTMAX;
  DG_REQUIRE(!softmax || rows <= 1 << 22, "The loss of at most 2^22 rows is taken at once, got ", rows);
  DG_TRY(softmax ? label_kind(*labels, *x, rows, n) : matrix(*labels, x->dtype, rows, n, "The labels"));
  DG_TRY(need_type(*loss, DG_FLOAT32, "The loss"));
  DG_TRY(need_count(*loss, 1, "The loss"));
  if (dx) {
    DG_TRY(same_device(*x, *dx));
    DG_TRY(matrix(*dx, x->dtype, rows, n, "The gradient"));
  }
  DG_TRY(all_apart({loss, dx}, {x, labels}));
  const bool classes = labels->dtype == DG_INT32;
  return DG_SUBMIT(x->device(), LossArgs, loss,
                   (LossArgs{kind, x->dtype, x->data(), classes ? nullptr : labels->data(),
                             classes ? reinterpret_cast<const int32_t *>(labels->data()) : nullptr, floats(*loss),
                             dx ? dx->data() : nullptr, static_cast<int64_t>(rows), static_cast<int64_t>(n), scale}));
}

}  // extern "C"
