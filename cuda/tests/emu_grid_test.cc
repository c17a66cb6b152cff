// Does the emulated grid do what CUDA promises, and does it show programs that rely on more?
#include "emu_grid.h"

#include <time.h>

#include "check.h"

namespace {

__global__ void identify(int *y) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  y[block * blockDim.x * blockDim.y * blockDim.z + thread] = static_cast<int>(block * 1000 + thread);
}

// Reverses each block's stretch of x through shared memory.
template <bool barrier>
__global__ void reverse(const int *x, int *y) {
  DG_SHARED(int, tile);
  const unsigned i = blockIdx.x * blockDim.x;
  tile[threadIdx.x] = x[i + threadIdx.x];
  if (barrier) __syncthreads();
  y[i + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

// Sums over the block in steps, one barrier each.
__global__ void tree_sum(const int *x, int *y) {
  DG_SHARED(int, sums);
  sums[threadIdx.x] = x[threadIdx.x];
  for (unsigned half = blockDim.x / 2; half; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) *y = sums[0];
}

// Each thread reads what its neighbour wrote before; without the second barrier the neighbour may have written again.
template <bool second_barrier>
__global__ void pass_around(int *y, int rounds) {
  DG_SHARED(int, slots);
  int value = static_cast<int>(threadIdx.x);
  for (int i = 0; i < rounds; i++) {
    slots[threadIdx.x] = value;
    __syncthreads();
    value = slots[(threadIdx.x + 1) % blockDim.x];
    if (second_barrier) __syncthreads();
  }
  y[threadIdx.x] = value;
}

// Two sums over the block, each through the same slot per warp: a fast warp may write its second sum before a slow one has
// read the first.
template <bool second_barrier>
__global__ void sum_twice(int *y) {
  DG_SHARED(int, sums);
  int value = 1;
  for (int round = 0; round < 2; round++) {
    for (int bits = 16; bits; bits /= 2) value += __shfl_xor_sync(~0u, value, bits);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
    __syncthreads();
    value = 0;
    for (unsigned i = 0; i < blockDim.x / 32; i++) value += sums[i];
    if (second_barrier) __syncthreads();
  }
  y[threadIdx.x] = value;
}

__global__ void leave_early(int *y) {
  if (threadIdx.x >= 20) return;
  __syncthreads();
  y[threadIdx.x] = 1;
}

__global__ void branch_apart() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void half_a_warp() {
  if (threadIdx.x < 16) __syncwarp();
}

__global__ void count_up(int *total, unsigned *ticket, int *last_blocks) {
  atomicAdd(total, 1);
  __syncthreads();
  if (threadIdx.x == 0 && atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1) atomicAdd(last_blocks, 1);
}

__global__ void many_barriers(int n) {
  for (int i = 0; i < n; i++) __syncthreads();
}
__global__ void many_shuffles(int n, int *y) {
  int value = static_cast<int>(threadIdx.x);
  for (int i = 0; i < n; i++) value = __shfl_xor_sync(~0u, value, 1);
  *y = value;
}
__global__ void nothing() {}

bool contains(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

void indices_and_barriers() {
  DeviceArray<int> x(1024), y(1024);
  CHECK(run(identify, dim3(2, 3, 2), dim3(8, 2, 3), 0, y) == "");
  for (int i = 0; i < 12 * 48; i++) CHECK(y[i] == i / 48 * 1000 + i % 48);

  for (int i = 0; i < 1024; i++) x[i] = i * i;
  CHECK(run(reverse<true>, 8, 128, 128 * 4, x, y) == "");
  for (int i = 0; i < 1024; i++) CHECK(y[i] == x[i / 128 * 128 + 127 - i % 128]);
  CHECK(run(tree_sum, 1, 1024, 1024 * 4, x, y) == "");
  CHECK(y[0] == 1023 * 1024 / 2 * (2 * 1023 + 1) / 3);
  CHECK(run(pass_around<true>, 1, 64, 64 * 4, y, 10) == "");
  for (int i = 0; i < 64; i++) CHECK(y[i] == (i + 10) % 64);

  CHECK(run(sum_twice<true>, 1, 128, 4 * 4, y) == "");
  for (int i = 0; i < 128; i++) CHECK(y[i] == 128 * 128);

  int sums[2] = {};
  unsigned ticket = 0;
  for (int round = 1; round <= 2; round++) {
    CHECK(run(count_up, 7, 32, 0, &sums[0], &ticket, &sums[1]) == "");
    CHECK(sums[0] == round * 7 * 32 && ticket == 0 && sums[1] == round);
  }
}

void missing_barriers_show() {
  DeviceArray<int> x(1024), y(1024);
  for (int i = 0; i < 1024; i++) x[i] = i;
  CHECK(run(reverse<false>, 8, 128, 128 * 4, x, y) == "");
  int wrong = 0;
  for (int i = 0; i < 1024; i++) wrong += y[i] != x[i / 128 * 128 + 127 - i % 128];
  CHECK(wrong > 100, "%d of 1024 values were wrong", wrong);
  CHECK(run(pass_around<false>, 1, 64, 64 * 4, y, 10) == "");
  wrong = 0;
  for (int i = 0; i < 64; i++) wrong += y[i] != (i + 10) % 64;
  CHECK(wrong > 5, "%d of 64 values were wrong", wrong);
  CHECK(run(sum_twice<false>, 1, 128, 4 * 4, y) == "");
  wrong = 0;
  for (int i = 0; i < 128; i++) wrong += y[i] != 128 * 128;
  CHECK(wrong > 31, "%d of 128 values were wrong", wrong);
}

void divergence_is_reported() {
  DeviceArray<int> y(64);
  for (int i = 0; i < 64; i++) y[i] = 0;
  CHECK(run(leave_early, 1, 64, 0, y) == "");  // threads that returned are not waited for
  for (int i = 0; i < 64; i++) CHECK(y[i] == (i < 20));
  const std::string apart = run(branch_apart, dim3(1, 1, 2), 64, 0);
  CHECK(contains(apart, "barrier divergence") && contains(apart, "emu_grid_test.cc:"), "%s", apart.c_str());
  const std::string half = run(half_a_warp, 1, 64, 0);
  CHECK(contains(half, "deadlock: 16 of 64 threads"), "%s", half.c_str());
  CHECK(run(tree_sum, 1, 64, 64 * 4, y, y) == "", "a failed grid must leave the emulator usable");
}

void limits() {
  CHECK(run(nothing, 1, 1025, 0) == cudaGetErrorString(cudaErrorInvalidConfiguration));
  CHECK(run(nothing, 0, 32, 0) == cudaGetErrorString(cudaErrorInvalidConfiguration));
  CHECK(run(nothing, dim3(1, 65536), 32, 0) == cudaGetErrorString(cudaErrorInvalidConfiguration));
  CHECK(run(nothing, 1, 32, 50000) == cudaGetErrorString(cudaErrorInvalidConfiguration));
  CHECK(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 50000) == cudaSuccess);
  CHECK(run(nothing, 1, 32, 50000) == "");
}

template <class F>
double microseconds(const F &f) {
  timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  f();
  clock_gettime(CLOCK_MONOTONIC, &b);
  return (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) * 1e-3;
}

void speed() {
  DeviceArray<int> y(1);
  run(many_barriers, 1, 256, 0, 1);
  const double barrier = microseconds([] { run(many_barriers, 1, 256, 0, 2000); }) / 2000 / 256;
  const double shuffle = microseconds([&] { run(many_shuffles, 1, 256, 0, 2000, y); }) / 2000 / 256;
  const double thread = microseconds([] { run(nothing, 1000, 256, 0); }) / 1000 / 256;
  printf("emulated: %.3f us per thread and barrier, %.3f per lane and shuffle, %.4f per empty thread\n", barrier,
         shuffle, thread);
}

}  // namespace

int main() {
  indices_and_barriers();
  missing_barriers_show();
  divergence_is_reported();
  limits();
  speed();
  return check_report("emu_grid_test");
}
