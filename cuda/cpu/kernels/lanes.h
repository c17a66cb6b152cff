// How is memory walked so that results do not depend on the machine? In blocks of 16 or 32 lanes on every instruction
// set, whether a register holds 4, 8 or 16 of them.
#pragma once
#include <utility>

#include "../../math/real.h"

namespace dg::DG_ISA {

constexpr int lanes = DG_LANES;
constexpr auto all_lanes = std::make_integer_sequence<int, lanes>();

DG_HD FloatLanes load(const float *p) {
  typedef float Unaligned __attribute__((vector_size(4 * DG_LANES), aligned(4), may_alias));
  return *reinterpret_cast<const Unaligned *>(p);
}
DG_HD void store(float *p, FloatLanes v) {
  typedef float Unaligned __attribute__((vector_size(4 * DG_LANES), aligned(4), may_alias));
  *reinterpret_cast<Unaligned *>(p) = v;
}

template <int... i>
DG_HD IntLanes lane_numbers(std::integer_sequence<int, i...>) {
  return IntLanes{i...};
}
DG_HD IntLanes lane_numbers() { return lane_numbers(all_lanes); }

// The first `count` lanes (0 < count < lanes) from or to memory; others load as zero, and nothing behind them is
// touched.
#if DG_LANES == 16
DG_HD __mmask16 first(int count) { return static_cast<__mmask16>((1u << count) - 1); }
DG_HD FloatLanes load_part(const float *p, int count) { return _mm512_maskz_loadu_ps(first(count), p); }
DG_HD void store_part(float *p, int count, FloatLanes v) { _mm512_mask_storeu_ps(p, first(count), v); }
#elif DG_LANES == 8
DG_HD __m256i first(int count) { return reinterpret_cast<__m256i>(lane_numbers() < count); }
DG_HD FloatLanes load_part(const float *p, int count) { return _mm256_maskload_ps(p, first(count)); }
DG_HD void store_part(float *p, int count, FloatLanes v) { _mm256_maskstore_ps(p, first(count), v); }
#else
DG_HD FloatLanes load_part(const float *p, int count) {
  if (count == 1) return (FloatLanes)wasm_v128_load32_zero(p);
  const v128_t two = wasm_v128_load64_zero(p);
  return (FloatLanes)(count == 2 ? two : wasm_v128_load32_lane(p + 2, two, 2));
}
DG_HD void store_part(float *p, int count, FloatLanes v) {
  if (count & 2) wasm_v128_store64_lane(p, (v128_t)v, 0);
  if (count == 1) wasm_v128_store32_lane(p, (v128_t)v, 0);
  if (count == 3) wasm_v128_store32_lane(p + 2, (v128_t)v, 2);
}
#endif

// A block is halved until it fits a register.
template <int width>
struct Block {
  Block<width / 2> low, high;
};
template <>
struct Block<DG_LANES> {
  FloatLanes v;
};

template <int width>
DG_HD Block<width> splat_block(float value) {
  if constexpr (width == lanes) {
    return {splat<FloatLanes>(value)};
  } else {
    return {splat_block<width / 2>(value), splat_block<width / 2>(value)};
  }
}

template <int width>
DG_HD Block<width> load_block(const float *p) {
  if constexpr (width == lanes) {
    return {load(p)};
  } else {
    return {load_block<width / 2>(p), load_block<width / 2>(p + width / 2)};
  }
}

// The first `n` elements at p (all of the block where n >= width), `fill` in the other lanes.
template <int width>
DG_HD Block<width> load_block(const float *p, int64_t n, float fill) {
  if (n >= width) return load_block<width>(p);
  if (n <= 0) return splat_block<width>(fill);
  if constexpr (width > lanes) {
    return {load_block<width / 2>(p, n, fill), load_block<width / 2>(p + width / 2, n - width / 2, fill)};
  } else {
    const int count = static_cast<int>(n);
    return {select(lane_numbers() < count, load_part(p, count), fill)};
  }
}

template <int width>
DG_HD void store_block(float *p, int64_t n, Block<width> b) {
  if constexpr (width > lanes) {
    store_block(p, n, b.low);
    store_block(p + width / 2, n - width / 2, b.high);
  } else if (n >= lanes) {
    store(p, b.v);
  } else if (n > 0) {
    store_part(p, static_cast<int>(n), b.v);
  }
}

// f, which takes and gives registers, over whole blocks.
template <class F, int width, class... Others>
DG_HD Block<width> map(const F &f, Block<width> a, Others... others) {
  if constexpr (width > lanes) {
    return {map(f, a.low, others.low...), map(f, a.high, others.high...)};
  } else {
    return {f(a.v, others.v...)};
  }
}

template <int distance, int... i>
DG_HD FloatLanes exchange(FloatLanes v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, (i ^ distance)...);
}

// Joins all lanes: lane i with lane i + width / 2, then with i + width / 4, and so on.
template <class Op, int width>
DG_HD float fold(Block<width> b) {
  if constexpr (width > lanes) {
    return fold<Op>(map([](auto x, auto y) { return Op::join(x, y); }, b.low, b.high));
  } else {
    if constexpr (lanes > 8) b.v = Op::join(b.v, exchange<8>(b.v, all_lanes));
    if constexpr (lanes > 4) b.v = Op::join(b.v, exchange<4>(b.v, all_lanes));
    b.v = Op::join(b.v, exchange<2>(b.v, all_lanes));
    return Op::join(b.v[0], b.v[1]);
  }
}

}  // namespace dg::DG_ISA
