#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <map>

#include "cublaslt.h"
#include "cublaslt_api.h"
#include "gemm.h"

namespace dg::gpu::cublaslt {
namespace {

struct Library {
  bool opened = false;
  Text why_not;
  Functions call;
};

bool load(Library &library, const char *file) {
  Text &why = library.why_not;
  void *const handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    why.append(why.length() ? "; " : "cuBLASLt cannot be opened: ");
    why.append(dlerror());
    return false;
  }
#define DG_FIND(name, arguments)                                                           \
  library.call.name = reinterpret_cast<int(*) arguments>(dlsym(handle, "cublasLt" #name)); \
  if (!library.call.name) {                                                                \
    why.append(file);                                                                      \
    why.append(" has no cublasLt" #name);                                                  \
    return false;                                                                          \
  }
  DG_CUBLASLT(DG_FIND)
#undef DG_FIND
  return true;
}

// Opened once; DINOGRAD_CUBLASLT_LIB names the file where the loader does not find it by itself.
Library &library() {
  static auto *const only = [] {
    auto *made = new Library;
    const char *file = getenv("DINOGRAD_CUBLASLT_LIB");
    made->opened = file ? load(*made, file) : load(*made, "libcublasLt.so.13") || load(*made, "libcublasLt.so.12");
    return made;
  }();
  return *only;
}

int status(int code, const char *what) {
  return code ? fail(DG_E_DEVICE, what, " failed: cuBLASLt returned status ", code) : 0;
}

// ---- Plans -------------------------------------------------------------------------------------------------------------

// The workspace's first half is cuBLASLt's, the second holds float32 sums that still have to be finished.
constexpr size_t lt_workspace_bytes = workspace_bytes / 2, sums_room = workspace_bytes / 2 / sizeof(float);

// A product of rows of a by b, as cuBLASLt sees it: everything that the choice of an algorithm depends on.
struct Shape {
  int64_t batch, m, n, k, pitch_a, pitch_b, step_a, step_b;  // pitch: from one row in memory to the next
  int32_t gpu, in, out, compute;
  int32_t transpose_a, transpose_b, align_a, align_b, align_y, with_bias;

  bool operator<(const Shape &other) const { return memcmp(this, &other, sizeof *this) < 0; }
};
static_assert(sizeof(Shape) == 8 * sizeof(int64_t) + 10 * sizeof(int32_t), "compared byte by byte");

struct Plan {
  Operation operation = nullptr;
  Layout a = nullptr, b = nullptr, y = nullptr;
  bool found = false;  // whether there is an algorithm
  Algorithm algorithm = {};
};

void free_plan(const Plan &plan) {
  const Functions &call = library().call;
  if (plan.operation) call.MatmulDescDestroy(plan.operation);
  for (Layout layout : {plan.a, plan.b, plan.y})
    if (layout) call.MatrixLayoutDestroy(layout);
}

// A matrix of `rows` rows in memory. cuBLASLt counts columns first, so to it they are columns, and the matrix is transposed.
int make_layout(Layout &layout, int type, int64_t rows, int64_t row_size, int64_t pitch, int64_t batch, int64_t step) {
  const Functions &call = library().call;
  const auto count = static_cast<int32_t>(batch);
  int failed = call.MatrixLayoutCreate(&layout, type, row_size, rows, pitch);
  if (!failed) failed = call.MatrixLayoutSetAttribute(layout, batch_count, &count, sizeof count);
  if (!failed) failed = call.MatrixLayoutSetAttribute(layout, batch_stride, &step, sizeof step);
  return failed;
}

// y' = b' . a': to cuBLASLt, b is the first matrix.
int describe(const Shape &s, Plan &plan) {
  const Functions &call = library().call;
  const int32_t first = s.transpose_b, second = s.transpose_a, after = s.with_bias ? epilogue_bias : epilogue_none;
  int failed = call.MatmulDescCreate(&plan.operation, s.compute, real_32);
  if (!failed) failed = call.MatmulDescSetAttribute(plan.operation, transpose_a, &first, sizeof first);
  if (!failed) failed = call.MatmulDescSetAttribute(plan.operation, transpose_b, &second, sizeof second);
  if (!failed) failed = call.MatmulDescSetAttribute(plan.operation, epilogue, &after, sizeof after);
  const int64_t rows_a = s.transpose_a ? s.k : s.m, size_a = s.transpose_a ? s.m : s.k;
  const int64_t rows_b = s.transpose_b ? s.n : s.k, size_b = s.transpose_b ? s.k : s.n;
  if (!failed) failed = make_layout(plan.a, s.in, rows_a, size_a, s.pitch_a, s.batch, s.step_a);
  if (!failed) failed = make_layout(plan.b, s.in, rows_b, size_b, s.pitch_b, s.batch, s.step_b);
  if (!failed) failed = make_layout(plan.y, s.out, s.m, s.n, s.n, s.batch, s.m * s.n);
  return failed;
}

// Sums that are split are added up in float32, so that results are rounded once.
int choose_algorithm(Handle handle, const Shape &s, Plan &plan) {
  const Functions &call = library().call;
  Preference preference = nullptr;
  int failed = call.MatmulPreferenceCreate(&preference);
  const auto prefer = [&](int attribute, auto value) {
    if (!failed) failed = call.MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value);
  };
  prefer(most_workspace, uint64_t{lt_workspace_bytes});
  prefer(reduction_schemes, uint32_t{reduce_in_compute_type});
  prefer(alignment_a, static_cast<uint32_t>(s.align_b));
  prefer(alignment_b, static_cast<uint32_t>(s.align_a));
  prefer(alignment_c, static_cast<uint32_t>(s.align_y));
  prefer(alignment_d, static_cast<uint32_t>(s.align_y));
  Found found{};
  int count = 0;
  // It fails, too, where there is no algorithm: then the plan has none.
  if (!failed && !call.MatmulAlgoGetHeuristic(handle, plan.operation, plan.b, plan.a, plan.y, plan.y, preference, 1,
                                              &found, &count)) {
    plan.found = count > 0 && found.status == 0 && found.workspace <= lt_workspace_bytes;
    plan.algorithm = found.algorithm;
  }
  if (preference) call.MatmulPreferenceDestroy(preference);
  return failed;
}

// The current GPU's handle, made on first use; null after fail().
Handle handle_of_gpu() {
  static auto *const handles = new std::map<int, Handle>;
  Handle &handle = (*handles)[current().ordinal];
  if (!handle && status(library().call.Create(&handle), "Starting cuBLASLt")) return nullptr;
  return handle;
}

// The plan for a shape, made on first use except while a graph is captured; `plan` stays null then.
int find_plan(const Shape &shape, const Plan *&plan) {
  constexpr size_t most_plans = 1024;  // of a program that never sees the same shape again
  static auto *const plans = new std::map<Shape, Plan>;
  const auto known = plans->find(shape);
  if (known != plans->end()) {
    plan = &known->second;
    return 0;
  }
  if (current().capturing) return 0;
  const Handle handle = handle_of_gpu();
  if (!handle) return DG_E_DEVICE;
  Plan made;
  int failed = describe(shape, made);
  if (!failed) failed = choose_algorithm(handle, shape, made);
  if (failed) {
    free_plan(made);
    return status(failed, "Describing a matrix product");
  }
  if (plans->size() == most_plans) {
    for (const auto &[_, old] : *plans) free_plan(old);
    plans->clear();
  }
  plan = &plans->emplace(shape, made).first->second;
  return 0;
}

// ---- Products ----------------------------------------------------------------------------------------------------------

int32_t alignment(const void *p) {
  const auto bits = reinterpret_cast<uintptr_t>(p) | 16;
  return static_cast<int32_t>(bits & -bits);
}

int data_type(Dtype type) { return type == DG_FLOAT32 ? real_32 : type == DG_FLOAT16 ? real_16 : real_bf16; }

// y [batch, m, n] of type `out` = a . b + bias, for the batch and rows in `args`; pitch_a is that of the whole matrix.
int product(const MatMulArgs &args, int64_t pitch_a, void *y, int out, const void *bias, bool &done) {
  Shape shape{};
  shape.batch = args.batch, shape.m = args.m, shape.n = args.n, shape.k = args.k;
  shape.pitch_a = pitch_a, shape.pitch_b = args.transpose_b ? args.k : args.n;
  shape.step_a = args.a_step, shape.step_b = args.b_step;
  shape.gpu = current().ordinal, shape.in = data_type(args.type), shape.out = out;
  shape.compute = args.type == DG_FLOAT32 && args.tf32 == tf32_rounded ? compute_32_fast_tf32 : compute_32;
  shape.transpose_a = args.transpose_a, shape.transpose_b = args.transpose_b;
  shape.align_a = alignment(args.a), shape.align_b = alignment(args.b), shape.align_y = alignment(y);
  shape.with_bias = bias != nullptr;
  const Plan *plan = nullptr;
  if (int failed = find_plan(shape, plan)) return failed;
  done = plan && plan->found;
  if (!done) return 0;
  const Functions &call = library().call;
  if (bias)
    if (int failed = status(call.MatmulDescSetAttribute(plan->operation, bias_pointer, &bias, sizeof bias), "A bias"))
      return failed;
  constexpr float one = 1, zero = 0;
  const Gpu &gpu = current();
  if (int failed =
          status(call.Matmul(handle_of_gpu(), plan->operation, &one, args.b, plan->b, args.a, plan->a, &zero, y,
                             plan->y, y, plan->y, &plan->algorithm, gpu.workspace, lt_workspace_bytes, gpu.stream),
                 "A matrix product"))
    return failed;
  return launched(cudaSuccess, {"matmul of cuBLASLt", 1});
}

// y = activation(sums + bias), rounded once.
template <class T>
int finish_sums(const MatMulArgs &args, float *sums, T *y) {
  Product<T> p = problem<T>(args);
  p.partial = sums;
  p.y = y;
  return launch<add_parts<T>>(grid_for(p.results), block_threads, 0, p);
}

// With an activation: float32 sums first, in y itself or, for 16-bit results, as many at a time as there is room for.
template <class T>
int activated(const MatMulArgs &args, int64_t pitch_a, bool &done) {
  auto *const y = static_cast<T *>(args.y);
  float *sums;
  int64_t matrices = args.batch, rows = args.m;
  if constexpr (sizeof(T) == sizeof(float)) {
    sums = y;
  } else {
    sums = static_cast<float *>(current().workspace) + lt_workspace_bytes / sizeof(float);
    const int64_t room = sums_room;
    if (matrices * rows * args.n > room) matrices = room / (rows * args.n) > 1 ? room / (rows * args.n) : 1;
    if (rows * args.n > room) rows = room / args.n;
    if (rows == 0) {
      done = false;
      return 0;
    }
  }
  const auto *const a = static_cast<const T *>(args.a), *const b = static_cast<const T *>(args.b);
  for (int64_t first = 0; first < args.batch; first += matrices) {
    for (int64_t row = 0; row < args.m; row += rows) {
      MatMulArgs some = args;
      some.batch = args.batch - first < matrices ? args.batch - first : matrices;
      some.m = args.m - row < rows ? args.m - row : rows;
      some.a = a + first * args.a_step + row * (args.transpose_a ? 1 : pitch_a);
      some.b = b + first * args.b_step;
      if (int failed = product(some, pitch_a, sums, real_32, nullptr, done); failed || !done) return failed;
      if (int failed = finish_sums<T>(some, sums, y + (first * args.m + row) * args.n)) return failed;
    }
  }
  return 0;
}

}  // namespace

bool opened(Text *why) {
  const Library &l = library();
  if (why) *why = l.why_not;
  return l.opened;
}

int multiply(const MatMulArgs &args, bool &done) {
  const int64_t pitch_a = args.transpose_a ? args.m : args.k;
  done = false;
  if (args.batch > INT32_MAX) return 0;
  if (args.activation < 0) return product(args, pitch_a, args.y, data_type(args.type), args.bias, done);
  switch (args.type) {
    case DG_FLOAT16:
      return activated<Half>(args, pitch_a, done);
    case DG_BFLOAT16:
      return activated<Brain>(args, pitch_a, done);
    default:
      return activated<float>(args, pitch_a, done);
  }
}

}  // namespace dg::gpu::cublaslt
