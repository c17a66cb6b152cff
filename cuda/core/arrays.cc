#include "arrays.h"

#include <vector>

#include "arena.h"
#include "pool.h"

namespace dg {
namespace {

constexpr int slot_bits = 20, generation_mask = (1 << 11) - 1;

struct Table {
  std::vector<Array> slots;
  std::vector<int> free;
};

Table &table() {
  static auto *t = new Table;
  return *t;
}

}  // namespace

int element_size(int dtype) {
  switch (dtype) {
    case DG_FLOAT32:
    case DG_INT32:
      return 4;
    case DG_FLOAT16:
    case DG_BFLOAT16:
      return 2;
    case DG_UINT8:
    case DG_BOOL:
      return 1;
  }
  return 0;
}

const char *dtype_name(int dtype) {
  static const char *const names[] = {"float32", "float16", "bfloat16", "int32", "uint8", "bool"};
  return dtype >= 0 && dtype <= DG_BOOL ? names[dtype] : "unknown";
}

int64_t Array::bytes() const { return count * element_size(dtype); }

int add_array(Storage *storage, int dtype, int64_t offset, int64_t count) {
  Table &t = table();
  int slot;
  if (!t.free.empty()) {
    slot = t.free.back();
    t.free.pop_back();
  } else if (t.slots.size() < (1u << slot_bits)) {
    slot = static_cast<int>(t.slots.size());
    t.slots.emplace_back();
  } else {
    return fail(DG_E_MEMORY, "Cannot make another array: ", 1 << slot_bits,
                " are alive (is something not disposed of?)");
  }
  Array &a = t.slots[slot];
  a.storage = storage;
  a.dtype = dtype;
  a.offset = offset;
  a.count = count;
  a.generation = a.generation % generation_mask + 1;  // 1..2047: a handle is never 0
  return a.generation << slot_bits | slot;
}

Array *find_array(int handle) {
  Table &t = table();
  int slot = handle & ((1 << slot_bits) - 1);
  if (handle > 0 && slot < static_cast<int>(t.slots.size())) {
    Array &a = t.slots[slot];
    if (a.storage && a.generation == handle >> slot_bits) return &a;
  }
  fail(DG_E_ARGUMENT, "Array handle ", handle, " is not alive");
  return nullptr;
}

int drop_array(int handle) {
  Array *a = find_array(handle);
  if (!a) return DG_E_ARGUMENT;
  release(a->storage);
  a->storage = nullptr;
  table().free.push_back(handle & ((1 << slot_bits) - 1));
  return 0;
}

int array_count(int device) {
  int n = 0;
  for (const Array &a : table().slots) n += a.storage && a.storage->device == device;
  return n;
}

void retain(Storage *storage) { storage->refs++; }

void release(Storage *storage) {
  if (--storage->refs) return;
  if (storage->arena) {
    arena_release(storage->arena, storage->data, storage->bytes);
  } else {
    pool_release(storage->block);
  }
  delete storage;
}

}  // namespace dg
