// Who does the work of a kernel? A persistent pool of threads; in WebAssembly, or with one thread, the caller alone.
#pragma once
#include <stdint.h>

namespace dg {

// Calls body(context, begin, end) for disjoint pieces that cover [0, n), each at most `grain` long and beginning at a
// multiple of `grain`. Pieces run on any thread in any order, so a result may depend on n and grain, never on the number of
// threads. With a single piece, or one thread, nothing is forked.
void parallel(int64_t n, int64_t grain, void (*body)(void *context, int64_t begin, int64_t end), void *context);

template <class F>
inline void parallel_for(int64_t n, int64_t grain, const F &f) {
  parallel(
      n, grain, [](void *c, int64_t begin, int64_t end) { (*static_cast<const F *>(c))(begin, end); },
      const_cast<F *>(&f));
}

int thread_count();
// Sets the number of threads (at least 1; DINOGRAD_NUM_THREADS or the number of processors at first) and returns it.
int set_thread_count(int count);

}  // namespace dg
