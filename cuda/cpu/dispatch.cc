// Chooses, once, between the kernels compiled for each instruction set, and forwards every call to them.
#include "dispatch.h"

#include "../core/kernels.h"
#include "half_floats.h"

#if defined(__wasm__)
#define DG_ISAS(X) X(wasm)
#else
#define DG_ISAS(X) X(v3) X(v4)
#endif

namespace dg {

#define DG_DECLARE(Args, name) int run_##name(const Args &args);
#define DG_DECLARE_ISA(isa) \
  namespace isa {           \
  DG_KERNELS(DG_DECLARE)    \
  }
DG_ISAS(DG_DECLARE_ISA)

namespace {

struct Table {
  const char *name;
  int bits;
#define DG_FIELD(Args, name) int (*name##_)(const Args &);
  DG_KERNELS(DG_FIELD)
};

#define DG_ENTRY(Args, name) run_##name,
#define DG_TABLE(isa, text, bits)                           \
  namespace isa##_table {                                   \
    using namespace dg::isa;                                \
    const Table table = {text, bits, DG_KERNELS(DG_ENTRY)}; \
  }

#if defined(__wasm__)

DG_TABLE(wasm, "SIMD128", 128)
const Table *choose() { return &wasm_table::table; }

#else

DG_TABLE(v3, "AVX2", 256)
DG_TABLE(v4, "AVX-512", 512)

const Table *choose() {
  if (__builtin_cpu_supports("x86-64-v4")) return &v4_table::table;
  if (__builtin_cpu_supports("x86-64-v3")) return &v3_table::table;
  return nullptr;
}

#endif

const Table *table() {
  static const Table *const chosen = choose();
  return chosen;
}

}  // namespace

const char *isa_name() { return table() ? table()->name : nullptr; }
int isa_bits() { return table() ? table()->bits : 0; }

#define DG_FORWARD(Args, name) \
  int run_##name(const Args &args) { return run_in_float32(args, table()->name##_, table()->cast_); }
DG_KERNELS(DG_FORWARD)

}  // namespace dg
