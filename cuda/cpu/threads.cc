// How does the pool stay cheap? A training step is many kernels of a few microseconds: idle workers look for work a
// little while before they sleep, and whoever calls takes pieces too and never waits for a worker that has taken none.
#include "threads.h"

namespace dg {
namespace {

void run_piece(int64_t n, int64_t grain, int64_t piece, void (*body)(void *, int64_t, int64_t), void *context) {
  const int64_t begin = piece * grain;
  body(context, begin, n - begin < grain ? n : begin + grain);
}

void run_here(int64_t n, int64_t grain, int64_t pieces, void (*body)(void *, int64_t, int64_t), void *context) {
  for (int64_t piece = 0; piece < pieces; piece++) run_piece(n, grain, piece, body, context);
}

}  // namespace
}  // namespace dg

#if defined(__wasm__)

namespace dg {

void parallel(int64_t n, int64_t grain, void (*body)(void *, int64_t, int64_t), void *context) {
  if (n > 0) run_here(n, grain, (n - 1) / grain + 1, body, context);
}
int thread_count() { return 1; }
int set_thread_count(int) { return 1; }

}  // namespace dg

#else

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>

namespace dg {
namespace {

constexpr int max_threads = 256;
constexpr auto patience = std::chrono::microseconds(100);  // what an idle worker spends looking before it sleeps

inline void pause() { __builtin_ia32_pause(); }

// Pieces are claimed by counting `unclaimed` down. A claim succeeds only for the job that is current, which then cannot
// end before the piece has, so the job's fields are read after claiming and need no lock.
class Pool {
 public:
  Pool() { helpers_ = first_count() - 1; }

  int count() const { return helpers_ + 1; }

  int resize(int count) {
    while (busy_.test_and_set(std::memory_order_acquire)) sched_yield();
    helpers_ = (count < 1 ? 1 : count > max_threads ? max_threads : count) - 1;
    wakeups_++;
    wakeups_.notify_all();
    while (started_ > helpers_) pthread_join(threads_[--started_], nullptr);
    busy_.clear(std::memory_order_release);
    return this->count();
  }

  // False when the pool is taken, by another caller or by the job this call comes from.
  bool run(int64_t n, int64_t grain, int64_t pieces, void (*body)(void *, int64_t, int64_t), void *context) {
    if (busy_.test_and_set(std::memory_order_acquire)) return false;
    start();
    n_ = n, grain_ = grain, pieces_ = pieces, body_ = body, context_ = context;
    unfinished_.store(pieces, std::memory_order_relaxed);
    unclaimed_ = pieces;
    wake();
    while (work()) continue;
    for (int turn = 0; unfinished_.load(std::memory_order_acquire) > 0; turn++)
      turn < 1000 ? pause() : (void)sched_yield();
    busy_.clear(std::memory_order_release);
    return true;
  }

 private:
  static int first_count() {
    const char *wanted = getenv("DINOGRAD_NUM_THREADS");
    int count = wanted ? atoi(wanted) : 0;
    cpu_set_t mine;
    if (count < 1) count = sched_getaffinity(0, sizeof mine, &mine) ? 1 : CPU_COUNT(&mine);
    return count < max_threads ? count : max_threads;
  }

  // Workers start with the first job that wants them. Where the system refuses one, the pool stays smaller.
  void start() {
    for (; started_ < helpers_; started_++) {
      starting_[started_] = {this, started_};
      if (pthread_create(&threads_[started_], nullptr, worker, &starting_[started_])) helpers_ = started_;
    }
  }

  static void *worker(void *start) {
    const Start own = *static_cast<Start *>(start);
    own.pool->serve(own.index);
    return nullptr;
  }

  void serve(int index) {
    using Clock = std::chrono::steady_clock;
    while (index < helpers_) {
      while (work()) continue;
      const auto until = Clock::now() + patience;
      while (unclaimed_ <= 0 && Clock::now() < until)
        for (int i = 0; i < 16 && unclaimed_ <= 0; i++) pause();
      if (unclaimed_ > 0) continue;
      asleep_++;
      const int seen = wakeups_;  // read before the last look, so that a later job ends the wait at once
      if (unclaimed_ <= 0 && index < helpers_) wakeups_.wait(seen);
      asleep_--;
      if (unclaimed_ > 1) wake();
    }
  }

  // Wakes two sleepers, each of which does the same: no caller pays for waking them all.
  void wake() {
    if (asleep_ == 0) return;
    wakeups_++;
    wakeups_.notify_one();
    wakeups_.notify_one();
  }

  // Runs one piece; false when all are taken.
  bool work() {
    int64_t left = unclaimed_.load(std::memory_order_acquire);
    do {
      if (left <= 0) return false;
    } while (!unclaimed_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel));
    run_piece(n_, grain_, pieces_ - left, body_, context_);
    unfinished_.fetch_sub(1, std::memory_order_release);
    return true;
  }

  struct Start {
    Pool *pool;
    int index;
  };

  int64_t n_, grain_, pieces_;
  void (*body_)(void *, int64_t, int64_t);
  void *context_;
  alignas(64) std::atomic<int64_t> unclaimed_{0};
  alignas(64) std::atomic<int64_t> unfinished_{0};
  alignas(64) std::atomic<int> asleep_{0};
  std::atomic<int> wakeups_{0};
  std::atomic<int> helpers_;  // workers wanted: all threads but the caller
  std::atomic_flag busy_;     // a job runs or the pool changes; also guards started_ and threads_
  int started_ = 0;
  pthread_t threads_[max_threads];
  Start starting_[max_threads];
};

// Never destroyed: the process may end, at any moment, with workers in here. The library is linked to stay loaded.
Pool &pool() {
  static Pool *const all = new Pool;
  return *all;
}

}  // namespace

void parallel(int64_t n, int64_t grain, void (*body)(void *, int64_t, int64_t), void *context) {
  if (n <= 0) return;
  const int64_t pieces = (n - 1) / grain + 1;
  if (pieces == 1 || pool().count() == 1 || !pool().run(n, grain, pieces, body, context))
    run_here(n, grain, pieces, body, context);
}

int thread_count() { return pool().count(); }
int set_thread_count(int count) { return pool().resize(count); }

}  // namespace dg

#endif
