#include "arena.h"

#include <vector>

#include "backend.h"
#include "pool.h"

namespace dg {

namespace {

constexpr size_t align = 256, chunk_step = size_t{1} << 21;

struct Block {
  size_t offset, size;
  bool used;
};

// One contiguous stretch of memory, cut into blocks in address order; neighbours that are free are always merged.
struct Chunk {
  char *base;
  size_t reserved;  // address space; 0 for a chunk that is one ordinary allocation
  size_t backed;    // bytes that count as memory
  std::vector<Block> blocks;
};

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

}  // namespace

struct Arena {
  int device;
  std::vector<Chunk> chunks;
  int programs = 0;
};

namespace {

// Best fit over all chunks: the smallest free block that holds `size`.
void *take(Arena &a, size_t size) {
  Chunk *best_chunk = nullptr;
  size_t best = 0;
  for (Chunk &c : a.chunks)
    for (size_t i = 0; i < c.blocks.size(); i++) {
      const Block &b = c.blocks[i];
      if (b.used || b.size < size) continue;
      if (!best_chunk || b.size < best_chunk->blocks[best].size) best_chunk = &c, best = i;
    }
  if (!best_chunk) return nullptr;
  Block &b = best_chunk->blocks[best];
  Block rest{b.offset + size, b.size - size, false};
  size_t offset = b.offset;
  b.size = size;
  b.used = true;
  if (rest.size) best_chunk->blocks.insert(best_chunk->blocks.begin() + best + 1, rest);
  return best_chunk->base + offset;
}

bool out_of_memory(size_t size) {
  fail(DG_E_MEMORY, "Out of memory: cannot allocate ", size, " bytes for a recorded step");
  return false;
}

// Lengthens the free tail of a growable chunk so that `size` fits.
bool extend(Arena &a, Chunk &c, size_t size) {
  size_t tail = !c.blocks.empty() && !c.blocks.back().used ? c.blocks.back().size : 0;
  size_t end = round_up(c.backed - tail + size, chunk_step);
  if (end > c.reserved) return out_of_memory(size);
  if (!pool_account(a.device, end - c.backed)) return false;
  if (!backend::grow(a.device, c.base, c.backed, end)) {
    pool_unaccount(a.device, end - c.backed);
    return out_of_memory(size);
  }
  if (tail)
    c.blocks.back().size += end - c.backed;
  else
    c.blocks.push_back({c.backed, end - c.backed, false});
  c.backed = end;
  return true;
}

bool add_chunk(Arena &a, size_t size) {
  if (a.chunks.empty()) {
    double total = backend::device_number(a.device, DG_MEMORY_TOTAL);
    size_t space = total < static_cast<double>(SIZE_MAX) ? static_cast<size_t>(total) : SIZE_MAX;
    if (void *base = backend::reserve(a.device, space)) {
      a.chunks.push_back({static_cast<char *>(base), space, 0, {}});
      return extend(a, a.chunks.back(), size);
    }
  }
  size_t bytes = round_up(size, chunk_step);
  if (!pool_account(a.device, bytes)) return false;
  void *base = backend::allocate(a.device, bytes);
  if (!base) {
    pool_unaccount(a.device, bytes);
    return out_of_memory(bytes);
  }
  a.chunks.push_back({static_cast<char *>(base), 0, bytes, {{0, bytes, false}}});
  return true;
}

}  // namespace

Arena *arena_create(int device) { return new Arena{device, {}}; }
void arena_enter(Arena *arena) { arena->programs++; }
void arena_leave(Arena *arena) { arena->programs--; }
bool arena_has_programs(const Arena *arena) { return arena->programs > 0; }
int arena_device(const Arena *arena) { return arena->device; }

void *arena_allocate(Arena *arena, size_t bytes) {
  size_t size = round_up(bytes ? bytes : 1, align);
  if (void *memory = take(*arena, size)) return memory;
  bool grown = !arena->chunks.empty() && arena->chunks[0].reserved && extend(*arena, arena->chunks[0], size);
  if (!grown && !add_chunk(*arena, size)) return nullptr;
  return take(*arena, size);
}

void arena_release(Arena *arena, void *memory, size_t) {
  for (Chunk &c : arena->chunks) {
    char *at = static_cast<char *>(memory);
    if (at < c.base || at >= c.base + c.backed) continue;
    size_t offset = static_cast<size_t>(at - c.base);
    for (size_t i = 0; i < c.blocks.size(); i++) {
      if (c.blocks[i].offset != offset) continue;
      c.blocks[i].used = false;
      if (i + 1 < c.blocks.size() && !c.blocks[i + 1].used) {
        c.blocks[i].size += c.blocks[i + 1].size;
        c.blocks.erase(c.blocks.begin() + i + 1);
      }
      if (i > 0 && !c.blocks[i - 1].used) {
        c.blocks[i - 1].size += c.blocks[i].size;
        c.blocks.erase(c.blocks.begin() + i);
      }
      return;
    }
  }
}

bool arena_has_arrays(const Arena *arena) {
  for (const Chunk &c : arena->chunks)
    for (const Block &b : c.blocks)
      if (b.used) return true;
  return false;
}

void arena_destroy(Arena *arena) {
  for (Chunk &c : arena->chunks) {
    if (c.reserved)
      backend::unreserve(arena->device, c.base, c.reserved, c.backed);
    else
      backend::release(arena->device, c.base, c.backed);
    pool_unaccount(arena->device, c.backed);
  }
  delete arena;
}

}  // namespace dg
