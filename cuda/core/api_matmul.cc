// Entries: matrix product, and the gradient of what it ends in.
#include "../math/slope.h"
#include "api.h"

using namespace dg;

extern "C" {

int dg_matmul(int a_, int b_, int bias_, int y_, double batch, double m, double n, double k, int flags, int activation,
              float alpha) {
  Entry entry;
  DG_OPERAND(a, a_);
  DG_OPERAND(b, b_);
  DG_OPERAND(y, y_);
  DG_TRY(same_device(*a, *b));
  DG_TRY(same_device(*a, *y));
  DG_REQUIRE(is_float_type(a->dtype) || a->dtype == DG_INT32, "A matrix product takes floats or int32, got ",
             dtype_name(a->dtype));
  DG_TRY(need_type(*b, a->dtype, "The second matrix"));
  DG_TRY(need_type(*y, a->dtype, "The output"));
  DG_REQUIRE(whole(batch) && whole(m) && whole(n) && whole(k), "Sizes must be whole numbers");
  DG_REQUIRE(flags >= 0 && flags < 64, "There are no matrix product flags ", flags);
  DG_TRY(need_count(*a, (flags & DG_SHARE_A ? 1 : batch) * m * k, "The first matrix"));
  DG_TRY(need_count(*b, (flags & DG_SHARE_B ? 1 : batch) * k * n, "The second matrix"));
  DG_TRY(need_count(*y, batch * m * n, "The output"));
  DG_TRY(apart(*y, *a));
  DG_TRY(apart(*y, *b));
  const void *bias = nullptr;
  if (bias_) {
    DG_OPERAND(c, bias_);
    DG_TRY(same_device(*a, *c));
    DG_TRY(need_type(*c, a->dtype, "The bias"));
    DG_TRY(need_count(*c, n, "The bias"));
    DG_TRY(apart(*y, *c));
    bias = c->data();
  }
  DG_TRY(need_activation(activation));
  DG_REQUIRE(a->dtype != DG_INT32 || (!bias && activation == -1),
             "An int32 matrix product takes no bias or activation");
  if (y->count == 0) return 0;
  int64_t rows = static_cast<int64_t>(m), columns = static_cast<int64_t>(n), depth = static_cast<int64_t>(k);
  return DG_SUBMIT(
      a->device(), MatMulArgs, matmul,
      (MatMulArgs{a->dtype, a->data(), b->data(), bias, y->data(), static_cast<int64_t>(batch), rows, columns, depth,
                  flags & DG_SHARE_A ? 0 : rows * depth, flags & DG_SHARE_B ? 0 : depth * columns,
                  (flags & DG_TRANSPOSE_A) != 0, (flags & DG_TRANSPOSE_B) != 0, tf32_of(flags), activation, alpha}));
}

int dg_activation_grad(int activation, int dy_, int y_, int dz_, int dbias_, double rows, double n) {
  Entry entry;
  DG_OPERAND(dy, dy_);
  DG_OPERAND(y, y_);
  DG_OPERAND(dz, dz_);
  DG_OPERAND(dbias, dbias_);
  DG_REQUIRE(activation != -1 && slope_follows(activation), "The derivative of unary operation ", activation,
             " does not follow from its result");
  DG_REQUIRE(whole(rows) && whole(n) && rows >= 1 && n >= 1, "Rows and columns must be whole numbers from 1, got ",
             rows, " and ", n);
  DG_TRY(need_floats(*dy, "The upstream gradient"));
  const Array *const arrays[] = {dy, y, dz, dbias};
  const char *const names[] = {"The upstream gradient", "The forward result", "The output", "The bias's gradient"};
  for (int i = 0; i < 4; i++) {
    DG_TRY(same_device(*dy, *arrays[i]));
    DG_TRY(need_type(*arrays[i], dy->dtype, names[i]));
    DG_TRY(need_count(*arrays[i], i < 3 ? rows * n : n, names[i]));
  }
  DG_TRY(not_partly(*dz, *dy));
  DG_TRY(not_partly(*dz, *y));
  for (int i = 0; i < 3; i++) DG_TRY(apart(*dbias, *arrays[i]));
  return DG_SUBMIT(dy->device(), ActivationGradArgs, activation_grad,
                   (ActivationGradArgs{activation, dy->dtype, dy->data(), y->data(), dz->data(), dbias->data(),
                                       static_cast<int64_t>(rows), static_cast<int64_t>(n)}));
}

int dg_matmul_grad(int a_, int b_, int y_, int dy_, int dz_, int da_, int db_, int dbias_, double m, double n, double k,
                   int flags, int activation) {
  Entry entry;
  DG_OPERAND(a, a_);
  DG_OPERAND(b, b_);
  DG_OPTIONAL(y, y_);
  DG_OPERAND(dy, dy_);
  DG_OPTIONAL(dz, dz_);
  DG_OPTIONAL(da, da_);
  DG_OPTIONAL(db, db_);
  DG_OPTIONAL(dbias, dbias_);
  DG_REQUIRE(slope_follows(activation), "The derivative of unary operation ", activation,
             " does not follow from its result");
  const bool active = activation != -1;
  DG_REQUIRE(active == (y != nullptr) && active == (dz != nullptr) && (!active || dbias),
             "The forward result, room for the slope and the bias's gradient come with an activation");
  DG_REQUIRE((flags & ~(DG_TF32 | DG_TF32X3)) == 0, "There are no flags ", flags, " for the gradient of a product");
  DG_REQUIRE(whole(m) && whole(n) && whole(k) && m >= 1 && n >= 1 && k >= 1, "Sizes must be whole numbers from 1, got ",
             m, ", ", n, " and ", k);
  DG_TRY(need_floats(*dy, "The upstream gradient"));
  const Array *const arrays[] = {a, b, y, dy, dz, da, db, dbias};
  const double counts[] = {m * k, k * n, m * n, m * n, m * n, m * k, k * n, n};
  const char *const names[] = {"The first matrix", "The second matrix",  "The forward result",  "The upstream gradient",
                               "The slope",        "The first gradient", "The second gradient", "The bias's gradient"};
  for (int i = 0; i < 8; i++) {
    if (!arrays[i]) continue;
    DG_TRY(same_device(*dy, *arrays[i]));
    DG_TRY(need_type(*arrays[i], dy->dtype, names[i]));
    DG_TRY(need_count(*arrays[i], counts[i], names[i]));
  }
  DG_TRY(all_apart({dz, da, db, dbias}, {a, b, y, dy}));
  const auto data = [](const Array *array) { return array ? array->data() : nullptr; };
  return DG_SUBMIT(dy->device(), MatMulGradArgs, matmul_grad,
                   (MatMulGradArgs{activation, dy->dtype, a->data(), b->data(), data(y), dy->data(), data(dz), data(da),
                                   data(db), data(dbias), static_cast<int64_t>(m), static_cast<int64_t>(n),
                                   static_cast<int64_t>(k), tf32_of(flags)}));
}

int dg_engine(int engine) {
  Entry entry;
  DG_REQUIRE(engine >= DG_ENGINE_ASK && engine <= DG_ENGINE_CUBLASLT, "There is no engine ", engine);
  return backend::engine(engine);
}

}  // extern "C"
