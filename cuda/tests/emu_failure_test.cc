// What does the library say when a kernel of a GPU goes wrong, and what still works then? Every case takes a GPU of its own, because
// none recovers.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "core/record.h"
#include "emu/control.h"
#include "gpu/launch.h"

namespace {

constexpr const char *restart = "Nothing on it can be used any more: restart the program";
const std::string softmax_failed =
    "The GPU failed while running softmax<float> or an operation shortly before it: an illegal "
    "memory access was encountered. " +
    std::string(restart) + " (DINOGRAD_SYNC=1 finds out which it was)";

template <class T>
__global__ void wait_for_nobody(T) {
  if (threadIdx.x == 0) __syncwarp();
}

bool says(const std::string &want) {
  const std::string got = message();
  if (got != want) printf("got: %s\nwanted: %s\n", got.c_str(), want.c_str());
  return got == want;
}

int on(int device, double count) {
  const int a = dg_alloc(device, DG_FLOAT32, count, 1);
  CHECK(a > 0, "%s", message().c_str());
  return a;
}

// A call that CUDA refuses is one failure, named by its kernel; the next call works.
void refused_calls() {
  CHECK(dg::backend::use(0) == 0);
  CHECK(dg::gpu::launch<wait_for_nobody<float>>(1, 2048, 0, 1.0f) == DG_E_DEVICE);
  CHECK(says("wait_for_nobody<float> failed: invalid configuration argument"));
  CHECK(dg::gpu::launch<wait_for_nobody<float>>(0, 32, 0, 1.0f) == 0, "an empty grid is no work");
  const int x = on(0, 4);
  CHECK(dg_fill(x, 3) == 0);
  CHECK((read(x, 4) == std::vector<float>{3, 3, 3, 3}));
  dg_free(x);
}

void a_kernel_that_fails() {
  const int x = on(1, 4), y = on(1, 4), other = on(0, 4);
  float values[4] = {1, 2, 3, 4};
  CHECK(dg_upload(x, 0, values, 16) == 0 && dg_synchronize(1) == 0);
  emu::set_timing(emu::Timing::late);
  emu::fault(1, cudaErrorIllegalAddress);
  CHECK(dg_softmax(x, y, 2, 2, 0) == 0, "nobody knows yet");
  CHECK(dg_download(y, 0, values, 16) == DG_E_DEVICE && says(softmax_failed));
  // From now on briefly, whatever is asked for.
  const std::string earlier = "The GPU failed earlier, while running softmax<float>: restart the program";
  CHECK(dg_download(y, 0, values, 16) == DG_E_DEVICE && says(earlier));
  CHECK(dg_upload(x, 0, values, 16) == DG_E_DEVICE && says(earlier));
  CHECK(dg_fill(x, 1) == DG_E_DEVICE && says(earlier));
  CHECK(dg_synchronize(1) == DG_E_DEVICE && says(earlier));
  CHECK(dg_alloc(1, DG_FLOAT32, 4, 0) == DG_E_DEVICE && says(earlier));
  CHECK(dg_alloc(1, DG_FLOAT32, 1 << 20, 0) == DG_E_DEVICE && says(earlier));
  CHECK(dg_copy(x, other) == DG_E_DEVICE && says(earlier));
  CHECK(dg_copy(other, y) == DG_E_DEVICE && says(earlier));
  CHECK(dg_trim(1) == DG_E_DEVICE && says(earlier));
  const int arena = dg_arena(1);
  CHECK(dg_record_begin(arena) == 0 && dg_fill(x, 1) == 0 && dg_record_end() == DG_E_DEVICE && says(earlier));
  CHECK(dg_arena_free(arena) == 0);
  // What needs no GPU goes on, and so do the others.
  const int view = dg_view(x, 0, DG_FLOAT32, 2);
  CHECK(view > 0 && dg_free(view) == 0 && dg_free(x) == 0 && dg_free(y) == 0 && dg_memory(1, DG_BYTES_LIVE) == 0);
  CHECK(dg_fill(other, 5) == 0 && read(other, 4)[3] == 5);
  dg_free(other);
  emu::set_timing(emu::Timing::random);
}

// Whoever meets the failure first tells of it: here what gives memory back, there an allocation.
void whoever_meets_it_first() {
  emu::set_timing(emu::Timing::late);
  for (const int device : {2, 3}) {
    const int x = on(device, 4);
    CHECK(dg_fill(x, 0) == 0 && dg_synchronize(device) == 0);
    emu::fault(1, cudaErrorIllegalAddress);
    CHECK(dg_softmax(x, x, 1, 4, 0) == 0);
    if (device == 3) cudaStreamSynchronize(dg::gpu::current().stream);
    const int met = device == 2 ? dg_trim(device) : dg_alloc(device, DG_FLOAT32, 1 << 24, 0);
    CHECK(met == DG_E_DEVICE && says(softmax_failed));
    dg_free(x);
  }
  emu::set_timing(emu::Timing::random);
}

// What a recording turned into a graph has not run.
void recording_is_not_running() {
  const int x = on(6, 4), arena = dg_arena(6);
  CHECK(dg_fill(x, 0) == 0 && dg_synchronize(6) == 0);
  emu::set_timing(emu::Timing::late);
  emu::fault(1, cudaErrorIllegalAddress);
  CHECK(dg_softmax(x, x, 1, 4, 0) == 0 && dg_record_begin(arena) == 0 && dg_fill(x, 1) == 0);
  const int program = dg_record_end();
  CHECK(program > 0 && dg_synchronize(6) == DG_E_DEVICE && says(softmax_failed));
  CHECK(dg_program_free(program) == 0 && dg_free(x) == 0 && dg_arena_free(arena) == 0);
  emu::set_timing(emu::Timing::random);
}

void a_replay_that_fails() {
  const int x = on(4, 4), arena = dg_arena(4);
  CHECK(dg_fill(x, 0) == 0 && dg_record_begin(arena) == 0);
  CHECK(dg_softmax(x, x, 1, 4, 0) == 0 && dg_fill(x, 1) == 0 && dg_softmax(x, x, 1, 4, 0) == 0);
  const int program = dg_record_end();
  CHECK(program > 0 && dg_replay(self, program, 2, 0, 0, 0) == 0 && dg_synchronize(4) == 0);
  emu::fault(4, cudaErrorIllegalAddress);
  CHECK(dg_replay(self, program, 3, 0, 0, 0) == 0 || message().find("replaying") != std::string::npos);
  CHECK(dg_synchronize(4) == DG_E_DEVICE);
  CHECK(message().find("while replaying a step of 3 operations") != std::string::npos, "%s", message().c_str());
  CHECK(dg_program_free(program) == 0 && dg_free(x) == 0 && dg_arena_free(arena) == 0);
}

void a_kernel_that_stops() {
  CHECK(dg::backend::use(5) == 0 && dg::gpu::launch<wait_for_nobody<int>>(1, 32, 0, 1) == 0);
  CHECK(dg_synchronize(5) == DG_E_DEVICE);
  const std::string start =
      "The GPU failed while running wait_for_nobody<int> or an operation shortly before it: block (0,0,0): deadlock";
  CHECK(message().substr(0, start.size()) == start, "%s", message().c_str());
}

// With DINOGRAD_SYNC=1 the call that fails is the one that says so, recorded or not. In a process of its own, because the library
// asks once.
void one_at_a_time() {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setenv("DINOGRAD_SYNC", "1", 1);
    const std::string want = "The GPU failed while running softmax<float>: an illegal memory access was encountered. " +
                             std::string(restart);
    const int x = on(0, 4), y = on(1, 4), arena = dg_arena(1);
    emu::set_timing(emu::Timing::late);
    CHECK(dg_fill(x, 0) == 0 && dg_fill(y, 0) == 0);
    emu::fault(1, cudaErrorIllegalAddress);
    CHECK(dg_softmax(x, x, 1, 4, 0) == DG_E_DEVICE && says(want));
    CHECK(dg_record_begin(arena) == 0 && dg_softmax(y, y, 1, 4, 0) == 0 && dg_fill(y, 1) == 0);
    const int program = dg_record_end();
    CHECK(dg_replay(self, program, 2, 0, 0, 0) == 0);
    emu::fault(3, cudaErrorIllegalAddress);
    CHECK(dg_replay(self, program, 2, 0, 0, 0) == DG_E_DEVICE && says(want));
    fflush(stdout);
    _exit(checks_failed != 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

}  // namespace

int main() {
  setenv("DINOGRAD_EMU_DEVICES", "7", 1);
  one_at_a_time();
  refused_calls();
  a_kernel_that_fails();
  whoever_meets_it_first();
  recording_is_not_running();
  a_replay_that_fails();
  a_kernel_that_stops();
  return check_report("emu_failure_test");
}
