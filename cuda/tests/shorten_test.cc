// Does a program that leaves out calls still do what they say? Copies it must leave out and copies it must keep, and
// random programs against the same calls made one by one.
#include <functional>
#include <memory>
#include <random>

#include "calls.h"

namespace {

const int neg = id(DG_NAMES_UNARY, "neg"), add = id(DG_NAMES_BINARY, "add");

// Calls per run of the program that `calls` records, and its effect on `result` (persistent, [4]) when it has run once.
double recorded(const std::function<void()> &calls) {
  const int arena = dg_arena(0);
  CHECK(dg_record_begin(arena) == 0);
  calls();
  const int program = dg_record_end();
  CHECK(program > 0, "%s", message().c_str());
  const double count = dg_program_calls(program);
  CHECK(dg_replay(self, program, 1, 0, 0, 0) == 0);
  CHECK(dg_program_free(program) == 0 && dg_arena_free(arena) == 0);
  return count;
}
int temporary() { return dg_alloc(0, DG_FLOAT32, 4, 0); }

void single_copies() {
  const int x = array({1, 2, 3, 4}), y = array({0, 0, 0, 0}), z = array({0, 0, 0, 0});
  const std::vector<float> negative = {-1, -2, -3, -4};
  const auto reset = [&] { CHECK(dg_fill(y, 0) == 0 && dg_fill(z, 0) == 0); };

  CHECK(recorded([&] {
          const int t = temporary();
          dg_unary(neg, x, t, 0, 0), dg_copy(t, y), dg_free(t);
        }) == 1);
  CHECK(read(y, 4) == negative);

  reset();
  CHECK(recorded([&] {
          const int t = temporary(), u = temporary();
          dg_unary(neg, x, t, 0, 0), dg_copy(t, u), dg_copy(u, y), dg_free(t), dg_free(u);
        }) == 1,
        "copies of copies");
  CHECK(read(y, 4) == negative);

  reset();
  CHECK(recorded([&] {
          const int t = temporary();
          dg_unary(neg, x, t, 0, 0), dg_copy(t, y), dg_binary(add, t, x, z, 0), dg_free(t);
        }) == 3,
        "somebody reads the source later");
  CHECK(read(y, 4) == negative && (read(z, 4) == std::vector<float>{0, 0, 0, 0}));

  reset();
  CHECK(recorded([&] {
          const int t = temporary();
          dg_unary(neg, x, t, 0, 0), dg_binary(add, t, x, z, 0), dg_copy(t, y), dg_free(t);
        }) == 2,
        "somebody reads the source before");
  CHECK(read(y, 4) == negative && (read(z, 4) == std::vector<float>{0, 0, 0, 0}));

  reset();
  CHECK(recorded([&] {
          const int t = temporary();
          dg_unary(neg, x, t, 0, 0), dg_unary(neg, y, z, 0, 0), dg_copy(t, y), dg_free(t);
        }) == 3,
        "somebody wants what the destination held before");
  CHECK(read(y, 4) == negative);

  reset();
  CHECK(recorded([&] {
          const int t = temporary();
          dg_fill(t, 7), dg_unary(neg, y, t, 0, 0), dg_copy(t, y), dg_free(t);
        }) == 2,
        "the maker reads the destination");

  reset();
  CHECK(recorded([&] {
          const int t = temporary();
          dg_fill(t, 7), dg_unary(neg, t, t, 0, 0), dg_binary(add, t, x, t, 0), dg_copy(t, y), dg_free(t);
        }) == 3,
        "the source is made in several steps");
  CHECK((read(y, 4) == std::vector<float>{-6, -5, -4, -3}));

  reset();
  CHECK(recorded([&] {
          const int t = temporary(), half = dg_view(t, 0, DG_FLOAT32, 2);
          dg_unary(neg, x, t, 0, 0), dg_fill(half, 5), dg_copy(t, y), dg_free(t), dg_free(half);
        }) == 3,
        "a part of the source has another maker");
  CHECK((read(y, 4) == std::vector<float>{5, 5, -3, -4}));

  reset();
  CHECK(recorded([&] {
          const int t = temporary(), u = temporary();
          dg_unary(neg, x, t, 0, 0), dg_binary(add, t, x, u, 0), dg_unary(neg, x, y, 0, 0), dg_free(t), dg_free(u);
        }) == 1,
        "nobody reads a result, nor what it is made of");
  CHECK(read(y, 4) == negative);

  reset();
  CHECK(recorded([&] {
          const int t = temporary();
          dg_unary(neg, x, t, 0, 0), dg_fill(t, 3), dg_binary(add, t, x, y, 0), dg_free(t);
        }) == 2,
        "a result is written anew before anybody reads it");
  CHECK((read(y, 4) == std::vector<float>{4, 5, 6, 7}));

  const int arena = dg_arena(0);
  CHECK(dg_record_begin(arena) == 0);
  const int kept = temporary();
  CHECK(dg_unary(neg, x, kept, 0, 0) == 0 && dg_copy(kept, z) == 0);
  const int program = dg_record_end();
  CHECK(dg_program_calls(program) == 2, "the source outlives the recording");
  CHECK(dg_replay(self, program, 1, 0, 0, 0) == 0 && read(kept, 4) == negative && read(z, 4) == negative);
  dg_free(kept);
  CHECK(dg_program_free(program) == 0 && dg_arena_free(arena) == 0);
  for (int a : {x, y, z}) dg_free(a);
}

// An array and what it should hold: a window into the values of its storage.
struct Model {
  int handle = 0;
  std::shared_ptr<std::vector<float>> values;
  size_t first = 0, count = 0;
  float &at(size_t i) const { return (*values)[first + i]; }
};

// A call on models: 0 neg, 1 add, 2 copy, 3 fill.
struct Step {
  int op;
  Model a, b, y;
  float value;

