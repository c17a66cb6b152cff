// What must a build supply besides kernels? Devices, raw memory, transfers, and (if it can) compiled programs.
// cpu/ and gpu/ each define these functions once; core/ is the same in all builds and never asks which one it is in.
#pragma once
#include <stddef.h>

#include "error.h"
#include "kernels.h"

namespace dg {

struct Program;

namespace backend {

// Number of devices (> 0), or a status after fail() with the reason why there is none.
int device_count();
const char *device_text(int device, int what);
double device_number(int device, int what);
// Selects the device for the kernel calls and transfers that follow on this thread.
int use(int device);
// 0, or a status after fail() for a device that failed for good. Asks nothing of the device itself.
int usable(int device);
int synchronize(int device);

// Device memory, aligned to 256 bytes (64 on CPUs). DG_E_MEMORY, without a sentence, where there is none left; any other
// status after fail(). The pool and arenas call these, nobody else.
int allocate(int device, size_t bytes, void **memory);
void release(int device, void *memory, size_t bytes);
// Address space for an arena, at least `bytes` of it, which are rounded up, or null where a build or device has no such thing:
// then the arena is made of several allocations. It is backed by memory as it is used, in multiples of `step`: `grow` backs
// [backed, bytes) and returns what `allocate` would. What was backed before stays where it is.
void *reserve(int device, size_t *bytes, size_t step);
int grow(int device, void *base, size_t backed, size_t bytes);
void unreserve(int device, void *base, size_t bytes, size_t backed);

int upload(int device, void *to, const void *from, size_t bytes);
int download(int device, void *to, const void *from, size_t bytes);
int transfer(int to_device, void *to, int from_device, const void *from, size_t bytes);

// See dg_engine.
int engine(int wanted);

// Turns a finished program into something that launches as one (a CUDA graph) in program.compiled. Returning 0 with
// nothing set leaves the program to be run call by call.
int compile(Program &program);
int launch(Program &program);
void discard(Program &program);

}  // namespace backend

#define DG_DECLARE(Args, name) int run_##name(const Args &args);
DG_KERNELS(DG_DECLARE)
#undef DG_DECLARE

}  // namespace dg
