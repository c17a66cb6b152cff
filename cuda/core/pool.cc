#include "pool.h"

#include <map>
#include <vector>

#include "backend.h"

namespace dg {
namespace {

struct Pool {
  PoolStats stats;
  std::map<size_t, std::vector<void *>> cached;  // by block size
};

Pool &pool(int device) {
  static auto *pools = new std::vector<Pool *>;
  while (static_cast<int>(pools->size()) <= device) pools->push_back(new Pool);
  return *(*pools)[device];
}

// The sanitizers see an overrun only where blocks are neither rounded up nor reused.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool caching = false;
#else
constexpr bool caching = true;
#endif

// Makes room under the cap for `bytes` more, giving cached blocks back if it must.
bool make_room(int device, size_t bytes) {
  PoolStats &s = pool(device).stats;
  int64_t limit = s.limit ? s.limit : INT64_MAX;
  int64_t want = static_cast<int64_t>(bytes);
  if (s.live + s.cached <= limit - want) return true;
  pool_trim(device);
  return s.live <= limit - want;
}

int out_of_memory(int device, size_t bytes) {
  const PoolStats &s = pool(device).stats;
  if (s.limit)
    return fail(DG_E_MEMORY, "Out of memory: cannot allocate ", bytes, " bytes; ", s.live,
                " are in use and the limit is ", s.limit);
  return fail(DG_E_MEMORY, "Out of memory: cannot allocate ", bytes, " bytes; ", s.live, " are in use");
}

void grew(PoolStats &s, size_t bytes) {
  s.live += static_cast<int64_t>(bytes);
  if (s.live > s.peak) s.peak = s.live;
}

}  // namespace

size_t pool_size(size_t bytes) {
  if (!caching) return bytes ? bytes : 1;
  if (bytes <= 64) return 64;
  int top = 63 - __builtin_clzll(bytes - 1);
  size_t step = top > 9 ? size_t{1} << (top - 3) : 64;
  return (bytes + step - 1) / step * step;
}

void *pool_allocate(int device, size_t bytes) {
  Pool &p = pool(device);
  size_t size = pool_size(bytes);
  auto at = p.cached.find(size);
  if (at != p.cached.end() && !at->second.empty()) {
    void *memory = at->second.back();
    at->second.pop_back();
    p.stats.cached -= static_cast<int64_t>(size);
    grew(p.stats, size);
    return memory;
  }
  void *memory = make_room(device, size) ? backend::allocate(device, size) : nullptr;
  if (!memory && p.stats.cached) {
    pool_trim(device);
    if (make_room(device, size)) memory = backend::allocate(device, size);
  }
  if (!memory) {
    out_of_memory(device, bytes);
    return nullptr;
  }
  grew(p.stats, size);
  return memory;
}

void pool_release(int device, void *memory, size_t bytes) {
  Pool &p = pool(device);
  size_t size = pool_size(bytes);
  p.stats.live -= static_cast<int64_t>(size);
  if (!caching) return backend::release(device, memory, size);
  p.cached[size].push_back(memory);
  p.stats.cached += static_cast<int64_t>(size);
}

bool pool_account(int device, size_t bytes) {
  if (!make_room(device, bytes)) {
    out_of_memory(device, bytes);
    return false;
  }
  PoolStats &s = pool(device).stats;
  grew(s, bytes);
  s.arena += static_cast<int64_t>(bytes);
  return true;
}

void pool_unaccount(int device, size_t bytes) {
  PoolStats &s = pool(device).stats;
  s.live -= static_cast<int64_t>(bytes);
  s.arena -= static_cast<int64_t>(bytes);
}

PoolStats &pool_stats(int device) { return pool(device).stats; }

void pool_trim(int device) {
  Pool &p = pool(device);
  backend::synchronize(device);
  for (auto &[size, blocks] : p.cached)
    for (void *memory : blocks) backend::release(device, memory, size);
  p.cached.clear();
  p.stats.cached = 0;
}

int pool_limit(int device, int64_t bytes) {
  PoolStats &s = pool(device).stats;
  if (bytes && bytes < s.live)
    return fail(DG_E_ARGUMENT, "Cannot limit memory to ", bytes, " bytes: ", s.live, " are in use");
  s.limit = bytes;
  if (bytes && s.live + s.cached > bytes) pool_trim(device);
  return 0;
}

}  // namespace dg
