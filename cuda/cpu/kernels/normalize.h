// Which parts of normalization are there? What lies in many rows is for normalize_columns.cc, what lies in one for normalize.cc,
// which takes both calls.
#pragma once
#include "../../core/args.h"
#include "../../core/error.h"
#include "../../math/normalize.h"
#include "scratch.h"

namespace dg::DG_ISA {

int normalize_columns(const NormalizeArgs &args);
int normalize_grad_columns(const NormalizeGradArgs &args);

// Room for a call's floats, kept from call to call; null after fail().
inline float *normalize_room(int64_t floats) {
  static thread_local Scratch scratch;
  void *const memory = scratch.room(static_cast<size_t>(floats) * sizeof(float));
  if (!memory) fail(DG_E_MEMORY, "Out of memory: ", floats * 4, " bytes were asked for to normalize");
  return static_cast<float *>(memory);
}

inline float or_one(const float *p, int64_t i) { return p ? p[i] : 1.0f; }
inline float or_zero(const float *p, int64_t i) { return p ? p[i] : 0.0f; }

}  // namespace dg::DG_ISA
