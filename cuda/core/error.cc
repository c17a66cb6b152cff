#include "error.h"

namespace dg {

void Text::append(const char *s) {
  while (*s && length_ < room) data_[length_++] = *s++;
  data_[length_] = 0;
}

void Text::append(int64_t value) {
  char digits[24];
  int at = sizeof digits;
  digits[--at] = 0;
  uint64_t rest = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  do {
    digits[--at] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (value < 0) digits[--at] = '-';
  append(digits + at);
}

void Text::append(double value) {
  if (value != value) return append("NaN");
  if (value < -9e15 || value > 9e15) return append(value < 0 ? "-(over 9e15)" : "(over 9e15)");
  int64_t whole = static_cast<int64_t>(value);
  if (value < 0 && whole == 0) append("-");
  append(whole);
  int64_t millionths = static_cast<int64_t>((value < 0 ? whole - value : value - whole) * 1e6);
  if (!millionths) return;
  char digits[8] = ".";
  for (int i = 6; i > 0; i--, millionths /= 10) digits[i] = static_cast<char>('0' + millionths % 10);
  digits[7] = 0;
  append(digits);
}

}  // namespace dg
