// Do the collectives of a warp exchange what CUDA says? Shuffles, votes, ldmatrix, mma.sync; and cp.async, whose data
// arrives only when it is waited for.
#include "check.h"
#include "emu_grid.h"

namespace {

constexpr unsigned all_lanes = ~0u;

__global__ void shuffles(int *y) {
  const int lane = static_cast<int>(threadIdx.x % 32), value = static_cast<int>(threadIdx.x) * 10;
  int *mine = y + threadIdx.x * 8;
  mine[0] = __shfl_sync(all_lanes, value, (lane + 5) % 32);
  mine[1] = __shfl_xor_sync(all_lanes, value, 16);
  mine[2] = __shfl_up_sync(all_lanes, value, 3);
  mine[3] = __shfl_down_sync(all_lanes, value, 3);
  mine[4] = __shfl_up_sync(all_lanes, value, 1, 8);
  mine[5] = __shfl_sync(all_lanes, value, 2, 8);
  const unsigned half = lane < 16 ? 0xffffu : 0xffff0000u;  // both halves at once
  mine[6] = __shfl_xor_sync(half, value, 1);
  mine[7] = __shfl_sync(half, value, lane < 16 ? 3 : 19);
}

__global__ void votes(unsigned *y) {
  const unsigned lane = threadIdx.x % 32, odd = lane % 2;
  unsigned *mine = y + threadIdx.x * 4;
  mine[0] = __ballot_sync(all_lanes, odd);
  mine[1] = static_cast<unsigned>(__any_sync(all_lanes, lane == 7));
  mine[2] = static_cast<unsigned>(__all_sync(all_lanes, lane == 7));
  mine[3] = odd ? __ballot_sync(0xaaaaaaaau, lane > 20) : 0;
}

// Lanes hand each other a value through shared memory.
template <bool sync>
__global__ void exchange(int *y) {
  DG_SHARED(int, slots);
  slots[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (sync) __syncwarp();
  y[threadIdx.x] = slots[threadIdx.x ^ 1];
}

__global__ void read_outside_mask() {
  if (threadIdx.x < 16) __shfl_sync(0xffffu, 1, 20);
}

void lanes_exchange() {
  DeviceArray<int> y(64 * 8);
  CHECK(run(shuffles, 1, 64, 0, y) == "");
  for (int t = 0; t < 64; t++) {
    const int lane = t % 32, warp = t - lane;
    const int sources[8] = {(lane + 5) % 32,
                            lane ^ 16,
                            lane < 3 ? lane : lane - 3,
                            lane > 28 ? lane : lane + 3,
                            lane % 8 ? lane - 1 : lane,
                            lane / 8 * 8 + 2,
                            lane ^ 1,
                            lane < 16 ? 3 : 19};
    for (int i = 0; i < 8; i++) CHECK(y[t * 8 + i] == (warp + sources[i]) * 10, "thread %d, shuffle %d", t, i);
  }
  DeviceArray<unsigned> v(64 * 4);
  CHECK(run(votes, 1, 64, 0, v) == "");
  for (int t = 0; t < 64; t++) {
    CHECK(v[t * 4] == 0xaaaaaaaau && v[t * 4 + 1] == 1 && v[t * 4 + 2] == 0);
    CHECK(v[t * 4 + 3] == (t % 2 ? 0xaaaaaaaau & ~0x1fffffu : 0));
  }
  CHECK(run(exchange<true>, 1, 32, 32 * 4, y) == "");
  for (int t = 0; t < 32; t++) CHECK(y[t] == (t ^ 1));
  CHECK(run(exchange<false>, 1, 32, 32 * 4, y) == "");
  int wrong = 0;
  for (int t = 0; t < 32; t++) wrong += y[t] != (t ^ 1);
  CHECK(wrong > 3, "%d of 32 values were wrong without __syncwarp", wrong);
  CHECK(run(read_outside_mask, 1, 32, 0).find("which is not in the mask") != std::string::npos);
}

// ---- Matrix fragments, in the words of the PTX manual: groupID = lane / 4, threadID_in_group = lane % 4
// ---------------

uint16_t half_bits(float x) { return __builtin_bit_cast(uint16_t, static_cast<_Float16>(x)); }
uint16_t bfloat_bits(float x) { return static_cast<uint16_t>(__builtin_bit_cast(uint32_t, x) >> 16); }
float a_value(int i, int k) { return static_cast<float>((i * 7 + k * 3) % 11 - 5) / 4; }
float b_value(int k, int j) { return static_cast<float>((k * 5 + j * 2) % 13 - 6) / 2; }

__global__ void multiply_tf32(float *y) {
  const int group = static_cast<int>(threadIdx.x) / 4, member = static_cast<int>(threadIdx.x) % 4;
  uint32_t a[4], b[2];
  for (int i = 0; i < 4; i++) a[i] = dg::ptx::to_tf32(a_value(group + i % 2 * 8, member + i / 2 * 4));
  for (int i = 0; i < 2; i++) b[i] = dg::ptx::to_tf32(b_value(member + i * 4, group));
  float d[4] = {1, 1, 1, 1};
  dg::ptx::mma_tf32(d, a, b);
  for (int i = 0; i < 4; i++) y[(group + i / 2 * 8) * 8 + member * 2 + i % 2] = d[i];
}

template <uint16_t bits(float), void mma(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2], emu::Site)>
__global__ void multiply_16bit(float *y) {
  const int group = static_cast<int>(threadIdx.x) / 4, member = static_cast<int>(threadIdx.x) % 4;
  const auto pair = [](float low, float high) { return bits(low) | uint32_t{bits(high)} << 16; };
  uint32_t a[4], b[2];
  for (int i = 0; i < 4; i++) {
    const int row = group + i % 2 * 8, k = member * 2 + i / 2 * 8;
    a[i] = pair(a_value(row, k), a_value(row, k + 1));
  }
  for (int i = 0; i < 2; i++) {
    const int k = member * 2 + i * 8;
    b[i] = pair(b_value(k, group), b_value(k + 1, group));
  }
  float d[4] = {1, 1, 1, 1};
  mma(d, a, b, emu::Site::here());
  for (int i = 0; i < 4; i++) y[(group + i / 2 * 8) * 8 + member * 2 + i % 2] = d[i];
}

template <class Kernel>
void check_product(Kernel kernel, int depth, const char *what) {
  DeviceArray<float> y(16 * 8);
  CHECK(run(kernel, 1, 32, 0, y) == "");
  for (int i = 0; i < 16; i++) {
    for (int j = 0; j < 8; j++) {
      float want = 1;
      for (int k = 0; k < depth; k++) want += a_value(i, k) * b_value(k, j);
      CHECK(y[i * 8 + j] == want, "%s: d[%d][%d] is %g, not %g", what, i, j, y[i * 8 + j], want);
    }
  }
}

__global__ void transpose_matrices(const uint16_t *x, uint16_t *y, uint16_t *t) {
  DG_SHARED(uint16_t, tile);
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = lane; i < 4 * 64; i += 32) tile[i] = x[i];
  __syncwarp();
  uint32_t plain[4], transposed[4];
  dg::ptx::load_matrices(plain, tile + lane * 8);
  dg::ptx::load_matrices_transposed(transposed, tile + lane * 8);
  for (int m = 0; m < 4; m++) {
    const int at = m * 64 + lane / 4 * 8 + lane % 4 * 2;
    for (int i = 0; i < 2; i++) {
      y[at + i] = static_cast<uint16_t>(plain[m] >> i * 16);
      t[at + i] = static_cast<uint16_t>(transposed[m] >> i * 16);
    }
  }
}

