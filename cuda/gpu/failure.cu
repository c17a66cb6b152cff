// What does a failure of CUDA mean, in words? Most concern one call. Those of a kernel come to light in some later call and stay:
// CUDA then refuses everything on that GPU, so it is said once what happened, and briefly afterwards.
#include <stdlib.h>

#include <string_view>

#include "../dinograd.h"
#include "gpu.h"

namespace dg::gpu {
namespace {

// Of these CUDA's documentation says that the process must be ended before the GPU can be used again.
bool final(cudaError_t error) {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorMpsClientTerminated:
    case cudaErrorExternalDevice:
      return true;
    default:
      return false;
  }
}

// A kernel's name, which may be in launch()'s own as this compiler writes template arguments, "... [with auto kernel = NAME; ...]",
// without namespaces: "unary<relu, float, float>".
Text kernel_name(std::string_view function) {
  const std::string_view before = "kernel = ";
  const size_t start = function.find(before);
  if (start != function.npos) function.remove_prefix(start + before.size());
  function = function.substr(0, function.find_first_of(";]"));
  char name[128];
  size_t length = 0;
  for (size_t i = 0; i < function.size() && length < sizeof name - 1; i++) {
    name[length++] = function[i];
    if (!function.substr(0, i + 1).ends_with("::")) continue;
    while (length && name[length - 1] != '<' && name[length - 1] != ' ') length--;
  }
  name[length] = 0;
  Text text;
  text.append(name);
  return text;
}

void say(Text &text, const Work &work) {
  if (work.kernel) {
    text.append("running ");
    text.append(kernel_name(work.kernel).data());
  } else {
    text.append("replaying a step of ");
    text.append(work.calls);
    text.append(" operations");
  }
}

int lose(Gpu &gpu, cudaError_t error) {
  gpu.lost = true;
  Text doing;
  if (gpu.last.calls) {
    doing.append(" while ");
    say(doing, gpu.last);
    if (!one_at_a_time()) doing.append(" or an operation shortly before it");
  }
  const char *const hint = one_at_a_time() || !gpu.last.calls ? "" : " (DINOGRAD_SYNC=1 finds out which it was)";
  return fail(DG_E_DEVICE, "The GPU failed", doing.data(), ": ", cudaGetErrorString(error),
              ". Nothing on it can be used any more: restart the program", hint);
}

}  // namespace

int status(Gpu &gpu, cudaError_t error, const char *what) {
  if (!error) return 0;
  cudaGetLastError();
  if (gpu.lost) return lost_earlier(gpu);
  if (final(error)) return lose(gpu, error);
  return fail(DG_E_DEVICE, what, " failed: ", cudaGetErrorString(error));
}

int status(cudaError_t error, const char *what) { return error ? status(current(), error, what) : 0; }

int lost_earlier(const Gpu &gpu) {
  Text doing;
  if (gpu.last.calls) say(doing, gpu.last);
  return fail(DG_E_DEVICE, "The GPU failed earlier", gpu.last.calls ? ", while " : "", doing.data(),
              ": restart the program");
}

int launched(cudaError_t error, Work work) {
  if (error) return status(error, kernel_name(work.kernel).data());
  current().last = work;
  return one_at_a_time() ? status(cudaStreamSynchronize(current().stream), "Waiting for the GPU") : 0;
}

bool one_at_a_time() {
  static const bool asked = [] {
    const char *text = getenv("DINOGRAD_SYNC");
    return text && *text && std::string_view(text) != "0";
  }();
  return asked;
}

}  // namespace dg::gpu
