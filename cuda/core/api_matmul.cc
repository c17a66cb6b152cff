// Entries: matrix product.
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
  DG_REQUIRE(flags >= 0 && flags < 32, "There are no matrix product flags ", flags);
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
  return DG_SUBMIT(a->device(), MatMulArgs, matmul,
                   (MatMulArgs{a->dtype, a->data(), b->data(), bias, y->data(), static_cast<int64_t>(batch), rows,
                               columns, depth, flags & DG_SHARE_A ? 0 : rows * depth,
                               flags & DG_SHARE_B ? 0 : depth * columns, (flags & DG_TRANSPOSE_A) != 0,
                               (flags & DG_TRANSPOSE_B) != 0, (flags & DG_TF32) != 0, activation, alpha}));
}

int dg_engine(int engine) {
  Entry entry;
  DG_REQUIRE(engine >= DG_ENGINE_ASK && engine <= DG_ENGINE_CUBLASLT, "There is no engine ", engine);
  return backend::engine(engine);
}

}  // extern "C"
