// Reductions over any set of axes. The last two runs of dimensions are walked by loops of their own (rows.h where the
// last one is reduced, panels of columns where it is kept); what lies outside is a list of lines, combined as a binary
// tree.
#include "../../core/args.h"
#include "../../core/error.h"
#include "../../math/families.h"
#include "rows.h"

namespace dg::DG_ISA {
namespace {

constexpr int panel = 128;                       // columns combined side by side
constexpr int64_t elements_per_piece = 1 << 15;  // worth a thread
constexpr int most_pieces = 32;                  // into which few long results are split

// Some dimensions of x, to be walked as one index.
struct Axes {
  int rank = 0;
  int64_t n = 1, size[max_rank], stride[max_rank];

  void push(int64_t s, int64_t step) {
    size[rank] = s;
    stride[rank++] = step;
    n *= s;
  }
  int64_t offset(int64_t index) const {
    int64_t at = 0;
    for (int d = 0; d < rank - 1; d++) {
      at += index % size[d] * stride[d];
      index /= size[d];
    }
    return rank ? at + index * stride[rank - 1] : 0;
  }
};

// x [kept..., lines..., inner], where inner is [count] or [count, width], its columns lying side by side.
struct Plan {
  Axes kept, lines;  // fastest dimension first
  int64_t count = 1, width = 1;
  bool columns;

  explicit Plan(const ReduceArgs &args) {
    int d = args.rank - 1;
    int64_t stride = 1;
    columns = d < 0 || !args.reduced[d];
    if (columns && d >= 0) stride = width = args.size[d--];
    if (d >= 0) stride *= count = args.size[d--];
    for (; d >= 0; d--) {
      (args.reduced[d] ? lines : kept).push(args.size[d], stride);
      stride *= args.size[d];
    }
  }
};

// out [width] from x [rows, width], whose rows lie `stride` apart.
template <class Op, class T>
void reduce_columns(const T *x, int64_t rows, int64_t stride, int64_t width, T *out) {
  constexpr int64_t leaf = 64;
  if (rows > leaf) {
    const int64_t half = split_point(rows, leaf);
    T other[panel];
    reduce_columns<Op>(x, half, stride, width, out);
    reduce_columns<Op>(x + half * stride, rows - half, stride, width, other);
    for (int64_t j = 0; j < width; j++) out[j] = Op::join(out[j], other[j]);
    return;
  }
  const T start = Op::start(T{});
  if constexpr (std::is_same_v<T, float>) {
    for (int64_t j = 0; j < width; j += 32) {
      Block<32> acc = splat_block<32>(start);
      for (int64_t r = 0; r < rows; r++) acc = add_block<Op>(acc, load_block<32>(x + r * stride + j, width - j, start));
      store_block(out + j, width - j, acc);
    }
  } else {
    for (int64_t j = 0; j < width; j++) out[j] = start;
    for (int64_t r = 0; r < rows; r++, x += stride)
      for (int64_t j = 0; j < width; j++) out[j] = Op::add(out[j], x[j]);
  }
}

// Rows too short to fill a register: several of them are taken as one wide row, whose columns are joined afterwards.
template <class Op, class T>
void reduce_narrow_columns(const T *x, int64_t rows, int64_t width, T *out) {
  int64_t group = 1;
  while (group * width < 16) group *= 2;
  T wide[panel];
  reduce_columns<Op>(x, rows / group, group * width, group * width, wide);
  for (int64_t half = group / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half * width; j++) wide[j] = Op::join(wide[j], wide[j + half * width]);
  for (int64_t r = rows / group * group; r < rows; r++)
    for (int64_t j = 0; j < width; j++) wide[j] = Op::add(wide[j], x[r * width + j]);
  for (int64_t j = 0; j < width; j++) out[j] = wide[j];
}

// One line: `count` rows of `width` of the plan's columns.
template <class Op, class T>
void reduce_line(const Plan &plan, const T *x, int64_t count, int64_t width, T *out) {
  if (!plan.columns) {
    *out = reduce_row<Op>(x, count);
  } else if (plan.width < 16) {
    reduce_narrow_columns<Op>(x, count, width, out);
  } else {
    reduce_columns<Op>(x, count, plan.width, width, out);
  }
}

template <class Op, class T>
void reduce_lines(const Plan &plan, const T *x, int64_t begin, int64_t end, int64_t width, T *out) {
  if (end - begin == 1) return reduce_line<Op>(plan, x + plan.lines.offset(begin), plan.count, width, out);
  const int64_t middle = begin + split_point(end - begin, 1);
  T other[panel];
  reduce_lines<Op>(plan, x, begin, middle, width, out);
  reduce_lines<Op>(plan, x, middle, end, width, other);
  for (int64_t j = 0; j < width; j++) out[j] = Op::join(out[j], other[j]);
}

template <class Op, class T>
void reduce_all(const ReduceArgs &args) {
  const T *x = static_cast<const T *>(args.x);
  T *y = static_cast<T *>(args.y);
  const Plan plan(args);
  const int64_t panels = (plan.width + panel - 1) / panel, units = plan.kept.n * panels;
  // A unit is one panel of one result. Few units are split further, along the lines or along a single line.
  const bool along_lines = plan.lines.n > 1;
  const int64_t length = along_lines ? plan.lines.n : plan.count;
  const int64_t unit_work = args.n_red * (plan.width < panel ? plan.width : panel);
  int64_t pieces = most_pieces / units;
  if (pieces > unit_work / elements_per_piece) pieces = unit_work / elements_per_piece;
  if (pieces < 1) pieces = 1;
  const int64_t step = (length + pieces - 1) / pieces;
  pieces = (length + step - 1) / step;
  T partial[most_pieces * panel];

  const int64_t task_work = unit_work / pieces + 1;
  parallel_for(units * pieces, task_work < elements_per_piece ? elements_per_piece / task_work : 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t task = begin; task < end; task++) {
                   const int64_t unit = pieces == 1 ? task : task / pieces, first = (task - unit * pieces) * step;
                   const int64_t line = panels == 1 ? unit : unit / panels, column = (unit - line * panels) * panel;
                   const int64_t last = first + step < length ? first + step : length;
                   const int64_t width = plan.width - column < panel ? plan.width - column : panel;
                   const T *from = x + plan.kept.offset(line) + column;
                   T *out = pieces == 1 ? y + line * plan.width + column : partial + task * panel;
                   if (along_lines) {
                     reduce_lines<Op>(plan, from, first, last, width, out);
                   } else {
                     reduce_line<Op>(plan, from + first * plan.width, last - first, width, out);
                   }
                 }
               });
  if (pieces == 1) return;
  for (int64_t unit = 0; unit < units; unit++) {
    const int64_t column = unit % panels * panel;
    T *out = y + unit / panels * plan.width + column;
    const T *from = partial + unit * pieces * panel;
    for (int64_t j = 0; j < panel && column + j < plan.width; j++) {
      out[j] = from[j];
      for (int64_t p = 1; p < pieces; p++) out[j] = Op::join(out[j], from[p * panel + j]);
    }
  }
}

