// Does the pool give memory that nobody else has, take it back in one piece, and keep to its cap? In every build.
#include "core/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "calls.h"
#include "core/blocks.h"

using dg::Block;
using dg::Slabs;

namespace {

constexpr size_t KiB = 1024, MiB = 1024 * KiB;

void sizes() {
  size_t last = 0;
  for (size_t bytes = 0; bytes < 5 * MiB; bytes += 1 + bytes / 50) {
    const size_t size = dg::block_size(bytes);
    CHECK(size >= bytes && size % dg::block_step == 0 && size >= last, "%zu", bytes);
    CHECK(size <= bytes + bytes / 8 + dg::block_step, "%zu bytes take %zu", bytes, size);
    CHECK(dg::block_size(size) == size, "%zu", size);
    last = size;
  }
}

// Blocks of slabs against a plain account of who has which bytes.
void slabs() {
  constexpr int count = 3;
  std::vector<char> memory(count * Slabs::bytes);
  std::vector<Block *> taken;
  Slabs slabs;
  std::mt19937 random(1);
  const auto is_free = [&](const Block *b) {
    return std::all_of(b->data, b->data + b->bytes, [](char c) { return c == 0; });
  };
  CHECK(slabs.take(dg::block_step) == nullptr, "there is no slab yet");
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < count; i++) slabs.add(0, memory.data() + i * Slabs::bytes, Slabs::bytes);
    size_t in_use = 0;
    int refused = 0;
    for (int i = 0; i < 2000; i++) {
      if (random() % 5 < 3) {
        const size_t bytes = random() % (random() % 8 ? 20 * KiB : Slabs::largest), size = dg::block_size(bytes);
        Block *b = slabs.take(size);
        refused += !b;
        if (!b) continue;
        CHECK(b->bytes == size && (b->data - memory.data()) % 256 == 0 && is_free(b));
        memset(b->data, 1, size);
        in_use += size;
        taken.push_back(b);
      } else if (!taken.empty()) {
        std::swap(taken[random() % taken.size()], taken.back());
        memset(taken.back()->data, 0, taken.back()->bytes);
        in_use -= taken.back()->bytes;
        slabs.give(taken.back());
        taken.pop_back();
      }
      if (i % 500 == 0) CHECK(in_use == static_cast<size_t>(std::count(memory.begin(), memory.end(), 1)));
    }
    CHECK(refused > 10, "the slabs were full %d times", refused);
    for (Block *b : taken) {
      memset(b->data, 0, b->bytes);
      slabs.give(b);
    }
    taken.clear();
    // Each is one free block again.
    std::vector<size_t> starts;
    for (Slabs::Memory m = slabs.remove_free(); m.data; m = slabs.remove_free()) {
      CHECK(m.bytes == Slabs::bytes);
      starts.push_back(static_cast<size_t>(m.data - memory.data()) / Slabs::bytes);
    }
    std::sort(starts.begin(), starts.end());
    CHECK((starts == std::vector<size_t>{0, 1, 2}));
  }
}

double live() { return dg_memory(0, DG_BYTES_LIVE); }
double cached() { return dg_memory(0, DG_BYTES_CACHED); }
int floats(double bytes) { return dg_alloc(0, DG_FLOAT32, bytes / 4, 0); }

// A slab goes back to the system when none of its blocks is in use, and not before.
void slabs_are_given_back() {
  CHECK(dg_trim(0) == 0 && cached() == 0 && live() == 0);
  std::vector<int> arrays;
  for (int i = 0; i < 100; i++) arrays.push_back(floats(64 * KiB));
  const double slab = Slabs::bytes;
  CHECK(live() == 100.0 * 64 * KiB && live() + cached() == 4 * slab, "%g + %g", live(), cached());
  for (int i = 1; i < 100; i++) dg_free(arrays[i]);
  CHECK(live() == 64 * KiB && live() + cached() == 4 * slab);
  CHECK(dg_trim(0) == 0 && live() + cached() == slab, "the first array's slab stays");
  arrays = {arrays[0], floats(1.5 * MiB), floats(1.5 * MiB)};
  CHECK(live() + cached() == slab + 3 * MiB, "large blocks are allocations of their own");
  for (const int a : arrays) dg_free(a);
  CHECK(live() == 0 && dg_trim(0) == 0 && cached() == 0);
}

