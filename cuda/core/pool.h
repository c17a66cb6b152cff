// Where does device memory come from? A caching pool per device, with a cap and statistics. Small blocks are cut from slabs, larger
// ones are allocations of their own, which are kept for the next request of their size.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <functional>

#include "blocks.h"

namespace dg {

// False in sanitizer builds and with DINOGRAD_POOL=off: then every array is an allocation of exactly its size, so that whoever
// looks for overruns finds them.
bool pool_caches();

// A block of at least `bytes`; or a status after fail(), which for want of memory names the request, what is held and the cap.
int pool_allocate(int device, size_t bytes, Block **block);
void pool_release(Block *block);

// For memory that is not the pool's own (arenas): `take` gets it from the system, and is asked twice if giving back what is cached
// may help. Its status, or one after fail(). What was taken is counted until pool_forget.
int pool_take(int device, size_t bytes, const std::function<int()> &take);
void pool_forget(int device, size_t bytes);

struct PoolStats {
  int64_t live = 0, peak = 0, cached = 0, limit = 0, arena = 0;
};
PoolStats &pool_stats(int device);
// Gives back what is cached, save the free parts of slabs that are in use. 0, or the status of waiting for the device.
int pool_trim(int device);
int pool_limit(int device, int64_t bytes);

}  // namespace dg
