// How does a grid run on one CPU thread? Blocks one after another in random order, each thread of a block on a fiber
// that pauses only where CUDA makes it wait: at a barrier or at a collective of its warp. Which thread goes on is drawn
// at random (DINOGRAD_EMU_SEED), so that code that misses a barrier meets unfinished work of others.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "fiber.h"
#include "vectors.h"

namespace emu {

constexpr int warp_size = 32;
constexpr unsigned most_threads = 1024;  // of a block

// The place in the source where a thread waits. As a default argument it names the caller.
struct Site {
  const char *file = nullptr;
  int line = 0;
  static constexpr Site here(const char *file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
  const char *name() const;  // the file's, without its folder
  bool operator==(const Site &other) const { return line == other.line && file == other.file; }
};

// A copy of cp.async that has not arrived yet.
struct AsyncCopy {
  void *to;
  const void *from;
  int bytes, valid;  // the rest is filled with zeros
  int group;
};

struct Thread {
  uint3 index;
  int number;  // linear within the block
  Fiber *fiber = nullptr;
  bool done = false;
  Site site;  // while it waits
  std::vector<AsyncCopy> copies;
  int copy_groups = 0;  // committed so far

  int warp() const { return number / warp_size; }
  int lane() const { return number % warp_size; }
};

Thread &self();
// Dynamic shared memory of the running block.
void *shared_memory();
// Returns when every thread of the block that has not finished is here.
void block_barrier(Site site);

// Every lane of `mask` brings something of its own; the last to arrive gets what all brought (indexed by lane), works
// on it while the others wait, and calls depart. The others get null when that is done.
void *const *arrive(unsigned mask, void *mine, Site site);
void depart(unsigned mask);
template <class Lane, class Combine>
void meet(unsigned mask, Lane &mine, Site site, const Combine &combine) {
  if (void *const *lanes = arrive(mask, &mine, site)) {
    combine([lanes](int lane) -> Lane & { return *static_cast<Lane *>(lanes[lane]); });
    depart(mask);
  }
}

// Stops the grid with this sentence (printf's format), as an illegal instruction would.
[[noreturn, gnu::format(printf, 1, 2)]] void trap(const char *format, ...);

// Other numbers, other orders; at first that of DINOGRAD_EMU_SEED.
void set_seed(uint64_t seed);

struct Kernel {
  void (*run)(const void *arguments);  // one thread
  const void *arguments;
};
// Null, or the sentence that says what the kernel did wrong (valid until the next grid).
const char *run_grid(dim3 grid, dim3 block, size_t shared_bytes, Kernel kernel);

}  // namespace emu

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
