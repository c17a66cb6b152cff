// Which operations does each kernel family have? One list per family gives kernels their ids and the other side of the
// contract their names (dg_name). The elementwise families are in ops.def.
#pragma once

namespace dg {

#define DG_REDUCE_OPS(X) X(sum) X(mean) X(prod) X(max) X(min) X(all) X(any) X(sumSquares)
#define DG_ARGREDUCE_OPS(X) X(argMax) X(argMin)
#define DG_SCAN_OPS(X) X(cumsum) X(cumprod)
#define DG_RANDOM_OPS(X) X(uniform) X(normal) X(truncatedNormal) X(bernoulli) X(uniformInt)
#define DG_UPDATE_OPS(X) X(sgd) X(adam) X(adamax) X(nadam) X(adagrad) X(adadelta) X(rmsprop) X(ftrl) X(lion)
#define DG_CLIP_OPS(X) X(clipvalue) X(clipnorm) X(globalClipnorm)

#define DG_ID(name) name,
#define DG_NAME(name) #name,
// An enum and the name of an id (null outside the enum).
#define DG_FAMILY(Enum, prefix, OPS)                    \
  enum class Enum : int { OPS(DG_ID) };                 \
  inline const char *prefix##_name(int id) {            \
    constexpr const char *names[] = {OPS(DG_NAME)};     \
    constexpr int count = sizeof names / sizeof *names; \
    return id >= 0 && id < count ? names[id] : nullptr; \
  }
DG_FAMILY(Reduce, reduce, DG_REDUCE_OPS)
DG_FAMILY(ArgReduce, argreduce, DG_ARGREDUCE_OPS)
DG_FAMILY(Scan, scan, DG_SCAN_OPS)
DG_FAMILY(Random, random, DG_RANDOM_OPS)
DG_FAMILY(Update, update, DG_UPDATE_OPS)
DG_FAMILY(Clip, clip, DG_CLIP_OPS)
#undef DG_FAMILY
#undef DG_NAME
#undef DG_ID

// The state arrays that a rule cannot work without: bit i stands for s(i+1). updates.h says what each slot holds.
inline int update_slots(int op) {
  switch (static_cast<Update>(op)) {
    case Update::sgd:
      return 0;
    case Update::adagrad:
    case Update::rmsprop:
    case Update::lion:
      return 0b001;
    case Update::adam:
    case Update::adamax:
    case Update::nadam:
    case Update::adadelta:
    case Update::ftrl:
      return 0b011;
  }
  return 0;
}

}  // namespace dg
