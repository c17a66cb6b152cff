// Gather, its transpose scatter-add, and one-hot: what does an index array select?
#include <string.h>

#include "../../core/args.h"
#include "../../core/error.h"
#include "../../math/half.h"
#include "../../math/real.h"
#include "../threads.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t bytes_per_piece = 1 << 18;

int64_t rows_per_piece(int64_t row_bytes) {
  return row_bytes >= bytes_per_piece ? 1 : bytes_per_piece / (row_bytes + 1);
}

bool inside(int64_t row, int64_t rows) { return row >= 0 && row < rows; }

// Rows of one element are plain assignments of T, longer ones memcpy.
template <class T>
void gather_rows(const GatherArgs &args, const int32_t *index) {
  const T *x = static_cast<const T *>(args.x);
  T *y = static_cast<T *>(args.y);
  const int64_t inner = args.inner, row_bytes = inner * static_cast<int64_t>(sizeof(T));
  parallel_for(args.outer * args.count, rows_per_piece(row_bytes), [&](int64_t begin, int64_t end) {
    int64_t i = begin % args.count;
    const T *slice = x + begin / args.count * args.rows * inner;
    for (int64_t at = begin; at < end; at++) {
      const int64_t row = index[i];
      if (!inside(row, args.rows)) {
        memset(y + at * inner, 0, row_bytes);
      } else if (inner == 1) {
        y[at] = slice[row];
      } else {
        memcpy(y + at * inner, slice + row * inner, row_bytes);
      }
      if (++i == args.count) {
        i = 0;
        slice += args.rows * inner;
      }
    }
  });
}

// Each piece owns a range of y's rows and adds what falls into it, so that any element meets its terms in ascending
// order.
template <class T>
void scatter_add_rows(const ScatterAddArgs &args) {
  // Every piece reads the whole index, so there are no more of them than a row has elements to add.
  const int64_t work = args.outer * args.count * args.inner * static_cast<int64_t>(sizeof(T));
  int64_t pieces = args.inner < 16 ? args.inner : 16;
  if (pieces > work / bytes_per_piece + 1) pieces = work / bytes_per_piece + 1;
  const int64_t all_rows = args.outer * args.rows;
  parallel_for(all_rows, (all_rows + pieces - 1) / pieces, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin / args.rows; o * args.rows < end; o++) {
      const T *x = static_cast<const T *>(args.x) + o * args.count * args.inner;
      for (int64_t i = 0; i < args.count; i++, x += args.inner) {
        const int64_t row = o * args.rows + args.index[i];
        if (!inside(args.index[i], args.rows) || row < begin || row >= end) continue;
        T *y = static_cast<T *>(args.y) + row * args.inner;
        for (int64_t j = 0; j < args.inner; j++) y[j] += x[j];
      }
    }
  });
}

template <class T>
void one_hot_rows(const OneHotArgs &args, T on, T off) {
  T *y = static_cast<T *>(args.y);
  parallel_for(args.count, rows_per_piece(args.depth * sizeof(T)), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin * args.depth; k < end * args.depth; k++) y[k] = off;
    for (int64_t i = begin; i < end; i++)
      if (inside(args.index[i], args.depth)) y[i * args.depth + args.index[i]] = on;
  });
}

}  // namespace

int run_gather(const GatherArgs &args) {
  const int64_t start = args.start ? *args.start : 0;
  if (start < 0 || start + args.count > args.index_count)
    return fail(DG_E_ARGUMENT, "Cannot gather from positions ", start, " to ", start + args.count, " of an index of ",
                args.index_count);
  const int32_t *index = args.index + start;
  if (args.width == 1) {
    gather_rows<uint8_t>(args, index);
  } else if (args.width == 2) {
    gather_rows<uint16_t>(args, index);
  } else {
    gather_rows<uint32_t>(args, index);
  }
  for (int64_t i = 0; i < args.count; i++)
    if (!inside(index[i], args.rows))
      return fail(DG_E_ARGUMENT, "Cannot gather index ", index[i], ": it is outside [0, ", args.rows, ")");
  return 0;
}

int run_scatter_add(const ScatterAddArgs &args) {
  if (!args.outer || !args.count || !args.rows || !args.inner) return 0;
  if (args.type == DG_FLOAT32) {
    scatter_add_rows<float>(args);
  } else if (args.type == DG_INT32) {
    scatter_add_rows<uint32_t>(args);  // wraps
  } else {
    return fail(DG_E_ARGUMENT, "scatter-add takes float32 or int32");
  }
  return 0;
}

int run_one_hot(const OneHotArgs &args) {
  switch (args.out) {
    case DG_FLOAT32:
      one_hot_rows<float>(args, args.on, args.off);
      return 0;
    case DG_FLOAT16:
      one_hot_rows<Half>(args, narrow<Half>(args.on), narrow<Half>(args.off));
      return 0;
    case DG_BFLOAT16:
      one_hot_rows<Brain>(args, narrow<Brain>(args.on), narrow<Brain>(args.off));
      return 0;
    case DG_INT32:
      one_hot_rows<int32_t>(args, to_int_saturated(args.on), to_int_saturated(args.off));
      return 0;
    case DG_UINT8:
      one_hot_rows<uint8_t>(args, static_cast<uint8_t>(to_int_saturated(args.on)),
                            static_cast<uint8_t>(to_int_saturated(args.off)));
      return 0;
    case DG_BOOL:
      one_hot_rows<uint8_t>(args, args.on != 0, args.off != 0);
      return 0;
  }
  return fail(DG_E_ARGUMENT, "There is no data type ", args.out);
}

}  // namespace dg::DG_ISA
