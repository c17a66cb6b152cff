// How can a function pause in the middle and let another continue? Every fiber has a stack of its own; a switch saves
// the registers that the ABI preserves across calls and changes stacks.
#pragma once
#include <stddef.h>

namespace emu {

struct Fiber {
  void *stack_pointer = nullptr;
  void (*body)() = nullptr;
  // Lowest address and size; of the host's own stack AddressSanitizer tells them, nobody else asks.
  const void *stack = nullptr;
  size_t size = 0;
  void *fake_stack = nullptr;  // AddressSanitizer's
};

// A fiber that will run `body`, which must never return. `number` staggers the stacks in the caches.
Fiber *new_fiber(void (*body)(), int number);
void delete_fiber(Fiber *fiber);
// Leaves `from`, which is running, and continues `to`; returns when somebody switches back.
void switch_fiber(Fiber &from, Fiber &to);

}  // namespace emu
