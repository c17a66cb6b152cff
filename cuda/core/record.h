// How does a list of calls become a program? submit() runs a kernel call, or, while the thread records, keeps it.
#pragma once
#include <string.h>

#include <vector>

#include "arrays.h"
#include "backend.h"
#include "context.h"
#include "profile.h"

namespace dg {

struct Program {
  Arena *const arena;
  const int device;
  struct Call {
    const Kernel *kernel;
    size_t args;  // offset into `bytes`
  };
  std::vector<Call> calls;
  std::vector<char> bytes;               // argument structs, one after another
  std::vector<Storage *> kept;           // storage that the calls use and that was there before the recording
  std::vector<Segment *> segment_lists;  // owned; argument structs point to them
  void *compiled = nullptr;              // the backend's own form, if it made one

  explicit Program(Arena *arena);
  ~Program();
  Program(const Program &) = delete;
};

struct Recording {
  Program *program;
  int64_t number;  // counted from 1
};

// Notes that the call being built uses this array (its storage must outlive a program that is being recorded).
void use(const Array &array);
// Segments for one call: valid until it has run, or as long as the program being recorded.
Segment *new_segments(int count);
int submit_raw(int device, const Kernel &kernel, const void *args, size_t size);
// Runs every call of the program once.
int run_program(Program &program);
// The same, timing each.
int run_profiled(Program &program);

// The kernel `run`, of that name.
template <class Args, int (*run_)(const Args &)>
struct KernelOf {
  static int run(const void *args) { return run_(*static_cast<const Args *>(args)); }
  static void cost(const void *args, Cost &cost) { costs::of(*static_cast<const Args *>(args), cost); }
  static void operands(void *args, Operands &operands) { operands::of(*static_cast<Args *>(args), operands); }
};
template <class Args, int (*run)(const Args &)>
int submit(int device, const char *name, const Args &args) {
  using Of = KernelOf<Args, run>;
  static const Kernel kernel = {name, Of::run, Of::cost, Of::operands};
  return submit_raw(device, kernel, &args, sizeof args);
}
#define DG_SUBMIT(device, Args, name, args) ::dg::submit<::dg::Args, ::dg::run_##name>(device, #name, args)

// Forgets a recording in progress, if there is one.
void drop_recording(Context &context);

inline bool recording() { return context().recording != nullptr; }

}  // namespace dg
