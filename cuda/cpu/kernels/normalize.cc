// Normalization, forward and backward, of what lies in one row (layer normalization): it is measured and written while it is in
// the cache.
#include "normalize.h"

#include <string.h>

#include "rows.h"
#include "vectors.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 14;
constexpr int width = 32;

// Part of a list that all samples share, such as the scale.
const float *at(const float *p, int64_t i) { return p ? p + i : nullptr; }

int normalize_rows(const NormalizeArgs &p) {
  const int64_t n = p.sizes.size;
  const float share = 1.0f / static_cast<float>(n);
  parallel_for(p.sizes.batch * p.sizes.groups, elements_per_piece / n + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float *const x = static_cast<const float *>(p.x) + row * n;
      const int64_t channel = row % p.sizes.groups * n;
      if (p.measure) {
        const float centre = p.mean ? reduce_row<Sum>(x, n) * share : 0;
        if (p.mean) p.mean[row] = centre;
        p.variance[row] =
            share * reduce_blocks<Sum, width>(0, n, [&](int64_t i) {
              return map([&](auto v) { return (v - centre) * (v - centre); }, load_block<width>(x + i, n - i, centre));
            });
      }
      const float mean = or_zero(p.mean, row), inverse = inverse_deviation(p.variance[row], p.epsilon);
      const float *const scale = at(p.scale, channel), *const offset = at(p.offset, channel);
      float *const y = static_cast<float *>(p.y) + row * n;
      each_vector(0, n, [&](int64_t i, const auto &load, const auto &store) {
        const FloatLanes factor = scale ? load(scale + i) * inverse : splat<FloatLanes>(inverse);
        store(y + i, normalized(load(x + i), mean, factor, offset ? load(offset + i) : FloatLanes{}));
      });
    }
  });
  return 0;
}

// One row's dx, and its part of the sums over rows, where they are wanted.
void grad_row(const NormalizeGradArgs &p, int64_t row, float *weighted, float *plain) {
  const int64_t n = p.sizes.size, channel = row % p.sizes.groups * n;
  const float *const x = static_cast<const float *>(p.x) + row * n, *const dy =
                                                                        static_cast<const float *>(p.dy) + row * n;
  const float *const scale = at(p.scale, channel);
  const float mean = or_zero(p.mean, row), inverse = inverse_deviation(p.variance[row], p.epsilon);
  const float share = 1.0f / static_cast<float>(n);
  const auto g = [&](int64_t i) {
    const auto d = load_block<width>(dy + i, n - i, 0);
    return scale ? map([](auto v, auto s) { return v * s; }, d, load_block<width>(scale + i, n - i, 0)) : d;
  };
  const float sum = p.mean ? reduce_blocks<Sum, width>(0, n, g) : 0;
  const float product = reduce_blocks<Sum, width>(0, n, [&](int64_t i) {
    return map([&](auto v, auto deviating) { return v * (deviating - mean); }, g(i),
               load_block<width>(x + i, n - i, 0));
  });
  const Slope<float> slope = slope_of(mean, inverse, 1, sum * share, product * inverse * share);
  float *const dx = static_cast<float *>(p.dx) + row * n;
  each_vector(0, n, [&](int64_t i, const auto &load, const auto &store) {
    const FloatLanes d = load(dy + i);
    store(dx + i, slope(load(x + i), scale ? d * load(scale + i) : d));
  });
  if (!weighted) return;
  weighted += channel;
  plain += channel;
  each_vector(0, n, [&](int64_t i, const auto &load, const auto &store) {
    const FloatLanes d = load(dy + i);
    store(weighted + i, fma_(d, (load(x + i) - mean) * inverse, load(weighted + i)));
    store(plain + i, load(plain + i) + d);
  });
}

int normalize_grad_rows(const NormalizeGradArgs &p) {
  constexpr int64_t most_pieces = 64;
  const int64_t channels = p.sizes.channels(), batch = p.sizes.batch;
  int64_t pieces = batch * channels / elements_per_piece + 1;
  if (pieces > most_pieces) pieces = most_pieces;
  const int64_t step = (batch + pieces - 1) / pieces;
  pieces = (batch + step - 1) / step;
  const bool sums = p.dscale || p.doffset;
  float *const memory = sums ? normalize_room(2 * pieces * channels) : nullptr;
  if (sums && !memory) return DG_E_MEMORY;
  parallel_for(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; piece++) {
      float *const weighted = sums ? memory + 2 * piece * channels : nullptr;
      float *const plain = sums ? weighted + channels : nullptr;
      if (sums) memset(weighted, 0, 2 * channels * sizeof(float));
      const int64_t last = (piece + 1) * step < batch ? (piece + 1) * step : batch;
      for (int64_t row = piece * step * p.sizes.groups; row < last * p.sizes.groups; row++)
        grad_row(p, row, weighted, plain);
    }
  });
  const auto over_pieces = [&](int64_t first, float *to) {
    if (!to) return;
    const float *const from = memory + first;
    memcpy(to, from, channels * sizeof(float));
    for (int64_t piece = 1; piece < pieces; piece++)
      for (int64_t c = 0; c < channels; c++) to[c] += from[2 * piece * channels + c];
  };
  over_pieces(0, p.dscale);
  over_pieces(channels, p.doffset);
  return 0;
}

}  // namespace

int run_normalize(const NormalizeArgs &args) {
  return args.sizes.rows == 1 ? normalize_rows(args) : normalize_columns(args);
}

int run_normalize_grad(const NormalizeGradArgs &args) {
  return args.sizes.rows == 1 ? normalize_grad_rows(args) : normalize_grad_columns(args);
}

}  // namespace dg::DG_ISA
