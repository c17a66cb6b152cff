// Which part of cuBLASLt is called? Its functions as pointers, and the numbers they take, so that neither NVIDIA's headers
// nor its library are needed to build. Signatures and values are those of cublasLt.h, cublas_api.h and library_types.h of
// CUDA 12 and 13; they have been the same since CUDA 11.4, and the documentation of nvmath-python
// (docs.nvidia.com/cuda/nvmath-python, bindings.cublasLt) lists the attributes' numbers.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>

namespace dg::gpu::cublaslt {

// Descriptors are opaque, and made and freed by the library.
using Handle = struct Context *;
using Operation = struct OperationDescriptor *;
using Layout = struct LayoutDescriptor *;
using Preference = struct PreferenceDescriptor *;

struct Algorithm {  // cublasLtMatmulAlgo_t
  uint64_t data[8];
};
struct Found {  // cublasLtMatmulHeuristicResult_t
  Algorithm algorithm;
  size_t workspace;  // bytes
  int status;
  float waves;
  int reserved[4];
};

enum DataType { real_32 = 0, real_16 = 2, real_bf16 = 14 };       // cudaDataType_t
enum ComputeType { compute_32 = 68, compute_32_fast_tf32 = 77 };  // cublasComputeType_t
enum OperationAttribute {
  transpose_a = 3,
  transpose_b = 4,
  epilogue = 7,
  bias_pointer = 8
};                                                           // ...MatmulDescAttributes_t
enum LayoutAttribute { batch_count = 5, batch_stride = 6 };  // cublasLtMatrixLayoutAttribute_t
enum PreferenceAttribute {
  most_workspace = 1,
  reduction_schemes = 3,
  alignment_a = 5,
  alignment_b,
  alignment_c,
  alignment_d
};
enum Epilogue { epilogue_none = 1, epilogue_bias = 4 };  // cublasLtEpilogue_t
enum ReductionScheme { reduce_in_compute_type = 2 };     // cublasLtReductionScheme_t

// X(name without cublasLt, arguments): all return a status, 0 for success.
#define DG_CUBLASLT(X)                                                                                             \
  X(Create, (Handle *))                                                                                            \
  X(MatmulDescCreate, (Operation *, int compute, int scale))                                                       \
  X(MatmulDescDestroy, (Operation))                                                                                \
  X(MatmulDescSetAttribute, (Operation, int attribute, const void *value, size_t bytes))                           \
  X(MatrixLayoutCreate, (Layout *, int type, uint64_t rows, uint64_t columns, int64_t leading))                    \
  X(MatrixLayoutDestroy, (Layout))                                                                                 \
  X(MatrixLayoutSetAttribute, (Layout, int attribute, const void *value, size_t bytes))                            \
  X(MatmulPreferenceCreate, (Preference *))                                                                        \
  X(MatmulPreferenceDestroy, (Preference))                                                                         \
  X(MatmulPreferenceSetAttribute, (Preference, int attribute, const void *value, size_t bytes))                    \
  X(MatmulAlgoGetHeuristic,                                                                                        \
    (Handle, Operation, Layout a, Layout b, Layout c, Layout d, Preference, int wanted, Found *found, int *count)) \
  X(Matmul, (Handle, Operation, const void *alpha, const void *a, Layout, const void *b, Layout, const void *beta, \
             const void *c, Layout, void *d, Layout, const Algorithm *, void *workspace, size_t bytes, cudaStream_t))

struct Functions {
#define DG_POINTER(name, arguments) int(*name) arguments = nullptr;
  DG_CUBLASLT(DG_POINTER)
#undef DG_POINTER
};

}  // namespace dg::gpu::cublaslt
