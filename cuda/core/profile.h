// Where does the time go? While profiling is on, each kernel call runs by itself and is timed; those alike are counted
// together.
#pragma once
#include "cost.h"
#include "operands.h"

namespace dg {

// A family, as lists of calls know it.
struct Kernel {
  const char *name;
  int (*run)(const void *args);
  void (*cost)(const void *args, Cost &cost);
  void (*operands)(void *args, Operands &operands);
};

bool profiling();
// Runs a call on the device in use, and notes what it took.
int run_profiled(int device, const Kernel &kernel, const void *args);

}  // namespace dg
