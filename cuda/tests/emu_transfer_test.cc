// Do transfers take effect in order, whatever is still under way, without waiting for more than they must? And would the emulator
// notice if they waited for less?
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "check.h"
#include "core/backend.h"
#include "emu/control.h"
#include "gpu/launch.h"
#include "gpu/staging.h"

using namespace dg;

namespace {

constexpr size_t KiB = 1024, MiB = 1024 * KiB, slot = gpu::Slots::bytes;
constexpr size_t page = 16 * KiB;  // kernels look at one number of each

__global__ void add_samples(const int *x, int *y, int64_t n) {
  for (int64_t i = gpu::first_index() * (page / 4); i < n; i += gpu::index_step() * (page / 4)) y[i] += x[i];
}
__global__ void set(int *y, int value) { *y = value; }

struct Memory {
  int device;
  void *at = nullptr;
  Memory(int device_, size_t bytes) : device(device_) { CHECK(backend::allocate(device, bytes, &at) == 0); }
  ~Memory() { backend::release(device, at, 0); }
  int *ints() const { return static_cast<int *>(at); }
};

// Uploads 1, 2, ... `rounds` to the same place, each added to a sum before the next, and the caller's memory overwritten as soon as
// a call returns. Whether the sum is right.
bool sums_up(int device, size_t bytes, int rounds) {
  const int64_t n = static_cast<int64_t>(bytes / 4);
  const Memory x(device, bytes), y(device, bytes);
  std::vector<int> host(n, 0);
  bool right = !backend::upload(device, y.at, host.data(), bytes);
  for (int round = 1; round <= rounds; round++) {
    host.assign(n, round);
    right &= !backend::upload(device, x.at, host.data(), bytes);
    host.assign(n, -1000);
    right &= !gpu::launch<add_samples>(1, 64, 0, static_cast<const int *>(x.ints()), y.ints(), n);
  }
  right &= !backend::download(device, host.data(), y.at, bytes);
  for (int64_t i = 0; i < n; i += page / 4) right &= host[i] == rounds * (rounds + 1) / 2;
  for (int64_t i = 1; i < n; i += page / 4) right &= host[i] == 0;
  backend::synchronize(device);
  return right;
}

void transfers_are_in_order() {
  for (const size_t bytes : {size_t{4}, 60 * KiB, 64 * KiB, 64 * KiB + 4, slot, slot + 4, 5 * slot + 12})
    for (int seed = 0; seed < 3; seed++) CHECK(sums_up(0, bytes, bytes > MiB ? 3 : 40), "%zu bytes", bytes);
}

// Whether a wait that is left out shows, in some order of work.
bool missed(int wait, size_t bytes, int rounds) {
  bool right = true;
  for (const emu::Timing timing : {emu::Timing::late, emu::Timing::random}) {
    emu::set_timing(timing);
    for (int i = 0; i < 20 && right; i++) {
      emu::skip_wait(wait);
      right = sums_up(0, bytes, rounds);
    }
  }
  emu::skip_wait(0);
  emu::set_timing(emu::Timing::random);
  return !right;
}

// An upload through a slot waits three times: the host until the slot's pinned piece was read, the copying stream until the
// other piece was read, the GPU's stream until the values are there. The first two matter once all slots are in use.
void waits_are_needed() {
  constexpr int uploads = 11;
  constexpr size_t large = 128 * KiB;
  emu::skip_wait(0);
  CHECK(sums_up(0, large, uploads - 1));
  const int waits = 3 * uploads + 1 + 1;  // the last two: the download's and the one of this function
  CHECK(emu::waits() == waits, "%d", emu::waits());
  for (int wait = 1; wait < waits; wait++) {
    const bool of_stream = wait % 3 == 0, of_download = wait == waits - 1;
    const bool needed = wait > 3 * gpu::Slots::count || of_stream || of_download;
    CHECK(missed(wait, large, uploads - 1) == needed, "wait %d", wait);
  }
  // Small ones wait for the next section of the ring, which matters once this run has used them all.
  constexpr int small_uploads = 5 * gpu::Ring::sections;
  emu::skip_wait(0);
  CHECK(sums_up(0, 64 * KiB, small_uploads));
  int needed = 0;
  const int of_sections = emu::waits() - 2, of_download = 1;
  for (int wait = 1; wait <= of_sections + of_download; wait++) needed += missed(wait, 64 * KiB, small_uploads);
  CHECK(needed == of_sections - (gpu::Ring::sections - 1) + of_download, "%d of %d", needed, of_sections);
}

// The host and the bus run ahead of the kernels.
void nothing_waits_for_kernels() {
  gpu::Gpu &gpu = *gpu::open(0);
  const Memory flag(0, 4), x(0, 8 * slot);
  const std::vector<int> host(8 * slot / 4, 7);
  emu::set_timing(emu::Timing::late);
  CHECK(gpu::launch<set>(1, 1, 0, flag.ints(), 1) == 0 && backend::synchronize(0) == 0 && *flag.ints() == 1);
  CHECK(gpu::launch<set>(1, 1, 0, flag.ints(), 2) == 0);
  for (int i = 0; i < 12; i++) CHECK(backend::upload(0, x.at, host.data(), 64 * KiB) == 0);
  CHECK(*flag.ints() == 1, "small uploads");
  CHECK(backend::upload(0, x.at, host.data(), 4 * slot) == 0 && *flag.ints() == 1);
  CHECK(cudaStreamSynchronize(gpu.staging->slots.copies) == cudaSuccess && *flag.ints() == 1);
  CHECK(!memcmp(gpu.staging->slots.device, host.data(), slot), "the values are on the GPU before the kernel is done");
  CHECK(backend::upload(0, x.at, host.data(), 4 * slot) == 0 && *flag.ints() == 1, "as much again is in pinned memory");
  CHECK(backend::synchronize(0) == 0 && *flag.ints() == 2);
  CHECK(!memcmp(x.at, host.data(), 4 * slot));
  emu::set_timing(emu::Timing::random);
}

// Another GPU's work is not waited for by a download.
void devices_do_not_wait_for_each_other() {
  const Memory here(0, 4), there(1, 4);
  emu::set_timing(emu::Timing::late);
  CHECK(backend::use(1) == 0 && gpu::launch<set>(1, 1, 0, there.ints(), 5) == 0);
  CHECK(backend::use(0) == 0 && gpu::launch<set>(1, 1, 0, here.ints(), 6) == 0);
  int value = 0;
  CHECK(backend::download(0, &value, here.at, 4) == 0 && value == 6 && *there.ints() == -1);
  CHECK(backend::download(1, &value, there.at, 4) == 0 && value == 5);
  emu::set_timing(emu::Timing::random);
}

// A copy between GPUs comes after what its source was given before, and before what its target is given then.
bool crosses() {
  const Memory here(0, 4), there(1, 4);
  bool right = true;
  for (int i = 1; i <= 4; i++) {
    right &= !backend::use(0) && !gpu::launch<set>(1, 1, 0, here.ints(), i);
    right &= !backend::use(1) && !gpu::launch<set>(1, 1, 0, there.ints(), -i);
    right &= !backend::transfer(1, there.at, 0, here.at, 4);
    int value = 0;
    right &= !backend::download(1, &value, there.at, 4) && value == i;
  }
  return right & !backend::synchronize(0);
}
void copies_between_devices_are_in_order() {
  int missed = 0;
  for (int i = 0; i < 20; i++) CHECK(crosses());
  for (const int wait : {1, 2, 4, 5})
    for (int i = 0; i < 20; i++) {
      emu::skip_wait(wait);
      missed += !crosses();
    }
  emu::skip_wait(0);
  CHECK(missed > 20, "%d of 80", missed);
}

// Without pinned memory, or without memory on the GPU for the slots, the results are the same.
void staging_may_be_impossible() {
  const size_t pinned = emu::limits().pinned_bytes, total = emu::limits().device_bytes;
  emu::limits().pinned_bytes = 0;
  for (const size_t bytes : {60 * KiB, slot + 4}) CHECK(sums_up(2, bytes, 5));
  CHECK(gpu::open(2)->staging->ring.pinned == nullptr);
  emu::limits().pinned_bytes = pinned;
  emu::limits().device_bytes -= static_cast<size_t>(backend::device_number(2, DG_MEMORY_FREE)) - 14 * MiB;
  CHECK(sums_up(2, slot + 4, 5) && gpu::open(2)->staging->slots.device == nullptr);
  emu::limits().device_bytes = total;
  CHECK(sums_up(2, slot + 4, 5) && gpu::open(2)->staging->slots.device != nullptr);
}

// Whatever call of CUDA fails in the middle, the next transfers are right.
void failures_leave_it_usable() {
  for (const size_t bytes : {60 * KiB, 3 * slot}) {
    const Memory x(0, bytes);
    std::vector<char> host(bytes, 1), back(bytes);
    for (int work = 1;; work++) {
      emu::refuse(work);
      const int up = backend::upload(0, x.at, host.data(), bytes);
      const int down = up ? 0 : backend::download(0, back.data(), x.at, bytes);
      emu::refuse(0);
      if (!up && !down) break;
      CHECK(up + down == DG_E_DEVICE && strstr(failure().data(), "failed: invalid argument"), "%s", failure().data());
      CHECK(work < 100);
      CHECK(sums_up(0, bytes, 2), "after failure %d", work);
    }
  }
}

void nothing_leaks() {
  const emu::Counts before = emu::counts();
  for (int i = 0; i < 50; i++) CHECK(sums_up(0, 100 * KiB, 2) && crosses());
  const emu::Counts after = emu::counts();
  CHECK(after.events == before.events && after.streams == before.streams && after.pinned == before.pinned &&
        after.allocations == before.allocations);
}

}  // namespace

int main() {
  setenv("DINOGRAD_EMU_DEVICES", "3", 1);
  CHECK(backend::device_count() == 3);
  transfers_are_in_order();
  waits_are_needed();
  nothing_waits_for_kernels();
  devices_do_not_wait_for_each_other();
  copies_between_devices_are_in_order();
  staging_may_be_impossible();
  failures_leave_it_usable();
  nothing_leaks();
  return check_report("emu_transfer_test");
}
