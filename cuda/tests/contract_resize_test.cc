// Does resizing work through the contract, called at once and replayed, and does it refuse what cannot be?
#include "both_ways.h"

namespace {

// Rows of two pixels made four wide; numbers that 16-bit floats store exactly.
template <class T>
void resizings() {
  const Array<T> x(stored<T>({0, 8, 16, 24})), y(8), dx(4);
  const auto sizes = [] { put({1, 1, 2, 2, 2, 4}); };
  both_ways("nearest", y, stored<T>({0, 0, 8, 8, 16, 16, 24, 24}), [&] {
    sizes();
    return dg_resize(DG_RESIZE_NEAREST, x, y, DG_GRID_EDGES);
  });
  both_ways("bilinear", y, stored<T>({0, 2, 6, 8, 16, 18, 22, 24}), [&] {
    sizes();
    return dg_resize(DG_RESIZE_BILINEAR, x, y, DG_GRID_CENTERS);
  });
  both_ways("its gradient", dx, stored<T>({3, 13, 35, 45}), [&] {
    sizes();
    return dg_resize_grad(DG_RESIZE_BILINEAR, y, dx, DG_GRID_CENTERS);
  });
}

void refusals() {
  const Array<float> x(4), y(8);
  const Array<int32_t> ints(4), more(8);
  const auto with = [&](int at, double value, int from, int to, int kind = DG_RESIZE_BILINEAR, int grid = 0) {
    put({1, 1, 2, 2, 2, 4});
    scratch[at] = value;
    return dg_resize(kind, from, to, grid);
  };
  CHECK(with(0, 1, x, y) == 0, "%s", message().c_str());
  CHECK(with(0, 1, ints, more, DG_RESIZE_NEAREST) == 0, "%s", message().c_str());
  const Array<float> none(0), nothing(0);
  for (int at : {0, 1}) CHECK(with(at, 0, none, nothing) == 0, "%s", message().c_str());
  REFUSED(with(0, 1, ints, more), "must be floats");
  REFUSED(with(0, 1, x, more), "must be float32");
  REFUSED(with(0, 1, x, x), "output must have 8");
  REFUSED(with(5, 2, x, x), "share memory");
  REFUSED(with(0, 2, x, y), "input must have 8");
  REFUSED(with(0, 1, x, y, 2), "no resizing of kind 2");
  REFUSED(with(0, 1, x, y, DG_RESIZE_NEAREST, 3), "no grid 3");
  REFUSED(with(0, 1, 12345, y), "not alive");
  for (int at : {0, 1})
    for (double bad : {-1.0, 0.5, 0x1p31, double{NAN}}) REFUSED(with(at, bad, x, y), "Batch and channels");
  for (int at : {2, 3, 4, 5})
    for (double bad : {-1.0, 0.0, 0.5, 0x1p20 + 1, double{NAN}}) REFUSED(with(at, bad, x, y), "from 1 to 2^20");
  put({1, 1, 2, 2, 2, 4});
  REFUSED(dg_resize_grad(DG_RESIZE_NEAREST, more, ints, 0), "must be floats");
  put({1, 1, 2, 2, 2, 4});
  REFUSED(dg_resize_grad(DG_RESIZE_NEAREST, x, y, 0), "input must have 4");
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("contract_resize_test: %s\n", message().c_str());
    return 1;
  }
  resizings<float>();
  resizings<Half>();
  resizings<Brain>();
  refusals();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("contract_resize_test");
}
