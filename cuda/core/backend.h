// What must a build supply besides kernels? Devices, raw memory, transfers, and (if it can) compiled programs.
// cpu/ and gpu/ each define these functions once; core/ is the same in all builds and never asks which one it is in.
#pragma once
#include <stddef.h>

#include "args.h"
#include "error.h"

namespace dg {

struct Program;

namespace backend {

// Number of devices (> 0), or a status after fail() with the reason why there is none.
int device_count();
const char *device_text(int device, int what);
double device_number(int device, int what);
// Selects the device for the kernel calls and transfers that follow on this thread.
int use(int device);
int synchronize(int device);

// Device memory, aligned to 256 bytes (64 on CPUs); null when there is none left. The pool calls these, nobody else.
void *allocate(int device, size_t bytes);
void release(int device, void *memory, size_t bytes);
// Address space for an arena, which is backed by memory as it is used, or null where a build cannot: then the arena is
// made of several allocations. `grow` backs [0, bytes); false when memory is short.
void *reserve(int device, size_t bytes);
bool grow(int device, void *base, size_t backed, size_t bytes);
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