template <class Op, class T>
int reduce_with(const ReduceArgs &args) {
  if (args.n_red > 0) {
    reduce_all<Op, T>(args);
  } else {
    for (int64_t i = 0; i < args.n_out; i++) static_cast<T *>(args.y)[i] = Op::start(T{});
  }
  return 0;
}

int reduce_float(const ReduceArgs &args) {
  switch (static_cast<Reduce>(args.op)) {
    case Reduce::sum:
      return reduce_with<Sum, float>(args);
    case Reduce::mean: {
      reduce_with<Sum, float>(args);
      float *y = static_cast<float *>(args.y);
      const float n = static_cast<float>(args.n_red);
      parallel_for(args.n_out, elements_per_piece, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) y[i] /= n;
      });
      return 0;
    }
    case Reduce::prod:
      return reduce_with<Product, float>(args);
    case Reduce::max:
      return reduce_with<Max, float>(args);
    case Reduce::min:
      return reduce_with<Min, float>(args);
    case Reduce::sumSquares:
      return reduce_with<SumSquares, float>(args);
    default:
      return fail(DG_E_ARGUMENT, reduce_name(args.op), " does not take float32");
  }
}

int reduce_int(const ReduceArgs &args) {
  switch (static_cast<Reduce>(args.op)) {
    case Reduce::sum:
      return reduce_with<Sum, uint32_t>(args);
    case Reduce::prod:
      return reduce_with<Product, uint32_t>(args);
    case Reduce::max:
      return reduce_with<Max, int32_t>(args);
    case Reduce::min:
      return reduce_with<Min, int32_t>(args);
    case Reduce::sumSquares:
      return reduce_with<SumSquares, uint32_t>(args);
    default:
      return fail(DG_E_ARGUMENT, reduce_name(args.op), " does not take int32");
  }
}

}  // namespace

int run_reduce(const ReduceArgs &args) {
  if (args.n_out == 0) return 0;
  if (args.type == DG_FLOAT32) return reduce_float(args);
  if (args.type == DG_INT32) return reduce_int(args);
  const Reduce op = static_cast<Reduce>(args.op);
  if (args.type == DG_BOOL && op == Reduce::all) return reduce_with<All, uint8_t>(args);
  if (args.type == DG_BOOL && op == Reduce::any) return reduce_with<Any, uint8_t>(args);
  return fail(DG_E_ARGUMENT, reduce_name(args.op), " does not take this type");
}

}  // namespace dg::DG_ISA
