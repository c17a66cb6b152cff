// What does a handle name? A typed run of elements inside a storage; the tables here own both.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "../dinograd.h"
#include "error.h"

namespace dg {

struct Arena;
struct Block;

// A piece of device memory, kept while an array or a program refers to it.
struct Storage {
  int device;
  int refs;
  char *data;
  size_t bytes;
  Block *block;       // of the pool; null: from the arena
  Arena *arena;       // null: from the pool
  int64_t recording;  // number of the one that made it in its arena; 0: none
};

struct Array {
  Storage *storage = nullptr;
  int32_t generation = 0;
  int32_t dtype = 0;
  int64_t offset = 0;  // bytes
  int64_t count = 0;   // elements

  char *data() const { return storage->data + offset; }
  int device() const { return storage->device; }
  int64_t bytes() const;
};

int element_size(int dtype);  // bytes, 0 for an unknown type
const char *dtype_name(int dtype);
inline bool is_float_type(int dtype) { return dtype == DG_FLOAT32 || dtype == DG_FLOAT16 || dtype == DG_BFLOAT16; }

// A handle for an array over `storage`, whose reference it takes over; DG_E_MEMORY when the table is full.
int add_array(Storage *storage, int dtype, int64_t offset, int64_t count);
// The array behind a handle, or null after fail() saying what is wrong with it.
Array *find_array(int handle);
// Forgets the handle; its storage goes when this was the last reference.
int drop_array(int handle);
int array_count(int device);

void retain(Storage *storage);
void release(Storage *storage);

}  // namespace dg
