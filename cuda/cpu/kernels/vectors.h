// How does a kernel walk a run of elements that knows no blocks? A register at a time, and at the end a part of one.
#pragma once
#include "lanes.h"

namespace dg::DG_ISA {

// The elements [begin, end) as vectors: f(first, load, store), the last one perhaps only a part.
template <class F>
inline void each_vector(int64_t begin, int64_t end, const F &f) {
  for (; end - begin >= lanes; begin += lanes)
    f(
        begin, [](const float *p) { return load(p); }, [](float *p, FloatLanes v) { store(p, v); });
  if (const int rest = static_cast<int>(end - begin))
    f(
        begin, [rest](const float *p) { return load_part(p, rest); },
        [rest](float *p, FloatLanes v) { store_part(p, rest, v); });
}

}  // namespace dg::DG_ISA
