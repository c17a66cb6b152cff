// How does work wait in the streams of the emulator? Each has a queue; work is taken from its front, by whoever waits for
// the stream or for an event in it, and at random when more is submitted. So the host runs ahead as it does on a GPU, and what
// nothing orders happens in any order.
#pragma once
#include <deque>
#include <memory>
#include <vector>

#include "runtime.h"

// What an event was recorded as: waits refer to the record that was the last when they were made.
struct EmulatedMark {
  EmulatedStream *stream;
  bool passed = false;
};
struct EmulatedEvent {
  std::shared_ptr<EmulatedMark> mark;  // null: never recorded, so there is nothing to wait for
};

struct EmulatedGraph {
  struct Node {
    emu::Kind kind;
    emu::Work work;
  };
  std::vector<Node> nodes;
  bool invalid = false;
};
struct EmulatedInstance {
  std::shared_ptr<EmulatedGraph> graph;  // launches made earlier keep theirs when it changes
};

struct EmulatedStream {
  struct Item {  // one of the three
    emu::Work work;
    std::shared_ptr<EmulatedMark> wait, pass;
  };
  int device;
  std::deque<Item> queue;
  EmulatedGraph *capture = nullptr;
};

namespace emu {

// Does all that is in the streams of a device.
void drain(int device);
// Does all that is in a stream; false for a wait that the test wants ignored.
bool drain(EmulatedStream &stream);
// An error for a stream that is being captured, whose graph is lost by it; otherwise none.
cudaError_t forbid_capture(EmulatedStream &stream);

// Remembers the error for cudaGetLastError.
cudaError_t note(cudaError_t error);
// The error that left the device unusable, or none.
cudaError_t broken(int device);
void break_device(int device, cudaError_t error);
int current_device();

}  // namespace emu
