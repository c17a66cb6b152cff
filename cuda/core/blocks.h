// How are small blocks cut from larger pieces? A slab is one allocation; its blocks lie side by side, and free neighbours are
// always one block. Free blocks wait in lists by size, so that taking and giving back cost the same however many there are.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <vector>

namespace dg {

struct Block {
  char *data = nullptr;
  size_t bytes = 0;
  int device = 0;
  int list = -1;                               // of free blocks that it is in; -1: in use
  Block *before = nullptr, *after = nullptr;   // neighbours in its slab
  Block *previous = nullptr, *next = nullptr;  // in the list
  bool in_slab = false;
};

// Sizes are multiples of 256 bytes, and from 2 KiB on an eighth of a power of two apart, so that memory of slightly different
// sizes takes each other's place.
constexpr size_t block_step = 256;
size_t block_size(size_t bytes);

class Slabs {
 public:
  static constexpr size_t bytes = size_t{2} << 20, largest = size_t{1} << 20;  // of a slab; of a block in one

  Slabs() = default;
  Slabs(const Slabs &) = delete;
  ~Slabs() {
    for (Block *block : idle_) delete block;
  }

  // A block of a size that block_size gives (at most `largest`), or null where no free one is large enough.
  Block *take(size_t size);
  void give(Block *block);
  // A new slab over memory of its own; all of it is free.
  void add(int device, char *data, size_t size);
  // A slab without a block in use, which is forgotten: its memory and size. Null data when there is none.
  struct Memory {
    char *data;
    size_t bytes;
  };
  Memory remove_free();

 private:
  static constexpr int list_count = 96;

  void put(Block *block);
  void unlink(Block *block);
  Block *make();
  void recycle(Block *block) { idle_.push_back(block); }

  Block *lists_[list_count] = {};
  uint64_t filled_[2] = {};            // bits: lists that have blocks
  std::vector<Block *> first_blocks_;  // of the slabs
  std::vector<Block *> idle_;          // for the next that are cut
};

}  // namespace dg
