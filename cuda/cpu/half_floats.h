// How does a call on 16-bit floats run? The kernels of most families know float32 alone: the call's arrays are widened
// into memory of their own, the kernel runs on those, and what it wrote is rounded into the arrays it was meant for.
// Families that walk their operands in blocks (elementwise, optimizer updates) or only move them convert as they go and
// are not here.
#pragma once
#include "../core/args.h"
#include "../core/error.h"
#include "../core/pool.h"

namespace dg {

// The float arrays of one call: each is widened, and its address in the call's arguments becomes that of the wide one.
class HalfFloats {
 public:
  using Cast = int (*)(const CastArgs &);

  HalfFloats(Dtype type, Cast cast) : type_(type), cast_(cast) {}
  ~HalfFloats() {
    if (block_) pool_release(block_);
  }
  HalfFloats(const HalfFloats &) = delete;

  // What a call reads, writes, or adds to; there may be no such array.
  void in(const void *&at, int64_t n) { add(const_cast<void **>(&at), n, true, false); }
  void out(void *&at, int64_t n) { add(&at, n, false, true); }
  void in_out(void *&at, int64_t n) { add(&at, n, true, true); }

  // 0, or a status after fail().
  int widen() {
    constexpr int64_t most = sizeof(size_t) == 4 ? int64_t{1} << 31 : INT64_MAX;  // dg_alloc's, in WebAssembly
    if (bytes_ > most)
      return fail(DG_E_MEMORY, "Out of memory: ", bytes_, " bytes were asked for to widen 16-bit floats");
    if (const int failed = pool_allocate(0, static_cast<size_t>(bytes_), &block_)) return failed;
    int64_t used = 0;
    for (int i = 0; i < count_; i++) {
      Floats &f = floats_[i];
      float *const wide = reinterpret_cast<float *>(block_->data + used);
      used += bytes_of(f.n);
      if (f.read) cast_({type_, DG_FLOAT32, f.stored, wide, f.n});
      *f.at = f.wide = wide;
    }
    return 0;
  }
  void narrow() {
    for (const Floats &f : floats_)
      if (f.written) cast_({DG_FLOAT32, type_, f.wide, f.stored, f.n});
  }

 private:
  struct Floats {
    void **at;  // in the arguments
    void *stored, *wide;
    int64_t n;
    bool read, written;
  };

  static int64_t bytes_of(int64_t n) { return (4 * n + 63) / 64 * 64; }
  void add(void **at, int64_t n, bool read, bool written) {
    if (!*at) return;
    floats_[count_++] = {at, *at, nullptr, n, read, written};
    bytes_ += bytes_of(n);
  }

