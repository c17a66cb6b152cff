// What do the lanes of a warp tell each other? Shuffles, votes and __syncwarp, all as meetings (grid.h).
#pragma once
#include "grid.h"

namespace emu {

template <class T>
struct ShuffleLane {
  T value;
  int source;
  T result;
};

// Each lane leaves with the value of lane `source`, which must take part.
template <class T>
T shuffle(unsigned mask, T value, int source, Site site) {
  ShuffleLane<T> mine{value, source, value};
  if (!(mask >> source & 1))
    trap("lane %d reads from lane %d, which is not in the mask, at %s:%d", self().lane(), source, site.name(),
         site.line);
  meet(mask, mine, site, [mask](const auto &lane) {
    for (int i = 0; i < warp_size; i++)
      if (mask >> i & 1) lane(i).result = lane(lane(i).source).value;
  });
  return mine.result;
}

// First lane of the group of `width` lanes that the caller is in.
inline int group(int width) { return self().lane() / width * width; }

}  // namespace emu

inline void __syncthreads(emu::Site site = emu::Site::here()) { emu::block_barrier(site); }

inline void __syncwarp(unsigned mask = ~0u, emu::Site site = emu::Site::here()) {
  int nothing = 0;
  emu::meet(mask, nothing, site, [](const auto &) {});
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, emu::Site site = emu::Site::here()) {
  return emu::shuffle(mask, value, emu::group(width) + source % width, site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, emu::Site site = emu::Site::here()) {
  const int lane = emu::self().lane(), source = lane ^ bits;
  return emu::shuffle(mask, value, source < emu::group(width) + width ? source : lane, site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, emu::Site site = emu::Site::here()) {
  const int lane = emu::self().lane(), source = lane - static_cast<int>(by);
  return emu::shuffle(mask, value, source >= emu::group(width) ? source : lane, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, emu::Site site = emu::Site::here()) {
  const int lane = emu::self().lane(), source = lane + static_cast<int>(by);
  return emu::shuffle(mask, value, source < emu::group(width) + width ? source : lane, site);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, emu::Site site = emu::Site::here()) {
  struct Lane {
    bool yes;
    unsigned all;
  } mine{predicate != 0, 0};
  emu::meet(mask, mine, site, [mask](const auto &lane) {
    unsigned all = 0;
    for (int i = 0; i < emu::warp_size; i++)
      if (mask >> i & 1 && lane(i).yes) all |= 1u << i;
    for (int i = 0; i < emu::warp_size; i++)
      if (mask >> i & 1) lane(i).all = all;
  });
  return mine.all;
}
inline int __any_sync(unsigned mask, int predicate, emu::Site site = emu::Site::here()) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, emu::Site site = emu::Site::here()) {
  return __ballot_sync(mask, predicate, site) == mask;
}
