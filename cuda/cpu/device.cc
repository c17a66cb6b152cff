// What is "the device" of the CPU and WebAssembly builds? This machine's memory and processor.
#include <stdlib.h>
#include <string.h>

#include "../core/record.h"
#include "dispatch.h"
#include "threads.h"

#if !defined(__wasm__)
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#endif

namespace dg {
namespace backend {

namespace {
[[maybe_unused]] size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
}  // namespace

#if defined(__wasm__)

int device_count() { return 1; }
void *reserve(int, size_t *, size_t) { return nullptr; }
int grow(int, void *, size_t, size_t) { return DG_E_MEMORY; }
void unreserve(int, void *, size_t, size_t) {}
static double memory_total() { return 4294967296.0; }
static double memory_free() { return memory_total() - __builtin_wasm_memory_size(0) * 65536.0; }
static void *aligned(size_t bytes) { return aligned_alloc(64, round_up(bytes, 64)); }

#else

constexpr size_t huge_page = size_t{1} << 21;

int device_count() {
  if (isa_name()) return 1;
  return fail(DG_E_DEVICE, "This processor lacks AVX2 and FMA, which libdinograd_cpu needs");
}

// Address space costs nothing until it is touched, so an arena takes all it could ever need and never moves.
void *reserve(int, size_t *bytes, size_t) {
  void *base = mmap(nullptr, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return base == MAP_FAILED ? nullptr : base;
}
int grow(int, void *, size_t, size_t) { return 0; }
void unreserve(int, void *base, size_t bytes, size_t) { munmap(base, bytes); }

static double memory_total() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}
static double memory_free() {
  return static_cast<double>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Linux hands out address space it cannot back and kills the process later; a request beyond the machine's memory is
// refused here instead. Large blocks ask for huge pages, which halve the cost of the first touch and of TLB misses.
static void *aligned(size_t bytes) {
  if (static_cast<double>(bytes) > memory_total()) return nullptr;
#if defined(__SANITIZE_ADDRESS__)
  void *at = nullptr;
  return posix_memalign(&at, 64, bytes) ? nullptr : at;  // the exact size: an overrun by one is seen
#else
  if (bytes < huge_page) return aligned_alloc(64, round_up(bytes, 64));
  void *memory = aligned_alloc(huge_page, round_up(bytes, huge_page));
  if (memory) madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
#endif
}

#endif

int allocate(int, size_t bytes, void **memory) {
  *memory = aligned(bytes);
  return *memory ? 0 : DG_E_MEMORY;
}
void release(int, void *memory, size_t) { free(memory); }

const char *device_text(int, int what) {
#if defined(__wasm__)
  return what == DG_DEVICE_NAME ? "WebAssembly" : isa_name();
#else
  static char name[64];
  if (what == DG_DEVICE_DETAILS) return isa_name();
  if (!name[0]) {
    unsigned *words = reinterpret_cast<unsigned *>(name);
    for (unsigned i = 0; i < 3; i++)
      __asm__("cpuid"
              : "=a"(words[4 * i]), "=b"(words[4 * i + 1]), "=c"(words[4 * i + 2]), "=d"(words[4 * i + 3])
              : "a"(0x80000002u + i), "c"(0));
  }
  return name;
#endif
}

double device_number(int, int what) {
  switch (what) {
    case DG_MEMORY_TOTAL:
      return memory_total();
    case DG_MEMORY_FREE:
      return memory_free();
    case DG_MULTIPROCESSORS:
      return thread_count();
    case DG_VECTOR_BITS:
      return isa_bits();
  }
  return 0;
}

int use(int) { return 0; }
int usable(int) { return 0; }
int engine(int wanted) {
  if (wanted == DG_ENGINE_ASK || wanted == DG_ENGINE_OWN) return DG_ENGINE_OWN;
  return fail(DG_E_DEVICE, "This library multiplies by itself: it has no other engine");
}

int synchronize(int) { return 0; }

int upload(int, void *to, const void *from, size_t bytes) {
  memcpy(to, from, bytes);
  return 0;
}
int download(int, void *to, const void *from, size_t bytes) {
  memcpy(to, from, bytes);
  return 0;
}
int transfer(int, void *to, int, const void *from, size_t bytes) {
  memcpy(to, from, bytes);
  return 0;
}

int compile(Program &) { return 0; }
int launch(Program &program) { return run_program(program); }
void discard(Program &) {}

}  // namespace backend
}  // namespace dg
