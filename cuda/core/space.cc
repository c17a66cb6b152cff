#include "space.h"

#include "context.h"

namespace dg {
namespace {

constexpr int64_t max_count = int64_t{1} << 53;  // what f64 carries exactly

bool good_rank(int rank) {
  if (rank >= 0 && rank <= max_rank) return true;
  fail(DG_E_ARGUMENT, "Rank must be 0 to ", max_rank, ", got ", rank);
  return false;
}

bool good_dim(double dim) {
  if (dim >= 0 && dim <= static_cast<double>(max_count) && dim == static_cast<double>(static_cast<int64_t>(dim)))
    return true;
  fail(DG_E_ARGUMENT, "A dimension must be a whole number, got ", dim);
  return false;
}

// One more size of a shape with n elements. `extent` counts a size of 0 as 1, so that no product of sizes overflows behind
// a dimension that is empty.
bool multiply(int64_t &n, int64_t &extent, int64_t size) {
  if (!__builtin_mul_overflow(extent, size ? size : 1, &extent) && extent <= max_count) return n *= size, true;
  fail(DG_E_ARGUMENT, "A shape has more than 2^53 elements");
  return false;
}

}  // namespace

bool broadcast_space(Space &space, int rank, int inputs) {
  if (!good_rank(rank)) return false;
  const double *scratch = context().scratch;
  int64_t dims[3][max_rank], size[max_rank], stride[3][max_rank];
  int64_t extent = 1;
  space.n = 1;
  for (int d = 0; d < rank; d++) {
    size[d] = 1;
    for (int i = 0; i < inputs; i++) {
      double dim = scratch[i * rank + d];
      if (!good_dim(dim)) return false;
      dims[i][d] = static_cast<int64_t>(dim);
      if (dims[i][d] == 1) continue;
      if (size[d] != 1 && size[d] != dims[i][d]) {
        fail(DG_E_ARGUMENT, "Cannot broadcast sizes ", size[d], " and ", dims[i][d]);
        return false;
      }
      size[d] = dims[i][d];
    }
    if (!multiply(space.n, extent, size[d])) return false;
  }
  for (int i = 0; i < inputs; i++) {
    int64_t step = 1;
    for (int d = rank - 1; d >= 0; d--) {
      stride[i][d] = dims[i][d] == 1 ? 0 : step;
      step *= dims[i][d];
    }
  }
  // Merge each dimension into the one before where every operand walks both as one.
  int r = 0;
  for (int d = 0; d < rank; d++) {
    if (size[d] == 1) continue;
    bool merge = r > 0;
    for (int i = 0; merge && i < inputs; i++) merge = space.stride[i][r - 1] == stride[i][d] * size[d];
    if (merge) {
      space.size[r - 1] *= size[d];
      for (int i = 0; i < inputs; i++) space.stride[i][r - 1] = stride[i][d];
    } else {
      space.size[r] = size[d];
      for (int i = 0; i < inputs; i++) space.stride[i][r] = stride[i][d];
      r++;
    }
  }
  space.rank = r;
  return true;
}

bool strided_space(StridedArgs &args, int rank, int64_t x_offset, int64_t x_count, int64_t y_offset, int64_t y_count) {
  if (!good_rank(rank)) return false;
  const double *scratch = context().scratch;
  struct Dim {
    int64_t size, xs, ys;
  } dims[max_rank];
  int used = 0;
  int64_t extent = 1;
  args.n = 1;
  double x_low = static_cast<double>(x_offset), x_high = x_low, y_low = static_cast<double>(y_offset), y_high = y_low;
  for (int d = 0; d < rank; d++) {
    double size = scratch[d], xs = scratch[rank + d], ys = scratch[2 * rank + d];
    if (!good_dim(size) || !good_dim(xs < 0 ? -xs : xs) || !good_dim(ys < 0 ? -ys : ys)) return false;
    if (!multiply(args.n, extent, static_cast<int64_t>(size))) return false;
    if (size == 1) continue;
    (xs < 0 ? x_low : x_high) += (size - 1) * xs;
    (ys < 0 ? y_low : y_high) += (size - 1) * ys;
    dims[used++] = {static_cast<int64_t>(size), static_cast<int64_t>(xs), static_cast<int64_t>(ys)};
  }
  if (args.n == 0) return true;
  if (x_low < 0 || x_high >= static_cast<double>(x_count)) {
    fail(DG_E_ARGUMENT, "A strided copy would read elements ", x_low, " to ", x_high, " of ", x_count);
    return false;
  }
  if (y_low < 0 || y_high >= static_cast<double>(y_count)) {
    fail(DG_E_ARGUMENT, "A strided copy would write elements ", y_low, " to ", y_high, " of ", y_count);
    return false;
  }
  // y's fastest dimension last (insertion sort by falling stride), so that writes are contiguous where they can be.
  auto magnitude = [](int64_t v) { return v < 0 ? -v : v; };
  for (int i = 1; i < used; i++)
    for (int j = i; j > 0 && magnitude(dims[j - 1].ys) < magnitude(dims[j].ys); j--) {
      Dim t = dims[j];
      dims[j] = dims[j - 1];
      dims[j - 1] = t;
    }
  // Each dimension steps over all that the faster ones write.
  int64_t written = 0;
  for (int d = used - 1; d >= 0; d--) {
    if (magnitude(dims[d].ys) <= written) {
      fail(DG_E_ARGUMENT, "A strided copy would write elements twice: a stride of ", dims[d].ys, " for ", dims[d].size,
           " of them");
      return false;
    }
    written += (dims[d].size - 1) * magnitude(dims[d].ys);
  }
  args.rank = 0;
  for (int d = 0; d < used; d++) {
    int r = args.rank;
    if (r && args.xs[r - 1] == dims[d].xs * dims[d].size && args.ys[r - 1] == dims[d].ys * dims[d].size) {
      args.size[r - 1] *= dims[d].size;
      args.xs[r - 1] = dims[d].xs;
      args.ys[r - 1] = dims[d].ys;
    } else {
      args.size[r] = dims[d].size;
      args.xs[r] = dims[d].xs;
      args.ys[r] = dims[d].ys;
      args.rank++;
    }
  }
  return true;
}

bool reduce_space(ReduceArgs &args, int rank, int axes) {
  if (!good_rank(rank)) return false;
  if (axes < 0 || axes >> rank) {
    fail(DG_E_ARGUMENT, "Axis set ", axes, " does not fit rank ", rank);
    return false;
  }
  args.rank = 0;
  args.n_out = args.n_red = 1;
  int64_t extent = 1;
  for (int d = 0; d < rank; d++) {
    double dim = context().scratch[d];
    if (!good_dim(dim)) return false;
    int64_t size = static_cast<int64_t>(dim);
    uint8_t reduced = axes >> d & 1;
    if (!multiply(reduced ? args.n_red : args.n_out, extent, size)) return false;
    if (size == 1) continue;
    if (args.rank && args.reduced[args.rank - 1] == reduced) {
      args.size[args.rank - 1] *= size;
    } else {
      args.size[args.rank] = size;
      args.reduced[args.rank++] = reduced;
    }
  }
  return true;
}

}  // namespace dg
