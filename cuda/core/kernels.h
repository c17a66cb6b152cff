// Which kernel families are there?
#pragma once
#include "args.h"

// Every kernel family once: X(struct, name). Backends define `int run_<name>(const <struct>&)`, returning a status.
#define DG_KERNELS(X)                         \
  X(UnaryArgs, unary)                         \
  X(BinaryArgs, binary)                       \
  X(WhereArgs, where)                         \
  X(CastArgs, cast)                           \
  X(FillArgs, fill)                           \
  X(IterateArgs, iterate)                     \
  X(CopyArgs, copy)                           \
  X(StridedArgs, strided)                     \
  X(GatherArgs, gather)                       \
  X(ScatterAddArgs, scatter_add)              \
  X(CoalesceArgs, coalesce)                   \
  X(OneHotArgs, one_hot)                      \
  X(ReduceArgs, reduce)                       \
  X(ArgReduceArgs, argreduce)                 \
  X(ScanArgs, scan)                           \
  X(MatMulArgs, matmul)                       \
  X(ActivationGradArgs, activation_grad)      \
  X(MatMulGradArgs, matmul_grad)              \
  X(ConvArgs, conv)                           \
  X(PoolArgs, pool)                           \
  X(PoolGradArgs, pool_grad)                  \
  X(ResizeArgs, resize)                       \
  X(ResizeGradArgs, resize_grad)              \
  X(NormalizeArgs, normalize)                 \
  X(NormalizeGradArgs, normalize_grad)        \
  X(SoftmaxArgs, softmax)                     \
  X(SoftmaxGradArgs, softmax_grad)            \
  X(CrossEntropyArgs, cross_entropy)          \
  X(CrossEntropyGradArgs, cross_entropy_grad) \
  X(LossArgs, loss)                           \
  X(RecurrentArgs, recurrent)                 \
  X(RecurrentGradArgs, recurrent_grad)        \
  X(AttentionArgs, attention)                 \
  X(AttentionGradArgs, attention_grad)        \
  X(RandomArgs, random)                       \
  X(UpdateArgs, update)                       \
  X(ClipArgs, clip)                           \
  X(AllFiniteArgs, all_finite)                \
  X(LossScaleArgs, loss_scale)                \
  X(NoteArgs, note)
