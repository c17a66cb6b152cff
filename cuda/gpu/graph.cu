// How does a recorded program run as one? Its calls are made once into a capturing stream, which gives a CUDA graph. An
// instance of a graph is costly to make, so the last one that a program left is updated for the next program, where the two
// are alike enough: a model that is compiled anew, or records another batch size.
#include <utility>

#include "../core/record.h"
#include "gpu.h"

namespace dg::backend {

using gpu::Gpu;
using gpu::status;

namespace {

// The graph of the program's calls. Whatever goes wrong on the way, the stream ends as it was.
int capture(Gpu &gpu, Program &program, cudaGraph_t &graph) {
  if (int failed =
          status(gpu, cudaStreamBeginCapture(gpu.stream, cudaStreamCaptureModeThreadLocal), "Recording a graph"))
    return failed;
  const gpu::Work last = gpu.last;
  gpu.capturing = true;
  const int failed = run_program(program);
  gpu.capturing = false;
  gpu.last = last;  // nothing was run
  const cudaError_t ended = cudaStreamEndCapture(gpu.stream, &graph);
  if (!failed) return status(gpu, ended, "Recording a graph");
  cudaGetLastError();  // the call that failed has said why
  return failed;
}

// Whether the instance can do what the graph says from now on. Launches made before are not changed by it.
bool update(cudaGraphExec_t instance, cudaGraph_t graph) {
  cudaGraphExecUpdateResultInfo info{};
  if (!cudaGraphExecUpdate(instance, graph, &info)) return true;
  cudaGetLastError();
  return false;
}

}  // namespace

int compile(Program &program) {
  Gpu *gpu = gpu::open(program.device);
  if (!gpu) return DG_E_DEVICE;
  if (gpu::one_at_a_time()) return 0;
  cudaGraph_t graph = nullptr;
  int failed = capture(*gpu, program, graph);
  if (!failed) {
    cudaGraphExec_t instance = std::exchange(gpu->spare, nullptr);
    if (instance && !update(instance, graph)) cudaGraphExecDestroy(std::exchange(instance, nullptr));
    if (!instance) failed = status(*gpu, cudaGraphInstantiate(&instance, graph, 0), "Preparing a graph");
    program.compiled = instance;
  }
  if (graph) cudaGraphDestroy(graph);
  return failed;
}

int launch(Program &program) {
  Gpu &gpu = gpu::current();
  const auto instance = static_cast<cudaGraphExec_t>(program.compiled);
  if (int failed = status(gpu, cudaGraphLaunch(instance, gpu.stream), "Replaying a graph")) return failed;
  gpu.last = {nullptr, static_cast<int>(program.calls.size())};
  return 0;
}

// Waits, because the graph may still be running. Of a GPU that was lost nothing is used again.
void discard(Program &program) {
  const auto instance = static_cast<cudaGraphExec_t>(program.compiled);
  Gpu *gpu = gpu::open(program.device);
  if (gpu) cudaStreamSynchronize(gpu->stream);  // a failure shows in the next call
  const cudaGraphExec_t unused = gpu ? std::exchange(gpu->spare, instance) : instance;
  if (unused) cudaGraphExecDestroy(unused);
}

}  // namespace dg::backend
