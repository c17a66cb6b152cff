// Do recorded programs of a GPU keep their memory and their graphs in order? Arenas that grow under programs, instances that the
// next program takes over, captures that fail.
#include <stdint.h>

#include "calls.h"
#include "core/pool.h"
#include "core/record.h"
#include "emu/control.h"
#include "gpu/gpu.h"

namespace {

constexpr size_t MiB = 1 << 20;
const int neg = id(DG_NAMES_UNARY, "neg"), square = id(DG_NAMES_UNARY, "square");

// Recorded: t = f(x), f = neg or square, in an array of the arena that is `count` long; y = t's first element. Replays it.
struct Step {
  int program, t;

  Step(int arena, int op, int x, int y, double count) {
    CHECK(dg_record_begin(arena) == 0);
    t = dg_alloc(0, DG_FLOAT32, count, 0);
    const int head = dg_view(t, 0, DG_FLOAT32, 1);
    CHECK(t > 0 && dg_unary(op, x, head, 0, 0) == 0 && dg_copy(head, y) == 0, "%s", message().c_str());
    dg_free(head);
    program = dg_record_end();
    CHECK(program > 0, "%s", message().c_str());
  }
  ~Step() {
    dg_free(t);
    dg_program_free(program);
  }
  float operator()(int y) const {
    CHECK(dg_replay(self, program, 1, 0, 0, 0) == 0, "%s", message().c_str());
    return read(y, 1)[0];
  }
};

// Memory at addresses that are kept while more comes behind it.
void address_space() {
  constexpr size_t step = 2 * MiB;
  size_t space = 64 * MiB + 5;
  char *base = static_cast<char *>(dg::backend::reserve(0, &space, step));
  CHECK(base && space == 66 * MiB);
  const double before = dg_device_number(0, DG_MEMORY_FREE);
  CHECK(dg::backend::grow(0, base, 0, step) == 0);
  memset(base, 1, step);
  CHECK(dg::backend::grow(0, base, step, 3 * step) == 0 && base[step - 1] == 1);
  memset(base + step, 2, 2 * step);
  const std::vector<char> host(3 * step, 3);
  CHECK(dg::backend::upload(0, base, host.data(), host.size()) == 0 && dg::backend::synchronize(0) == 0);
  CHECK(base[0] == 3 && base[3 * step - 1] == 3, "a copy may span pieces");
  CHECK(before - dg_device_number(0, DG_MEMORY_FREE) >= 3 * step);
  emu::limits().device_bytes -= static_cast<size_t>(dg_device_number(0, DG_MEMORY_FREE));
  CHECK(dg::backend::grow(0, base, 3 * step, 4 * step) == DG_E_MEMORY);
  emu::limits().device_bytes += 4096 * MiB - emu::limits().device_bytes;
  CHECK(dg::backend::grow(0, base, 3 * step, 4 * step) == 0);
  dg::backend::unreserve(0, base, space, 4 * step);
  CHECK(emu::counts().reservations == 0 && emu::counts().mappings == 0);
  size_t odd = 64 * MiB;
  CHECK(dg::backend::reserve(0, &odd, 3 * MiB) == nullptr, "a step that the GPU's granularity does not divide");
}

// Programs recorded before an arena grew go on; it becomes as large as the largest recording where it can grow in place.
void arenas_grow(bool virtual_memory) {
  emu::limits().virtual_memory = virtual_memory;
  const int arena = dg_arena(0), x = array({3}), y = array({0});
  const double most = dg::pool_caches() && virtual_memory ? 10 * MiB : 0;
  {
    const Step small(arena, neg, x, y, MiB / 4);
    CHECK(small(y) == -3);
    dg_free(small.t);
    const Step large(arena, square, x, y, 9.0 * MiB / 4);
    CHECK(large(y) == 9 && small(y) == -3 && large(y) == 9);
    if (most) CHECK(dg_memory(0, DG_BYTES_ARENA) == most, "%g", dg_memory(0, DG_BYTES_ARENA));
    CHECK(emu::counts().reservations == (most != 0));
    dg_free(large.t);
    const Step between(arena, neg, x, y, 5.0 * MiB / 4);
    CHECK(large(y) == 9 && between(y) == -3 && small(y) == -3);
    if (most) CHECK(dg_memory(0, DG_BYTES_ARENA) == most, "what was freed is used again");
  }
  CHECK(dg_arena_free(arena) == 0 && dg_memory(0, DG_BYTES_ARENA) == 0);
  CHECK(emu::counts().reservations == 0 && emu::counts().mappings == 0);
  for (const int a : {x, y}) dg_free(a);
  emu::limits().virtual_memory = true;
}

// Work that still runs keeps its memory until it is done: the emulator would not survive the difference.
void arenas_go_when_their_work_is_done() {
  const int arena = dg_arena(0);
  CHECK(dg_record_begin(arena) == 0);
  const int t = dg_alloc(0, DG_FLOAT32, 1000, 0);
  CHECK(dg_record_abort() == 0);
  emu::set_timing(emu::Timing::late);
  CHECK(dg_fill(t, 1) == 0 && dg_free(t) == 0 && dg_arena_free(arena) == 0);
  CHECK(dg_synchronize(0) == 0);
  emu::set_timing(emu::Timing::random);
}

// What the pool holds ready makes room for an arena; without any room the recording fails in words, and all goes on.
void arenas_at_the_limit() {
  const int arena = dg_arena(0), x = array({3}), y = array({0});
  emu::limits().device_bytes = 64 * MiB + (4096 * MiB - static_cast<size_t>(dg_device_number(0, DG_MEMORY_FREE)));
  dg_free(dg_alloc(0, DG_FLOAT32, 10 * MiB, 0));
  CHECK(dg_memory(0, DG_BYTES_CACHED) >= (dg::pool_caches() ? 40 * MiB : 0));
  {
    const Step step(arena, neg, x, y, 10 * MiB);
    CHECK(step(y) == -3);
    CHECK(dg_record_begin(arena) == 0);
    CHECK(dg_alloc(0, DG_FLOAT32, 10 * MiB, 0) == DG_E_MEMORY);
    CHECK(message().find("Out of memory: cannot allocate ") == 0 && message().find(" are in use") != std::string::npos);
    CHECK(dg_record_abort() == 0 && step(y) == -3);
  }
  CHECK(dg_arena_free(arena) == 0);
  emu::limits().device_bytes = 4096 * MiB;
  for (const int a : {x, y}) dg_free(a);
}

// A program that is alike takes over the instance that another left, with its own numbers; one that is not gets a new one.
void instances_are_used_again() {
  const int arena = dg_arena(0), x = array({3}), y = array({0});
  emu::Counts &counts = emu::counts();
  { const Step first(arena, neg, x, y, 1); }
  const int made = counts.made, updated = counts.updated, instances = counts.instances;
  for (int i = 0; i < 5; i++) {
    const Step again(arena, i % 2 ? neg : square, x, y, 1 + i);
    CHECK(again(y) == (i % 2 ? -3 : 9));
  }
  CHECK(counts.made == made && counts.updated == updated + 5 && counts.instances == instances);
  {
    const Step one(arena, neg, x, y, 1), two(arena, square, x, y, 1);
    CHECK(two(y) == 9 && one(y) == -3 && two(y) == 9, "programs that live have instances of their own");
    CHECK(counts.made == made + 1 && counts.instances == instances + 1);
  }
  CHECK(counts.instances == instances, "one is kept");
  CHECK(dg_record_begin(arena) == 0 && dg_unary(neg, x, y, 0, 0) == 0);
  const int short_one = dg_record_end();
  CHECK(short_one > 0 && counts.made == made + 2 && counts.instances == instances);
  CHECK(dg_replay(self, short_one, 1, 0, 0, 0) == 0 && read(y, 1)[0] == -3);
  dg_program_free(short_one);
  emu::limits().graph_update = false;
  {
    const Step refused(arena, square, x, y, 1);
    CHECK(refused(y) == 9 && counts.made == made + 3 && counts.instances == instances);
  }
  emu::limits().graph_update = true;
  CHECK(counts.graphs == 0 && dg_arena_free(arena) == 0);
  for (const int a : {x, y}) dg_free(a);
}

// What was replayed is done, whoever frees the program while it still runs.
void programs_end_before_they_go() {
  const int arena = dg_arena(0), x = array({3}), y = array({0}), z = array({0});
  {
    const Step first(arena, neg, x, y, 1), second(arena, square, x, z, 1);
    emu::set_timing(emu::Timing::late);
    CHECK(dg_replay(self, first.program, 1, 0, 0, 0) == 0 && dg_replay(self, second.program, 1, 0, 0, 0) == 0);
  }
  CHECK(read(y, 1)[0] == -3 && read(z, 1)[0] == 9);
  emu::set_timing(emu::Timing::random);
  CHECK(dg_arena_free(arena) == 0);
  for (const int a : {x, y, z}) dg_free(a);
}

int forbidden(const void *) {
  return dg::gpu::status(cudaStreamSynchronize(dg::gpu::current().stream), "Doing what a capture forbids");
}
int refusing(const void *) { return dg::fail(DG_E_ARGUMENT, "No"); }
void without_operands(void *, dg::Operands &) {}

// A recording that cannot become a graph says why, and leaves nothing behind.
void captures_fail_alone() {
  const int arena = dg_arena(0), x = array({3}), y = array({0});
  for (const auto run : {forbidden, refusing}) {
    CHECK(dg_record_begin(arena) == 0 && dg_unary(neg, x, y, 0, 0) == 0);
    const dg::Kernel kernel = {"a kernel of the test", run, nullptr, without_operands};
    dg::submit_raw(0, kernel, &x, sizeof x);
    CHECK(dg_unary(neg, x, y, 0, 0) == 0);
    CHECK(dg_record_end() == (run == refusing ? DG_E_ARGUMENT : DG_E_DEVICE));
    CHECK(message() == (run == refusing
                            ? "No"
                            : "Doing what a capture forbids failed: operation not permitted when stream is capturing"),
          "%s", message().c_str());
    CHECK(read(y, 1)[0] == 0 && dg_unary(neg, x, y, 0, 0) == 0 && read(y, 1)[0] == -3 && dg_fill(y, 0) == 0);
    const Step step(arena, square, x, y, 1);
    CHECK(step(y) == 9 && dg_fill(y, 0) == 0);
  }
  CHECK(emu::counts().graphs == 0 && dg_arena_free(arena) == 0);
  for (const int a : {x, y}) dg_free(a);
}

}  // namespace

int main() {
  address_space();
  arenas_grow(true);
  arenas_grow(false);
  arenas_go_when_their_work_is_done();
  arenas_at_the_limit();
  instances_are_used_again();
  programs_end_before_they_go();
  captures_fail_alone();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0 && dg_memory(0, DG_BYTES_LIVE) == 0);
  return check_report("emu_program_test");
}
