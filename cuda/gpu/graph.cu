// How does a recorded program run as one? Its calls are made once into a capturing stream, which gives a CUDA graph.
#include "../core/record.h"
#include "gpu.h"

namespace dg::backend {

using gpu::status;

int compile(Program &program) {
  gpu::Gpu *gpu = gpu::open(program.device);
  if (!gpu) return DG_E_DEVICE;
  if (int failed = status(cudaStreamBeginCapture(gpu->stream, cudaStreamCaptureModeThreadLocal), "Recording a graph"))
    return failed;
  int failed = run_program(program);
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(gpu->stream, &graph);
  if (!failed) failed = status(ended, "Recording a graph");
  cudaGraphExec_t instance = nullptr;
  if (!failed) failed = status(cudaGraphInstantiate(&instance, graph, 0), "Preparing a graph");
  if (graph) cudaGraphDestroy(graph);
  program.compiled = instance;
  return failed;
}

int launch(Program &program) {
  return status(cudaGraphLaunch(static_cast<cudaGraphExec_t>(program.compiled), gpu::current().stream),
                "Replaying a graph");
}

// Waits, because the graph may still be running.
void discard(Program &program) {
  if (gpu::Gpu *gpu = gpu::open(program.device)) cudaStreamSynchronize(gpu->stream);
  cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(program.compiled));
}

}  // namespace dg::backend
