// Normalization, forward and backward. What is normalised together in one row (layer normalization) is measured and written
// while it is in the cache. What lies in many rows (batch and group normalization) is read twice: columns are measured side by
// side, then the rows are walked with what that gave.
#include "../../math/normalize.h"

#include <string.h>

#include "../../core/error.h"
#include "columns.h"
#include "scratch.h"
#include "vectors.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 14;

// Room for a call's floats, kept from call to call; null after fail().
float *room(int64_t floats) {
  static thread_local Scratch scratch;
  void *const memory = scratch.room(static_cast<size_t>(floats) * sizeof(float));
  if (!memory) fail(DG_E_MEMORY, "Out of memory: ", floats * 4, " bytes were asked for to normalize");
  return static_cast<float *>(memory);
}

float or_one(const float *p, int64_t i) { return p ? p[i] : 1.0f; }
float or_zero(const float *p, int64_t i) { return p ? p[i] : 0.0f; }

// ---- In many rows --------------------------------------------------------------------------------------------------

struct Measuring {
  const float *x;
  int64_t stride;
  bool centred;

  using State = Shifted<FloatLanes>;
  template <class Load>
  DG_HD State start(int64_t row, int64_t j, const Load &load) const {
    const FloatLanes none = {};
    return {centred ? load(x + row * stride + j) : none, none, none};
  }
  template <class Load>
  DG_HD void add(State &state, int64_t row, int64_t j, const Load &load) const {
    state.add(load(x + row * stride + j));
  }
  DG_HD std::pair<FloatLanes, FloatLanes> end(const State &state, int64_t rows) const {
    const Moments<FloatLanes> m = state.moments(static_cast<float>(rows), centred);
    return {m.mean, m.squares};
  }
  void join(int64_t rows, float &mean, float &squares, int64_t more, float other, float other_squares) const {
    const Moments<float> m =
        dg::join<float>({mean, squares}, static_cast<float>(rows), {other, other_squares}, static_cast<float>(more));
    mean = m.mean;
    squares = m.squares;
  }
};

// mean and variance of every group of every sample.
int measure_columns(const NormalizeArgs &p, const Columns &columns) {
  float *const means = room(2 * columns.partials()), *const squares = means + columns.partials();
  if (!means) return DG_E_MEMORY;
  columns.each_tile([&](const Tile &t) {
    const Measuring op{static_cast<const float *>(p.x) + t.at, t.stride, p.mean != nullptr};
    reduce_columns(op, 0, t.rows, t.width, means + t.partial, squares + t.partial);
  });
  const int64_t group_work = p.sizes.size * columns.partials() / (p.sizes.batch * p.sizes.channels());
  parallel_for(p.sizes.batch * p.sizes.groups, elements_per_piece / group_work + 1, [&](int64_t begin, int64_t end) {
    for (int64_t statistic = begin; statistic < end; statistic++) {
      const int64_t sample = statistic / p.sizes.groups, first = statistic % p.sizes.groups * p.sizes.size;
      const auto each = [&](const auto &f) {
        for (int64_t c = first; c < first + p.sizes.size; c++)
          columns.each_partial(sample, c, [&](int64_t i, int64_t rows) { f(i, static_cast<float>(rows)); });
      };
      const float n = static_cast<float>(p.sizes.rows * p.sizes.size);
      float mean = 0, total = 0;
      each([&](int64_t i, float rows) { mean = fma_(means[i], rows / n, mean); });
      each([&](int64_t i, float rows) {
        const float apart = means[i] - mean;
        total += fma_(apart * apart, rows, squares[i]);
      });
      if (p.mean) p.mean[statistic] = mean;
      p.variance[statistic] = total / n;
    }
  });
  return 0;
}

int normalize_columns(const NormalizeArgs &p) {
  const Columns columns(p.sizes);
  if (p.measure)
    if (const int failed = measure_columns(p, columns)) return failed;
  columns.each_tile([&](const Tile &t) {
    float mean[panel], factor[panel], offset[panel];
    columns.each_column(t, [&](int64_t j, int64_t channel, int64_t statistic) {
      mean[j] = or_zero(p.mean, statistic);
      factor[j] = inverse_deviation(p.variance[statistic], p.epsilon) * or_one(p.scale, channel);
      offset[j] = or_zero(p.offset, channel);
    });
    const float *x = static_cast<const float *>(p.x) + t.at;
    float *y = static_cast<float *>(p.y) + t.at;
    for (int64_t r = 0; r < t.rows; r++, x += t.stride, y += t.stride)
      each_vector(0, t.width, [&](int64_t j, const auto &load, const auto &store) {
        store(y + j, normalized(load(x + j), load(mean + j), load(factor + j), load(offset + j)));
      });
  });
  return 0;
}

// Sums of dy, and of dy times the deviation of x.
struct Summing {
  const float *x, *dy, *mean;
  int64_t stride;

