// Normalization, forward and backward, of what lies in many rows (batch and group normalization), which is read twice: columns
// are measured side by side, then the rows are walked with what that gave.
#include "columns.h"
#include "normalize.h"
#include "vectors.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 14;

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
  float *const means = normalize_room(2 * columns.partials());
  if (!means) return DG_E_MEMORY;
  float *const squares = means + columns.partials();
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

}  // namespace

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

namespace {

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

}  // namespace

int normalize_grad_columns(const NormalizeGradArgs &p) {
  const Columns columns(p.sizes);
  const int64_t statistics = p.sizes.batch * p.sizes.groups;
  float *const memory = normalize_room(2 * (columns.partials() + statistics));
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

}  // namespace dg::DG_ISA
