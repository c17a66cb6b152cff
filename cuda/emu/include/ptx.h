// The twin of cuda/gpu/ptx.h: the same functions with the same meanings, in plain C++ (see there).
#pragma once
#include <stdint.h>
#include <string.h>

#include "../warp.h"

#define DG_SHARED(T, name) T *const name = static_cast<T *>(emu::shared_memory())

namespace dg::ptx {
namespace detail {

// Until it is waited for, a copy shows nothing but rubbish.
inline void start_copy(void *shared, const void *global, int bytes, bool valid) {
  emu::Thread &t = emu::self();
  memset(shared, 0xff, bytes);
  t.copies.push_back({shared, global, bytes, valid ? bytes : 0, t.copy_groups});
}

inline float from_f16(uint16_t bits) { return static_cast<float>(__builtin_bit_cast(_Float16, bits)); }
inline float from_bf16(uint16_t bits) { return __builtin_bit_cast(float, uint32_t{bits} << 16); }
inline uint16_t half(const uint32_t *registers, int index) {
  return static_cast<uint16_t>(registers[index / 2] >> index % 2 * 16);
}

struct MatrixLane {
  const uint16_t *row;
  uint32_t (&result)[4];
};

inline void load(uint32_t (&r)[4], const void *row, bool transposed, emu::Site site) {
  if (reinterpret_cast<uintptr_t>(row) % 16) emu::trap("ldmatrix of a misaligned row at %s:%d", site.name(), site.line);
  MatrixLane mine{static_cast<const uint16_t *>(row), r};
  emu::meet(~0u, mine, site, [transposed](const auto &lane) {
    for (int l = 0; l < 32; l++) {
      for (int matrix = 0; matrix < 4; matrix++) {
        const auto element = [&](int i, int j) { return lane(matrix * 8 + i).row[j]; };
        const int i = l / 4, j = l % 4 * 2;
        const uint32_t low = transposed ? element(j, i) : element(i, j);
        const uint32_t high = transposed ? element(j + 1, i) : element(i, j + 1);
        lane(l).result[matrix] = low | high << 16;
      }
    }
  });
}

struct MmaLane {
  float (&d)[4];
  const uint32_t (&a)[4], (&b)[2];
};

// Lane 4 i + j holds rows i and i + 8 of d, columns 2 j and 2 j + 1. `a_at(registers, row half, k)` and
// `b_at(registers, k)` pick element k of a row or column from a lane that holds it; `holder(k)` is that lane among the
// four of a row.
template <int depth, class Holder, class A, class B>
void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], emu::Site site, const Holder &holder,
         const A &a_at, const B &b_at) {
  MmaLane mine{d, a, b};
  emu::meet(~0u, mine, site, [&](const auto &lane) {
    float rows[16][depth], columns[8][depth];
    for (int k = 0; k < depth; k++) {
      for (int i = 0; i < 16; i++) rows[i][k] = a_at(lane(i % 8 * 4 + holder(k)).a, i / 8, k);
      for (int j = 0; j < 8; j++) columns[j][k] = b_at(lane(j * 4 + holder(k)).b, k);
    }
    for (int i = 0; i < 16; i++)
      for (int j = 0; j < 8; j++)
        for (int k = 0; k < depth; k++) lane(i % 8 * 4 + j / 2).d[i / 8 * 2 + j % 2] += rows[i][k] * columns[j][k];
  });
}

template <float convert(uint16_t)>
void mma_16bit(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], emu::Site site) {
  mma<16>(
      d, a, b, site, [](int k) { return k % 8 / 2; },
      [](const uint32_t *r, int i, int k) { return convert(half(r + k / 8 * 2 + i, k % 2)); },
      [](const uint32_t *r, int k) { return convert(half(r + k / 8, k % 2)); });
}

}  // namespace detail

template <class T, int n>
void store_16(void *global, const T (&elements)[n]) {
  if (reinterpret_cast<uintptr_t>(global) % 16) emu::trap("store_16 to misaligned memory");
  memcpy(global, elements, 16);
}

inline unsigned block_again() { return blockIdx.x; }

inline void copy_async_4(void *shared, const void *global, bool valid) { detail::start_copy(shared, global, 4, valid); }
inline void copy_async_16(void *shared, const void *global, bool valid) {
  if ((reinterpret_cast<uintptr_t>(shared) | reinterpret_cast<uintptr_t>(global)) % 16)
    emu::trap("copy_async_16 of misaligned memory");
  detail::start_copy(shared, global, 16, valid);
}
inline void copy_async_commit() { emu::self().copy_groups++; }
template <int pending>
void copy_async_wait() {
  emu::Thread &t = emu::self();
  size_t kept = 0;
  for (const emu::AsyncCopy &c : t.copies) {
    if (c.group >= t.copy_groups - pending) {
      t.copies[kept++] = c;
      continue;
    }
    memset(c.to, 0, c.bytes);
    if (c.valid) memcpy(c.to, c.from, c.valid);
  }
  t.copies.resize(kept);
}

constexpr bool tensor_cores = true;

inline void load_matrices(uint32_t (&r)[4], const void *row, emu::Site site = emu::Site::here()) {
  detail::load(r, row, false, site);
}
inline void load_matrices_transposed(uint32_t (&r)[4], const void *row, emu::Site site = emu::Site::here()) {
  detail::load(r, row, true, site);
}

inline uint32_t to_tf32(float x) { return x != x ? 0x7fffffff : (__builtin_bit_cast(uint32_t, x) + 0x1000) & ~0x1fffu; }

inline void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                     emu::Site site = emu::Site::here()) {
  const auto number = [](uint32_t bits) { return __builtin_bit_cast(float, bits & ~0x1fffu); };
  detail::mma<8>(
      d, a, b, site, [](int k) { return k % 4; },
      [number](const uint32_t *r, int i, int k) { return number(r[k / 4 * 2 + i]); },
      [number](const uint32_t *r, int k) { return number(r[k / 4]); });
}
inline void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], emu::Site site = emu::Site::here()) {
  detail::mma_16bit<detail::from_f16>(d, a, b, site);
}
inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                     emu::Site site = emu::Site::here()) {
  detail::mma_16bit<detail::from_bf16>(d, a, b, site);
}

}  // namespace dg::ptx