  const Dtype type_;
  const Cast cast_;
  Floats floats_[4] = {};
  int count_ = 0;
  int64_t bytes_ = 0;
  Block *block_ = nullptr;
};

// ---- Which arrays a call has ---------------------------------------------------------------------------------------

inline void list_floats(ScatterAddArgs &a, HalfFloats &floats) {
  floats.in(a.x, a.outer * a.count * a.inner);
  floats.in_out(a.y, a.outer * a.rows * a.inner);
}
inline void list_floats(ReduceArgs &a, HalfFloats &floats) {
  floats.in(a.x, a.n_out * a.n_red);
  floats.out(a.y, a.n_out);
}
inline void list_floats(ArgReduceArgs &a, HalfFloats &floats) { floats.in(a.x, a.outer * a.n * a.inner); }
inline void list_floats(ScanArgs &a, HalfFloats &floats) {
  floats.in(a.x, a.outer * a.n * a.inner);
  floats.out(a.y, a.outer * a.n * a.inner);
}
inline void list_floats(MatMulArgs &a, HalfFloats &floats) {
  floats.in(a.a, (a.a_step ? a.batch : 1) * a.m * a.k);
  floats.in(a.b, (a.b_step ? a.batch : 1) * a.k * a.n);
  floats.in(a.bias, a.n);
  floats.out(a.y, a.batch * a.m * a.n);
}
inline void list_floats(ConvArgs &a, HalfFloats &floats) {
  const int64_t inputs = a.batch * elements(a.axis, &Axis::in) * a.in_channels;
  const int64_t outputs = a.batch * elements(a.axis, &Axis::out) * a.out_channels;
  const int64_t filter = elements(a.axis, &Axis::window) * (a.in_channels / a.groups) * a.out_channels;
  floats.in(a.a, a.kind == DG_CONV_INPUT ? outputs : inputs);
  floats.in(a.b, a.kind == DG_CONV_FILTER ? outputs : filter);
  floats.in(a.bias, a.kind == DG_CONV_INPUT ? a.in_channels : a.out_channels);
  floats.out(a.y, a.kind == DG_CONV_INPUT ? inputs : a.kind == DG_CONV_FILTER ? filter : outputs);
}
inline void list_floats(PoolArgs &a, HalfFloats &floats) {
  floats.in(a.x, a.batch * elements(a.axis, &Axis::in) * a.channels);
  if (a.kind != DG_POOL_ARGMAX) floats.out(a.y, a.batch * elements(a.axis, &Axis::out) * a.channels);
}
inline void list_floats(PoolGradArgs &a, HalfFloats &floats) {
  const int64_t inputs = a.batch * elements(a.axis, &Axis::in) * a.channels;
  const int64_t outputs = a.batch * elements(a.axis, &Axis::out) * a.channels;
  floats.in(a.x, inputs);
  floats.in(a.y, outputs);
  floats.in(a.dy, outputs);
  floats.out(a.dx, inputs);
}
inline void list_floats(ResizeArgs &a, HalfFloats &floats) {
  floats.in(a.x, a.batch * a.height.in * a.width.in * a.channels);
  floats.out(a.y, a.batch * a.height.out * a.width.out * a.channels);
}
inline void list_floats(ResizeGradArgs &a, HalfFloats &floats) {
  floats.in(a.dy, a.batch * a.height.out * a.width.out * a.channels);
  floats.out(a.dx, a.batch * a.height.in * a.width.in * a.channels);
}
inline void list_floats(SoftmaxArgs &a, HalfFloats &floats) {
  floats.in(a.x, a.rows * a.n);
  floats.out(a.y, a.rows * a.n);
}
inline void list_floats(SoftmaxGradArgs &a, HalfFloats &floats) {
  floats.in(a.dy, a.rows * a.n);
  floats.in(a.y, a.rows * a.n);
  floats.out(a.dx, a.rows * a.n);
}
inline void list_floats(CrossEntropyArgs &a, HalfFloats &floats) {
  floats.in(a.logits, a.rows * a.n);
  floats.in(a.labels, a.rows * a.n);
}
inline void list_floats(CrossEntropyGradArgs &a, HalfFloats &floats) {
  floats.in(a.logits, a.rows * a.n);
  floats.in(a.labels, a.rows * a.n);
  floats.out(a.dlogits, a.rows * a.n);
}
inline void list_floats(RandomArgs &a, HalfFloats &floats) { floats.out(a.y, a.n); }

// ---- A call --------------------------------------------------------------------------------------------------------

// Runs `kernel`, whose instruction set is that of `cast`, in float32 where the call is one of 16-bit floats.
template <class Args>
int run_in_float32(const Args &args, int (*kernel)(const Args &), HalfFloats::Cast cast) {
  if constexpr (requires(Args &a, HalfFloats &floats) { list_floats(a, floats); }) {
    if (is_half(args.type)) {
      Args wide = args;
      wide.type = DG_FLOAT32;
      HalfFloats floats(args.type, cast);
      list_floats(wide, floats);
      if (const int failed = floats.widen()) return failed;
      const int status = kernel(wide);
      if (!status) floats.narrow();
      return status;
    }
  }
  return kernel(args);
}

}  // namespace dg
