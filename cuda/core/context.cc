#include "context.h"

#include <string.h>

#include <vector>

namespace dg {
namespace {

thread_local Context *current = nullptr;

// Leaked on purpose: worker threads may still call while the process unloads its libraries.
std::vector<Context *> &contexts() {
  static auto *all = new std::vector<Context *>;
  return *all;
}

}  // namespace

Context &context() {
  if (!current) {
    current = new Context;
    contexts().push_back(current);
    current->id = static_cast<int>(contexts().size());
    current->scratch = new double[DG_SCRATCH]();
  }
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
