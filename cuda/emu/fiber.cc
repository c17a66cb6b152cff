#include "fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// Pushes the preserved registers, stores the stack pointer in *save, loads `load` and pops the registers kept there.
extern "C" void emu_swap_stacks(void **save, void *load);
asm(R"(
.text
.type emu_swap_stacks, @function
emu_swap_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emu_swap_stacks, . - emu_swap_stacks
)");

namespace emu {
namespace {

constexpr size_t page = 4096, stack_bytes = 64 * page;
constexpr int saved_registers = 6;

Fiber *from, *to;  // of the switch in progress

// The two halves of a switch: before leaving a stack, and first thing on the other.
void leave() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->size);
#endif
}
void arrive() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(to->fake_stack, &from->stack, &from->size);
#endif
}

void enter() {
  arrive();
  to->body();
  abort();
}

}  // namespace

Fiber *new_fiber(void (*body)(), int number) {
  char *stack = static_cast<char *>(mmap(nullptr, stack_bytes + page, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0));
  if (stack == MAP_FAILED) abort();
  mprotect(stack, page, PROT_NONE);  // a stack that overflows ends here
  auto *fiber = new Fiber;
  fiber->body = body;
  fiber->stack = stack + page;
  fiber->size = stack_bytes;
  // Stacks lie a multiple of 4 KiB apart; without an offset of their own all would use the same few cache sets.
  void **top = reinterpret_cast<void **>(stack + page + stack_bytes - number % 31 * 832);
  *--top = nullptr;  // where a call would have left its return address: keeps the ABI's alignment
  *--top = reinterpret_cast<void *>(enter);
  for (int i = 0; i < saved_registers; i++) *--top = nullptr;
  fiber->stack_pointer = top;
  return fiber;
}

void delete_fiber(Fiber *fiber) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(fiber->stack, fiber->size);  // frames that were abandoned
#endif
  munmap(static_cast<char *>(const_cast<void *>(fiber->stack)) - page, fiber->size + page);
  delete fiber;
}

void switch_fiber(Fiber &leaving, Fiber &next) {
  from = &leaving;
  to = &next;
  leave();
  emu_swap_stacks(&leaving.stack_pointer, next.stack_pointer);
  arrive();
}

}  // namespace emu
