#include "shorten.h"

#include <string.h>

#include <vector>

#include "arena.h"
#include "record.h"

namespace dg {
namespace {

struct Region {
  const char *begin, *end;
  bool overlaps(const Region &other) const { return begin < other.end && other.begin < end; }
  bool holds(const Region &other) const { return begin <= other.begin && other.end <= end; }
  bool operator==(const Region &other) const { return begin == other.begin && end == other.end; }
};

struct Use {
  void **at;  // in the arguments
  Region region;
  Access access;
};

struct Call final : Operands {
  std::vector<Use> uses;
  bool is_copy = false, left_out = false;

  bool touches(const Region &region) const {
    for (const Use &use : uses)
      if (use.region.overlaps(region)) return true;
    return false;
  }

 protected:
  void add(const Operand &operand) override {
    uses.push_back({operand.at, {operand.begin(), operand.begin() + operand.bytes()}, operand.access});
  }
};

std::vector<Call> calls_of(Program &program) {
  std::vector<Call> calls(program.calls.size());
  for (size_t i = 0; i < calls.size(); i++) {
    const Program::Call &call = program.calls[i];
    call.kernel->operands(program.bytes.data() + call.args, calls[i]);
    calls[i].is_copy = !strcmp(call.kernel->name, "copy");
  }
  return calls;
}

// The uses of the source of copy number `copy` by the calls that made it, the first of which writes all of it; none where
// these calls use a part of it only, or where somebody touches the destination meanwhile.
std::vector<Use *> makers(std::vector<Call> &calls, size_t copy, const Region &from, const Region &to) {
  std::vector<Use *> found;
  for (size_t i = copy; i-- > 0;) {
    Call &call = calls[i];
    if (call.left_out) continue;
    if (call.touches(to)) return {};
    bool begins = false, reads = false;
    for (Use &use : call.uses) {
      if (!use.region.overlaps(from)) continue;
      if (!(use.region == from)) return {};
      (use.access == Access::write ? begins : reads) = true;
      found.push_back(&use);
    }
    if (begins && !reads) return found;
  }
  return {};
}

// Whether a call after this one reads some memory before all of it is written anew.
bool read_later(const std::vector<Call> &calls, size_t call, const Region &from) {
  for (size_t i = call + 1; i < calls.size(); i++) {
    bool over = false;
    for (const Use &use : calls[i].uses) {
      if (calls[i].left_out || !use.region.overlaps(from)) continue;
      if (use.access != Access::write) return true;
      over |= use.region.holds(from);
    }
    if (over) return false;
  }
  return false;
}

// Whether somebody reads what a call writes, or it writes nothing and is there for something else. Arrays that outlive the recording,
// in its arena or elsewhere, keep what was written to them.
bool is_wanted(const Program &program, const std::vector<Call> &calls, size_t call) {
  bool writes = false;
  for (const Use &use : calls[call].uses) {
    if (use.access == Access::read) continue;
    writes = true;
    const Region &to = use.region;
    if (!arena_is_free(program.arena, to.begin, to.end) || read_later(calls, call, to)) return true;
  }
  return !writes;
}

}  // namespace

void shorten(Program &program) {
  std::vector<Call> calls = calls_of(program);
  for (size_t i = 0; i < calls.size(); i++) {
    if (!calls[i].is_copy) continue;
    const Region from = calls[i].uses[0].region, to = calls[i].uses[1].region;
    if (!arena_is_free(program.arena, from.begin, from.end) || read_later(calls, i, from)) continue;
    const std::vector<Use *> uses = makers(calls, i, from, to);
    for (Use *use : uses) {
      *use->at = const_cast<char *>(to.begin);
      use->region = to;
    }
    calls[i].left_out = !uses.empty();
  }
  for (size_t i = calls.size(); i-- > 0;)
    if (!calls[i].left_out) calls[i].left_out = !is_wanted(program, calls, i);
  size_t kept = 0;
  for (size_t i = 0; i < calls.size(); i++)
    if (!calls[i].left_out) program.calls[kept++] = program.calls[i];
  program.calls.resize(kept);
}

}  // namespace dg
