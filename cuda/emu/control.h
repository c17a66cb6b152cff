// What may a test ask of the emulator that CUDA does not offer? When work is done, what goes wrong, how much there is of
// everything, and what is left alive. For a whole program the environment says it: DINOGRAD_EMU_SEED, DINOGRAD_EMU_FAULT (the
// number of the kernel that goes wrong), DINOGRAD_EMU_MEMORY (bytes of a device).
#pragma once
#include <stddef.h>

#include <functional>

#include "runtime.h"

namespace emu {

// When is the work of a stream done, as far as streams and events leave that open?
enum class Timing {
  random,  // some of it when work is submitted or waited for anywhere, which streams in which order drawn at random
  late,    // only when somebody waits for it
};
void set_timing(Timing timing);

// Counts the waits for events and streams from now on, and ignores number `number` of them (the first is 1; 0: none).
void skip_wait(int number);
int waits();

// The `number`th piece of work that a stream is given from now on (the first is 1) is refused as an invalid value.
void refuse(int number);
// The `number`th kernel from now on (the first is 1) fails with this error when its turn comes.
void fault(int number, cudaError_t error);
// Makes a device that failed as good as new, which only the end of a process does elsewhere.
void revive(int device);

struct Limits {
  size_t device_bytes, pinned_bytes;
  bool virtual_memory, graph_update;
};
Limits &limits();

// What is alive, and how often instances were made anew or updated.
struct Counts {
  int streams, events, graphs, instances, allocations, mappings, reservations, pinned;
  int made, updated;
};
Counts &counts();

}  // namespace emu

// Leaves work in a stream, in turn, as a kernel. It is shown by the emulated library, for what stands in for NVIDIA's own.
extern "C" void dg_emulated_submit(void *stream, std::function<void()> work);
