// Entries: library, names, threads, devices.
#include "../cpu/threads.h"
#include "../math/families.h"
#include "../math/op_table.h"
#include "api.h"

using namespace dg;

extern "C" {

int dg_version(void) { return DG_VERSION; }

int dg_open(double *scratch) {
  Entry entry;
  if (!scratch) return fail(DG_E_ARGUMENT, "dg_open needs a scratch area");
  context().scratch = scratch;
  return context().id;
}

double *dg_scratch(void) {
  Entry entry;
  return context().scratch;
}

int dg_message(int id) {
  Entry entry;
  Context *c = find_context(id);
  if (!c) return fail(DG_E_ARGUMENT, "There is no context ", id);
  return scratch_text(c->message.data(), c->message.length());
}

int dg_name(int family, int index) {
  Entry entry;
  const char *name = nullptr;
  switch (family) {
    case DG_NAMES_UNARY:
      name = unary_name(index);
      break;
    case DG_NAMES_BINARY:
      name = binary_name(index);
      break;
    case DG_NAMES_REDUCE:
      name = reduce_name(index);
      break;
    case DG_NAMES_ARGREDUCE:
      name = argreduce_name(index);
      break;
    case DG_NAMES_SCAN:
      name = scan_name(index);
      break;
    case DG_NAMES_RANDOM:
      name = random_name(index);
      break;
    case DG_NAMES_UPDATE:
      name = update_name(index);
      break;
    case DG_NAMES_CLIP:
      name = clip_name(index);
      break;
  }
  if (!name) return fail(DG_E_ARGUMENT, "Family ", family, " has no name ", index);
  return scratch_text(name, static_cast<int>(strlen(name)));
}

int dg_threads(int count) {
  Entry entry;
  DG_REQUIRE(count >= 0 && count <= 1024, "The number of threads must be 0 to 1024, got ", count);
  return count ? set_thread_count(count) : thread_count();
}

int dg_device_count(void) {
  Entry entry;
  return backend::device_count();
}

int dg_device_text(int device, int what) {
  Entry entry;
  DG_TRY(known_device(device));
  DG_REQUIRE(what == DG_DEVICE_NAME || what == DG_DEVICE_DETAILS, "A device has no text ", what);
  const char *text = backend::device_text(device, what);
  return scratch_text(text, static_cast<int>(strlen(text)));
}

double dg_device_number(int device, int what) {
  Entry entry;
  DG_TRY(known_device(device));
  DG_REQUIRE(what >= 0 && what <= DG_VECTOR_BITS, "A device has no number ", what);
  return backend::device_number(device, what);
}

int dg_synchronize(int device) {
  Entry entry;
  DG_TRY(known_device(device));
  if (recording()) return fail(DG_E_RECORD, "Cannot wait for the device while recording");
  return backend::synchronize(device);
}

}  // extern "C"
