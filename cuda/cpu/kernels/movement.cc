// Strided copy: how do elements get from one layout into another? Runs that both sides walk in steps of their own, and
// tiles where one side's fastest dimension is not the other's.
#include <string.h>

#include "../../core/args.h"
#include "../../core/error.h"
#include "../threads.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t bytes_per_piece = 1 << 18;
constexpr int tile = 32;

// Position in the leading `rank` dimensions of a copy, as offsets into both arrays.
struct Walk {
  const StridedArgs &args;
  int rank;
  int64_t index[max_rank], x = 0, y = 0;

  Walk(const StridedArgs &args_, int rank_, int64_t position) : args(args_), rank(rank_) {
    for (int d = rank - 1; d >= 0; d--) {
      index[d] = position % args.size[d];
      position /= args.size[d];
      x += index[d] * args.xs[d];
      y += index[d] * args.ys[d];
    }
  }
  void step() {
    for (int d = rank - 1; d >= 0; d--) {
      x += args.xs[d];
      y += args.ys[d];
      if (++index[d] < args.size[d]) return;
      x -= index[d] * args.xs[d];
      y -= index[d] * args.ys[d];
      index[d] = 0;
    }
  }
};

template <class T>
void copy_run(const T *x, int64_t xs, T *y, int64_t ys, int64_t n) {
  if (ys == 1 && xs == 1 && n >= 8) {
    memcpy(y, x, n * sizeof(T));
  } else if (ys == 1 && xs == 0) {
    const T value = *x;
    for (int64_t i = 0; i < n; i++) y[i] = value;
  } else {
    for (int64_t i = 0; i < n; i++) y[i * ys] = x[i * xs];
  }
}

template <class T>
void copy_runs(const StridedArgs &args) {
  const int last = args.rank - 1;
  const int64_t n = args.size[last], xs = args.xs[last], ys = args.ys[last];
  parallel_for(args.n, bytes_per_piece / sizeof(T), [&](int64_t begin, int64_t end) {
    Walk walk(args, last, begin / n);
    for (int64_t first = begin % n; begin < end; first = 0, walk.step()) {
      const int64_t count = n - first < end - begin ? n - first : end - begin;
      copy_run(static_cast<const T *>(args.x) + walk.x + first * xs, xs, static_cast<T *>(args.y) + walk.y + first * ys,
               ys, count);
      begin += count;
    }
  });
}

typedef int32_t Quad __attribute__((vector_size(16), aligned(4), may_alias));

// y[i * ys + j] = x[j * xs + i] for i, j < 4.
void transpose_4x4(const int32_t *x, int64_t xs, int32_t *y, int64_t ys) {
  const auto row = [&](int j) { return *reinterpret_cast<const Quad *>(x + j * xs); };
  const Quad a = row(0), b = row(1), c = row(2), d = row(3);
  const Quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const auto out = [&](int i) -> Quad & { return *reinterpret_cast<Quad *>(y + i * ys); };
  out(0) = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  out(1) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  out(2) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  out(3) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

// y[i * ys + j] = x[j * xs + i] for i < m, j < n.
template <class T>
void transpose_tile(const T *x, int64_t xs, T *y, int64_t ys, int64_t m, int64_t n) {
  int64_t whole_m = 0, whole_n = 0;
  if constexpr (sizeof(T) == 4) {
    whole_m = m / 4 * 4;
    whole_n = n / 4 * 4;
    for (int64_t i = 0; i < whole_m; i += 4)
      for (int64_t j = 0; j < whole_n; j += 4) transpose_4x4(x + j * xs + i, xs, y + i * ys + j, ys);
  }
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = i < whole_m ? whole_n : 0; j < n; j++) y[i * ys + j] = x[j * xs + i];
}

// The last dimension is contiguous in y only, dimension `fast` in x only.
template <class T>
void copy_tiles(const StridedArgs &args, int fast) {
  const int last = args.rank - 1;
  const int64_t m = args.size[fast], n = args.size[last], xs = args.xs[last], ys = args.ys[fast];
  StridedArgs outer = args;  // the other dimensions
  for (int d = fast; d < last - 1; d++) {
    outer.size[d] = args.size[d + 1];
    outer.xs[d] = args.xs[d + 1];
    outer.ys[d] = args.ys[d + 1];
  }
  const int64_t bands = (m + tile - 1) / tile, band_bytes = tile * n * static_cast<int64_t>(sizeof(T));
  const int64_t grain = band_bytes < bytes_per_piece ? bytes_per_piece / band_bytes : 1;
  parallel_for(args.n / (m * n) * bands, grain, [&](int64_t begin, int64_t end) {
    Walk walk(outer, args.rank - 2, begin / bands);
    for (int64_t band = begin % bands; begin < end; begin++) {
      const T *x = static_cast<const T *>(args.x) + walk.x + band * tile;
      T *y = static_cast<T *>(args.y) + walk.y + band * tile * ys;
      const int64_t height = m - band * tile < tile ? m - band * tile : tile;
      for (int64_t j = 0; j < n; j += tile)
        transpose_tile(x + j * xs, xs, y + j, ys, height, n - j < tile ? n - j : tile);
      if (++band == bands) {
        band = 0;
        walk.step();
      }
    }
  });
}

template <class T>
int copy_strided(const StridedArgs &args) {
  const int last = args.rank - 1;
  if (args.rank == 0) {
    *static_cast<T *>(args.y) = *static_cast<const T *>(args.x);
    return 0;
  }
  if (args.ys[last] == 1 && args.xs[last] != 1) {
    for (int d = 0; d < last; d++) {
      if (args.xs[d] == 1) {
        copy_tiles<T>(args, d);
        return 0;
      }
    }
  }
  copy_runs<T>(args);
  return 0;
}

}  // namespace

int run_strided(const StridedArgs &args) {
  if (args.n == 0) return 0;
  switch (args.width) {
    case 1:
      return copy_strided<uint8_t>(args);
    case 2:
      return copy_strided<uint16_t>(args);
    case 4:
      return copy_strided<int32_t>(args);
  }
  return fail(DG_E_ARGUMENT, "Cannot copy elements of ", args.width, " bytes");
}

}  // namespace dg::DG_ISA
