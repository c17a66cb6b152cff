// Which way does a matrix product go? In tiles, line by line where one side is a vector, in plain loops for int32.
#include <string.h>

#include "../../core/args.h"
#include "../../core/error.h"
#include "gemm.h"
#include "gemm_vector.h"

namespace dg::DG_ISA {
namespace {

// Values this far apart lie in different pages and in one set of the first-level cache, so a matrix read with such a
// stride is copied if more than copy_cost tiles read it. That takes 1024^3 from 0.78 to 0.92 of the peak.
constexpr int64_t page = 4096 / sizeof(float);
constexpr int64_t copy_cost = 8;
// Rows of b that are nearer share few sets, too: with AVX2 copying takes 128^3 from 0.72 to 0.87, 256^3 from 0.78 to 0.93
// and 1280 x 256 x 512 from 0.62 to 0.80. With AVX-512, on larger caches, 512^3 would lose by it.
constexpr int64_t far_rows = lanes == 16 ? page : 128;

View lines(const void *data, bool along_k, int64_t count, int64_t k) {
  const float *floats = static_cast<const float *>(data);
  return along_k ? View{floats, k, 1} : View{floats, 1, count};
}

// m or n is 1.
void multiply_vector(const MatMulArgs &p) {
  const float *const bias = static_cast<const float *>(p.bias);
  const bool row = p.m == 1;  // then y = x . b, and the lines are the columns of b
  float *const y = static_cast<float *>(p.y);
  const View matrix = row ? lines(p.b, p.transpose_b, p.n, p.k) : lines(p.a, !p.transpose_a, p.m, p.k);
  const MatrixVector product = {matrix, p.k, static_cast<const float *>(row ? p.a : p.b), y};
  // Memory bounds the speed: values count for more than multiply-adds, and pieces are whole cache lines.
  const int64_t grain = divide_up(divide_up(piece_work / 8, p.k + 1), 128) * 128;
  parallel_for(p.m * p.n, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) y[i] = bias ? bias[row ? i : 0] : 0;
    matrix.step == 1 ? dot_lines(product, begin, end) : add_lines(product, begin, end);
    if (p.activation >= 0) apply_unary_inplace(p.activation, y + begin, end - begin, p.alpha);
  });
}

int multiply_float(const MatMulArgs &p) {
  if (p.m == 1 || p.n == 1) {
    multiply_vector(p);
    return 0;
  }
  const View a = lines(p.a, !p.transpose_a, p.m, p.k), b = lines(p.b, p.transpose_b, p.n, p.k);
  return gemm(
      Matrix{a, a.line + a.step > page && p.n > copy_cost * tile_columns},
      Matrix{b, b.line != 1 || (b.step >= far_rows && p.m > copy_cost * tile_rows)},
      Gemm{p.m, p.n, p.k, static_cast<const float *>(p.bias), static_cast<float *>(p.y), p.activation, p.alpha});
}

// Unsigned, because signed overflow is not defined and int32 wraps here.
int multiply_int(const MatMulArgs &p) {
  const uint32_t *const a = static_cast<const uint32_t *>(p.a), *const b = static_cast<const uint32_t *>(p.b);
  uint32_t *const y = static_cast<uint32_t *>(p.y);
  parallel_for(p.m, divide_up(piece_work / 8, p.n * (p.k + 1)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      uint32_t *const row = y + i * p.n;
      const uint32_t *const line = a + (p.transpose_a ? i : i * p.k);
      const int64_t step = p.transpose_a ? p.m : 1;
      memset(row, 0, p.n * sizeof *row);
      if (p.transpose_b) {
        for (int64_t j = 0; j < p.n; j++)
          for (int64_t k = 0; k < p.k; k++) row[j] += line[k * step] * b[j * p.k + k];
      } else {
        for (int64_t k = 0; k < p.k; k++)
          for (int64_t j = 0; j < p.n; j++) row[j] += line[k * step] * b[k * p.n + j];
      }
    }
  });
  return 0;
}

}  // namespace

int run_matmul(const MatMulArgs &args) {
  if (args.batch == 0 || args.m == 0 || args.n == 0) return 0;
  MatMulArgs all = args;
  if (!args.b_step && args.a_step && !args.transpose_a) {  // a batch by one b is a taller matrix
    all.m *= args.batch;
    all.batch = 1;
  }
  const auto multiply = args.type == DG_INT32 ? multiply_int : multiply_float;
  const int64_t work = all.m * all.n * (all.k + 1);
  // Products that fill the threads one by one run one by one.
  const int64_t grain = work > 16 * piece_work ? all.batch : divide_up(piece_work, work);
  int status = 0;
  parallel_for(all.batch, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      MatMulArgs one = all;
      one.a = static_cast<const float *>(all.a) + i * all.a_step;
      one.b = static_cast<const float *>(all.b) + i * all.b_step;
      one.y = static_cast<float *>(all.y) + i * all.m * all.n;
      if (const int failed = multiply(one)) __atomic_store_n(&status, failed, __ATOMIC_RELAXED);
    }
  });
  if (status) return fail(status, "Out of memory: a matrix product has no room to arrange its operands");
  return 0;
}

}  // namespace dg::DG_ISA
