// What does the library that stands in for cuBLASLt tell a test, and do for it?
#pragma once
#include <functional>

struct StandIn {
  int searches = 0, products = 0;  // so far
  int descriptors = 0;             // not freed yet
  bool refuses = false;            // finds no algorithm
  bool fails = false;              // products report a failure
  bool idle = false;               // products compute nothing
  // How work reaches a stream, where it waits for its turn or becomes part of a graph.
  void (*submit)(void *stream, std::function<void()> work) = nullptr;
};
