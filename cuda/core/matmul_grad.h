// Which calls is the gradient of a product made of, where it is not one? A slope or sums of columns, then two products.
#pragma once
#include "../math/families.h"
#include "args.h"

namespace dg {

// y [n] = the sum of the rows of x [rows, n].
inline ReduceArgs sum_of_rows(Dtype type, const void *x, void *y, int64_t rows, int64_t n) {
  ReduceArgs sums{};
  sums.op = static_cast<int>(Reduce::sum);
  sums.type = type;
  sums.x = x;
  sums.y = y;
  sums.rank = 2;
  sums.size[0] = sums.n_red = rows;
  sums.size[1] = sums.n_out = n;
  sums.reduced[0] = 1;
  return sums;
}

using Slope = int (*)(const ActivationGradArgs &);
using SumRows = int (*)(const ReduceArgs &);
using Multiply = int (*)(const MatMulArgs &);

inline int matmul_grad_in_parts(const MatMulGradArgs &g, Slope slope, SumRows sum, Multiply multiply) {
  const void *dz = g.dy;
  if (g.activation >= 0) {
    dz = g.dz;
    if (const int failed = slope({g.activation, g.type, g.dy, g.y, g.dz, g.dbias, g.m, g.n})) return failed;
  } else if (g.dbias) {
    if (const int failed = sum(sum_of_rows(g.type, dz, g.dbias, g.m, g.n))) return failed;
  }
  MatMulArgs product{};
  product.type = g.type;
  product.batch = 1;
  product.tf32 = g.tf32;
  product.activation = -1;
  if (g.da) {
    product.a = dz;
    product.b = g.b;
    product.y = g.da;
    product.m = g.m;
    product.n = g.k;
    product.k = g.n;
    product.transpose_b = 1;
    product.a_step = g.m * g.n;
    product.b_step = g.k * g.n;
    if (const int failed = multiply(product)) return failed;
  }
  if (!g.db) return 0;
  product.a = g.a;
  product.b = dz;
  product.y = g.db;
  product.m = g.k;
  product.n = g.n;
  product.k = g.m;
  product.transpose_a = 1;
  product.transpose_b = 0;
  product.a_step = g.m * g.k;
  product.b_step = g.m * g.n;
  return multiply(product);
}

}  // namespace dg
