#include "record.h"

#include <algorithm>

#include "arena.h"

namespace dg {
namespace {
// Segments of a call that runs at once; reused by the next such call.
std::vector<Segment> &eager_segments() {
  static auto *list = new std::vector<Segment>;
  return *list;
}
}  // namespace

Program::Program(Arena *a) : arena(a), device(arena_device(a)) { arena_enter(arena); }

Program::~Program() {
  if (compiled) backend::discard(*this);
  for (Storage *s : kept) release(s);
  for (Segment *s : segment_lists) delete[] s;
  arena_leave(arena);
}

void use(const Array &array) {
  Recording *r = context().recording;
  if (!r || array.storage->recording == r->number) return;
  auto &kept = r->program->kept;
  if (std::find(kept.begin(), kept.end(), array.storage) != kept.end()) return;
  retain(array.storage);
  kept.push_back(array.storage);
}

Segment *new_segments(int count) {
  if (Recording *r = context().recording) {
    r->program->segment_lists.push_back(new Segment[count]);
    return r->program->segment_lists.back();
  }
  eager_segments().resize(count);
  return eager_segments().data();
}

int submit_raw(int device, const Kernel &kernel, const void *args, size_t size) {
  if (Recording *r = context().recording) {
    Program &p = *r->program;
    if (device != p.device)
      return fail(DG_E_RECORD, "Cannot record a call on device ", device, ": the recording is on device ", p.device);
    size_t at = (p.bytes.size() + 15) / 16 * 16;
    p.bytes.resize(at + size);
    memcpy(p.bytes.data() + at, args, size);
    p.calls.push_back({&kernel, at});
    return 0;
  }
  if (int status = backend::use(device)) return status;
  return profiling() ? run_profiled(device, kernel, args) : kernel.run(args);
}

void drop_recording(Context &c) {
  if (!c.recording) return;
  delete c.recording->program;
  delete c.recording;
  c.recording = nullptr;
}

int run_program(Program &p) {
  for (const Program::Call &c : p.calls)
    if (int status = c.kernel->run(p.bytes.data() + c.args)) return status;
  return 0;
}

int run_profiled(Program &p) {
  for (const Program::Call &c : p.calls)
    if (int status = run_profiled(p.device, *c.kernel, p.bytes.data() + c.args)) return status;
  return 0;
}

}  // namespace dg
