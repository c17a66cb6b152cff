#include "grid.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utility>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emu {
namespace {

struct Meeting {
  unsigned arrived = 0;
  void *brought[warp_size];
  Site site;
};
// Lanes are bits. Disjoint masks may meet at the same time, so each has the meeting of its lowest lane; between
// meetings all are empty.
struct Warp {
  unsigned ready = 0, at_barrier = 0;
  Meeting meetings[warp_size];
};

struct Random {
  uint64_t state;
  uint64_t draw() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 32;
  }
  size_t below(size_t n) { return draw() * n >> 32; }
  // One of the bits that are set.
  int bit_of(unsigned bits) {
    const int turn = static_cast<int>(draw() % 32);
    return (__builtin_ctz(bits >> turn | bits << (32 - turn) % 32) + turn) % 32;
  }
};

// The block that is running.
struct Block {
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  unsigned ready_warps = 0;   // bits: those with lanes that are ready
  int warp = 0;               // that runs
  size_t alive, waiting = 0;  // threads that have not finished, and those of them at the barrier
  const Thread *first_waiting;
  bool failed;
};

Block block;
Random order;
Kernel kernel;
Thread *current;
Fiber host;
unsigned char *shared;
char sentence[256];  // why the last grid failed

// Fibers that have no thread.
struct Idle {
  std::vector<Fiber *> fibers;
  int made = 0;

  void put(Fiber *fiber) { fibers.push_back(fiber); }
  Fiber *take();
  ~Idle() {
    for (Fiber *fiber : fibers) delete_fiber(fiber);
  }
} idle;

void make_ready(int warp, unsigned lanes) {
  if (!lanes) return;
  block.warps[warp].ready |= lanes;
  block.ready_warps |= 1u << warp;
}

// Takes a thread that is ready; null when none is. A warp goes on as long as it can, as far ahead of the others as
// barriers let it: what is missing between two of them is met by a warp that is a whole round ahead.
Thread *choose() {
  if (!block.ready_warps) return nullptr;
  if (!(block.ready_warps >> block.warp & 1)) block.warp = order.bit_of(block.ready_warps);
  unsigned &ready = block.warps[block.warp].ready;
  const int lane = order.bit_of(ready);
  ready &= ~(1u << lane);
  if (!ready) block.ready_warps &= ~(1u << block.warp);
  return &block.threads[block.warp * warp_size + lane];
}

void set_current(Thread *thread) {
  current = thread;
  threadIdx = thread->index;
}

void open_barrier() {
  for (size_t w = 0; w < block.warps.size(); w++)
    make_ready(static_cast<int>(w), std::exchange(block.warps[w].at_barrier, 0));
  block.waiting = 0;
}

void finish(Thread &thread) {
  thread.done = true;
  thread.fiber = nullptr;
  if (--block.alive && block.alive == block.waiting) open_barrier();
}

// A fiber adopts thread after thread. Threads that never wait thus share one stack, and no switch is made.
void fiber_body() {
  for (;;) {
    kernel.run(kernel.arguments);
    Fiber *fiber = current->fiber;
    finish(*current);
    Thread *next = choose();
    if (next) set_current(next);
    if (next && !next->fiber) {
      next->fiber = fiber;
      continue;
    }
    idle.put(fiber);
    switch_fiber(*fiber, next ? *next->fiber : host);
  }
}

Fiber *Idle::take() {
  if (fibers.empty()) return new_fiber(fiber_body, made++);
  Fiber *fiber = fibers.back();
  fibers.pop_back();
  return fiber;
}

// The fiber that carries a thread on; a thread that has not started gets one.
Fiber &carrier(Thread &thread) {
  if (!thread.fiber) thread.fiber = idle.take();
  return *thread.fiber;
}

void wait(Site site) {
  Thread *me = current;
  me->site = site;
  Thread *next = choose();
  if (next == me) return;
  if (next) set_current(next);
  switch_fiber(*me->fiber, next ? carrier(*next) : host);
}

void say(const char *format, va_list values) {
  const int at = snprintf(sentence, sizeof sentence, "block (%u,%u,%u): ", blockIdx.x, blockIdx.y, blockIdx.z);
  vsnprintf(sentence + at, sizeof sentence - at, format, values);
  block.failed = true;
}

[[gnu::format(printf, 1, 2)]] void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  say(format, values);
  va_end(values);
}

void report_deadlock() {
  const Thread *first = nullptr;
  for (const Thread &t : block.threads)
    if (!t.done && !first) first = &t;
  fail("deadlock: %zu of %zu threads wait for others that never come, the first of them (%d) at %s:%d", block.alive,
       block.threads.size(), first->number, first->site.name(), first->site.line);
}

