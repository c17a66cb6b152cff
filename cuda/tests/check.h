// How does a native test say what it checked? CHECK counts, prints what failed with its place, and never stops the run.
#pragma once
#include <math.h>
#include <stdio.h>

inline int checks_passed = 0, checks_failed = 0;

#define CHECK(condition, ...)                                        \
  do {                                                               \
    if (condition) {                                                 \
      checks_passed++;                                               \
    } else if (checks_failed++ < 20) {                               \
      printf("%s:%d: %s is false.", __FILE__, __LINE__, #condition); \
      printf(" " __VA_ARGS__);                                       \
      printf("\n");                                                  \
    }                                                                \
  } while (0)

// The last line of main(): one test program is one test; the exit status says whether it passed.
inline int check_report(const char *name) {
  printf("%s: %s, %d of %d checks hold\n", name, checks_failed ? "FAILED" : "ok", checks_passed,
         checks_passed + checks_failed);
  return checks_failed ? 1 : 0;
}
