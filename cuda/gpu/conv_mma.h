// The convolution on tensor cores: the tiles of mma.h, whose factors are looked up where they lie.
#pragma once
#include <algorithm>

#include "conv_load.h"
#include "mma.h"

namespace dg::gpu {

template <class T>
struct Convolution : Product<T> {  // the batch counts (phase, group)
  Windows windows;
  const T *pixels,
      *filter;  // what is looked into: the filter for the input's gradient alone, else `others` is a matrix
  int64_t pixel_pitch, filter_pitch, groups;
  Divider depth;
  Lines<T> others;
  bool wide_reads;
};

// What a block works on, and where the results of its group and phase lie in y.
template <class Tile, class T, int kind>
struct ConvShare : Share {
  const Convolution<T> &p;
  int64_t group;
  Windows::Phases phases;

  __device__ ConvShare(const Convolution<T> &p_, unsigned block)
      : Share(share_of_block<Tile>(p_, block)), p(p_), group(batch) {
    if constexpr (kind == DG_CONV_INPUT) {
      group = batch % p.groups;
      phases = p.windows.phases(static_cast<int32_t>(batch / p.groups));
      const int64_t k = p.windows.taps(phases) * p.depth.size();
      if (k < end) end = k;
    }
  }
  __device__ int64_t count() const { return kind == DG_CONV_INPUT ? p.windows.lines(phases) : p.m; }
  __device__ int64_t first_column() const { return group * p.n; }
  __device__ int64_t place(int64_t i) const {
    const int64_t row = kind == DG_CONV_INPUT ? p.windows.line_number(phases, static_cast<int32_t>(i)) : i;
    return row * p.pitch + first_column();
  }
};

template <class Format, class Tile, int kind, bool wide>
__global__ void __launch_bounds__(Tile::threads, Tile::blocks)
    mma_conv(const Convolution<typename Format::Element> __grid_constant__ p) {
  if constexpr (ptx::tensor_cores) {
    using T = typename Format::Element;
    using OfBlock = ConvShare<Tile, T, kind>;
    DG_SHARED(T, shared);
    const OfBlock share(p, blockIdx.x);
    if (share.row >= share.count()) return;
    const int64_t lines = kind == DG_CONV_FILTER ? p.k : share.count(), depth = p.depth.size();
    const auto pitch = static_cast<uint32_t>(p.pixel_pitch);
    const Pixels<T> pixels{p.windows, share.phases, p.pixels + share.group * depth, pitch, p.depth, lines};
    Sums<Tile> sums = {};
    const auto multiply = [&](auto a, auto b) {
      multiply_slices<Format, Tile>(sums, shared, a, b,
                                    share.end > share.begin ? static_cast<int>(share.end - share.begin) : 0);
    };
    if constexpr (kind == DG_CONV_INPUT) {
      const T *const filter = p.filter + p.windows.first_tap(share.phases) * p.n * p.filter_pitch + share.group * depth;
      const Filters<T> filters{p.windows, share.phases, filter, static_cast<uint32_t>(p.filter_pitch), p.depth, p.n};
      multiply(TapsAlongK<Pixels<T>, wide, Tile::m, Tile::threads>(pixels, share.row, share.begin),
               TapsAlongK<Filters<T>, wide, Tile::n, Tile::threads>(filters, share.column, share.begin));
    } else {
      using Others = MatrixLoader<T, false, Reads::either, Tile::n, Tile::threads>;
      const Others others(p.others, share.group, share.column, share.begin);
      if constexpr (kind == DG_CONV_FORWARD) {
        multiply(TapsAlongK<Pixels<T>, wide, Tile::m, Tile::threads>(pixels, share.row, share.begin), others);
      } else {
        multiply(TapsAlongLines<T, wide, Tile::m, Tile::threads>(pixels, p.m, share.row, share.begin), others);
      }
    }
    store_sums<Tile>(p, OfBlock(p, ptx::block_again()), sums, reinterpret_cast<float *>(shared));
  }
}

template <class T>
Convolution<T> convolution(const ConvArgs &args) {
  const int64_t outputs = args.batch * elements(args.axis, &Axis::out),
                inputs = args.batch * elements(args.axis, &Axis::in), taps = elements(args.axis, &Axis::window),
                in_depth = args.in_channels / args.groups, out_depth = args.out_channels / args.groups;
  const auto *const a = static_cast<const T *>(args.a), *const b = static_cast<const T *>(args.b);
  Convolution<T> p{};
  p.windows = windows_of(args);
  p.batch = p.groups = args.groups;
  p.n = out_depth;
  p.pitch = args.out_channels;
  p.pixels = a;
  p.pixel_pitch = args.in_channels;
  p.depth = Divider(in_depth);
  switch (args.kind) {
    case DG_CONV_FORWARD:
      p.m = outputs;
      p.k = taps * in_depth;
      p.results = outputs * args.out_channels;
      break;
    case DG_CONV_FILTER:
      p.m = taps * in_depth;
      p.k = outputs;
      p.results = taps * in_depth * args.out_channels;
      break;
    default:
      p.m = args.batch;  // of the largest phase
      p.k = out_depth;
      for (const typename Windows::Along &along : p.windows.axis) {
        int64_t lines = 0, most = 0;
        for (int i = 0; i < along.phases; i++) {
          lines = std::max(lines, along.phase[i].lines.size());
          most = std::max(most, along.phase[i].taps.size());
        }
        p.batch *= along.phases;
        p.m *= lines;
        p.k *= most;
      }
      p.n = in_depth;
      p.results = inputs * args.in_channels;
      p.pitch = args.in_channels;
      p.filter = b;
      p.filter_pitch = p.pixel_pitch = args.out_channels;
      p.depth = Divider(out_depth);
  }
  if (!p.filter) p.others = {b, p.n, 1, p.pitch, p.n, access_width<T>(b, p.pitch, p.n)};
  p.wide_reads = access_width<T>(a, p.pixel_pitch, p.depth.size()) == 16 &&
                 (!p.filter || access_width<T>(b, p.filter_pitch, p.depth.size()) == 16);
  p.length = p.k;
  p.parts = 1;
  p.y = static_cast<T *>(args.y);
  p.wide = access_width<T>(args.y, p.pitch, p.n) == 16;
  p.bias = static_cast<const T *>(args.bias);
  p.activation = args.activation;
  p.alpha = args.alpha;
  return p;
}

template <class Format, class Tile, bool wide>
int mma_conv_tiles(int kind, Convolution<typename Format::Element> p) {
  const int64_t blocks = cut<Tile>(p);
  const auto start = [&]<int of_kind>() {
    return launch<mma_conv<Format, Tile, of_kind, wide>>(blocks, Tile::threads, Tile::shared_bytes, p);
  };
  const int failed = kind == DG_CONV_FORWARD ? start.template operator()<DG_CONV_FORWARD>()
                     : kind == DG_CONV_INPUT ? start.template operator()<DG_CONV_INPUT>()
                                             : start.template operator()<DG_CONV_FILTER>();
  return failed ? failed : join_parts(p);
}

template <class Format>
int mma_convolve(const ConvArgs &args) {
  const auto p = convolution<typename Format::Element>(args);
  if (!p.wide_reads) return mma_conv_tiles<Format, SmallMma, false>(args.kind, p);
  return with_mma_tile(p, [&]<class Tile>() { return mma_conv_tiles<Format, Tile, true>(args.kind, p); });
}
extern template int mma_convolve<F16>(const ConvArgs &);
extern template int mma_convolve<Bf16>(const ConvArgs &);
extern template int mma_convolve<Tf32>(const ConvArgs &);
extern template int mma_convolve<Tf32x3>(const ConvArgs &);

}  // namespace dg::gpu