void matrices() {
  check_product(multiply_tf32, 8, "tf32");
  check_product(multiply_16bit<half_bits, dg::ptx::mma_f16>, 16, "float16");
  check_product(multiply_16bit<bfloat_bits, dg::ptx::mma_bf16>, 16, "bfloat16");
  CHECK(dg::ptx::to_tf32(1.0f + 0x1p-12f) == __builtin_bit_cast(uint32_t, 1.0f));
  CHECK(dg::ptx::to_tf32(1.0f + 0x1.8p-11f) == __builtin_bit_cast(uint32_t, 1.0f + 0x1p-10f));

  DeviceArray<uint16_t> x(256), y(256), t(256);
  for (int i = 0; i < 256; i++) x[i] = static_cast<uint16_t>(i * 257);
  CHECK(run(transpose_matrices, 1, 32, 256 * 2, x, y, t) == "");
  for (int i = 0; i < 256; i++) CHECK(y[i] == x[i] && t[i] == x[i / 64 * 64 + i % 8 * 8 + i / 8 % 8]);
}

// Copies two groups and looks at the first after waiting for it, or without.
template <bool wait>
__global__ void copy_two_groups(const float *x, float *first, float *second) {
  DG_SHARED(float, tile);
  const unsigned t = threadIdx.x, n = blockDim.x;
  dg::ptx::copy_async_4(tile + t, x + t, t % 2 == 0);
  dg::ptx::copy_async_commit();
  dg::ptx::copy_async_16(tile + n + 4 * t, x + 4 * t, true);
  dg::ptx::copy_async_commit();
  if (wait) dg::ptx::copy_async_wait<1>();
  first[t] = tile[t];
  if (wait) dg::ptx::copy_async_wait<0>();
  __syncthreads();
  for (unsigned i = t; i < 4 * n; i += n) second[i] = tile[n + i];
}

void copies_arrive_when_waited_for() {
  DeviceArray<float> x(128), first(32), second(128);
  for (int i = 0; i < 128; i++) x[i] = static_cast<float>(i + 1);
  CHECK(run(copy_two_groups<true>, 1, 32, 160 * 4, x, first, second) == "");
  for (int i = 0; i < 32; i++) CHECK(first[i] == (i % 2 ? 0 : x[i]));
  for (int i = 0; i < 128; i++) CHECK(second[i] == x[i]);
  CHECK(run(copy_two_groups<false>, 1, 32, 160 * 4, x, first, second) == "");
  for (int i = 0; i < 32; i++) CHECK(isnan(first[i]));
  for (int i = 0; i < 128; i++) CHECK(isnan(second[i]));
}

}  // namespace

int main() {
  lanes_exchange();
  matrices();
  copies_arrive_when_waited_for();
  return check_report("emu_warp_test");
}
