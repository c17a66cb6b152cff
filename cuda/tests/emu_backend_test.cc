// Do the parts of the CUDA backend that no kernel's result shows keep their promises? Division by multiplication for
// large numbers too, more shared memory than a kernel has by itself, why there is no device.
#include <ptx.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "check.h"
#include "core/backend.h"
#include "gpu/index.h"
#include "gpu/launch.h"

using namespace dg;

namespace {

__global__ void write_last_byte() {
  DG_SHARED(unsigned char, shared);
  shared[gpu::shared_default * 2 - 1] = 1;
}

std::string sentence() { return std::string(failure().data(), failure().length()); }

void divisions() {
  uint64_t state = 1;
  const auto draw = [&](int bits) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int64_t>(state >> (64 - bits));
  };
  for (int i = 0; i < 200000; i++) {
    const int64_t size = draw(1 + i % 40) + 1, n = draw(1 + i / 40 % 45);
    int64_t rest = -1;
    const int64_t quotient = gpu::Divider(size).divide(n, rest);
    CHECK(quotient == n / size && rest == n % size, "%ld / %ld = %ld rest %ld", n, size, quotient, rest);
  }
  constexpr int64_t edge = int64_t{1} << 31;
  for (int64_t size : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{7}, edge / 2, edge - 1, edge, edge + 1}) {
    for (int64_t n : {int64_t{0}, size - 1, size, edge - 1, edge, edge + 1, 3 * edge}) {
      int64_t rest = -1;
      CHECK(gpu::Divider(size).divide(n, rest) == n / size && rest == n % size, "%ld / %ld", n, size);
    }
  }
}

void much_shared_memory() {
  CHECK(backend::use(0) == 0);
  for (int i = 0; i < 2; i++)
    CHECK(gpu::launch<write_last_byte>(1, 1, gpu::shared_default * 2) == 0, "%s", sentence().c_str());
  CHECK(gpu::launch<write_last_byte>(1, 1, size_t{1} << 20) == DG_E_DEVICE);
  CHECK(sentence().find("write_last_byte failed") != std::string::npos, "%s", sentence().c_str());
  CHECK(gpu::launch<write_last_byte>(1, 1, gpu::shared_default * 2) == 0);
  CHECK(backend::synchronize(0) == 0, "%s", sentence().c_str());
}

// In a process of its own, because devices are looked for once.
void no_device() {
  const pid_t child = fork();
  if (child == 0) {
    setenv("DINOGRAD_EMU_DEVICES", "0", 1);
    _exit(backend::device_count() == DG_E_DEVICE && sentence() == "No NVIDIA GPU was found" ? 0 : 1);
  }
  int result = -1;
  waitpid(child, &result, 0);
  CHECK(result == 0);
}

}  // namespace

int main() {
  divisions();
  no_device();
  much_shared_memory();
  return check_report("emu_backend_test");
}
