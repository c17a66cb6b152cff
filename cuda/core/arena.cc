#include "arena.h"

#include <vector>

#include "backend.h"
#include "pool.h"

namespace dg {

namespace {

constexpr size_t align = 256, chunk_step = size_t{1} << 21;

struct Piece {
  size_t offset, size;
  bool used;
};

// One contiguous stretch of memory, cut into pieces in address order; neighbours that are free are always merged.
struct Chunk {
  char *base;
  size_t reserved;  // address space; 0 for a chunk that is one ordinary allocation
  size_t backed;    // bytes that count as memory
  std::vector<Piece> pieces;
};

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

}  // namespace

struct Arena {
  int device;
  std::vector<Chunk> chunks;
  int programs = 0;
};

namespace {

// Best fit over all chunks: the smallest free piece that holds `size`. Without a pool only one of just that size will do, so that
// no piece has neighbours.
char *take(Arena &a, size_t size) {
  Chunk *best_chunk = nullptr;
  size_t best = 0;
  for (Chunk &c : a.chunks)
    for (size_t i = 0; i < c.pieces.size(); i++) {
      const Piece &p = c.pieces[i];
      if (p.used || (pool_caches() ? p.size < size : p.size != size)) continue;
      if (!best_chunk || p.size < best_chunk->pieces[best].size) best_chunk = &c, best = i;
    }
  if (!best_chunk) return nullptr;
  Piece &p = best_chunk->pieces[best];
  Piece rest{p.offset + size, p.size - size, false};
  size_t offset = p.offset;
  p.size = size;
  p.used = true;
  if (rest.size) best_chunk->pieces.insert(best_chunk->pieces.begin() + best + 1, rest);
  return best_chunk->base + offset;
}

// Lengthens the free tail of a growable chunk so that `size` fits.
int extend(Arena &a, Chunk &c, size_t size) {
  const size_t tail = !c.pieces.empty() && !c.pieces.back().used ? c.pieces.back().size : 0;
  const size_t end = round_up(c.backed - tail + size, chunk_step);
  if (int failed = pool_take(a.device, end - c.backed, [&] {
        return end > c.reserved ? DG_E_MEMORY : backend::grow(a.device, c.base, c.backed, end);
      }))
    return failed;
  if (tail)
    c.pieces.back().size += end - c.backed;
  else
    c.pieces.push_back({c.backed, end - c.backed, false});
  c.backed = end;
  return 0;
}

int add_chunk(Arena &a, size_t size) {
  const size_t bytes = pool_caches() ? round_up(size, chunk_step) : size;
  void *base = nullptr;
  if (int failed = pool_take(a.device, bytes, [&] { return backend::allocate(a.device, bytes, &base); })) return failed;
  a.chunks.push_back({static_cast<char *>(base), 0, bytes, {{0, bytes, false}}});
  return 0;
}

// Address space for all that the device could give, if there is such a thing.
void reserve(Arena &a) {
  const double total = backend::device_number(a.device, DG_MEMORY_TOTAL);
  size_t space = total < static_cast<double>(SIZE_MAX) ? static_cast<size_t>(total) : SIZE_MAX;
  if (void *base = backend::reserve(a.device, &space, chunk_step))
    a.chunks.push_back({static_cast<char *>(base), space, 0, {}});
}

}  // namespace

Arena *arena_create(int device) { return new Arena{device, {}}; }
void arena_enter(Arena *arena) { arena->programs++; }
void arena_leave(Arena *arena) { arena->programs--; }
bool arena_has_programs(const Arena *arena) { return arena->programs > 0; }
int arena_device(const Arena *arena) { return arena->device; }

int arena_allocate(Arena *arena, size_t bytes, char **memory) {
  const size_t size = pool_caches() ? round_up(bytes ? bytes : 1, align) : bytes ? bytes : 1;
  if ((*memory = take(*arena, size))) return 0;
  if (arena->chunks.empty() && pool_caches()) reserve(*arena);
  Chunk *growable = !arena->chunks.empty() && arena->chunks[0].reserved ? &arena->chunks[0] : nullptr;
  if (int failed = growable ? extend(*arena, *growable, size) : add_chunk(*arena, size)) return failed;
  *memory = take(*arena, size);
  return 0;
}

void arena_release(Arena *arena, void *memory, size_t) {
  for (Chunk &c : arena->chunks) {
    char *at = static_cast<char *>(memory);
    if (at < c.base || at >= c.base + c.backed) continue;
    size_t offset = static_cast<size_t>(at - c.base);
    for (size_t i = 0; i < c.pieces.size(); i++) {
      if (c.pieces[i].offset != offset) continue;
      c.pieces[i].used = false;
      if (i + 1 < c.pieces.size() && !c.pieces[i + 1].used) {
        c.pieces[i].size += c.pieces[i + 1].size;
        c.pieces.erase(c.pieces.begin() + i + 1);
      }
      if (i > 0 && !c.pieces[i - 1].used) {
        c.pieces[i - 1].size += c.pieces[i].size;
        c.pieces.erase(c.pieces.begin() + i);
      }
      return;
    }
  }
}

bool arena_has_arrays(const Arena *arena) {
  for (const Chunk &c : arena->chunks)
    for (const Piece &p : c.pieces)
      if (p.used) return true;
  return false;
}

bool arena_is_free(const Arena *arena, const char *begin, const char *end) {
  for (const Chunk &c : arena->chunks)
    for (const Piece &p : c.pieces)
      if (!p.used && c.base + p.offset <= begin && end <= c.base + p.offset + p.size) return true;
  return false;
}

void arena_destroy(Arena *arena) {
  for (Chunk &c : arena->chunks) {
    if (c.reserved)
      backend::unreserve(arena->device, c.base, c.reserved, c.backed);
    else
      backend::release(arena->device, c.base, c.backed);
    pool_forget(arena->device, c.backed);
  }
  delete arena;
}

}  // namespace dg
