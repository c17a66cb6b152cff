// Is a kernel seen that touches memory beside its own? AddressSanitizer sees it, in shared memory, in the emulator's and in arrays of
// the library, from the pool and from an arena, because in its builds every array is an allocation of its own.
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "core/record.h"
#include "emu_grid.h"
#include "gpu/launch.h"

namespace {

constexpr int n = 33;  // no multiple of anything that memory might be rounded up to

// Each does as it should with `extra` 0, and with 1 goes one element too far.
__global__ void write_past(float *y, int extra) {
  if (static_cast<int>(threadIdx.x) < n + extra) y[threadIdx.x] = 1;
}
__global__ void write_before(float *y, int extra) {
  if (threadIdx.x < n) y[static_cast<int>(threadIdx.x) - extra] = 1;
}
__global__ void read_past(float *y, int extra) {
  const int i = static_cast<int>(threadIdx.x);
  if (i == 0) y[0] = y[n - 1 + extra];
}
__global__ void share_past(float *y, int extra) {
  DG_SHARED(float, tile);
  const int i = static_cast<int>(threadIdx.x);
  if (i < n + extra) tile[i] = 1;
  __syncthreads();
  if (i < n) y[i] = tile[i];
}
using Kernel = void (*)(float *, int);

// Runs f in a process of its own; true when it died.
template <class F>
bool dies(const F &f) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(0);
    f();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status != 0;
}

void in_device_memory(Kernel kernel, int extra) {
  DeviceArray<float> y(n);
  run(kernel, 1, 64, n * 4, y, extra);
}

// A call of the library whose kernel is one of the above.
struct Call {
  Kernel kernel;
  float *y;
  int extra;
};
int run_call(const void *args) {
  const Call &c = *static_cast<const Call *>(args);
  return launch(dg::gpu::current().stream, c.kernel, 1, 64, n * 4, c.y, c.extra) ? DG_E_DEVICE : 0;
}
const dg::Kernel own_kernel = {"a kernel of the test", run_call, nullptr, [](void *, dg::Operands &) {}};
void submit(int array, Kernel kernel, int extra) {
  const Call call{kernel, reinterpret_cast<float *>(dg::find_array(array)->data()), extra};
  dg::submit_raw(0, own_kernel, &call, sizeof call);
}

void in_an_array(Kernel kernel, int extra) {
  const int before = dg_alloc(0, DG_FLOAT32, n, 0), y = dg_alloc(0, DG_FLOAT32, n, 0);
  submit(y, kernel, extra);
  dg_synchronize(0);
  dg_free(y);
  dg_free(before);
}

void in_an_arena(Kernel kernel, int extra) {
  const int arena = dg_arena(0);
  dg_record_begin(arena);
  const int before = dg_alloc(0, DG_FLOAT32, n, 0), y = dg_alloc(0, DG_FLOAT32, n, 0);
  submit(y, kernel, extra);
  const int program = dg_record_end();
  dg_replay(self, program, 1, 0, 0, 0);
  dg_synchronize(0);
  dg_free(y);
  dg_free(before);
  dg_program_free(program);
}

}  // namespace

int main() {
  for (const Kernel kernel : {write_past, write_before, read_past, share_past}) {
    for (const auto where : {in_device_memory, in_an_array, in_an_arena}) {
      CHECK(!dies([&] { where(kernel, 0); }));
#if defined(__SANITIZE_ADDRESS__)
      CHECK(dies([&] { where(kernel, 1); }));
#endif
    }
  }
  return check_report("emu_overrun_test");
}
