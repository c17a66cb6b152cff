// Where does a kernel keep what it needs only while it runs? In memory that grows to the largest need and stays for the
// next call; a thread_local Scratch ends with its thread.
#pragma once
#include <stddef.h>
#include <stdlib.h>

namespace dg::DG_ISA {

class Scratch {
 public:
#if !defined(__wasm__)  // where the only thread never ends, and nobody would run destructors
  ~Scratch() { free(memory_); }
#endif

  // At least `bytes`, aligned to a cache line, valid until the next call; null when there is no memory.
  void *room(size_t bytes) {
    if (bytes > size_) {
      free(memory_);
      size_ = (bytes + 63) / 64 * 64;
      memory_ = aligned_alloc(64, size_);
      if (!memory_) size_ = 0;
    }
    return memory_;
  }

 private:
  void *memory_ = nullptr;
  size_t size_ = 0;
};

}  // namespace dg::DG_ISA
