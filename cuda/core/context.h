// Which thread is calling, and what does the library keep for it? Scratch area, message, and the recording in progress.
#pragma once
#include "../dinograd.h"
#include "error.h"

#if !defined(__wasm__)
#include <mutex>
#endif

namespace dg {

struct Recording;

struct Context {
  int id = 0;
  double *scratch = nullptr;
  Text message;
  Recording *recording = nullptr;
};

// The calling thread's context; made on first use (with the library's own scratch area where the thread never opened
// one).
Context &context();
Context *find_context(int id);
// Makes the calling thread act in another context until the end of the scope (dg_replay off the main thread).
class ScopedContext {
 public:
  explicit ScopedContext(Context &context);
  ~ScopedContext();

 private:
  Context *before_;
};

// Leaves `text` in the scratch area as UTF-8 and returns its length.
int scratch_text(const char *text, int length);

// One lock for the library: every entry of the contract holds it from first to last line.
class Entry {
#if defined(__wasm__)
 public:
  Entry() {}  // one thread
#else
 public:
  Entry();

 private:
  std::lock_guard<std::mutex> lock_;
#endif
};

}  // namespace dg