  struct State {
    FloatLanes mean, plain, weighted;
  };
  template <class Load>
  DG_HD State start(int64_t, int64_t j, const Load &load) const {
    const FloatLanes none = {};
    return {load(mean + j), none, none};
  }
  template <class Load>
  DG_HD void add(State &state, int64_t row, int64_t j, const Load &load) const {
    const FloatLanes g = load(dy + row * stride + j);
    state.plain += g;
    state.weighted = fma_(g, load(x + row * stride + j) - state.mean, state.weighted);
  }
  DG_HD std::pair<FloatLanes, FloatLanes> end(const State &state, int64_t) const {
    return {state.plain, state.weighted};
  }
  void join(int64_t, float &plain, float &weighted, int64_t, float other, float other_weighted) const {
    plain += other;
    weighted += other_weighted;
  }
};

// What the sums over rows come to, in the order of rows and samples.
struct GradSums {
  float *plain, *weighted;  // of dy and of dy z: partial ones, whose first come to be those of [batch, channels]
  float *g, *gz;            // means over [batch, groups]
};

void sum_tiles(const NormalizeGradArgs &p, const Columns &columns, const GradSums &to) {
  columns.each_tile([&](const Tile &t) {
    float mean[panel];
    columns.each_column(t, [&](int64_t j, int64_t, int64_t statistic) { mean[j] = or_zero(p.mean, statistic); });
    const Summing op{static_cast<const float *>(p.x) + t.at, static_cast<const float *>(p.dy) + t.at, mean, t.stride};
    reduce_columns(op, 0, t.rows, t.width, to.plain + t.partial, to.weighted + t.partial);
  });
  const int64_t channels = p.sizes.channels();
  const float share = 1.0f / static_cast<float>(p.sizes.rows * p.sizes.size);
  const int64_t sample_work = columns.partials() / p.sizes.batch;
  parallel_for(p.sizes.batch, elements_per_piece / sample_work + 1, [&](int64_t begin, int64_t end) {
    for (int64_t sample = begin; sample < end; sample++)
      for (int64_t group = 0; group < p.sizes.groups; group++) {
        const int64_t statistic = sample * p.sizes.groups + group;
        const float inverse = inverse_deviation(p.variance[statistic], p.epsilon);
        float g = 0, gz = 0;
        for (int64_t c = group * p.sizes.size; c < (group + 1) * p.sizes.size; c++) {
          float plain = 0, weighted = 0;
          columns.each_partial(sample, c, [&](int64_t i, int64_t) {
            plain += to.plain[i];
            weighted += to.weighted[i];
          });
          const int64_t first = sample * columns.pieces * columns.columns + c;
          to.plain[first] = plain;
          to.weighted[first] = weighted *= inverse;
          g = fma_(plain, or_one(p.scale, c), g);
          gz = fma_(weighted, or_one(p.scale, c), gz);
        }
        to.g[statistic] = p.mean ? g * share : 0;
        to.gz[statistic] = gz * share;
      }
  });
  const auto over_samples = [&](const float *from, float *sums) {
    if (!sums) return;
    for (int64_t c = 0; c < channels; c++) sums[c] = from[c];
    for (int64_t sample = 1; sample < p.sizes.batch; sample++)
      for (int64_t c = 0; c < channels; c++) sums[c] += from[sample * columns.pieces * columns.columns + c];
  };
  over_samples(to.weighted, p.dscale);
  over_samples(to.plain, p.doffset);
}

int normalize_grad_columns(const NormalizeGradArgs &p) {
  const Columns columns(p.sizes);
  const int64_t statistics = p.sizes.batch * p.sizes.groups;
  float *const memory = room(2 * (columns.partials() + statistics));
  if (!memory) return DG_E_MEMORY;
  const GradSums sums{memory, memory + columns.partials(), memory + 2 * columns.partials(),
                      memory + 2 * columns.partials() + statistics};
  sum_tiles(p, columns, sums);
  columns.each_tile([&](const Tile &t) {
    float mean[panel], factor[panel], slope[panel], offset[panel];
    columns.each_column(t, [&](int64_t j, int64_t channel, int64_t statistic) {
      const Slope<float> s = slope_of(or_zero(p.mean, statistic), inverse_deviation(p.variance[statistic], p.epsilon),
                                      or_one(p.scale, channel), sums.g[statistic], sums.gz[statistic]);
      mean[j] = s.mean, factor[j] = s.factor, slope[j] = s.slope, offset[j] = s.offset;
    });
    const float *x = static_cast<const float *>(p.x) + t.at, *dy = static_cast<const float *>(p.dy) + t.at;
    float *dx = static_cast<float *>(p.dx) + t.at;
    for (int64_t r = 0; r < t.rows; r++, x += t.stride, dy += t.stride, dx += t.stride)
      each_vector(0, t.width, [&](int64_t j, const auto &load, const auto &store) {
        const Slope<FloatLanes> s{load(mean + j), load(factor + j), load(slope + j), load(offset + j)};
        store(dx + j, s(load(x + j), load(dy + j)));
      });
  });
  return 0;
}

// ---- In one row ----------------------------------------------------------------------------------------------------

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
  float *const memory = room(sums ? 2 * pieces * channels : 0);
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
  const auto over_pieces = [&](const float *from, float *to) {
    if (!to) return;
    memcpy(to, from, channels * sizeof(float));
    for (int64_t piece = 1; piece < pieces; piece++)
      for (int64_t c = 0; c < channels; c++) to[c] += from[2 * piece * channels + c];
  };
  over_pieces(memory, p.dscale);
  over_pieces(memory + channels, p.doffset);
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
