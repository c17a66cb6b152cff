// Which rows does an index name, and what is the sum of each? Positions are sorted by row; then the terms of a row lie
// side by side.
#include "../../core/args.h"
#include "../../core/error.h"
#include "../threads.h"
#include "scratch.h"

namespace dg::DG_ISA {
namespace {

constexpr int64_t elements_per_piece = 1 << 15;

// A key is a row and, below it, a position.
constexpr int position_bits = 20, digit_bits = 11, digits = 1 << digit_bits;
static_assert(int64_t{1} << position_bits >= DG_COALESCE);

int32_t row_of(uint64_t key) { return static_cast<int32_t>(key >> position_bits); }
int64_t position_of(uint64_t key) { return static_cast<int64_t>(key & ((1 << position_bits) - 1)); }

// Sorts by rows up to `rows`, digit by digit from the least one. Returns that of the two arrays which has the keys then.
uint64_t *sort(uint64_t *keys, uint64_t *other, int64_t count, int64_t rows) {
  for (int shift = 0; rows >> shift; shift += digit_bits) {
    const auto digit = [=](uint64_t key) { return key >> (position_bits + shift) & (digits - 1); };
    int32_t start[digits] = {}, sum = 0;
    for (int64_t i = 0; i < count; i++) start[digit(keys[i])]++;
    for (int32_t &s : start) {
      const int32_t here = s;
      s = sum;
      sum += here;
    }
    for (int64_t i = 0; i < count; i++) other[start[digit(keys[i])]++] = keys[i];
    uint64_t *const sorted = other;
    other = keys;
    keys = sorted;
  }
  return keys;
}

// Places [begin, end): the sum of a row at its first one.
void add_rows(const CoalesceArgs &args, const uint64_t *keys, int64_t begin, int64_t end) {
  for (int64_t place = begin; place < end; place++) {
    const int32_t row = row_of(keys[place]);
    float *const y = args.y + place * args.inner;
    for (int64_t j = 0; j < args.inner; j++) y[j] = 0;
    if (row == args.rows || (place && row_of(keys[place - 1]) == row)) continue;
    for (int64_t p = place; p < args.count && row_of(keys[p]) == row; p++) {
      const float *const x = args.x + position_of(keys[p]) * args.inner;
      for (int64_t j = 0; j < args.inner; j++) y[j] += x[j];
    }
  }
}

}  // namespace

int run_coalesce(const CoalesceArgs &args) {
  static thread_local Scratch scratch;
  uint64_t *keys = static_cast<uint64_t *>(scratch.room(2 * args.count * sizeof(uint64_t)));
  if (!keys) return fail(DG_E_MEMORY, "No memory to sort ", args.count, " indices");
  for (int64_t i = 0; i < args.count; i++) {
    const int64_t row = args.index[i];
    keys[i] = static_cast<uint64_t>(row >= 0 && row < args.rows ? row : args.rows) << position_bits | i;
  }
  keys = sort(keys, keys + args.count, args.count, args.rows);
  for (int64_t i = 0; i < args.count; i++) args.order[i] = row_of(keys[i]);
  const int64_t places = elements_per_piece / args.inner;
  parallel_for(args.count, places ? places : 1, [&](int64_t begin, int64_t end) { add_rows(args, keys, begin, end); });
  return 0;
}

}  // namespace dg::DG_ISA
