// Do the emulator's streams promise no more than CUDA's do? Then work is late, other streams are ahead or behind, memory is read
// when its turn comes, and a missing wait gives wrong numbers.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "emu_grid.h"

namespace {

__global__ void set(int *y, int value) { *y = value; }
__global__ void add(int *y, const int *x) { *y += *x; }
__global__ void wait_for_nobody() {
  if (threadIdx.x == 0) __syncwarp();
}

cudaStream_t new_stream() {
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  return stream;
}
const cudaStream_t other = new_stream();

struct Event {
  cudaEvent_t at = nullptr;
  Event() { CHECK(cudaEventCreateWithFlags(&at, cudaEventDisableTiming) == cudaSuccess); }
  ~Event() { cudaEventDestroy(at); }
  operator cudaEvent_t() const { return at; }
};

// How many of `seeds` orders of work make f return something other than what is wanted.
template <class F>
int wrong(int want, const F &f, int seeds = 100) {
  int wrong = 0;
  for (int i = 0; i < seeds; i++) wrong += f() != want;
  return wrong;
}

void work_is_late() {
  DeviceArray<int> y(1);
  y[0] = 0;
  emu::set_timing(emu::Timing::late);
  CHECK(launch(test_stream(), set, 1, 1, 0, y, 1) == cudaSuccess);
  CHECK(y[0] == 0);
  CHECK(cudaStreamSynchronize(other) == cudaSuccess && y[0] == 0, "another stream is no concern");
  CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess && y[0] == 1);
  const Event never, early;
  CHECK(cudaEventSynchronize(never) == cudaSuccess && cudaStreamWaitEvent(other, never, 0) == cudaSuccess);
  launch(test_stream(), set, 1, 1, 0, y, 2);
  cudaEventRecord(early, test_stream());
  launch(test_stream(), set, 1, 1, 0, y, 3);
  CHECK(cudaEventSynchronize(early) == cudaSuccess && y[0] == 2, "an event stands between two pieces of work");
  CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess && y[0] == 3);
  emu::set_timing(emu::Timing::random);
  const int late = wrong(7, [&] {
    cudaStreamSynchronize(test_stream());
    y[0] = 0;
    launch(test_stream(), set, 1, 1, 0, y, 7);
    return y[0];
  });
  CHECK(late > 50 && late < 100, "%d of 100 were late", late);
  cudaStreamSynchronize(test_stream());
}

// x = 5 in one stream, y = 1 + x in the other.
void only_events_order_streams() {
  DeviceArray<int> x(1), y(1);
  const auto sum = [&](bool waits) {
    const Event done;
    x[0] = 0, y[0] = 1;
    launch(other, set, 1, 1, 0, x, 5);
    cudaEventRecord(done, other);
    if (waits) cudaStreamWaitEvent(test_stream(), done, 0);
    launch(test_stream(), add, 1, 1, 0, y, x);
    cudaStreamSynchronize(test_stream());
    const int result = y[0];
    cudaStreamSynchronize(other);
    return result;
  };
  CHECK(wrong(6, [&] { return sum(true); }) == 0);
  CHECK(wrong(6, [&] { return sum(false); }) > 20);
  // The wait is for what the event was when it was made, not for what it became.
  emu::set_timing(emu::Timing::late);
  const Event event;
  y[0] = 1;
  launch(other, set, 1, 1, 0, x, 10);
  cudaEventRecord(event, other);
  cudaStreamWaitEvent(test_stream(), event, 0);
  launch(other, set, 1, 1, 0, x, 20);
  cudaEventRecord(event, other);
  launch(test_stream(), add, 1, 1, 0, y, x);
  CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess && y[0] == 11 && x[0] == 10);
  cudaStreamSynchronize(other);
  emu::set_timing(emu::Timing::random);
}

