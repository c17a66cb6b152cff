#include "context.h"

#include <string.h>

#include <vector>

#include "record.h"

namespace dg {
namespace {

// Scratch of threads that never opened one; what they list there is checked like everything else.
double shared_scratch[DG_SCRATCH];

// Never destroyed: other threads may still call while the process ends. Slots of ended threads are null and reused.
std::vector<Context *> &contexts() {
  static auto *all = new std::vector<Context *>;
  return *all;
}

Context *new_context() {
  auto &all = contexts();
  auto *made = new Context;
  made->scratch = shared_scratch;
  for (size_t i = 0; i < all.size() && !made->id; i++)
    if (!all[i]) all[i] = made, made->id = static_cast<int>(i) + 1;
  if (!made->id) {
    all.push_back(made);
    made->id = static_cast<int>(all.size());
  }
  return made;
}

thread_local Context *current = nullptr;  // the one this thread acts in

// The thread's own context, given back when the thread ends.
struct Own {
  Context *context = nullptr;
  ~Own() {
    if (!context) return;
    Entry entry;
    contexts()[context->id - 1] = nullptr;
    drop_recording(*context);
    delete context;
  }
};
#if defined(__wasm__)
Own &own = *new Own;  // one thread, which never ends
#else
thread_local Own own;
#endif

}  // namespace

Context &context() {
  if (!current) current = own.context = new_context();
  return *current;
}

Context *find_context(int id) {
  return id > 0 && id <= static_cast<int>(contexts().size()) ? contexts()[id - 1] : nullptr;
}

ScopedContext::ScopedContext(Context &context) : before_(current) { current = &context; }
ScopedContext::~ScopedContext() { current = before_; }

Text &failure() { return context().message; }

int scratch_text(const char *text, int length) {
  int room = DG_SCRATCH * static_cast<int>(sizeof(double));
  if (length > room) length = room;
  memcpy(context().scratch, text, length);
  return length;
}

#if !defined(__wasm__)
namespace {
std::mutex &library_lock() {
  static auto *lock = new std::mutex;
  return *lock;
}
}  // namespace
Entry::Entry() : lock_(library_lock()) {}
#endif

}  // namespace dg