// Forgets a block that stopped in the middle, and the fibers of its threads with it.
void abandon() {
  for (Thread &t : block.threads)
    if (t.fiber) delete_fiber(std::exchange(t.fiber, nullptr));
  block.warps.clear();
  block.ready_warps = 0;
  block.waiting = 0;
}

void run_block(unsigned threads) {
  for (unsigned i = 0; i < threads; i++) {
    Thread &t = block.threads[i];
    t.done = false;
    t.copies.clear();
    t.copy_groups = 0;
    make_ready(t.warp(), 1u << t.lane());
  }
  block.alive = threads;
  Thread *first = choose();
  set_current(first);
  switch_fiber(host, carrier(*first));
  if (!block.failed && block.alive) report_deadlock();
}

uint64_t first_state(uint64_t seed) { return seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du; }

// What the random order of every grid starts from: the same each time, so that a failure is found again.
uint64_t order_start = [] {
  const char *text = getenv("DINOGRAD_EMU_SEED");
  return first_state(text ? strtoull(text, nullptr, 10) : 1);
}();

}  // namespace

const char *Site::name() const {
  const char *slash = strrchr(file, '/');
  return slash ? slash + 1 : file;
}

void set_seed(uint64_t seed) { order_start = first_state(seed); }

Thread &self() { return *current; }
void *shared_memory() { return shared; }

void block_barrier(Site site) {
  const Thread *first = block.first_waiting;
  if (block.waiting && !(first->site == site))
    trap("barrier divergence: thread %d is at %s:%d, thread %d at %s:%d", current->number, site.name(), site.line,
         first->number, first->site.name(), first->site.line);
  if (!block.waiting++) block.first_waiting = current;
  current->site = site;
  block.warps[current->warp()].at_barrier |= 1u << current->lane();
  if (block.waiting == block.alive) open_barrier();
  wait(site);
}

void *const *arrive(unsigned mask, void *mine, Site site) {
  const int lane = current->lane();
  if (!(mask >> lane & 1)) trap("lane %d is not in the mask that it passes at %s:%d", lane, site.name(), site.line);
  Meeting &m = block.warps[current->warp()].meetings[__builtin_ctz(mask)];
  if (m.arrived && !(m.site == site))
    trap("warp divergence: lane %d is at %s:%d, others of its warp at %s:%d", lane, site.name(), site.line,
         m.site.name(), m.site.line);
  m.site = site;
  m.arrived |= 1u << lane;
  m.brought[lane] = mine;
  if (m.arrived == mask) return m.brought;
  wait(site);
  return nullptr;
}

void depart(unsigned mask) {
  block.warps[current->warp()].meetings[__builtin_ctz(mask)].arrived = 0;
  make_ready(current->warp(), mask & ~(1u << current->lane()));
}

void trap(const char *format, ...) {
  va_list values;
  va_start(values, format);
  say(format, values);
  va_end(values);
  switch_fiber(*current->fiber, host);
  abort();
}

const char *run_grid(dim3 grid, dim3 size, size_t shared_bytes, Kernel kernel_) {
  const unsigned threads = size.x * size.y * size.z;
  const size_t blocks = size_t{grid.x} * grid.y * grid.z;
  kernel = kernel_;
  gridDim = grid;
  blockDim = size;
  block.threads.resize(threads);
  for (unsigned i = 0; i < threads; i++) {
    block.threads[i].index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    block.threads[i].number = static_cast<int>(i);
  }
  block.warps.resize((threads + warp_size - 1) / warp_size);
  void *memory = nullptr;
  if (posix_memalign(&memory, 128, shared_bytes)) abort();  // the exact size: AddressSanitizer sees an overrun by one
  shared = static_cast<unsigned char *>(memory);

  order.state = order_start;
  std::vector<size_t> blocks_left(blocks);
  for (size_t i = 0; i < blocks; i++) blocks_left[i] = i;
  block.failed = false;
  while (!blocks_left.empty() && !block.failed) {
    std::swap(blocks_left[order.below(blocks_left.size())], blocks_left.back());
    const size_t b = blocks_left.back();
    blocks_left.pop_back();
    blockIdx = {static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x % grid.y),
                static_cast<unsigned>(b / grid.x / grid.y)};
    memset(shared, 0xff, shared_bytes);  // NaN: what was never written is seen
    run_block(threads);
  }
  free(shared);
  if (!block.failed) return nullptr;
  abandon();
  return sentence;
}

}  // namespace emu
