// How do the emulator's tests run a kernel? On one stream, with the sentence of what went wrong as the result.
#pragma once
#include <cuda_runtime.h>
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
std::string run(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, Arguments &&...arguments) {
  const cudaLaunchConfig_t config{grid, block, shared_bytes, test_stream(), nullptr, 0};
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
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
