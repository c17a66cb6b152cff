// Is cuBLASLt asked for what was meant, in every type and layout, with what follows a product, in graphs, and only where it
// should be? A library of a test's own stands in for it (cublaslt_stand_in.cc).
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "core/backend.h"
#include "cublaslt_stand_in.h"
#include "emu/control.h"
#include "gpu/cublaslt.h"
#include "gpu/gpu.h"
#include "math/half.h"
#include "variants.h"

using namespace dg;

namespace {

StandIn *lt;

struct Product {
  int dtype;
  int64_t batch, m, n, k;
  int flags;
  bool bias = false;
  const char *activation = nullptr;
  int shift = 0;  // elements that the operands lie beyond an aligned address

  std::string name() const {
    std::string text = "type " + std::to_string(dtype) + " flags " + std::to_string(flags);
    for (int64_t size : {batch, m, n, k, int64_t{bias}, int64_t{shift}}) text += " " + std::to_string(size);
    return text + (activation ? activation : "");
  }
};

// Arrays of a product, freed with it.
class Operands {
 public:
  explicit Operands(const Product &p) : p_(p) {
    a = make((p.flags & DG_SHARE_A ? 1 : p.batch) * p.m * p.k);
    b = make((p.flags & DG_SHARE_B ? 1 : p.batch) * p.k * p.n);
    bias = p.bias ? make(p.n) : 0;
    y = make(p.batch * p.m * p.n);
  }
  ~Operands() {
    for (int array : arrays_) dg_free(array);
  }
  int multiply() const {
    const auto size = [](int64_t n) { return static_cast<double>(n); };
    return dg_matmul(a, b, bias, y, size(p_.batch), size(p_.m), size(p_.n), size(p_.k), p_.flags,
                     p_.activation ? id(DG_NAMES_UNARY, p_.activation) : -1, 0.25f);
  }
  std::vector<float> result() const {
    const int64_t n = p_.batch * p_.m * p_.n;
    if (p_.dtype == DG_FLOAT16) return download<Half>(n);
    return p_.dtype == DG_BFLOAT16 ? download<Brain>(n) : download<float>(n);
  }
  void forget() const { upload(y, std::vector<float>(static_cast<size_t>(p_.batch * p_.m * p_.n), -77)); }
  void upload(int array, const std::vector<float> &values) const {
    if (p_.dtype == DG_FLOAT16) {
      upload_as<Half>(array, values);
    } else if (p_.dtype == DG_BFLOAT16) {
      upload_as<Brain>(array, values);
    } else {
      upload_as<float>(array, values);
    }
  }

  int a, b, bias, y;

 private:
  int make(int64_t n) {
    const auto count = static_cast<double>(n);
    const int all = dg_alloc(0, p_.dtype, count + p_.shift, 1), view = dg_view(all, p_.shift, p_.dtype, count);
    dg_free(all);
    upload(view, random_values(n));
    arrays_.push_back(view);
    return view;
  }

  template <class T>
  static void upload_as(int array, const std::vector<float> &values) {
    std::vector<T> narrowed;
    narrowed.reserve(values.size());
    for (float value : values) narrowed.push_back(narrow<T>(value));
    const auto bytes = static_cast<double>(narrowed.size() * sizeof(T));
    CHECK(dg_upload(array, 0, narrowed.data(), bytes) == 0, "%s", message().c_str());
  }
  template <class T>
  std::vector<float> download(int64_t n) const {
    std::vector<T> stored(static_cast<size_t>(n));
    CHECK(dg_download(y, 0, stored.data(), static_cast<double>(stored.size() * sizeof(T))) == 0);
    std::vector<float> values;
    values.reserve(stored.size());
    for (T value : stored) values.push_back(widen(value));
    return values;
  }