  int call() const {
    switch (op) {
      case 0:
        return dg_unary(neg, a.handle, y.handle, 0, 0);
      case 1:
        return dg_binary(add, a.handle, b.handle, y.handle, 0);
      case 2:
        return dg_copy(a.handle, y.handle);
      default:
        return dg_fill(y.handle, value);
    }
  }
  void model() const {
    std::vector<float> result;
    for (size_t i = 0; i < y.count; i++)
      result.push_back(op == 0 ? -a.at(i) : op == 1 ? a.at(i) + b.at(i) : op == 2 ? a.at(i) : value);
    for (size_t i = 0; i < y.count; i++) y.at(i) = result[i];
  }
};

void random_programs() {
  std::mt19937 random(7);
  const auto below = [&](size_t n) { return random() % n; };
  double calls = 0, made = 0;
  for (int round = 0; round < 400; round++) {
    // Memory that stays, seen whole and in parts that overlap.
    const auto memory = std::make_shared<std::vector<float>>(12);
    for (float &v : *memory) v = static_cast<float>(below(9));
    const int flat = array(*memory), arena = dg_arena(0);
    std::vector<Model> alive;
    for (const size_t first : {0, 4, 8, 2}) alive.push_back({dg_view(flat, first, DG_FLOAT32, 4), memory, first, 4});
    const size_t lasting = alive.size();
    std::vector<Step> steps;
    CHECK(dg_record_begin(arena) == 0);
    const auto make = [&](const Step &step) {
      if (step.call() == 0) steps.push_back(step);  // some are refused, because what they write overlaps what they read
    };
    const int length = 4 + static_cast<int>(below(20));
    for (int i = 0; i < length; i++) {
      if (alive.size() < 8 && below(2)) {
        Model made = {temporary(), std::make_shared<std::vector<float>>(4), 0, 4};
        alive.push_back(made);
        make({3, {}, {}, made, static_cast<float>(i)});
      }
      const auto pick = [&] { return alive[below(alive.size())]; };
      make({static_cast<int>(below(10) < 5 ? 2 : below(4)), pick(), pick(), pick(), static_cast<float>(i)});
      if (alive.size() > lasting && below(3) == 0) {
        const size_t gone = lasting + below(alive.size() - lasting);
        dg_free(alive[gone].handle);
        alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(gone));
      }
    }
    while (alive.size() > lasting + 1) dg_free(alive.back().handle), alive.pop_back();
    const int program = dg_record_end();
    CHECK(program > 0);
    calls += dg_program_calls(program);
    made += static_cast<double>(steps.size());
    for (int run = 0; run < 2; run++) {
      CHECK(dg_replay(self, program, 1, 0, 0, 0) == 0);
      for (const Step &step : steps) step.model();
      CHECK(read(flat, 12) == *memory, "round %d, run %d", round, run);
      if (alive.size() > lasting) CHECK(read(alive.back().handle, 4) == *alive.back().values, "round %d", round);
    }
    for (const Model &m : alive) dg_free(m.handle);
    dg_free(flat);
    CHECK(dg_program_free(program) == 0 && dg_arena_free(arena) == 0);
  }
  CHECK(calls < 0.95 * made, "%g of %g calls left", calls, made);
}

}  // namespace

int main() {
  single_copies();
  random_programs();
  return check_report("shorten_test");
}
