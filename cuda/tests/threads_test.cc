// Does the pool run every piece exactly once, whoever calls it, however many threads there are?
#include "cpu/threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <atomic>
#include <vector>

#include "check.h"

using namespace dg;

namespace {

// Every index of [0, n) once, in pieces of `grain` that begin at its multiples.
bool covers(int64_t n, int64_t grain) {
  std::vector<std::atomic<int>> seen(n);
  std::atomic<bool> cut{true};
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    if (begin % grain || begin >= end || end - begin > grain || (end - begin < grain && end != n)) cut = false;
    for (int64_t i = begin; i < end; i++) seen[i]++;
  });
  for (auto &times : seen)
    if (times != 1) return false;
  return cut;
}

void test_coverage() {
  for (int threads : {1, 2, 3, 8, 1, 5}) {
    CHECK(set_thread_count(threads) == threads && thread_count() == threads, "%d threads", threads);
    for (int64_t n : {0, 1, 2, 7, 64, 1000})
      for (int64_t grain : {1, 3, 64, 1000, 5000})
        CHECK(covers(n, grain), "%d threads, n %ld, grain %ld", threads, long(n), long(grain));
  }
}

void test_bounds() {
  CHECK(set_thread_count(0) == 1);
  CHECK(set_thread_count(-7) == 1);
  CHECK(set_thread_count(1 << 30) >= 2, "a limit, not a crash");
  CHECK(covers(1000, 1));
  set_thread_count(2);
}

// Many short jobs in a row, with pauses in which the workers fall asleep: a lost wake-up would hang, a job mixed up
// with the one before would miscount.
void test_bursts() {
  set_thread_count(4);
  int64_t total = 0, wanted = 0;
  for (int job = 0; job < 2000; job++) {
    std::atomic<int64_t> sum{0};
    const int64_t n = 2 + job % 9;
    parallel_for(n, 1, [&](int64_t begin, int64_t) { sum += begin + 1; });
    total += sum;
    wanted += n * (n + 1) / 2;
    if (job % 100 == 0) {
      timespec nap = {0, 300000};
      nanosleep(&nap, nullptr);
    }
  }
  CHECK(total == wanted, "%ld instead of %ld", long(total), long(wanted));
}

void test_nesting() {
  set_thread_count(3);
  std::atomic<int> inner{0}, moved{0};
  parallel_for(8, 1, [&](int64_t, int64_t) {
    const pthread_t here = pthread_self();
    parallel_for(10, 2, [&](int64_t begin, int64_t end) {
      inner += static_cast<int>(end - begin);
      if (!pthread_equal(here, pthread_self())) moved++;
    });
  });
  CHECK(inner == 80, "%d", inner.load());
  CHECK(moved == 0, "a nested call left its thread %d times", moved.load());
}

void test_sharing() {  // two pieces that wait for each other can only end on two threads
  set_thread_count(2);
  std::atomic<int> arrived{0};
  parallel_for(2, 1, [&](int64_t, int64_t) {
    arrived++;
    while (arrived < 2) continue;
  });
  CHECK(arrived == 2);
}

void test_callers() {
  set_thread_count(3);
  std::atomic<int> failed{0};
  auto call = [](void *at) -> void * {
    for (int i = 0; i < 300; i++)
      if (!covers(50 + i % 7, 1 + i % 5)) ++*static_cast<std::atomic<int> *>(at);
    return nullptr;
  };
  pthread_t callers[4];
  for (auto &caller : callers) pthread_create(&caller, nullptr, call, &failed);
  for (int i = 0; i < 50; i++) set_thread_count(1 + i % 4);
  for (auto &caller : callers) pthread_join(caller, nullptr);
  CHECK(failed == 0, "%d of 1200 jobs", failed.load());
}

double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

void test_rest() {
  set_thread_count(8);
  CHECK(covers(100, 1));
  timespec nap = {0, 20000000};
  nanosleep(&nap, nullptr);  // long enough for all to fall asleep
  const double before = processor_seconds();
  nanosleep(&nap, nullptr);
  const double used = processor_seconds() - before;
  CHECK(used < 0.002, "idle workers took %.1f ms of 20", used * 1e3);
}

}  // namespace

int main() {
  setenv("DINOGRAD_NUM_THREADS", "3", 1);
  CHECK(thread_count() == 3, "the environment asked for 3, got %d", thread_count());
  test_coverage();
  test_bounds();
  test_bursts();
  test_nesting();
  test_sharing();
  test_callers();
  test_rest();
  return check_report("threads_test");
}
