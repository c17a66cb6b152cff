// Does the library keep its promises about handles, memory, errors and recordings, whatever it is asked?
#include <random>
#include <thread>

#include "calls.h"

namespace {

void handles() {
  int a = array({1, 2, 3, 4});
  int view = dg_view(a, 1, DG_FLOAT32, 2);
  CHECK(a > 0 && view > 0);
  CHECK(dg_free(a) == 0);
  CHECK(dg_free(a) == DG_E_ARGUMENT, "a handle is freed once only");
  CHECK(message().find("not alive") != std::string::npos);
  CHECK((read(view, 2) == std::vector<float>{2, 3}), "a view keeps the storage");
  CHECK(dg_view(view, 1, DG_FLOAT32, 2) == DG_E_ARGUMENT, "views end where the array ends");
  CHECK(dg_view(view, -1, DG_FLOAT32, 1) == DG_E_ARGUMENT);
  CHECK(dg_view(view, 0.5, DG_FLOAT32, 1) == DG_E_ARGUMENT);
  float f = 0;
  CHECK(dg_download(view, 0, &f, 12) == DG_E_ARGUMENT);
  CHECK(dg_upload(view, 0, nullptr, 4) == DG_E_ARGUMENT);
  dg_free(view);
  for (int bad : {0, -1, 1, 0x7fffffff, view, a}) CHECK(dg_fill(bad, 1) == DG_E_ARGUMENT, "handle %d", bad);
  CHECK(dg_alloc(7, DG_FLOAT32, 1, 0) == DG_E_DEVICE);
  CHECK(dg_alloc(0, 9, 1, 0) == DG_E_ARGUMENT);
  CHECK(dg_alloc(0, DG_FLOAT32, -1, 0) == DG_E_ARGUMENT);
  CHECK(dg_alloc(0, DG_FLOAT32, NAN, 0) == DG_E_ARGUMENT);
  CHECK(dg_alloc(0, DG_FLOAT32, 1e15, 0) == DG_E_MEMORY);
  int empty = dg_alloc(0, DG_FLOAT32, 0, 0);
  CHECK(empty > 0 && dg_fill(empty, 1) == 0);
  dg_free(empty);
}

void memory() {
  double live = dg_memory(0, DG_BYTES_LIVE), count = dg_memory(0, DG_ARRAY_COUNT);
  int a = dg_alloc(0, DG_FLOAT32, 1 << 20, 0);
  CHECK(dg_memory(0, DG_BYTES_LIVE) >= live + (4 << 20));
  CHECK(dg_memory_limit(0, 16) == DG_E_ARGUMENT, "a limit below what is in use is refused");
  CHECK(dg_memory_limit(0, dg_memory(0, DG_BYTES_LIVE) + (1 << 20)) == 0);
  CHECK(dg_alloc(0, DG_FLOAT32, 1 << 20, 0) == DG_E_MEMORY);
  CHECK(message().find("limit") != std::string::npos, "%s", message().c_str());
  int small = dg_alloc(0, DG_FLOAT32, 1000, 0);
  CHECK(small > 0, "everything still works after running out of memory");
  dg_free(small);
  dg_free(a);
  CHECK(dg_memory_limit(0, 0) == 0);
  CHECK(dg_memory(0, DG_BYTES_LIVE) == live && dg_memory(0, DG_ARRAY_COUNT) == count);
  CHECK(dg_trim(0) == 0 && dg_memory(0, DG_BYTES_CACHED) == 0);
}

void recordings() {
  const int add = id(DG_NAMES_BINARY, "add"), neg = id(DG_NAMES_UNARY, "neg");
  double live = dg_memory(0, DG_BYTES_LIVE);
  int arena = dg_arena(0), one = array({1, 1}), sum = array({0, 0}), params = array({5, 6, 7, 8}),
      target = array({0, 0});
  CHECK(dg_record_begin(arena) == 0);
  CHECK(dg_record_begin(arena) == DG_E_RECORD, "recordings do not nest");
  int t = dg_alloc(0, DG_FLOAT32, 2, 0);
  CHECK(dg_unary(neg, one, t, 0, 0) == 0);
  CHECK(dg_unary(neg, t, t, 0, 0) == 0);
  CHECK(dg_binary(add, sum, t, sum, 0) == 0);
  CHECK(dg_binary(add, sum, target, sum, 0) == 0);
  float f[2] = {3, 3};
  CHECK(dg_download(sum, 0, f, 8) == DG_E_RECORD);
  CHECK(dg_synchronize(0) == DG_E_RECORD);
  CHECK(dg_upload(t, 0, f, 8) == DG_E_RECORD, "temporary arrays have no values to set");
  dg_free(t);
  int program = dg_record_end();
  CHECK(program > 0 && dg_program_calls(program) == 4);
  CHECK((read(sum, 2) == std::vector<float>{0, 0}), "recording runs nothing");
  dg_free(one);  // the program still uses it
  CHECK(dg_replay(self, program, 3, 0, 0, 0) == 0, "%s", message().c_str());
  CHECK((read(sum, 2) == std::vector<float>{3, 3}));
  CHECK(dg_replay(self, program, 2, params, target, 2) == 0);
  CHECK((read(sum, 2) == std::vector<float>{17, 19}), "each run gets its row of parameters");
  CHECK(dg_replay(self, program, 3, params, target, 2) == DG_E_ARGUMENT, "too few rows");
  CHECK(dg_arena_free(arena) == DG_E_ARGUMENT, "an arena outlives its programs");

  // A second, smaller recording reuses the arena.
  double held = dg_memory(0, DG_BYTES_ARENA);
  CHECK(dg_record_begin(arena) == 0);
  int u = dg_alloc(0, DG_FLOAT32, 2, 0);
  CHECK(dg_fill(u, 2) == 0 && dg_binary(add, sum, u, sum, 0) == 0);
  int second = dg_record_end();
  CHECK(dg_memory(0, DG_BYTES_ARENA) == held);
  dg_replay(self, second, 1, 0, 0, 0);
  CHECK((read(sum, 2) == std::vector<float>{19, 21}) && (read(u, 2) == std::vector<float>{2, 2}));
  dg_free(u);
  CHECK(dg_record_begin(arena) == 0 && dg_record_abort() == 0 && dg_record_end() == DG_E_RECORD);
  CHECK(dg_program_free(second) == 0 && dg_program_free(second) == DG_E_ARGUMENT);
  CHECK(dg_program_free(program) == 0 && dg_arena_free(arena) == 0);
  for (int a : {sum, params, target}) dg_free(a);
  CHECK(dg_memory(0, DG_BYTES_LIVE) == live && dg_memory(0, DG_BYTES_ARENA) == 0);
}

// Whether row `index` of the profile begins and ends like this; nothing is said of the time.
bool row_is(int index, const char *begin, const std::string &end) {
  const std::string row = text(dg_profile_row(index));
  return row.find(begin) == 0 && row.size() > end.size() && row.substr(row.size() - end.size()) == end;
}

void profiles() {
  int a = array({1, 2, 3}), b = array({4, 5, 6}), y = array({0}), arena = dg_arena(0);
  const auto product = [&] { return dg_matmul(a, b, 0, y, 1, 1, 1, 3, 0, -1, 0); };
  CHECK(dg_profile(2) == DG_E_ARGUMENT);
  CHECK(dg_profile(1) == 0 && dg_profile_row(0) == DG_E_ARGUMENT);
  CHECK(product() == 0 && product() == 0 && dg_unary(id(DG_NAMES_UNARY, "neg"), a, a, 0, 0) == 0);
  CHECK(row_is(0, "matmul\t1x3 by 3x1\t2\t", "\t6\t28"));
  CHECK(row_is(1, "unary\tneg 3\t1\t", "\t3\t24") && dg_profile_row(2) == DG_E_ARGUMENT);
  CHECK(dg_record_begin(arena) == 0 && product() == 0);
  const int program = dg_record_end();
  CHECK(row_is(0, "matmul\t1x3 by 3x1\t2\t", "\t6\t28"), "recording runs nothing");
  CHECK(dg_replay(self, program, 3, 0, 0, 0) == 0);
  CHECK(row_is(0, "matmul\t1x3 by 3x1\t5\t", "\t6\t28"), "the calls of a program are counted");
  CHECK(dg_profile(0) == 0 && product() == 0 && dg_replay(self, program, 1, 0, 0, 0) == 0);
  CHECK(row_is(0, "matmul\t1x3 by 3x1\t5\t", "\t6\t28"), "the rows stay when it is off");
  CHECK((read(y, 1) == std::vector<float>{-32}));
  CHECK(dg_profile(1) == 0 && dg_profile_row(0) == DG_E_ARGUMENT && dg_profile(0) == 0);
  CHECK(dg_program_free(program) == 0 && dg_arena_free(arena) == 0);
  for (int i : {a, b, y}) dg_free(i);
}

void iterates() {
  for (const int n : {1, 7, 16, 95, 193, 2000})
    for (const int turns : {0, 1, 5}) {
      std::vector<float> want(n);
      for (int i = 0; i < n; i++) want[i] = static_cast<float>(i % 13) - 6;
      const int y = array(want);
      CHECK(dg_iterate(y, 0.75f, 0.3f, turns) == 0);
      for (float &v : want)
        for (int t = 0; t < turns; t++) v = fmaf(0.75f, v, 0.3f);
      const std::vector<float> got = read(y, n);
      for (int i = 0; i < n; i++) CHECK(fabsf(got[i] - want[i]) <= 1e-6f * fabsf(want[i]), "%d of %d", i, n);
      CHECK(dg_iterate(y, 1, 1, 0.5) == DG_E_ARGUMENT && dg_iterate(y, 1, 1, -1) == DG_E_ARGUMENT);
      dg_free(y);
    }
}

void threads() {
  std::vector<std::thread> workers;
  for (int w = 0; w < 3; w++)
    workers.emplace_back([w] {
      std::vector<double> own(DG_SCRATCH);
      int context = dg_open(own.data());
      int arena = dg_arena(0);
      dg_record_begin(arena);
      int t = dg_alloc(0, DG_FLOAT32, 100, 0);
      dg_fill(t, w);
      int program = dg_record_end();
      dg_replay(context, program, 100, 0, 0, 0);
      float f[100];
      CHECK(dg_download(t, 0, f, 400) == 0 && f[0] == static_cast<float>(w) && f[99] == f[0]);
      dg_free(t);
      dg_program_free(program);
      dg_arena_free(arena);
      dg_record_begin(dg_arena(0));  // a thread may end while it records
    });
  for (auto &w : workers) w.join();
}

// Calls with arbitrary arguments: any status is fine, any crash is not (the sanitizers watch).
void nonsense() {
  std::mt19937 random(1);
  std::vector<int> pool = {0, -1, 12345};
  const double numbers[] = {0, 1, 2, 3, 4, 6, 8, -1, 0.5, 1e300, -1e18, 4294967296.0, NAN, INFINITY};
  auto handle = [&] { return pool[random() % pool.size()]; };
  auto number = [&] { return numbers[random() % (random() % 4 ? 7 : 14)]; };
  auto small = [&] { return static_cast<int>(random() % 12) - 2; };
  for (int i = 0; i < 40; i++)
    pool.push_back(
        dg_alloc(0, i % 2 ? DG_FLOAT32 : static_cast<int>(random() % 6), static_cast<double>(random() % 9), 0));
  for (int i = 0; i < 200000; i++) {
    for (int s = 0; s < 24; s++) scratch[s] = random() % 8 ? number() : handle();
    int x = handle(), y = handle(), z = handle(), w = handle();
    switch (random() % 23) {
      case 0:
        dg_unary(small() + static_cast<int>(random() % 60), x, y, 0.5f, 1);
        break;
      case 1:
        dg_binary(small() + static_cast<int>(random() % 40), x, y, z, small());
        break;
      case 2:
        dg_where(x, y, z, w, small());
        break;
      case 3:
        dg_cast(x, y);
        break;
      case 4:
        dg_strided(x, number(), y, number(), small());
        break;
      case 5:
        dg_gather(x, y, random() % 2 ? 0 : w, z, number(), number(), number(), number());
        break;
      case 6:
        dg_scatter_add(x, y, z, number(), number(), number(), number());
        break;
      case 7:
        dg_one_hot(x, y, number(), 1, 0);
        break;
      case 8:
        dg_reduce(small(), x, y, small(), static_cast<int>(random() % 20) - 2);
        break;
      case 9:
        dg_argreduce(small(), x, y, number(), number(), number());
        break;
      case 10:
        dg_scan(small(), x, y, number(), number(), number(), small(), small());
        break;
      case 11:
        dg_matmul(x, y, random() % 2 ? 0 : w, z, number(), number(), number(), number(), small(), small(), 1);
        break;
      case 12:
        dg_softmax(x, y, number(), number(), small());
        break;
      case 13:
        dg_softmax_grad(x, y, z, number(), number(), small());
        break;
      case 14:
        dg_cross_entropy(x, y, z, number(), number());
        break;
      case 15:
        dg_cross_entropy_grad(x, y, z, w, number(), number());
        break;
      case 16:
        dg_random(small(), x, y, 0, 1);
        break;
      case 17:
        dg_update(small(), x, y, z, w, handle(), handle(), random() % 2 ? 0 : handle(), small(), small());
        break;
      case 18:
        dg_clip(small(), x, 1, small());
        break;
      case 19:
        dg_all_finite(x, y);
        break;
      case 20:
        dg_copy(x, y);
        break;
      case 21:
        dg_free(dg_view(x, number(), small(), number()));
        break;
      case 22:
        dg_loss_scale(x, y, z, small());
        break;
    }
  }
  CHECK(true);
}

}  // namespace

int main() {
  CHECK(dg_version() == DG_VERSION && self > 0);
  CHECK(dg_device_count() >= 1);
  CHECK(dg_message(999) == DG_E_ARGUMENT && dg_name(99, 0) == DG_E_ARGUMENT);
  handles();
  memory();
  recordings();
  profiles();
  iterates();
  threads();
  nonsense();
  return check_report("core_test");
}
