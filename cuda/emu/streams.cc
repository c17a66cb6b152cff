#include "streams.h"

#include <stdint.h>
#include <stdlib.h>

#include <utility>

#include "control.h"

namespace emu {
namespace {

constexpr size_t longest_queue = 1024;  // as on a GPU, whoever submits more waits

std::vector<EmulatedStream *> &streams() {
  static auto *all = new std::vector<EmulatedStream *>;
  return *all;
}

Timing timing = Timing::random;
int waits_made, wait_to_skip, work_to_refuse;

uint64_t random_state = [] {
  const char *text = getenv("DINOGRAD_EMU_SEED");
  return text ? strtoull(text, nullptr, 10) : 0;
}();
unsigned below(size_t n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<unsigned>((random_state >> 33) % n);
}

bool blocked(const EmulatedStream &s) { return s.queue.front().wait && !s.queue.front().wait->passed; }

void step(EmulatedStream &s);
void reach(EmulatedMark &mark) {
  while (!mark.passed) step(*mark.stream);
}

// Does what is at the front; what it waits for first.
void step(EmulatedStream &s) {
  if (blocked(s)) reach(*s.queue.front().wait);
  const EmulatedStream::Item item = std::move(s.queue.front());
  s.queue.pop_front();
  if (item.pass) item.pass->passed = true;
  if (!item.work || broken(s.device)) return;
  if (const cudaError_t error = item.work()) break_device(s.device, error);
}

// Some work of some stream, where nothing else must be done before it.
void wander() {
  if (timing == Timing::late || below(4)) return;
  EmulatedStream &s = *streams()[below(streams().size())];
  for (unsigned n = below(8); n && !s.queue.empty() && !blocked(s); n--) step(s);
}

cudaError_t enqueue(EmulatedStream &s, EmulatedStream::Item item) {
  if (const cudaError_t error = broken(s.device)) return note(error);
  if (work_to_refuse && !--work_to_refuse) return note(cudaErrorInvalidValue);
  s.queue.push_back(std::move(item));
  if (s.queue.size() > longest_queue) step(s);
  wander();
  return cudaSuccess;
}

bool skipped() { return ++waits_made == wait_to_skip; }

}  // namespace

void set_timing(Timing t) { timing = t; }
void skip_wait(int number) {
  waits_made = 0;
  wait_to_skip = number;
}
int waits() { return waits_made; }
void refuse(int number) { work_to_refuse = number; }

Counts &counts() {
  static Counts all;
  return all;
}

cudaError_t submit(cudaStream_t stream, Kind kind, Work work) {
  if (!stream->capture) return enqueue(*stream, {std::move(work), nullptr, nullptr});
  if (stream->capture->invalid) return note(cudaErrorStreamCaptureInvalidated);
  stream->capture->nodes.push_back({kind, std::move(work)});
  return cudaSuccess;
}

extern "C" __attribute__((visibility("default"))) void dg_emulated_submit(void *stream, std::function<void()> work) {
  submit(static_cast<cudaStream_t>(stream), Kind::kernel, [work = std::move(work)] {
    work();
    return cudaSuccess;
  });
}

bool drain(EmulatedStream &s) {
  if (skipped()) return false;
  while (!s.queue.empty()) {
    step(s);
    wander();
  }
  return true;
}

void drain(int device) {
  for (EmulatedStream *s : streams())
    while (s->device == device && !s->queue.empty()) step(*s);
}

cudaError_t forbid_capture(EmulatedStream &s) {
  if (!s.capture) return cudaSuccess;
  s.capture->invalid = true;
  return note(cudaErrorStreamCaptureUnsupported);
}

}  // namespace emu

using namespace emu;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  if (const cudaError_t error = broken(current_device())) return note(error);
  *stream = new EmulatedStream{current_device(), {}};
  streams().push_back(*stream);
  counts().streams++;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (const cudaError_t error = forbid_capture(*stream)) return error;
  drain(*stream);
  return note(broken(stream->device));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (const cudaError_t error = forbid_capture(*stream)) return error;
  if (skipped() || !event->mark) return note(broken(stream->device));
  return enqueue(*stream, {nullptr, event->mark, nullptr});
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  if (const cudaError_t error = broken(current_device())) return note(error);
  *event = new EmulatedEvent;
  counts().events++;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (const cudaError_t error = forbid_capture(*stream)) return error;
  const auto mark = std::make_shared<EmulatedMark>(EmulatedMark{stream});
  if (const cudaError_t error = enqueue(*stream, {nullptr, nullptr, mark})) return error;
  event->mark = mark;
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (skipped() || !event->mark) return cudaSuccess;
  reach(*event->mark);
  return note(broken(event->mark->stream->device));
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  counts().events--;
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->capture) return note(cudaErrorStreamCaptureUnsupported);
  if (const cudaError_t error = broken(stream->device)) return note(error);
  stream->capture = new EmulatedGraph;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  if (!stream->capture) return note(cudaErrorStreamCaptureUnsupported);
  *graph = std::exchange(stream->capture, nullptr);
  if ((*graph)->invalid) {
    delete std::exchange(*graph, nullptr);
    return note(cudaErrorStreamCaptureInvalidated);
  }
  counts().graphs++;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *instance, cudaGraph_t graph, unsigned long long) {
  if (const cudaError_t error = broken(current_device())) return note(error);
  *instance = new EmulatedInstance{std::make_shared<EmulatedGraph>(*graph)};
  counts().instances++;
  counts().made++;
  return cudaSuccess;
}
// Nodes may get other work, but there must be as many of the same kinds.
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t instance, cudaGraph_t graph, cudaGraphExecUpdateResultInfo *info) {
  if (const cudaError_t error = broken(current_device())) return note(error);
  const auto &before = instance->graph->nodes, &after = graph->nodes;
  bool same = limits().graph_update && before.size() == after.size();
  for (size_t i = 0; same && i < before.size(); i++) same = before[i].kind == after[i].kind;
  info->result = same ? cudaGraphExecUpdateSuccess : cudaGraphExecUpdateErrorTopologyChanged;
  if (!same) return note(cudaErrorGraphExecUpdateFailure);
  instance->graph = std::make_shared<EmulatedGraph>(*graph);
  counts().updated++;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t stream) {
  if (const cudaError_t error = forbid_capture(*stream)) return error;
  return submit(stream, Kind::kernel, [graph = instance->graph] {
    for (const EmulatedGraph::Node &node : graph->nodes)
      if (const cudaError_t error = node.work()) return error;
    return cudaSuccess;
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  counts().graphs--;
  return cudaSuccess;
}
// Launches that are still to come lose their work, so that a program that did not wait gets wrong results.
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t instance) {
  instance->graph->nodes.clear();
  delete instance;
  counts().instances--;
  return cudaSuccess;
}
