// How does a call fail? It writes one sentence into its context and returns a status; nothing throws, nothing exits.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace dg {

// A short text under construction, always ended by a zero; what does not fit is cut.
class Text {
 public:
  void clear() { data_[length_ = 0] = 0; }
  void append(const char *s);
  void append(int64_t value);
  void append(int value) { append(static_cast<int64_t>(value)); }
  void append(size_t value) { append(static_cast<int64_t>(value)); }
  void append(double value);  // whole numbers exactly, others with six decimals
  const char *data() const { return data_; }
  int length() const { return length_; }

 private:
  static constexpr int room = 511;
  char data_[room + 1] = {};
  int length_ = 0;
};

// The failing call's message (core/context.h owns it).
Text &failure();

template <class... Parts>
int fail(int status, const Parts &...parts) {
  Text &text = failure();
  text.clear();
  (text.append(parts), ...);
  return status;
}

}  // namespace dg