// Under a cap small requests take what room there is; what is over it fails in words and frees what is cached first.
void caps() {
  dg_free(floats(8 * MiB));
  CHECK(cached() == 8 * MiB);
  CHECK(dg_memory_limit(0, 9 * MiB) == 0 && cached() == 8 * MiB);
  const int large = floats(5 * MiB);
  CHECK(large > 0 && cached() == 0, "8 MiB that were ready made room for 5");
  const int room = floats(3.5 * MiB);
  CHECK(room > 0 && live() == 8.5 * MiB);
  std::vector<int> small;
  for (int i = 0; i < 8; i++) small.push_back(floats(64 * KiB));
  for (const int a : small) CHECK(a > 0, "half a MiB is left, too little for a slab");
  CHECK(live() == 9 * MiB && floats(4) == DG_E_MEMORY);
  CHECK(message() == "Out of memory: cannot allocate 4 bytes; 9437184 are in use and the limit is 9437184", "%s",
        message().c_str());
  dg_free(small[3]);
  CHECK(floats(1 * MiB) == DG_E_MEMORY && (small[3] = floats(60 * KiB)) > 0, "a smaller one fits where one was");
  CHECK(live() + cached() <= 9 * MiB && dg_memory_limit(0, 1 * MiB) == DG_E_ARGUMENT);
  CHECK(dg_memory_limit(0, 0) == 0);
  for (const int a : small) dg_free(a);
  dg_free(large);
  dg_free(room);
  // The cap holds for free parts of slabs, too.
  CHECK(dg_trim(0) == 0);
  const int first = floats(64 * KiB);
  CHECK(dg_memory_limit(0, live() + 1000) == 0 && floats(4 * KiB) == DG_E_MEMORY);
  CHECK(message().find(" are free in pieces and the limit is ") != std::string::npos, "%s", message().c_str());
  CHECK(dg_memory_limit(0, 0) == 0);
  dg_free(first);
  CHECK(dg_trim(0) == 0 && live() == 0 && cached() == 0);
}

// With DINOGRAD_POOL=off nothing is rounded up and nothing is kept. In a process of its own, because the library asks once.
void off() {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setenv("DINOGRAD_POOL", "off", 1);
    const int a = floats(20), b = floats(4 * MiB);
    CHECK(live() == 20 + 4 * MiB && cached() == 0);
    const int arena = dg_arena(0);
    CHECK(dg_record_begin(arena) == 0);
    const int t = floats(12), u = floats(12);
    CHECK(dg_memory(0, DG_BYTES_ARENA) == 24);
    dg_free(t);
    const int v = floats(8), w = floats(12);
    CHECK(dg_memory(0, DG_BYTES_ARENA) == 32, "only what has the same size takes a freed one's place");
    CHECK(dg_fill(w, 1) == 0 && dg_fill(v, 2) == 0);
    const int program = dg_record_end();
    CHECK(dg_replay(self, program, 1, 0, 0, 0) == 0 && read(w, 3)[2] == 1 && read(v, 2)[1] == 2);
    CHECK(dg_program_free(program) == 0);
    for (const int array : {a, b, u, v, w}) dg_free(array);
    CHECK(dg_arena_free(arena) == 0 && live() == 0 && cached() == 0);
    fflush(stdout);
    _exit(checks_failed != 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

}  // namespace

int main() {
  off();
  sizes();
  slabs();
  if (dg::pool_caches()) {
    slabs_are_given_back();
    caps();
  }
  return check_report("pool_test");
}
