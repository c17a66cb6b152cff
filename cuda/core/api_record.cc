// Entries: arenas, record and replay.
#include <vector>

#include "api.h"
#include "arena.h"
#include "shorten.h"

using namespace dg;

namespace dg {
namespace {

// Handles of arenas and programs: a slot and its generation, as arrays have them.
template <class T>
class Handles {
 public:
  int add(T *item) {
    for (size_t i = 0; i < items_.size(); i++)
      if (!items_[i].item) return items_[i] = {item, items_[i].generation % 1023 + 1}, handle(i);
    items_.push_back({item, 1});
    return handle(items_.size() - 1);
  }
  T *find(int handle, const char *what) const {
    size_t slot = handle & 0xfffff;
    if (handle > 0 && slot < items_.size() && items_[slot].generation == handle >> 20 && items_[slot].item)
      return items_[slot].item;
    fail(DG_E_ARGUMENT, what, " handle ", handle, " is not alive");
    return nullptr;
  }
  void drop(int handle) { items_[handle & 0xfffff].item = nullptr; }

 private:
  struct Item {
    T *item;
    int generation;
  };
  int handle(size_t i) const { return items_[i].generation << 20 | static_cast<int>(i); }
  std::vector<Item> items_;
};

Handles<Arena> &arenas() {
  static auto *all = new Handles<Arena>;
  return *all;
}
Handles<Program> &programs() {
  static auto *all = new Handles<Program>;
  return *all;
}

}  // namespace
}  // namespace dg

extern "C" {

int dg_arena(int device) {
  Entry entry;
  DG_TRY(known_device(device));
  return arenas().add(arena_create(device));
}

int dg_arena_free(int handle) {
  Entry entry;
  Arena *arena = arenas().find(handle, "Arena");
  if (!arena) return DG_E_ARGUMENT;
  DG_REQUIRE(!arena_has_programs(arena), "Cannot free an arena while programs that use it are alive");
  DG_REQUIRE(!arena_has_arrays(arena), "Cannot free an arena while arrays in it are alive");
  arena_destroy(arena);
  arenas().drop(handle);
  return 0;
}

int dg_record_begin(int handle) {
  Entry entry;
  Context &c = context();
  if (c.recording) return fail(DG_E_RECORD, "Cannot start a recording inside a recording");
  Arena *arena = arenas().find(handle, "Arena");
  if (!arena) return DG_E_ARGUMENT;
  static int64_t recordings = 0;
  c.recording = new Recording{new Program(arena), ++recordings};
  return 0;
}

int dg_record_end(void) {
  Entry entry;
  Context &c = context();
  if (!c.recording) return fail(DG_E_RECORD, "There is no recording to end");
  Program *program = c.recording->program;
  delete c.recording;
  c.recording = nullptr;
  shorten(*program);
  if (int status = backend::compile(*program)) {
    delete program;
    return status;
  }
  return programs().add(program);
}

int dg_record_abort(void) {
  Entry entry;
  drop_recording(context());
  return 0;
}

int dg_program_free(int handle) {
  Entry entry;
  Program *program = programs().find(handle, "Program");
  if (!program) return DG_E_ARGUMENT;
  delete program;
  programs().drop(handle);
  return 0;
}

double dg_program_calls(int handle) {
  Entry entry;
  Program *program = programs().find(handle, "Program");
  return program ? static_cast<double>(program->calls.size()) : double{DG_E_ARGUMENT};
}

int dg_replay(int id, int handle, int steps, int params, int target, int width) {
  Entry entry;
  Context *c = find_context(id);
  DG_REQUIRE(c, "There is no context ", id);
  ScopedContext scope(*c);
  if (c->recording) return fail(DG_E_RECORD, "Cannot replay inside a recording");
  Program *program = programs().find(handle, "Program");
  if (!program) return DG_E_ARGUMENT;
  DG_REQUIRE(steps >= 0 && width >= 0, "Steps and width must not be negative, got ", steps, " and ", width);
  CopyArgs copy{};
  if (width) {
    DG_FIND(from, params);
    DG_FIND(to, target);
    DG_TRY(need_type(*from, DG_FLOAT32, "params"));
    DG_TRY(need_type(*to, DG_FLOAT32, "target"));
    DG_REQUIRE(from->device() == program->device && to->device() == program->device,
               "params and target must be on the program's device ", program->device);
    DG_REQUIRE(from->count >= int64_t{steps} * width && to->count >= width, "params has ", from->count,
               " elements and target ", to->count, ": too few for ", steps, " steps of width ", width);
    DG_TRY(apart(*to, *from));
    copy = {from->data(), to->data(), int64_t{width} * 4};
  }
  DG_TRY(backend::use(program->device));
  for (int i = 0; i < steps; i++) {
    if (width) {
      DG_TRY(run_copy(copy));
      copy.x = static_cast<const char *>(copy.x) + copy.bytes;
    }
    DG_TRY(profiling()         ? run_profiled(*program)
           : program->compiled ? backend::launch(*program)
                               : run_program(*program));
  }
  return 0;
}

}  // extern "C"
