// Does the emulated runtime keep CUDA's promises about memory and graphs?
#include "check.h"
#include "emu_grid.h"

namespace {

__global__ void add_to(float *y, float value, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] += value;
}

struct Big {
  int values[2000];
};
__global__ void read_big(const Big __grid_constant__ big, int *y) { y[threadIdx.x] = big.values[threadIdx.x * 100]; }

void memory() {
  char host[64];
  void *memory = nullptr, *more = nullptr;
  CHECK(cudaMalloc(&memory, 64) == cudaSuccess && reinterpret_cast<uintptr_t>(memory) % 256 == 0);
  CHECK(cudaMemsetAsync(memory, 7, 64, test_stream()) == cudaSuccess);
  CHECK(cudaMemcpyAsync(host, memory, 64, cudaMemcpyDeviceToHost, test_stream()) == cudaSuccess && host[63] == 7);
  CHECK(cudaMemcpyAsync(host, memory, 65, cudaMemcpyDeviceToHost, test_stream()) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(host, host, 64, cudaMemcpyHostToDevice, test_stream()) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue && cudaGetLastError() == cudaSuccess);
  size_t available = 0, total = 0;
  CHECK(cudaMemGetInfo(&available, &total) == cudaSuccess && available == total - 64);
  CHECK(cudaMalloc(&more, total) == cudaErrorMemoryAllocation);
  CHECK(cudaFree(memory) == cudaSuccess && cudaFree(memory) == cudaErrorInvalidValue);
}

void large_parameters() {
  DeviceArray<int> y(20);
  Big big;
  for (int i = 0; i < 2000; i++) big.values[i] = i;
  CHECK(run(read_big, 1, 20, 0, big, y) == "");
  for (int i = 0; i < 20; i++) CHECK(y[i] == i * 100);
}

// Captured work runs at every launch of the graph, not before, in order, with the values of the time of capture.
void graphs() {
  constexpr int n = 100;
  DeviceArray<float> x(n), y(n);
  for (int i = 0; i < n; i++) x[i] = static_cast<float>(i), y[i] = -1;
  CHECK(cudaStreamBeginCapture(test_stream(), cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  float value = 2;
  CHECK(cudaMemcpyAsync(y, x, n * 4, cudaMemcpyDeviceToDevice, test_stream()) == cudaSuccess);
  CHECK(launch(test_stream(), add_to, 4, 32, 0, y, value, n) == cudaSuccess);
  CHECK(launch(test_stream(), add_to, 4, 32, 0, x, 1, n) == cudaSuccess);
  value = 100;
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamEndCapture(test_stream(), &graph) == cudaSuccess);
  cudaGraphExec_t instance = nullptr;
  CHECK(cudaGraphInstantiate(&instance, graph, 0) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess);
  for (int i = 0; i < n; i++) CHECK(y[i] == -1);
  for (int round = 0; round < 3; round++) {
    CHECK(cudaGraphLaunch(instance, test_stream()) == cudaSuccess);
    CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess);
    for (int i = 0; i < n; i++) CHECK(y[i] == static_cast<float>(i + round + 2));
  }
  CHECK(cudaGraphExecDestroy(instance) == cudaSuccess);
}

// An operation that a capture cannot hold loses the graph; when the capture has ended, the stream works as before.
void captures_that_fail() {
  DeviceArray<float> y(1);
  y[0] = 0;
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamBeginCapture(test_stream(), cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(cudaStreamSynchronize(test_stream()) == cudaErrorStreamCaptureUnsupported);
  CHECK(launch(test_stream(), add_to, 1, 1, 0, y, 1, 1) == cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamEndCapture(test_stream(), &graph) == cudaErrorStreamCaptureInvalidated && graph == nullptr);
  CHECK(cudaStreamEndCapture(test_stream(), &graph) == cudaErrorStreamCaptureUnsupported);
  CHECK(run(add_to, 1, 1, 0, y, 1, 1) == "" && y[0] == 1);
}

cudaGraph_t capture(float *y, float value, bool twice) {
  cudaGraph_t graph = nullptr;
  cudaStreamBeginCapture(test_stream(), cudaStreamCaptureModeThreadLocal);
  for (int i = 0; i <= twice; i++) launch(test_stream(), add_to, 1, 1, 0, y, value, 1);
  cudaStreamEndCapture(test_stream(), &graph);
  return graph;
}

// An instance takes other values, not other operations, and launches made before keep what they were.
void updates() {
  DeviceArray<float> y(1);
  y[0] = 0;
  const cudaGraph_t one = capture(y, 1, false), ten = capture(y, 10, false), two = capture(y, 1, true);
  cudaGraphExec_t instance = nullptr;
  cudaGraphExecUpdateResultInfo info{};
  CHECK(cudaGraphInstantiate(&instance, one, 0) == cudaSuccess);
  emu::set_timing(emu::Timing::late);
  CHECK(cudaGraphLaunch(instance, test_stream()) == cudaSuccess);
  CHECK(cudaGraphExecUpdate(instance, ten, &info) == cudaSuccess);
  emu::set_timing(emu::Timing::random);
  CHECK(cudaGraphLaunch(instance, test_stream()) == cudaSuccess);
  CHECK(cudaStreamSynchronize(test_stream()) == cudaSuccess && y[0] == 11);
  CHECK(cudaGraphExecUpdate(instance, two, &info) == cudaErrorGraphExecUpdateFailure);
  CHECK(info.result == cudaGraphExecUpdateErrorTopologyChanged);
  CHECK(cudaGetLastError() == cudaErrorGraphExecUpdateFailure);
  for (cudaGraph_t graph : {one, ten, two}) cudaGraphDestroy(graph);
  cudaGraphExecDestroy(instance);
  CHECK(emu::counts().graphs == 0 && emu::counts().instances == 0);
}

}  // namespace

int main() {
  memory();
  large_parameters();
  graphs();
  captures_that_fail();
  updates();
  return check_report("emu_runtime_test");
}