// Pinned memory is read when the copy's turn comes; pageable memory before the call returns, which waits for the stream.
void copies_read_late() {
  DeviceArray<int> y(1), z(1);
  int pageable = 1, *pinned = nullptr;
  CHECK(cudaHostAlloc(reinterpret_cast<void **>(&pinned), sizeof(int), 0) == cudaSuccess && *pinned == -1);
  emu::set_timing(emu::Timing::late);
  z[0] = 0;
  launch(test_stream(), set, 1, 1, 0, z, 1);
  CHECK(cudaMemcpyAsync(y, pinned, 4, cudaMemcpyHostToDevice, test_stream()) == cudaSuccess && z[0] == 0);
  *pinned = 2;
  CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess && y[0] == 2);
  launch(test_stream(), set, 1, 1, 0, z, 2);
  CHECK(cudaMemcpyAsync(y, &pageable, 4, cudaMemcpyHostToDevice, test_stream()) == cudaSuccess && z[0] == 2);
  pageable = 3;
  CHECK(cudaMemcpyAsync(pinned, y, 4, cudaMemcpyDeviceToHost, test_stream()) == cudaSuccess && *pinned == 2);
  CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess && *pinned == 1);
  emu::set_timing(emu::Timing::random);
  CHECK(cudaFreeHost(pinned) == cudaSuccess && emu::counts().pinned == 0);
}

// A wait can be left out, so that a test may ask whether it is needed.
void waits_can_be_skipped() {
  DeviceArray<int> y(1);
  emu::set_timing(emu::Timing::late);
  emu::skip_wait(2);
  for (int i = 1; i <= 3; i++) {
    launch(test_stream(), set, 1, 1, 0, y, i);
    cudaStreamSynchronize(test_stream());
    CHECK(y[0] == (i == 2 ? 1 : i));
  }
  CHECK(emu::waits() == 3);
  emu::skip_wait(0);
  emu::set_timing(emu::Timing::random);
}

// What a kernel does wrong shows later, in any call, and stays; other devices go on.
void failures_stay() {
  DeviceArray<int> y(1);
  emu::set_timing(emu::Timing::late);
  emu::fault(2, cudaErrorIllegalAddress);
  CHECK(launch(test_stream(), set, 1, 1, 0, y, 1) == cudaSuccess);
  CHECK(launch(test_stream(), set, 1, 1, 0, y, 2) == cudaSuccess);
  CHECK(launch(test_stream(), set, 1, 1, 0, y, 3) == cudaSuccess);
  CHECK(cudaStreamSynchronize(test_stream()) == cudaErrorIllegalAddress && y[0] == 1);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress && cudaGetLastError() == cudaSuccess);
  void *memory = nullptr;
  CHECK(cudaMalloc(&memory, 4) == cudaErrorIllegalAddress);
  CHECK(launch(test_stream(), set, 1, 1, 0, y, 3) == cudaErrorIllegalAddress);
  CHECK(cudaStreamSynchronize(other) == cudaErrorIllegalAddress);
  CHECK(cudaSetDevice(1) == cudaSuccess && cudaMalloc(&memory, 4) == cudaSuccess && cudaFree(memory) == cudaSuccess);
  emu::revive(0);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  CHECK(launch(test_stream(), wait_for_nobody, 1, 32, 0) == cudaSuccess);
  CHECK(cudaStreamSynchronize(test_stream()) == cudaErrorLaunchFailure);
  CHECK(strstr(cudaGetErrorString(cudaErrorLaunchFailure), "deadlock"));
  emu::revive(0);
  CHECK(run(set, 1, 1, 0, y, 4) == "" && y[0] == 4);
  emu::set_timing(emu::Timing::random);
}

// A stream takes so much work that the host waits before it takes more.
void queues_end() {
  DeviceArray<int> y(1);
  y[0] = -1;
  emu::set_timing(emu::Timing::late);
  for (int i = 0; i < 1024; i++) launch(test_stream(), set, 1, 1, 0, y, i);
  CHECK(y[0] == -1);
  launch(test_stream(), set, 1, 1, 0, y, 1024);
  CHECK(y[0] == 0);
  CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess && y[0] == 1024);
  emu::set_timing(emu::Timing::random);
}

}  // namespace

int main() {
  setenv("DINOGRAD_EMU_DEVICES", "2", 1);
  work_is_late();
  only_events_order_streams();
  copies_read_late();
  waits_can_be_skipped();
  failures_stay();
  queues_end();
  CHECK(emu::counts().events == 0 && emu::counts().allocations == 0 && emu::counts().streams == 2);
  return check_report("emu_streams_test");
}
