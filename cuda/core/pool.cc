#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include <map>
#include <vector>

#include "backend.h"

namespace dg {
namespace {

struct Pool {
  PoolStats stats;
  Slabs slabs;
  std::map<size_t, std::vector<Block *>> cached;  // larger blocks, by size
};

Pool &pool(int device) {
  static auto *pools = new std::vector<Pool *>;
  while (static_cast<int>(pools->size()) <= device) pools->push_back(new Pool);
  return *(*pools)[device];
}

// Whether so many more bytes may be in use (or, `held`: in use or cached).
bool allowed(const PoolStats &s, size_t bytes, bool held) {
  return !s.limit || s.live + (held ? s.cached : 0) <= s.limit - static_cast<int64_t>(bytes);
}

int out_of_memory(const PoolStats &s, size_t bytes) {
  fail(DG_E_MEMORY, "Out of memory: cannot allocate ", bytes, " bytes; ", s.live, " are in use");
  Text &text = failure();
  if (s.cached) {
    text.append(", ");
    text.append(s.cached);
    text.append(" are free in pieces");
  }
  if (s.limit) {
    text.append(" and the limit is ");
    text.append(s.limit);
  }
  return DG_E_MEMORY;
}

void grew(PoolStats &s, size_t bytes) {
  s.live += static_cast<int64_t>(bytes);
  if (s.live > s.peak) s.peak = s.live;
}

// take()'s status, after making room for `bytes` of it; DG_E_MEMORY without a sentence.
int from_system(int device, size_t bytes, const std::function<int()> &take) {
  const PoolStats &s = pool(device).stats;
  if (!allowed(s, bytes, true)) {
    if (int failed = pool_trim(device)) return failed;
    if (!allowed(s, bytes, true)) return DG_E_MEMORY;
  }
  const int status = take();
  if (status != DG_E_MEMORY || !s.cached) return status;
  if (int failed = pool_trim(device)) return failed;
  return take();
}

int new_memory(int device, size_t bytes, void **memory) {
  return from_system(device, bytes, [=] { return backend::allocate(device, bytes, memory); });
}

int new_block(int device, size_t size, Block **block) {
  void *memory = nullptr;
  if (int failed = new_memory(device, size, &memory)) return failed;
  *block = new Block;
  (*block)->data = static_cast<char *>(memory);
  (*block)->bytes = size;
  (*block)->device = device;
  return 0;
}

int large_block(int device, size_t size, Block **block) {
  Pool &p = pool(device);
  const auto at = p.cached.find(size);
  if (at == p.cached.end() || at->second.empty()) return new_block(device, size, block);
  *block = at->second.back();
  at->second.pop_back();
  p.stats.cached -= static_cast<int64_t>(size);
  return 0;
}

// Where there is no room for a whole slab, one of the block alone.
int small_block(int device, size_t size, Block **block) {
  Pool &p = pool(device);
  *block = p.slabs.take(size);
  for (size_t bytes = Slabs::bytes; !*block; bytes = size) {
    void *memory = nullptr;
    const int status = new_memory(device, bytes, &memory);
    if (status && (status != DG_E_MEMORY || bytes == size)) return status;
    if (status) continue;
    p.slabs.add(device, static_cast<char *>(memory), bytes);
    p.stats.cached += static_cast<int64_t>(bytes);
    *block = p.slabs.take(size);
  }
  p.stats.cached -= static_cast<int64_t>(size);
  return 0;
}

}  // namespace

bool pool_caches() {
#if defined(__SANITIZE_ADDRESS__)
  return false;
#elif defined(__wasm__)
  return true;  // there is no environment
#else
  static const bool caches = [] {
    const char *text = getenv("DINOGRAD_POOL");
    return !text || strcmp(text, "off");
  }();
  return caches;
#endif
}

int pool_allocate(int device, size_t bytes, Block **block) {
  PoolStats &s = pool(device).stats;
  const size_t size = pool_caches() ? block_size(bytes) : bytes ? bytes : 1;
  if (!allowed(s, size, false)) return out_of_memory(s, bytes);
  const auto get = !pool_caches() ? new_block : size <= Slabs::largest ? small_block : large_block;
  const int status = get(device, size, block);
  if (status) return status == DG_E_MEMORY ? out_of_memory(s, bytes) : status;
  grew(s, size);
  return 0;
}

void pool_release(Block *block) {
  Pool &p = pool(block->device);
  const size_t size = block->bytes;
  p.stats.live -= static_cast<int64_t>(size);
  if (!pool_caches()) {
    backend::release(block->device, block->data, size);
    delete block;
    return;
  }
  p.stats.cached += static_cast<int64_t>(size);
  if (block->in_slab)
    p.slabs.give(block);
  else
    p.cached[size].push_back(block);
}

int pool_take(int device, size_t bytes, const std::function<int()> &take) {
  PoolStats &s = pool(device).stats;
  const int status = from_system(device, bytes, take);
  if (status) return status == DG_E_MEMORY ? out_of_memory(s, bytes) : status;
  grew(s, bytes);
  s.arena += static_cast<int64_t>(bytes);
  return 0;
}

void pool_forget(int device, size_t bytes) {
  PoolStats &s = pool(device).stats;
  s.live -= static_cast<int64_t>(bytes);
  s.arena -= static_cast<int64_t>(bytes);
}

PoolStats &pool_stats(int device) { return pool(device).stats; }

int pool_trim(int device) {
  Pool &p = pool(device);
  const int status = backend::synchronize(device);
  const auto release = [&](void *memory, size_t bytes) {
    backend::release(device, memory, bytes);
    p.stats.cached -= static_cast<int64_t>(bytes);
  };
  for (auto &[size, blocks] : p.cached)
    for (Block *block : blocks) {
      release(block->data, size);
      delete block;
    }
  p.cached.clear();
  for (Slabs::Memory m = p.slabs.remove_free(); m.data; m = p.slabs.remove_free()) release(m.data, m.bytes);
  return status;
}

int pool_limit(int device, int64_t bytes) {
  PoolStats &s = pool(device).stats;
  if (bytes && bytes < s.live)
    return fail(DG_E_ARGUMENT, "Cannot limit memory to ", bytes, " bytes: ", s.live, " are in use");
  s.limit = bytes;
  return allowed(s, 0, true) ? 0 : pool_trim(device);
}

}  // namespace dg
