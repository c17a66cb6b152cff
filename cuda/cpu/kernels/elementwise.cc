#include "elementwise.h"

#include "../threads.h"
#include "halves.h"
#if !defined(__wasm__)
#include <immintrin.h>
#endif

namespace dg::DG_ISA {
namespace {

constexpr int64_t block = 1024;  // elements per block: 4 KiB, and up to four of them
// Pieces of a few microseconds, beside which handing one to a waiting thread is cheap.
constexpr int64_t light_piece = 1 << 16, heavy_piece = 1 << 13;
// Results this large leave the caches before anyone reads them: writing around the caches saves reading their lines
// first.
#if defined(__wasm__)
constexpr int64_t stream_bytes = INT64_MAX;  // no such stores
#else
constexpr int64_t stream_bytes = 32 << 20;
#endif

int width_of(Dtype type) { return type == DG_UINT8 || type == DG_BOOL ? 1 : is_half(type) ? 2 : 4; }

// Vectors to memory around the caches; `to` is aligned.
void stream_block(char *to, const char *from, int64_t bytes) {
#if DG_LANES == 16
  for (int64_t i = 0; i < bytes; i += vector_bytes)
    _mm512_stream_ps(reinterpret_cast<float *>(to + i), load_vector<__m512>(from + i));
#elif DG_LANES == 8
  for (int64_t i = 0; i < bytes; i += vector_bytes)
    _mm256_stream_ps(reinterpret_cast<float *>(to + i), load_vector<__m256>(from + i));
#else
  memcpy(to, from, bytes);
#endif
}

void stream_end() {
#if !defined(__wasm__)
  _mm_sfence();
#endif
}

// One row of a gather: `count` elements in order, or as many copies of one.
template <class T>
void gather_row(const char *from, int64_t stride, int64_t count, int32_t *to) {
  const T *x = reinterpret_cast<const T *>(from);
  if (stride == 0) {
    const int32_t value = *x;
    for (int64_t i = 0; i < count; i++) to[i] = value;
  } else {
    for (int64_t i = 0; i < count; i++) to[i] = x[i];
  }
}

void gather_row(Dtype type, const char *from, int64_t stride, int64_t count, int32_t *to) {
  if (is_half(type)) {
    float *const floats = reinterpret_cast<float *>(to);
    widen_row(type, from, stride == 0 ? 1 : count, floats);
    if (stride == 0) gather_row<int32_t>(reinterpret_cast<const char *>(to), 0, count, to);
  } else if (width_of(type) == 1) {
    gather_row<uint8_t>(from, stride, count, to);
  } else {
    gather_row<int32_t>(from, stride, count, to);
  }
}

}  // namespace

Walk::Walk(Loop loop, const float *params, void *y, Dtype type, int64_t n)
    : loop_(loop), params_(params), y_(static_cast<char *>(y)), y_type_(type), n_(n) {
  streams_ = width_of(type) == 4 && 4 * n >= stream_bytes && reinterpret_cast<uintptr_t>(y) % vector_bytes == 0;
}

void Walk::add_input(const void *data, Dtype type) {
  Input &input = in_[inputs_++];
  input.data = static_cast<const char *>(data);
  input.type = type;
  input.kind = width_of(type) == 4 ? direct : staged;
  input.stride = nullptr;
  if (data == y_) streams_ = false;  // its lines are in the cache anyway
}

void Walk::add_scalar(const void *data, Dtype type) {
  Input &input = in_[inputs_++];
  input.kind = scalar;
  gather_row(type, static_cast<const char *>(data), 0, DG_LANES, reinterpret_cast<int32_t *>(input.copies));
}

void Walk::add_input(const void *data, Dtype type, const Space &space, int i) {
  const int64_t *stride = space.stride[i];
  bool constant = true, ordered = true;
  int64_t step = 1, period = 1;
  for (int d = space.rank - 1; d >= 0; d--) {
    ordered &= stride[d] == step;
    constant &= stride[d] == 0;
    step *= space.size[d];
    if (stride[d] != 0) period = step;
  }
  if (ordered) return add_input(data, type);
  if (constant) return add_scalar(data, type);
  Input &input = in_[inputs_++];
  input.kind = staged;
  input.data = static_cast<const char *>(data);
  input.type = type;
  input.stride = stride;
  input.period = period;
  space_ = &space;
}

// Elements [begin, begin + count) of a broadcast input, row by row of the fastest dimension.
void Walk::gather(const Input &input, int64_t begin, int64_t count, char *block) const {
  const int last = space_->rank - 1;
  int64_t index[max_rank], at = 0, rest = begin;
  for (int d = last; d >= 0; d--) {
    index[d] = rest % space_->size[d];
    rest /= space_->size[d];
    at += index[d] * input.stride[d];
  }
  const int64_t row = space_->size[last], stride = input.stride[last];
  int32_t *to = reinterpret_cast<int32_t *>(block);
  for (int64_t left = count;;) {
    const int64_t run = row - index[last] < left ? row - index[last] : left;
    gather_row(input.type, input.data + at * width_of(input.type), stride, run, to);
    left -= run;
    if (left == 0) return;
    to += run;
    at -= index[last] * stride;
    index[last] = 0;
    for (int d = last - 1; d >= 0; d--) {
      at += input.stride[d];
      if (++index[d] < space_->size[d]) break;
      at -= index[d] * input.stride[d];
      index[d] = 0;
    }
  }
}

void Walk::stage(const Input &input, int64_t begin, int64_t count, char *block) const {
  if (!input.stride) {
    gather_row(input.type, input.data + begin * width_of(input.type), 1, count, reinterpret_cast<int32_t *>(block));
  } else {
    int64_t done = input.period < count ? input.period : count;
    gather(input, begin, done, block);
    for (; done < count; done *= 2)  // what repeats is copied from what is there
      memcpy(block + 4 * done, block, 4 * (done < count - done ? done : count - done));
  }
  if (const int64_t ragged = count % DG_LANES) memset(block + 4 * count, 0, 4 * (DG_LANES - ragged));
}

void Walk::run_piece(int64_t begin, int64_t end) const {
  alignas(64) char blocks[4][4 * block];
  const int y_width = width_of(y_type_);
  bool through_blocks = streams_ || y_width != 4;
  for (int i = 0; i < inputs_; i++) through_blocks |= in_[i].kind == staged;
  for (int64_t count; begin < end; begin += count) {
    const int64_t left = end - begin;
    const bool ragged = left < DG_LANES;
    count = through_blocks && left > block ? block : left;
    if (!ragged) count -= count % DG_LANES;
    Stream in[3];
    for (int i = 0; i < inputs_; i++) {
      const Input &input = in_[i];
      if (input.kind == scalar) {
        in[i] = {input.copies, 0};
      } else if (input.kind == direct && !ragged) {
        in[i] = {input.data + 4 * begin, vector_bytes};
      } else {
        stage(input, begin, count, blocks[i]);
        in[i] = {blocks[i], vector_bytes};
      }
    }
    const bool direct_out = y_width == 4 && !streams_ && !ragged;
    char *const to = y_ + y_width * begin, *const out = direct_out ? to : blocks[3];
    loop_(in, out, (count + DG_LANES - 1) / DG_LANES, params_);
    if (direct_out) continue;
    if (y_width == 1) {
      for (int64_t i = 0; i < count; i++) to[i] = out[4 * i];
    } else if (y_width == 2) {
      narrow_row(y_type_, reinterpret_cast<const float *>(out), count, to);
    } else if (ragged) {
      memcpy(to, out, 4 * count);
    } else {
      stream_block(to, out, 4 * count);
    }
  }
  if (streams_) stream_end();
}

void Walk::run(bool heavy) const {
  parallel_for(n_, heavy ? heavy_piece : light_piece, [&](int64_t begin, int64_t end) { run_piece(begin, end); });
}

}  // namespace dg::DG_ISA
