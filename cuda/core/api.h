// What do all entries of the contract check alike? Handles, devices, types, counts and overlap.
#pragma once
#include <initializer_list>

#include "../math/op_table.h"
#include "arrays.h"
#include "context.h"
#include "record.h"

namespace dg {

// Finds the array behind a handle, or returns early with the status of one that is not alive.
#define DG_FIND(name, handle)       \
  Array *name = find_array(handle); \
  if (!name) return DG_E_ARGUMENT
// The same for an operand of a kernel, which a program being recorded keeps.
#define DG_OPERAND(name, handle) \
  DG_FIND(name, handle);         \
  use(*name)
// The same for one that the call may do without, as 0.
#define DG_OPTIONAL(name, handle) \
  Array *name = nullptr;          \
  if (handle) {                   \
    DG_OPERAND(found_, handle);   \
    name = found_;                \
  }

#define DG_REQUIRE(condition, ...) \
  if (!(condition)) return fail(DG_E_ARGUMENT, __VA_ARGS__)

// 0, or a status after fail() when the library has no such device.
int known_device(int device);

inline bool whole(double v) {
  return v >= 0 && v <= 9007199254740992.0 && v == static_cast<double>(static_cast<int64_t>(v));
}

// Checks shared by most entries; each returns 0 or a status after fail().
inline int same_device(const Array &a, const Array &b) {
  if (a.device() == b.device()) return 0;
  return fail(DG_E_ARGUMENT, "Arrays are on devices ", a.device(), " and ", b.device(), ": copy one of them first");
}

inline int need_type(const Array &a, int dtype, const char *what) {
  if (a.dtype == dtype) return 0;
  return fail(DG_E_ARGUMENT, what, " must be ", dtype_name(dtype), ", got ", dtype_name(a.dtype));
}

inline int need_floats(const Array &a, const char *what) {
  if (is_float_type(a.dtype)) return 0;
  return fail(DG_E_ARGUMENT, what, " must be floats, got ", dtype_name(a.dtype));
}

inline int need_count(const Array &a, double count, const char *what) {
  if (static_cast<double>(a.count) == count) return 0;
  return fail(DG_E_ARGUMENT, what, " must have ", count, " elements, got ", a.count);
}

// Whether a product may end in this unary operation (-1: in none).
inline int need_activation(int op) {
  if (op == -1) return 0;
  if (!unary_name(op)) return fail(DG_E_ARGUMENT, "There is no unary operation ", op);
  if (unary_accepts(op, DG_FLOAT32) && unary_result(op, DG_FLOAT32) == DG_FLOAT32) return 0;
  return fail(DG_E_ARGUMENT, unary_name(op), " cannot be an activation");
}

inline bool overlap(const Array &a, const Array &b) {
  return a.count && b.count && a.storage == b.storage && a.offset < b.offset + b.bytes() &&
         b.offset < a.offset + a.bytes();
}

// 0 unless an output and an input share memory otherwise than element for element.
inline int not_partly(const Array &out, const Array &in) {
  if (!overlap(out, in) || (out.offset == in.offset && out.bytes() == in.bytes())) return 0;
  return fail(DG_E_ARGUMENT, "The output overlaps part of an input");
}

inline int apart(const Array &out, const Array &in) {
  if (!overlap(out, in)) return 0;
  return fail(DG_E_ARGUMENT, "The output may not share memory with an input of this call");
}

// What the flags of a product or convolution let be done to float32 factors.
inline int tf32_of(int flags) { return flags & DG_TF32X3 ? tf32_parts : flags & DG_TF32 ? tf32_rounded : 0; }

#define DG_TRY(expression) \
  if (int status_ = (expression)) return status_

// Whether outputs, of which some may be null, share no memory with an input or another output.
inline int all_apart(std::initializer_list<const Array *> outputs, std::initializer_list<const Array *> inputs) {
  for (const Array *const *out = outputs.begin(); out != outputs.end(); out++) {
    if (!*out) continue;
    for (const Array *in : inputs)
      if (in) DG_TRY(apart(**out, *in));
    for (const Array *const *other = out + 1; other != outputs.end(); other++)
      if (*other && overlap(**out, **other)) return fail(DG_E_ARGUMENT, "Outputs of a call may not share memory");
  }
  return 0;
}

}  // namespace dg
