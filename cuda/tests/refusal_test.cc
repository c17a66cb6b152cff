// What does the library refuse, and is everything as before when it has? Operands that share memory, numbers that are no
// counts, calls at the wrong time.
#include "calls.h"

namespace {

int view(int a, double offset, int dtype, double count) {
  const int v = dg_view(a, offset, dtype, count);
  CHECK(v > 0, "%s", message().c_str());
  return v;
}
template <class... Values>
void list(Values... values) {
  int i = 0;
  ((scratch[i++] = values), ...);
}

// Memory of 64 float32, and views of it that overlap.
struct Memory {
  int all = array(std::vector<float>(64, 1)), ints = view(all, 0, DG_INT32, 64), low = view(all, 0, DG_FLOAT32, 8),
      shifted = view(all, 4, DG_FLOAT32, 8), high = view(all, 32, DG_FLOAT32, 8);
  int low_ints = view(all, 0, DG_INT32, 8), one_int = view(all, 3, DG_INT32, 1), bytes = view(all, 0, DG_UINT8, 8);
  ~Memory() {
    CHECK((read(all, 64) == std::vector<float>(64, 1)), "a refused call has written");
    for (int a : {all, ints, low, shifted, high, low_ints, one_int, bytes}) dg_free(a);
  }
};

void overlaps() {
  const Memory m;
  const int x = array({1, 2, 3, 4, 5, 6, 7, 8}), one = array({1});
  const int add = id(DG_NAMES_BINARY, "add"), abs = id(DG_NAMES_UNARY, "abs"), sum = id(DG_NAMES_REDUCE, "sum");
  REFUSED(dg_unary(abs, m.low, m.shifted, 0, 0), "overlaps");
  REFUSED(dg_binary(add, x, m.low, m.shifted, 0), "overlaps");
  const int single = view(m.all, 2, DG_FLOAT32, 1);
  REFUSED(dg_binary(add, x, single, m.low, 0), "share memory");
  REFUSED(dg_copy(m.low, m.shifted), "overlaps");
  REFUSED(dg_cast(m.low_ints, m.shifted), "overlaps");
  REFUSED(dg_cast(m.bytes, m.low), "overlaps");

  const int places = dg_alloc(0, DG_INT32, 8, 1);
  dg_fill(places, 0);
  const int input = view(x, 0, DG_INT32, 8);
  REFUSED(dg_gather(x, m.low_ints, 0, m.low, 1, 8, 8, 1), "share memory");
  REFUSED(dg_gather(x, places, m.one_int, m.low, 1, 8, 8, 1), "share memory");
  REFUSED(dg_gather(m.low, places, 0, m.shifted, 1, 8, 8, 1), "share memory");
  REFUSED(dg_scatter_add(input, m.low_ints, m.low_ints, 1, 8, 8, 1), "share memory");
  REFUSED(dg_scatter_add(m.low, places, m.shifted, 1, 8, 8, 1), "share memory");
  REFUSED(dg_one_hot(m.low_ints, m.low, 1, 1, 0), "share memory");

  list(8, 1, 1);
  REFUSED(dg_strided(m.low, 0, m.low, 0, 1), "share memory");
  list(8);
  REFUSED(dg_reduce(sum, m.low, single, 1, 1), "share memory");
  REFUSED(dg_scan(id(DG_NAMES_SCAN, "cumsum"), m.low, m.low, 1, 8, 1, 0, 0), "share memory");
  REFUSED(dg_argreduce(id(DG_NAMES_ARGREDUCE, "argMax"), m.low, m.one_int, 1, 8, 1), "share memory");
  REFUSED(dg_matmul(x, one, m.low, m.low, 1, 1, 8, 1, 0, -1, 0), "must have");
  REFUSED(dg_matmul(one, x, m.low, m.low, 1, 1, 8, 1, 0, -1, 0), "share memory");
  REFUSED(dg_softmax(m.low, m.shifted, 1, 8, 0), "overlaps");
  REFUSED(dg_cross_entropy(x, single, single, 1, 8), "must have");
  REFUSED(dg_cross_entropy(x, m.low, single, 1, 8), "share memory");
  REFUSED(dg_cross_entropy_grad(x, m.shifted, one, m.low, 1, 8), "overlaps");
  REFUSED(dg_cross_entropy_grad(x, m.one_int, one, m.low, 1, 8), "share memory");
  REFUSED(dg_cross_entropy_grad(x, x, single, m.low, 1, 8), "share memory");
  const int state = view(m.all, 2, DG_INT32, 4);
  REFUSED(dg_random(id(DG_NAMES_RANDOM, "uniform"), state, m.low, 0, 1), "share memory");
  REFUSED(dg_all_finite(m.low, m.one_int), "share memory");
  for (int a : {x, one, single, places, input, state}) dg_free(a);
}

void updates() {
  const Memory m;
  const int sgd = id(DG_NAMES_UPDATE, "sgd"), adam = id(DG_NAMES_UPDATE, "adam");
  const int grads = array(std::vector<float>(32, 1)), hyper = array(std::vector<float>(DG_HYPER, 0.5f));
  const int s = array(std::vector<float>(32)), t = array(std::vector<float>(32)),
            iteration = dg_alloc(0, DG_INT32, 1, 1);
  list(m.low, 0, m.low, 0);
  REFUSED(dg_update(sgd, grads, 0, 0, 0, hyper, iteration, 0, 2, 0), "share memory");
  list(m.low, 0, m.shifted, 0);
  REFUSED(dg_update(sgd, grads, 0, 0, 0, hyper, iteration, 0, 2, 0), "share memory");
  const auto update = [&](int op, int s1, int s2, int hyper_, int iteration_) {
    list(m.low, 0);
    return dg_update(op, grads, s1, s2, 0, hyper_, iteration_, 0, 1, 0);
  };
  REFUSED(update(adam, s, s, hyper, iteration), "share memory");
  REFUSED(update(adam, s, grads, hyper, iteration), "share memory");
  REFUSED(update(adam, s, 0, hyper, iteration), "state array s2");
  REFUSED(update(sgd, 0, 0, hyper, m.one_int), "share memory");
  const int inside = view(m.all, 2, DG_FLOAT32, DG_HYPER);
  REFUSED(update(sgd, 0, 0, inside, iteration), "share memory");
  for (double bad : {0.5, -1.0, 1e300, double{NAN}, m.low + 4294967296.0}) {
    list(bad, 0);
    REFUSED(dg_update(sgd, grads, 0, 0, 0, hyper, iteration, 0, 1, 0), "must be a handle");
    list(bad, 0);
    REFUSED(dg_clip(0, grads, 1, 1), "must be a handle");
  }
  list(m.low, 0, m.high, 0, m.high, 0);
  REFUSED(dg_clip(0, grads, 1, 3), "need 40 gradients");
  REFUSED(dg_clip(0, grads, NAN, 0), "negative");
  REFUSED(dg_update(sgd, grads, 0, 0, 0, hyper, iteration, 0, DG_SCRATCH / 2 + 1, 0), "At most 1024");
  const int order = dg_alloc(0, DG_INT32, 2, 1), sums = array(std::vector<float>(8)),
            table = array(std::vector<float>(12));
  const auto with_table = [&](double segment, double order_, double sums_, int tables = 1) {
    list(table, 0, segment, order_, sums_);
    return dg_update(sgd, grads, 0, 0, 0, hyper, iteration, 0, 1, tables);
  };
  const int odd = view(sums, 0, DG_FLOAT32, 7), wider = array(std::vector<float>(10));
  REFUSED(with_table(1, order, sums), "Table 0 must be a segment of 0 to 0, got 1");
  REFUSED(with_table(0.5, order, sums), "must be a segment");
  REFUSED(with_table(0, order, NAN), "must have handles");
  REFUSED(with_table(0, sums, sums), "The order of a table");
  REFUSED(with_table(0, order, order), "The sums of a table");
  REFUSED(with_table(0, order, odd), "has 12 elements and 2 rows in order: the sums cannot be 7");
  REFUSED(with_table(0, order, wider), "the sums cannot be 10");
  REFUSED(with_table(0, order, table), "share memory");
  REFUSED(with_table(0, order, sums, 1000), "At most 682 tables");
  REFUSED(with_table(0, order, sums, -1), "tables");
  const auto coalesce = [&](int order_, int y, double rows, double count, double inner) {
    return dg_coalesce(sums, order, order_, y, rows, count, inner);
  };
  const int other = dg_alloc(0, DG_INT32, 2, 1), result = array(std::vector<float>(8));
  REFUSED(coalesce(other, result, 2147483648.0, 2, 4), "There must be 1 to 2^31 - 1 rows, got 2147483648");
  REFUSED(coalesce(other, result, 0, 2, 4), "There must be 1 to");
  REFUSED(coalesce(other, result, 3, DG_COALESCE + 1, 4), "At most 1048576 indices");
  REFUSED(coalesce(other, result, 3, 2, 0), "at least 1 element");
  REFUSED(coalesce(other, result, 3, 2, 3), "The input");
  REFUSED(coalesce(order, result, 3, 2, 4), "share memory");
  REFUSED(coalesce(other, sums, 3, 2, 4), "share memory");
  REFUSED(coalesce(result, result, 3, 2, 4), "The order");
  for (int a : {grads, hyper, s, t, iteration, inside, order, sums, table, odd, wider, other, result}) dg_free(a);
}

void numbers() {
  const Memory m;
  const int x = array({1, 2, 3, 4, 5, 6, 7, 8}), empty = dg_alloc(0, DG_FLOAT32, 0, 1);
  const int add = id(DG_NAMES_BINARY, "add"), sum = id(DG_NAMES_REDUCE, "sum"), mean = id(DG_NAMES_REDUCE, "mean");
  REFUSED(dg_view(x, 0, DG_FLOAT32, 0.25), "whole number");
  REFUSED(dg_view(x, 0, DG_FLOAT32, 1e300), "");
  list(2, 2, 1, 1, 1, 1);
  REFUSED(dg_strided(x, 0, m.low, 0, 2), "twice");
  list(3, 1, 0);
  REFUSED(dg_strided(x, 0, m.low, 0, 1), "twice");
  // Sizes that overflow although there is nothing.
  const double huge = 0x1p52;
  list(0, huge, huge, 0, huge, huge);
  REFUSED(dg_binary(add, empty, empty, empty, 3), "2^53");
  list(huge, 0, huge);
  REFUSED(dg_reduce(sum, empty, empty, 3, 5), "2^53");
  const int argmax = id(DG_NAMES_ARGREDUCE, "argMax");
  REFUSED(dg_argreduce(argmax, empty, m.one_int, 1, 0, 1), "needs 1 to 2^31 - 1");
  list(8);
  REFUSED(dg_reduce(mean, m.low_ints, m.one_int, 1, 1), "does not take int32");
  const int state = dg_alloc(0, DG_INT32, 4, 1), uniform = id(DG_NAMES_RANDOM, "uniform"),
            integers = id(DG_NAMES_RANDOM, "uniformInt");
  dg_fill(state, 0);
  REFUSED(dg_random(uniform, state, m.low, 2, 1), "Cannot draw from [2, 1)");
  REFUSED(dg_random(uniform, state, m.low, -3e38f, 3e38f), "Cannot draw");
  REFUSED(dg_random(uniform, state, m.low, NAN, 1), "Cannot draw");
  REFUSED(dg_random(uniform, state, m.low_ints, 0, 1), "does not make int32");
  REFUSED(dg_random(integers, state, m.low_ints, 4, 4), "there must be some");
  REFUSED(dg_random(integers, state, m.low_ints, 0, 3e9f), "int32");
  REFUSED(dg_random(integers, state, m.low, 0, 1), "does not make float32");
  for (int a : {x, empty, state}) dg_free(a);
}

// One type of floats a call; float32 where 16 bits would not do; nothing that has none.
void mixed_types() {
  const Memory m;
  const int x = array({1, 2, 3, 4}), half = view(x, 0, DG_FLOAT16, 8), brain = view(x, 0, DG_BFLOAT16, 8);
  const int out = view(m.all, 0, DG_FLOAT16, 8), out_brain = view(m.all, 0, DG_BFLOAT16, 8), one = array({1});
  const int single = view(m.all, 0, DG_FLOAT16, 1), one_int = view(one, 0, DG_INT32, 1),
            places = dg_alloc(0, DG_INT32, 8, 1);
  const int condition = view(x, 0, DG_BOOL, 8);
  const int add = id(DG_NAMES_BINARY, "add"), abs = id(DG_NAMES_UNARY, "abs"), sum = id(DG_NAMES_REDUCE, "sum");
  dg_fill(places, 0);
  REFUSED(dg_unary(abs, half, out_brain, 0, 0), "The output must be float16, got bfloat16");
  REFUSED(dg_unary(abs, half, m.low, 0, 0), "The output must be float16, got float32");
  REFUSED(dg_unary(id(DG_NAMES_UNARY, "isNaN"), half, out, 0, 0), "The output must be bool, got float16");
  REFUSED(dg_unary(id(DG_NAMES_UNARY, "bitwiseNot"), half, out, 0, 0), "bitwiseNot does not take float16");
  REFUSED(dg_binary(add, half, brain, out, 0), "The second operand must be float16, got bfloat16");
  REFUSED(dg_binary(add, brain, brain, out, 0), "The output must be bfloat16, got float16");
  REFUSED(dg_where(condition, half, brain, out, 0), "The second choice must be float16, got bfloat16");
  REFUSED(dg_copy(half, out_brain), "The copy must be float16, got bfloat16");
  REFUSED(dg_gather(half, places, 0, out_brain, 1, 8, 8, 1), "The output must be float16, got bfloat16");
  REFUSED(dg_scatter_add(brain, places, out, 1, 8, 8, 1), "The output must be bfloat16, got float16");
  list(8);
  REFUSED(dg_reduce(sum, half, m.one_int, 1, 1), "The output must be float16, got int32");
  list(8);
  REFUSED(dg_reduce(id(DG_NAMES_REDUCE, "all"), half, single, 1, 1), "all does not take float16");
  REFUSED(dg_argreduce(id(DG_NAMES_ARGREDUCE, "argMax"), half, single, 1, 8, 1),
          "The output must be int32, got float16");
  REFUSED(dg_scan(id(DG_NAMES_SCAN, "cumsum"), half, out_brain, 1, 8, 1, 0, 0), "must be float16, got bfloat16");
  REFUSED(dg_matmul(half, brain, 0, out, 1, 1, 1, 8, 0, -1, 0), "The second matrix must be float16, got bfloat16");
  REFUSED(dg_matmul(half, half, one, single, 1, 1, 1, 8, 0, -1, 0), "The bias must be float16, got float32");
  REFUSED(dg_softmax(half, out_brain, 1, 8, 0), "The output must be float16, got bfloat16");
  REFUSED(dg_softmax_grad(half, brain, out, 1, 8, 0), "The forward result must be float16, got bfloat16");
  REFUSED(dg_cross_entropy(half, brain, m.one_int, 1, 8), "The labels must be float16, got bfloat16");
  REFUSED(dg_cross_entropy(half, half, single, 1, 8), "The loss must be float32, got float16");
  REFUSED(dg_cross_entropy_grad(half, half, single, out, 1, 8), "The upstream gradient must be float32, got float16");
  REFUSED(dg_all_finite(half, m.one_int), "The input must be float32, got float16");
  list(single, 0);
  REFUSED(dg_update(id(DG_NAMES_UPDATE, "sgd"), half, 0, 0, 0, one, one_int, 0, 1, 0),
          "The gradients must be float32, got float16");
  REFUSED(dg_loss_scale(single, one_int, m.one_int, 2), "The scale must be float32, got float16");
  REFUSED(dg_loss_scale(one, one_int, m.one_int, 2), "share memory");
  REFUSED(dg_loss_scale(one, m.one_int, m.one_int, 2), "share memory");
  for (int a : {x, half, brain, out, out_brain, one, single, one_int, places, condition}) dg_free(a);
}

// A call on 16-bit floats may need room to widen them. Where there is none it says so, and works when there is.
void no_room_to_widen() {
  const double n = 1 << 20;
  const int x = dg_alloc(0, DG_BFLOAT16, n, 1), y = dg_alloc(0, DG_BFLOAT16, 1, 1), result = array({0});
  const int sum = id(DG_NAMES_REDUCE, "mean");
  CHECK(dg_fill(x, 3) == 0 && dg_trim(0) == 0);
  CHECK(dg_memory_limit(0, dg_memory(0, DG_BYTES_LIVE) + 1000) == 0);
  list(n);
  const int status = dg_reduce(sum, x, y, 1, 1);
  CHECK(status == 0 || (status == DG_E_MEMORY && message().find("Out of memory") == 0), "%s", message().c_str());
  CHECK(dg_memory_limit(0, 0) == 0);
  list(n);
  CHECK(dg_reduce(sum, x, y, 1, 1) == 0 && dg_cast(y, result) == 0 && read(result, 1)[0] == 3);
  for (int a : {x, y, result}) dg_free(a);
}

// Views without elements share nothing, wherever they lie.
void empty_views() {
  const int x = array({1, 2, 3, 4}), nothing = view(x, 2, DG_FLOAT32, 0), wide = view(x, 2, DG_INT32, 0);
  const int sum = id(DG_NAMES_REDUCE, "sum");
  list(0, 4);
  CHECK(dg_reduce(sum, nothing, x, 2, 1) == 0, "%s", message().c_str());
  CHECK((read(x, 4) == std::vector<float>(4)), "the sum of nothing is 0");
  CHECK(dg_cast(nothing, wide) == 0 && dg_copy(nothing, nothing) == 0);
  for (int a : {x, nothing, wide}) dg_free(a);
}

void copies_of_odd_bytes() {
  const int a = dg_alloc(0, DG_UINT8, 64, 1), b = dg_alloc(0, DG_UINT8, 64, 1);
  dg_fill(a, 7);
  dg_fill(b, 0);
  const int from = view(a, 1, DG_UINT8, 40), to = view(b, 3, DG_UINT8, 40);
  CHECK(dg_copy(from, to) == 0);
  uint8_t bytes[64];
  CHECK(dg_download(b, 0, bytes, 64) == 0);
  for (int i = 0; i < 64; i++) CHECK(bytes[i] == (i >= 3 && i < 43 ? 7 : 0), "byte %d", i);
  for (int h : {a, b, from, to}) dg_free(h);
}

void at_the_wrong_time() {
  const double live = dg_memory(0, DG_BYTES_LIVE);
  const int neg = id(DG_NAMES_UNARY, "neg"), arena = dg_arena(0), y = array({0, 0}), unused = array({5});
  CHECK(dg_record_end() == DG_E_RECORD && dg_record_abort() == 0);
  CHECK(dg_record_begin(arena) == 0);
  REFUSED(dg_arena_free(arena), "programs");
  const int left = dg_alloc(0, DG_FLOAT32, 2, 0), gone = dg_alloc(0, DG_FLOAT32, 2, 0);
  float two[2] = {1, 2};
  CHECK(dg_upload(unused, 0, two, 4) == 0, "constants are set while recording");
  CHECK(dg_replay(self, 0, 1, 0, 0, 0) == DG_E_RECORD);
  CHECK(dg_upload(gone, 0, two, 8) == DG_E_RECORD);
  CHECK(dg_fill(left, 3) == 0 && dg_unary(neg, left, gone, 0, 0) == 0);
  const int first = dg_record_end();
  CHECK(first > 0 && dg_replay(self, first, 1, 0, 0, 0) == 0);
  dg_free(unused);
  dg_free(gone);
  REFUSED(dg_replay(self, first, 1, y, y, 1), "share memory");
  REFUSED(dg_replay(self, first, -1, 0, 0, 0), "negative");
  CHECK(dg_replay(-5, first, 1, 0, 0, 0) == DG_E_ARGUMENT && dg_replay(self, 0, 1, 0, 0, 0) == DG_E_ARGUMENT);

  // What an earlier recording left alive, a later program may use: it stays although its handle goes.
  CHECK(dg_record_begin(arena) == 0 && dg_unary(neg, left, y, 0, 0) == 0);
  const int second = dg_record_end();
  dg_free(left);
  CHECK(dg_program_free(first) == 0 && dg_record_begin(arena) == 0);
  const int other = dg_alloc(0, DG_FLOAT32, 2, 0);
  CHECK(dg_fill(other, 9) == 0);
  const int third = dg_record_end();
  CHECK(dg_replay(self, third, 1, 0, 0, 0) == 0 && dg_replay(self, second, 1, 0, 0, 0) == 0);
  CHECK((read(y, 2) == std::vector<float>{-3, -3}), "it is %g", static_cast<double>(read(y, 2)[0]));
  dg_free(other);
  REFUSED(dg_arena_free(arena), "programs");
  dg_program_free(second);
  dg_program_free(third);
  CHECK(dg_arena_free(arena) == 0, "%s", message().c_str());
  REFUSED(dg_arena_free(arena), "not alive");
  dg_free(y);
  CHECK(dg_memory(0, DG_BYTES_LIVE) == live);
}

// A recorded step that needs more than there is says so.
void no_room() {
  const int arena = dg_arena(0);
  CHECK(dg_record_begin(arena) == 0);
  CHECK(dg_alloc(0, DG_FLOAT32, 0x1p45, 0) == DG_E_MEMORY);
  CHECK(message().find("Out of memory") != std::string::npos, "%s", message().c_str());
  const int small = dg_alloc(0, DG_FLOAT32, 10, 0);
  CHECK(small > 0 && dg_record_abort() == 0);
  REFUSED(dg_arena_free(arena), "arrays");
  dg_free(small);
  CHECK(dg_arena_free(arena) == 0);
}

}  // namespace

int main() {
  if (dg_device_count() < 0) {
    printf("refusal_test: %s\n", message().c_str());
    return 1;
  }
  overlaps();
  updates();
  numbers();
  mixed_types();
  no_room_to_widen();
  empty_views();
  copies_of_odd_bytes();
  at_the_wrong_time();
  no_room();
  CHECK(dg_memory(0, DG_ARRAY_COUNT) == 0, "%g arrays are left", dg_memory(0, DG_ARRAY_COUNT));
  return check_report("refusal_test");
}
