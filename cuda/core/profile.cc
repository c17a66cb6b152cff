#include "profile.h"

#include <string.h>
#include <time.h>

#include <algorithm>
#include <vector>

#include "api.h"

using namespace dg;

namespace dg {
namespace {

struct Row {
  const Kernel *kernel;
  Cost cost;
  int64_t calls = 0;
  double seconds = 0;
};

struct Profile {
  bool on = false;
  std::vector<Row> rows;
};
Profile &profile() {
  static auto *p = new Profile;
  return *p;
}

#if defined(__wasm__)
// WebAssembly has no clock: its host lends one.
extern "C" __attribute__((import_module("host"), import_name("milliseconds"))) double host_milliseconds();
double seconds() { return host_milliseconds() * 1e-3; }
#else
double seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
#endif

}  // namespace

bool profiling() { return profile().on; }

int run_profiled(int device, const Kernel &kernel, const void *args) {
  if (int status = backend::synchronize(device)) return status;
  const double start = seconds();
  if (int status = kernel.run(args)) return status;
  if (int status = backend::synchronize(device)) return status;
  const double took = seconds() - start;
  Cost cost;
  kernel.cost(args, cost);
  auto &rows = profile().rows;
  const auto alike = [&](const Row &row) {
    return row.kernel == &kernel && !strcmp(row.cost.sizes.data(), cost.sizes.data());
  };
  auto row = std::find_if(rows.begin(), rows.end(), alike);
  if (row == rows.end()) row = rows.insert(rows.end(), Row{&kernel, cost});
  row->calls++;
  row->seconds += took;
  return 0;
}

}  // namespace dg

extern "C" {

int dg_profile(int on) {
  Entry entry;
  DG_REQUIRE(on == 0 || on == 1, "Profiling is on (1) or off (0), got ", on);
  Profile &p = profile();
  if (on) p.rows.clear();
  p.on = on;
  return 0;
}

int dg_profile_row(int index) {
  Entry entry;
  const auto &rows = profile().rows;
  if (index < 0 || static_cast<size_t>(index) >= rows.size()) return DG_E_ARGUMENT;
  const Row &row = rows[index];
  Text text;
  text.append(row.kernel->name);
  text.append("\t");
  text.append(row.cost.sizes.data());
  for (const double value : {static_cast<double>(row.calls), row.seconds * 1e9, row.cost.operations, row.cost.bytes}) {
    text.append("\t");
    text.append(value);
  }
  return scratch_text(text.data(), text.length());
}

int dg_iterate(int y_, float a, float b, double turns) {
  Entry entry;
  DG_OPERAND(y, y_);
  DG_TRY(need_type(*y, DG_FLOAT32, "The array"));
  DG_REQUIRE(whole(turns), "The number of turns must be a whole number, got ", turns);
  if (y->count == 0) return 0;
  return DG_SUBMIT(y->device(), IterateArgs, iterate,
                   (IterateArgs{reinterpret_cast<float *>(y->data()), y->count, static_cast<int64_t>(turns), a, b}));
}

}  // extern "C"
