// What if cuBLASLt were here? A library with its names that computes what its descriptors say, in plain loops, and tells a
// test what it was asked for.
#include "cublaslt_stand_in.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cublaslt_api.h"
#include "math/half.h"

using namespace dg;
using namespace dg::gpu::cublaslt;

namespace dg::gpu::cublaslt {
struct Context {};
struct OperationDescriptor {
  int compute, scale, transpose[2] = {0, 0}, epilogue = epilogue_none;
  const void *bias = nullptr;
};
struct LayoutDescriptor {
  int type;
  uint64_t rows, columns;
  int64_t leading, step = 0;
  int32_t batch = 1;
};
struct PreferenceDescriptor {
  uint64_t workspace = 0;
  uint32_t schemes = ~0u, alignment[4] = {256, 256, 256, 256};
};
}  // namespace dg::gpu::cublaslt

namespace {

StandIn state;
constexpr uint64_t mark = 0x5eed;  // of an algorithm that was found here

constexpr int success = 0, invalid = 7, failed_to_run = 13, unsupported = 15;

float element(const void *data, int type, int64_t i) {
  if (type == real_32) return static_cast<const float *>(data)[i];
  if (type == real_16) return widen(static_cast<const Half *>(data)[i]);
  return widen(static_cast<const Brain *>(data)[i]);
}
void set_element(void *data, int type, int64_t i, float value) {
  if (type == real_32) static_cast<float *>(data)[i] = value;
  if (type == real_16) static_cast<Half *>(data)[i] = narrow<Half>(value);
  if (type == real_bf16) static_cast<Brain *>(data)[i] = narrow<Brain>(value);
}
float rounded(float x, int compute) {
  return compute == compute_32_fast_tf32 ? from_bits((bits(x) + 0x1000) & ~0x1fff) : x;
}

// Sizes after transposing must fit, and batches be alike.
bool consistent(const OperationDescriptor &op, const LayoutDescriptor &a, const LayoutDescriptor &b,
                const LayoutDescriptor &d) {
  const auto rows = [](const LayoutDescriptor &l, int t) { return t ? l.columns : l.rows; };
  const auto columns = [](const LayoutDescriptor &l, int t) { return t ? l.rows : l.columns; };
  for (const LayoutDescriptor *l : {&a, &b, &d})
    if (l->leading < static_cast<int64_t>(l->rows) || l->batch != d.batch) return false;
  const bool types = a.type == b.type && (d.type == a.type || d.type == real_32) && op.scale == real_32 &&
                     (op.compute == compute_32 || (op.compute == compute_32_fast_tf32 && a.type == real_32));
  return types && rows(a, op.transpose[0]) == d.rows && columns(b, op.transpose[1]) == d.columns &&
         columns(a, op.transpose[0]) == rows(b, op.transpose[1]);
}

void multiply(const OperationDescriptor &op, const void *a, const LayoutDescriptor &la, const void *b,
              const LayoutDescriptor &lb, void *d, const LayoutDescriptor &ld) {
  const auto at = [](const LayoutDescriptor &l, int64_t batch, int64_t i, int64_t j, int transposed) {
    return batch * l.step + (transposed ? j + i * l.leading : i + j * l.leading);
  };
  const int64_t depth = static_cast<int64_t>(op.transpose[0] ? la.rows : la.columns);
  for (int64_t batch = 0; batch < ld.batch; batch++)
    for (int64_t j = 0; j < static_cast<int64_t>(ld.columns); j++)
      for (int64_t i = 0; i < static_cast<int64_t>(ld.rows); i++) {
        float sum = op.epilogue == epilogue_bias ? element(op.bias, ld.type, i) : 0;
        for (int64_t k = 0; k < depth; k++)
          sum += rounded(element(a, la.type, at(la, batch, i, k, op.transpose[0])), op.compute) *
                 rounded(element(b, lb.type, at(lb, batch, k, j, op.transpose[1])), op.compute);
        set_element(d, ld.type, at(ld, batch, i, j, 0), sum);
      }
}

bool aligned(const void *p, uint32_t alignment) { return reinterpret_cast<uintptr_t>(p) % alignment == 0; }

// Where the test that opened this library sets none, the emulated library's way into a stream, which it shows for this.
auto *way_into_streams() {
  if (!state.submit) {
    const char *path = getenv("DINOGRAD_CUDA_LIB");
    if (void *emulated = path ? dlopen(path, RTLD_NOW | RTLD_NOLOAD) : nullptr)
      state.submit = reinterpret_cast<decltype(state.submit)>(dlsym(emulated, "dg_emulated_submit"));
  }
  return state.submit;
}

template <class T>
int set(T &to, const void *value, size_t bytes) {
  if (bytes != sizeof(T)) return invalid;
  memcpy(&to, value, bytes);
  return success;
}
template <class T>
int destroy(T *descriptor) {
  delete descriptor;
  state.descriptors--;
  return success;
}
template <class T>
int create(T **descriptor, T made) {
  *descriptor = new T(made);
  state.descriptors++;
  return success;
}

}  // namespace