  Product p_;
  std::vector<int> arrays_;
};

// |got - wanted| <= unit (1 + |wanted|), everywhere; NaN is not.
bool close(const std::vector<float> &got, const std::vector<float> &wanted, double unit) {
  bool all = got.size() == wanted.size();
  for (size_t i = 0; all && i < got.size(); i++) all = fabs(got[i] - wanted[i]) <= unit * (1 + fabs(wanted[i]));
  return all;
}

// The engine's product against this library's own, where both round a result once.
void check(const Product &p, int products) {
  Operands operands(p);
  dg_engine(DG_ENGINE_OWN);
  CHECK(operands.multiply() == 0, "%s: %s", p.name().c_str(), message().c_str());
  const std::vector<float> wanted = operands.result();
  operands.forget();
  CHECK(dg_engine(DG_ENGINE_CUBLASLT) == DG_ENGINE_CUBLASLT);
  const int before = lt->products;
  CHECK(operands.multiply() == 0, "%s: %s", p.name().c_str(), message().c_str());
  CHECK(lt->products == before + products, "%s: %d products", p.name().c_str(), lt->products - before);
  const double unit = p.dtype == DG_FLOAT32 ? 1e-6 : p.dtype == DG_FLOAT16 ? 0x1p-10 : 0x1p-7;
  CHECK(close(operands.result(), wanted, unit), "%s", p.name().c_str());
}

void products() {
  for (int dtype : {DG_FLOAT32, DG_FLOAT16, DG_BFLOAT16})
    for (int transposes = 0; transposes < 4; transposes++) {
      check({dtype, 1, 5, 7, 9, transposes}, 1);
      check({dtype, 3, 8, 4, 6, transposes, true}, 1);
      check({dtype, 3, 8, 4, 6, transposes | DG_SHARE_A, true, "leakyRelu"}, 1);
      check({dtype, 3, 8, 4, 6, transposes | DG_SHARE_B, false, "tanh", 1}, 1);
      check({dtype, 1, 1, 300, 2, transposes, true, nullptr, 3}, 1);
    }
  check({DG_FLOAT32, 2, 9, 10, 11, DG_TF32, true, "relu"}, 1);
  // What it does not multiply.
  check({DG_FLOAT32, 1, 3, 4, 0, 0, true}, 0);
  const int before = lt->products, ints = dg_alloc(0, DG_INT32, 4, 1), product = dg_alloc(0, DG_INT32, 4, 1);
  CHECK(dg_matmul(ints, ints, 0, product, 1, 2, 2, 2, 0, -1, 0) == 0 && lt->products == before);
  dg_free(ints);
  dg_free(product);
}

// More 16-bit results with an activation than there is room for: by rows, by matrices of a batch, and a row too long.
void large_activations() {
  check({DG_FLOAT16, 1, 2100, 2048, 1, 0, true, "leakyRelu"}, 2);
  check({DG_BFLOAT16, 5, 1024, 1024, 1, DG_TRANSPOSE_A, true, "leakyRelu"}, 2);
  bool done = true;
  MatMulArgs args{};
  args.type = DG_FLOAT16, args.batch = args.m = args.k = 1, args.n = (1 << 22) + 8;
  CHECK(gpu::cublaslt::multiply(args, done) == 0 && !done);
}

void plans_are_kept() {
  const Product p{DG_FLOAT16, 1, 6, 8, 16, 0};
  check(p, 1);
  const int searches = lt->searches, descriptors = lt->descriptors;
  check(p, 1);
  check(p, 1);
  CHECK(lt->searches == searches && lt->descriptors == descriptors);
  check({DG_FLOAT16, 1, 6, 8, 32, 0}, 1);
  CHECK(lt->searches == searches + 1 && lt->descriptors == descriptors + 4);
  for (int k = 1; k < 1100; k++) {
    Operands operands({DG_FLOAT32, 1, 1, 1, k, 0});
    CHECK(operands.multiply() == 0);
  }
  CHECK(lt->descriptors <= 4 * 1024, "%d descriptors", lt->descriptors);
}

void without_algorithm() {
  lt->refuses = true;
  check({DG_FLOAT32, 1, 6, 8, 77, 0, true, "relu"}, 0);
  check({DG_BFLOAT16, 1, 6, 8, 77, 0}, 0);
  lt->refuses = false;
  check({DG_BFLOAT16, 1, 6, 8, 77, 0}, 0);  // it is not asked again
}

// A product is part of a graph where its plan was there before, and this library's own where not.
void graphs() {
  dg_engine(DG_ENGINE_CUBLASLT);
  for (bool known : {true, false}) {
    Operands operands({DG_FLOAT16, 1, 20, 24, known ? 40 : 48, 0, true, "leakyRelu"});
    if (known) CHECK(operands.multiply() == 0);
    const int arena = dg_arena(0), before = lt->products;
    CHECK(dg_record_begin(arena) == 0 && operands.multiply() == 0);
    const int program = dg_record_end();
    CHECK(program > 0, "%s", message().c_str());
    operands.forget();
    operands.upload(operands.a, random_values(20 * (known ? 40 : 48)));  // a replay computes with what is there then
    CHECK(dg_replay(self, program, 2, 0, 0, 0) == 0, "%s", message().c_str());
    CHECK(lt->products == before + (known ? 1 : 0), "%d products", lt->products - before);
    const std::vector<float> replayed = operands.result();
    CHECK(operands.multiply() == 0);
    CHECK(close(replayed, operands.result(), 0x1p-10));
    CHECK(dg_program_free(program) == 0 && dg_arena_free(arena) == 0);
  }
}

// The best engine: from a size on, on GPUs from capability 9.0 on, and never after a failure.
void the_best() {
  CHECK(dg_engine(DG_ENGINE_BEST) == DG_ENGINE_BEST && dg_engine(DG_ENGINE_ASK) == DG_ENGINE_BEST);
  CHECK(dg_engine(3) == DG_E_ARGUMENT && dg_engine(-2) == DG_E_ARGUMENT);
  lt->idle = true;
  const int capability = gpu::current().capability;
  const auto asks = [](const Product &p) {
    Operands operands(p);
    const int before = lt->products;
    CHECK(operands.multiply() == 0, "%s", message().c_str());
    return lt->products > before;
  };
  const Product large{DG_FLOAT16, 4, 256, 4096, 512, 0};
  gpu::current().capability = 90;
  CHECK(asks(large));
  CHECK(!asks({DG_FLOAT16, 1, 64, 64, 64, 0}), "it is small");
  CHECK(!asks({DG_FLOAT32, 1, 300, 16, 512, 0}), "it is thin");
  lt->idle = false;
  lt->fails = true;
  dg_engine(DG_ENGINE_CUBLASLT);
  Operands operands({DG_FLOAT16, 1, 5, 6, 7, 0});
  CHECK(operands.multiply() == DG_E_DEVICE);
  CHECK(message() == "A matrix product failed: cuBLASLt returned status 13", "%s", message().c_str());
  gpu::current().capability = capability;
  dg_engine(DG_ENGINE_BEST);
  CHECK(operands.multiply() == 0, "%s", message().c_str());
  lt->fails = false;
}

// Each in a process of its own, because the library is opened once.
void absent(const char *file, const char *sentence) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("DINOGRAD_CUBLASLT_LIB", file, 1);
    const bool refused = dg_engine(DG_ENGINE_CUBLASLT) == DG_E_DEVICE && message().find(sentence) != std::string::npos;
    if (!refused) printf("%s\n", message().c_str());
    const bool best = dg_engine(DG_ENGINE_BEST) == DG_ENGINE_BEST;
    Operands operands({DG_FLOAT16, 1, 5, 6, 7, 0});
    _exit(refused && best && operands.multiply() == 0 ? 0 : 1);
  }
  int result = -1;
  waitpid(child, &result, 0);
  CHECK(result == 0, "%s", sentence);
}

}  // namespace

int main() {
  backend::use(0);
  absent("/nowhere/libcublasLt.so",
         "cuBLASLt cannot be opened: /nowhere/libcublasLt.so: cannot open shared object file");
  absent("libm.so.6", "libm.so.6 has no cublasLtCreate");
  setenv("DINOGRAD_CUBLASLT_LIB", DG_STAND_IN, 1);
  void *const library = dlopen(DG_STAND_IN, RTLD_NOW);
  CHECK(library, "%s", dlerror());
  if (!library) return check_report("emu_cublaslt_test");
  lt = reinterpret_cast<StandIn *(*)()>(dlsym(library, "stand_in"))();
  lt->submit = dg_emulated_submit;
  products();
  large_activations();
  plans_are_kept();
  without_algorithm();
  graphs();
  the_best();
  return check_report("emu_cublaslt_test");
}
