// How do the emulator's tests run a kernel? On one stream, waiting for it, with the sentence of what went wrong as the result.
#pragma once
#include <cuda_runtime.h>
#include <emu/control.h>
#include <ptx.h>

#include <string>
#include <utility>

inline cudaStream_t test_stream() {
  static const cudaStream_t stream = [] {
    cudaStream_t s = nullptr;
    cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking);
    return s;
  }();
  return stream;
}

template <class... Parameters, class... Arguments>
cudaError_t launch(cudaStream_t stream, void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
                   Arguments &&...arguments) {
  const cudaLaunchConfig_t config{grid, block, shared_bytes, stream, nullptr, 0};
  return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}

template <class... Parameters, class... Arguments>
std::string run(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, Arguments &&...arguments) {
  cudaError_t error = launch(test_stream(), kernel, grid, block, shared_bytes, std::forward<Arguments>(arguments)...);
  if (!error) error = cudaStreamSynchronize(test_stream());
  emu::revive(0);
  return error ? cudaGetErrorString(error) : "";
}

// Device memory for the length of a test.
template <class T>
struct DeviceArray {
  T *at = nullptr;
  explicit DeviceArray(size_t count) { cudaMalloc(reinterpret_cast<void **>(&at), count * sizeof(T)); }
  ~DeviceArray() { cudaFree(at); }
  operator T *() { return at; }
  T &operator[](size_t i) { return at[i]; }
};