#define LT(name) extern "C" __attribute__((visibility("default"))) int cublasLt##name

extern "C" __attribute__((visibility("default"))) StandIn *stand_in() { return &state; }

LT(Create)(Handle *handle) {
  *handle = new Context;
  return success;
}
LT(MatmulDescCreate)(Operation *op, int compute, int scale) { return create(op, {compute, scale}); }
LT(MatmulDescDestroy)(Operation op) { return destroy(op); }
LT(MatmulDescSetAttribute)(Operation op, int attribute, const void *value, size_t bytes) {
  if (attribute == transpose_a || attribute == transpose_b)
    return set(op->transpose[attribute - transpose_a], value, bytes);
  if (attribute == epilogue) return set(op->epilogue, value, bytes);
  return attribute == bias_pointer ? set(op->bias, value, bytes) : invalid;
}
LT(MatrixLayoutCreate)(Layout *layout, int type, uint64_t rows, uint64_t columns, int64_t leading) {
  return create(layout, {type, rows, columns, leading});
}
LT(MatrixLayoutDestroy)(Layout layout) { return destroy(layout); }
LT(MatrixLayoutSetAttribute)(Layout layout, int attribute, const void *value, size_t bytes) {
  if (attribute == batch_count) return set(layout->batch, value, bytes);
  return attribute == batch_stride ? set(layout->step, value, bytes) : invalid;
}
LT(MatmulPreferenceCreate)(Preference *preference) { return create(preference, {}); }
LT(MatmulPreferenceDestroy)(Preference preference) { return destroy(preference); }
LT(MatmulPreferenceSetAttribute)(Preference preference, int attribute, const void *value, size_t bytes) {
  if (attribute == most_workspace) return set(preference->workspace, value, bytes);
  if (attribute == reduction_schemes) return set(preference->schemes, value, bytes);
  const int operand = attribute - alignment_a;
  return operand >= 0 && operand < 4 ? set(preference->alignment[operand], value, bytes) : invalid;
}
// The alignments come back in the algorithm, so that the product can hold the operands to them.
LT(MatmulAlgoGetHeuristic)
(Handle, Operation op, Layout a, Layout b, Layout c, Layout d, Preference preference, int wanted, Found *found,
 int *count) {
  state.searches++;
  *count = 0;
  if (wanted < 1 || c != d || !consistent(*op, *a, *b, *d) || preference->schemes != reduce_in_compute_type ||
      !preference->workspace)
    return invalid;
  if (state.refuses) return unsupported;
  *found = {};
  found->algorithm.data[0] = mark;
  for (int i = 0; i < 4; i++) found->algorithm.data[i + 1] = preference->alignment[i];
  found->workspace = preference->workspace;
  *count = 1;
  return success;
}
LT(Matmul)
(Handle, Operation op, const void *alpha, const void *a, Layout la, const void *b, Layout lb, const void *beta,
 const void *, Layout, void *d, Layout ld, const Algorithm *algorithm, void *workspace, size_t bytes,
 cudaStream_t stream) {
  const uint64_t *known = algorithm->data;
  if (known[0] != mark || !aligned(a, known[1]) || !aligned(b, known[2]) || !aligned(d, known[4]) ||
      *static_cast<const float *>(alpha) != 1 || *static_cast<const float *>(beta) != 0)
    return invalid;
  if (state.fails) return failed_to_run;
  auto *const submit = way_into_streams();
  if (!submit) return failed_to_run;
  state.products++;
  if (state.idle) return success;
  const auto work = [op = *op, a, la = *la, b, lb = *lb, d, ld = *ld, workspace, bytes] {
    memset(workspace, 0xff, bytes);  // it is the library's to write
    multiply(op, a, la, b, lb, d, ld);
  };
  submit(stream, work);
  return success;
}
