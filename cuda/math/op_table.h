// Which elementwise operations exist, what do they take and what do they give? Names, types and ids from ops.def.
#pragma once
#include "../dinograd.h"

namespace dg {

enum OpFlag : unsigned { FLOAT = 1, INT = 2, BOOL = 4, TEST = 8, HEAVY = 16 };

enum class Unary : int {
#define DG_UNARY(name, flags, ...) name,
#include "../ops.def"
};
enum class Binary : int {
#define DG_BINARY(name, flags, ...) name,
#include "../ops.def"
};

struct OpInfo {
  const char *name;
  unsigned flags;
};
constexpr OpInfo unary_table[] = {
#define DG_UNARY(name, flags, ...) {#name, flags},
#include "../ops.def"
};
constexpr OpInfo binary_table[] = {
#define DG_BINARY(name, flags, ...) {#name, flags},
#include "../ops.def"
};
constexpr int unary_count = sizeof unary_table / sizeof *unary_table;
constexpr int binary_count = sizeof binary_table / sizeof *binary_table;

// The flag of an operand type.
constexpr unsigned type_flag(int dtype) {
  switch (dtype) {
    case DG_FLOAT32:
    case DG_FLOAT16:
    case DG_BFLOAT16:
      return FLOAT;
    case DG_INT32:
    case DG_UINT8:
      return INT;
    case DG_BOOL:
      return BOOL;
    default:
      return 0;
  }
}

// Ids outside the tables have no name and accept nothing.
constexpr unsigned unary_flags(int op) { return op >= 0 && op < unary_count ? unary_table[op].flags : 0; }
constexpr unsigned binary_flags(int op) { return op >= 0 && op < binary_count ? binary_table[op].flags : 0; }
constexpr const char *unary_name(int op) { return op >= 0 && op < unary_count ? unary_table[op].name : nullptr; }
constexpr const char *binary_name(int op) { return op >= 0 && op < binary_count ? binary_table[op].name : nullptr; }
constexpr bool unary_accepts(int op, int dtype) { return unary_flags(op) & type_flag(dtype); }
constexpr bool binary_accepts(int op, int dtype) { return binary_flags(op) & type_flag(dtype); }
constexpr int unary_result(int op, int dtype) { return unary_flags(op) & TEST ? DG_BOOL : dtype; }
constexpr int binary_result(int op, int dtype) { return binary_flags(op) & TEST ? DG_BOOL : dtype; }

}  // namespace dg
