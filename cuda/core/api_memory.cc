// Entries: arrays, transfers, memory statistics.
#include "api.h"
#include "arena.h"
#include "pool.h"

using namespace dg;

namespace dg {

int known_device(int device) {
  int count = backend::device_count();
  if (count < 0) return count;
  if (device >= 0 && device < count) return 0;
  return fail(DG_E_DEVICE, "There is no device ", device, ": this library has ", count);
}

namespace {

// A part [offset, offset + bytes) of an array, in bytes, checked.
int part(const Array &a, double offset, double bytes, int64_t &at) {
  double size = element_size(a.dtype);
  DG_REQUIRE(whole(offset) && whole(bytes) && offset * size + bytes <= static_cast<double>(a.bytes()), "Bytes ",
             offset * size, " to ", offset * size + bytes, " are not inside an array of ", a.bytes(), " bytes");
  at = static_cast<int64_t>(offset) * element_size(a.dtype);
  return 0;
}

// The same for a transfer from and to the host, which a recording limits.
int writable_part(const Array &a, double offset, double bytes, int64_t &at) {
  if (recording() && a.storage->arena) return fail(DG_E_RECORD, "Cannot upload into a temporary array while recording");
  return part(a, offset, bytes, at);
}
int readable_part(const Array &a, double offset, double bytes, int64_t &at) {
  if (recording()) return fail(DG_E_RECORD, "Cannot read an array's values while recording");
  return part(a, offset, bytes, at);
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_alloc(int device, int dtype, double count, int persistent) {
  Entry entry;
  DG_TRY(known_device(device));
  DG_TRY(backend::usable(device));
  int size = element_size(dtype);
  DG_REQUIRE(size, "There is no data type ", dtype);
  DG_REQUIRE(whole(count), "An array's count must be a whole number, got ", count);
  // Nothing is larger; and below, sizes can be rounded up without an overflow in WebAssembly's 32 bits.
  constexpr double most = sizeof(size_t) == 4 ? 0x1p31 : 0x1p53;
  if (count * size > most) return fail(DG_E_MEMORY, "Out of memory: ", count, " elements were asked for");
  size_t bytes = static_cast<size_t>(count) * size;
  Recording *r = context().recording;
  Arena *arena = r && !persistent && r->program->device == device ? r->program->arena : nullptr;
  char *data = nullptr;
  Block *block = nullptr;
  DG_TRY(arena ? arena_allocate(arena, bytes, &data) : pool_allocate(device, bytes, &block));
  if (block) data = block->data;
  auto *storage = new Storage{device, 1, data, bytes, block, arena, arena ? r->number : 0};
  int handle = add_array(storage, dtype, 0, static_cast<int64_t>(count));
  if (handle < 0) release(storage);
  return handle;
}

int dg_view(int array, double offset, int dtype, double count) {
  Entry entry;
  DG_FIND(a, array);
  int size = element_size(dtype);
  DG_REQUIRE(size, "There is no data type ", dtype);
  DG_REQUIRE(whole(count), "An array's count must be a whole number, got ", count);
  int64_t at = 0;
  DG_TRY(part(*a, offset, count * size, at));
  at += a->offset;
  DG_REQUIRE(at % size == 0, "A view of ", dtype_name(dtype), " cannot start at byte ", at);
  Storage *storage = a->storage;
  retain(storage);
  int handle = add_array(storage, dtype, at, static_cast<int64_t>(count));
  if (handle < 0) release(storage);
  return handle;
}

int dg_free(int array) {
  Entry entry;
  return drop_array(array);
}

int dg_upload(int array, double offset, const void *data, double bytes) {
  Entry entry;
  DG_FIND(a, array);
  int64_t at = 0;
  DG_TRY(writable_part(*a, offset, bytes, at));
  if (bytes == 0) return 0;
  DG_REQUIRE(data, "dg_upload needs data");
  return backend::upload(a->device(), a->data() + at, data, static_cast<size_t>(bytes));
}

int dg_download(int array, double offset, void *data, double bytes) {
  Entry entry;
  DG_FIND(a, array);
  int64_t at = 0;
  DG_TRY(readable_part(*a, offset, bytes, at));
  if (bytes == 0) return 0;
  DG_REQUIRE(data, "dg_download needs a place for the data");
  return backend::download(a->device(), data, a->data() + at, static_cast<size_t>(bytes));
}

double dg_address(int array, double offset, double bytes, int write) {
  Entry entry;
#if defined(__wasm__)
  DG_FIND(a, array);
  int64_t at = 0;
  DG_TRY(write ? writable_part(*a, offset, bytes, at) : readable_part(*a, offset, bytes, at));
  return static_cast<double>(reinterpret_cast<uintptr_t>(a->data() + at));
#else
  (void)array, (void)offset, (void)bytes, (void)write;
  return fail(DG_E_DEVICE, "Only the WebAssembly build gives addresses");
#endif
}

int dg_copy(int src, int dst) {
  Entry entry;
  DG_OPERAND(x, src);
  DG_OPERAND(y, dst);
  DG_TRY(need_type(*y, x->dtype, "The copy"));
  DG_TRY(need_count(*y, static_cast<double>(x->count), "The copy"));
  DG_TRY(not_partly(*y, *x));
  if (x->count == 0 || x->data() == y->data()) return 0;
  if (x->device() == y->device())
    return DG_SUBMIT(x->device(), CopyArgs, copy, (CopyArgs{x->data(), y->data(), x->bytes()}));
  if (recording()) return fail(DG_E_RECORD, "Cannot record a copy between devices");
  return backend::transfer(y->device(), y->data(), x->device(), x->data(), static_cast<size_t>(x->bytes()));
}

int dg_fill(int array, double value) {
  Entry entry;
  DG_OPERAND(y, array);
  if (y->count == 0) return 0;
  return DG_SUBMIT(y->device(), FillArgs, fill, (FillArgs{y->dtype, y->data(), y->count, value}));
}

double dg_memory(int device, int what) {
  Entry entry;
  DG_TRY(known_device(device));
  const PoolStats &s = pool_stats(device);
  switch (what) {
    case DG_BYTES_LIVE:
      return static_cast<double>(s.live);
    case DG_BYTES_PEAK:
      return static_cast<double>(s.peak);
    case DG_BYTES_CACHED:
      return static_cast<double>(s.cached);
    case DG_BYTES_LIMIT:
      return static_cast<double>(s.limit);
    case DG_ARRAY_COUNT:
      return array_count(device);
    case DG_BYTES_ARENA:
      return static_cast<double>(s.arena);
  }
  return fail(DG_E_ARGUMENT, "There is no memory figure ", what);
}

int dg_memory_reset(int device) {
  Entry entry;
  DG_TRY(known_device(device));
  PoolStats &s = pool_stats(device);
  s.peak = s.live;
  return 0;
}

int dg_memory_limit(int device, double bytes) {
  Entry entry;
  DG_TRY(known_device(device));
  DG_REQUIRE(whole(bytes), "A memory limit must be a whole number of bytes, got ", bytes);
  return pool_limit(device, static_cast<int64_t>(bytes));
}

int dg_trim(int device) {
  Entry entry;
  DG_TRY(known_device(device));
  return pool_trim(device);
}

}  // extern "C"
