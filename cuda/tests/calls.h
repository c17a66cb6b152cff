// How does a test call the library through its contract? As the other side of it does, from one thread.
#pragma once
#include <string>
#include <vector>

#include "check.h"
#include "dinograd.h"

inline double scratch[DG_SCRATCH];
inline const int self = dg_open(scratch);

inline std::string text(int length) { return std::string(reinterpret_cast<char *>(scratch), length > 0 ? length : 0); }
inline std::string message() { return text(dg_message(self)); }

inline int id(int family, const char *name) {
  for (int i = 0;; i++) {
    const int length = dg_name(family, i);
    CHECK(length >= 0, "%s is no name of family %d", name, family);
    if (length < 0 || text(length) == name) return i;
  }
}

// A call that must be refused, with a sentence that has `why` in it.
#define REFUSED(call, why)                                                    \
  do {                                                                        \
    const int status_ = (call);                                               \
    CHECK(status_ == DG_E_ARGUMENT, "it is %d", status_);                     \
    CHECK(message().find(why) != std::string::npos, "%s", message().c_str()); \
  } while (0)

inline int array(const std::vector<float> &values) {
  const int a = dg_alloc(0, DG_FLOAT32, static_cast<double>(values.size()), 1);
  dg_upload(a, 0, values.data(), static_cast<double>(values.size() * 4));
  return a;
}
inline std::vector<float> read(int a, size_t n) {
  std::vector<float> out(n);
  CHECK(dg_download(a, 0, out.data(), static_cast<double>(n * 4)) == 0, "%s", message().c_str());
  return out;
}
