// How do parameters lie in the flat arrays of an optimizer?
#pragma once
#include <vector>

#include "core/args.h"

namespace dg {

// A flat array with gaps, as core lays it out.
struct Layout {
  std::vector<Segment> segments;
  int64_t total = 0;

  explicit Layout(const std::vector<int64_t> &sizes) {
    for (int64_t n : sizes) {
      total = (total + segment_align - 1) / segment_align * segment_align;
      segments.push_back({nullptr, DG_FLOAT32, total, n, static_cast<int32_t>(segments.size() % 2)});
      total += n;
    }
  }
  template <class Visit>
  void for_elements(const Visit &visit) const {
    for (const Segment &s : segments)
      for (int64_t i = 0; i < s.n; i++) visit(s, s.offset + i);
  }
};

}  // namespace dg
