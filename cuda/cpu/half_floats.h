// How does a call on 16-bit floats run? The kernels of most families know float32 alone: the call's arrays are widened
// into memory of their own, the kernel runs on those, and what it wrote is rounded into the arrays it was meant for.
// Families that walk their operands in blocks (elementwise, optimizer updates) or only move them convert as they go.
#pragma once
#include <type_traits>

#include "../core/error.h"
#include "../core/operands.h"
#include "../core/pool.h"

namespace dg {

// The 16-bit floats of one call: each array is widened, and its address in the call's arguments becomes that of the wide one.
class HalfFloats : public Operands {
 public:
  using Cast = int (*)(const CastArgs &);

  HalfFloats(Dtype type, Cast cast) : type_(type), cast_(cast) {}
  ~HalfFloats() {
    if (block_) pool_release(block_);
  }
  HalfFloats(const HalfFloats &) = delete;

  // 0, or a status after fail().
  int widen() {
    constexpr int64_t most = sizeof(size_t) == 4 ? int64_t{1} << 31 : INT64_MAX;  // dg_alloc's, in WebAssembly
    if (bytes_ > most)
      return fail(DG_E_MEMORY, "Out of memory: ", bytes_, " bytes were asked for to widen 16-bit floats");
    if (const int failed = pool_allocate(0, static_cast<size_t>(bytes_), &block_)) return failed;
    int64_t used = 0;
    for (int i = 0; i < count_; i++) {
      const Operand &o = floats_[i];
      float *const wide = reinterpret_cast<float *>(block_->data + used);
      used += bytes_of(o.n);
      stored_[i] = *o.at;
      if (o.access != Access::write) cast_({type_, DG_FLOAT32, stored_[i], wide, o.n});
      *o.at = wide;
    }
    return 0;
  }
  void narrow() {
    for (int i = 0; i < count_; i++) {
      const Operand &o = floats_[i];
      if (o.access != Access::read) cast_({DG_FLOAT32, type_, *o.at, stored_[i], o.n});
    }
  }

 protected:
  void add(const Operand &operand) override {
    if (operand.type != type_) return;
    floats_[count_++] = operand;
    bytes_ += bytes_of(operand.n);
  }

 private:
  static int64_t bytes_of(int64_t n) { return (4 * n + 63) / 64 * 64; }

  static constexpr int most = 16;  // arrays of a call
  const Dtype type_;
  const Cast cast_;
  Operand floats_[most];
  void *stored_[most];
  int count_ = 0;
  int64_t bytes_ = 0;
  Block *block_ = nullptr;
};

// ---- A call --------------------------------------------------------------------------------------------------------

template <class Args>
constexpr bool converts_itself =
    std::is_same_v<Args, WhereArgs> || std::is_same_v<Args, FillArgs> || std::is_same_v<Args, MatMulGradArgs>;

// Runs `kernel`, whose instruction set is that of `cast`, in float32 where the call is one of 16-bit floats.
template <class Args>
int run_in_float32(const Args &args, int (*kernel)(const Args &), HalfFloats::Cast cast) {
  if constexpr (requires { args.type; } && !converts_itself<Args>) {
    if (is_half(args.type)) {
      Args wide = args;
      HalfFloats floats(args.type, cast);
      operands::of(wide, floats);
      if (const int failed = floats.widen()) return failed;
      wide.type = DG_FLOAT32;
      const int status = kernel(wide);
      if (!status) floats.narrow();
      return status;
    }
  }
  return kernel(args);
}

}  // namespace dg
