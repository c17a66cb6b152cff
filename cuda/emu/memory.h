// Which memory of the emulator is whose? Allocations of devices and mapped parts of reserved addresses by their first byte, and
// pinned memory of the host.
#pragma once
#include <stddef.h>

#include <map>

namespace emu {

struct Allocation {
  size_t bytes;
  int device;
};
std::map<char *, Allocation> &device_memory();

// Takes bytes from what a device has; false when there are not so many.
bool take_bytes(int device, size_t bytes);
void give_bytes(int device, size_t bytes);

}  // namespace emu
