#include "blocks.h"

namespace dg {
namespace {

constexpr size_t fine_steps = 8;  // sizes up to so many steps have a list each, larger ones eight per power of two

// The list of blocks of `size` bytes or more, but less than the next list's.
int list_of(size_t size) {
  const size_t steps = size / block_step;
  if (steps < fine_steps) return static_cast<int>(steps);
  const int shift = 60 - __builtin_clzll(steps);  // leaves 8 to 15
  return 8 * shift + static_cast<int>(steps >> shift);
}

}  // namespace

size_t block_size(size_t bytes) {
  if (bytes <= block_step) return block_step;
  const int top = 63 - __builtin_clzll(bytes - 1);
  const size_t step = top > 10 ? size_t{1} << (top - 3) : block_step;
  return (bytes + step - 1) / step * step;
}

Block *Slabs::make() {
  if (idle_.empty()) return new Block;
  Block *block = idle_.back();
  idle_.pop_back();
  return block;
}

void Slabs::put(Block *block) {
  block->list = list_of(block->bytes);
  block->previous = nullptr;
  block->next = lists_[block->list];
  if (block->next) block->next->previous = block;
  lists_[block->list] = block;
  filled_[block->list / 64] |= uint64_t{1} << block->list % 64;
}

void Slabs::unlink(Block *block) {
  (block->previous ? block->previous->next : lists_[block->list]) = block->next;
  if (block->next) block->next->previous = block->previous;
  if (!lists_[block->list]) filled_[block->list / 64] &= ~(uint64_t{1} << block->list % 64);
  block->list = -1;
}

Block *Slabs::take(size_t size) {
  const int least = list_of(size);
  uint64_t low = least < 64 ? filled_[0] & ~uint64_t{0} << least : 0;
  uint64_t high = least < 64 ? filled_[1] : filled_[1] & ~uint64_t{0} << (least - 64);
  if (!low && !high) return nullptr;
  Block *block = lists_[low ? __builtin_ctzll(low) : 64 + __builtin_ctzll(high)];
  unlink(block);
  if (block->bytes == size) return block;
  Block *rest = make();
  *rest = {block->data + size, block->bytes - size, block->device, -1, block, block->after, nullptr, nullptr, true};
  if (rest->after) rest->after->before = rest;
  block->after = rest;
  block->bytes = size;
  put(rest);
  return block;
}

// Of two neighbours the first remains, so that a slab's first block is always the same one.
void Slabs::give(Block *block) {
  const auto swallow = [this](Block *first, Block *second) {
    first->bytes += second->bytes;
    first->after = second->after;
    if (first->after) first->after->before = first;
    recycle(second);
  };
  if (Block *after = block->after; after && after->list >= 0) {
    unlink(after);
    swallow(block, after);
  }
  if (Block *before = block->before; before && before->list >= 0) {
    unlink(before);
    swallow(before, block);
    block = before;
  }
  put(block);
}

void Slabs::add(int device, char *data, size_t size) {
  Block *block = make();
  *block = {data, size, device, -1, nullptr, nullptr, nullptr, nullptr, true};
  first_blocks_.push_back(block);
  put(block);
}

Slabs::Memory Slabs::remove_free() {
  for (size_t i = 0; i < first_blocks_.size(); i++) {
    Block *block = first_blocks_[i];
    if (block->list < 0 || block->after) continue;
    first_blocks_[i] = first_blocks_.back();
    first_blocks_.pop_back();
    unlink(block);
    recycle(block);
    return {block->data, block->bytes};
  }
  return {nullptr, 0};
}

}  // namespace dg
