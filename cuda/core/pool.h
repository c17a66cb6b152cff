// Where does device memory come from? A caching pool per device, with a cap and statistics.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace dg {

// Storage size for a request: classes an eighth of a power of two apart, so that steps of slightly different sizes
// reuse blocks.
size_t pool_size(size_t bytes);
// Memory for pool_size(bytes), or null after fail() naming the request, what is held and the cap.
void *pool_allocate(int device, size_t bytes);
void pool_release(int device, void *memory, size_t bytes);
// Counts memory that others (arenas) took from the device itself. False after fail() if the cap forbids it.
bool pool_account(int device, size_t bytes);
void pool_unaccount(int device, size_t bytes);

struct PoolStats {
  int64_t live = 0, peak = 0, cached = 0, limit = 0, arena = 0;
};
PoolStats &pool_stats(int device);
void pool_trim(int device);
int pool_limit(int device, int64_t bytes);

}  // namespace dg
