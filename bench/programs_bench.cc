// Programs without tensors beside torch::jit, in one process and run: loops over ints and floats, lists, strings and
// dicts. Each is a module's forward, in both runtimes as it was compiled ("Plain") and frozen ("Frozen").
// All times are CPU times. `*_ns` is that of one step: of an innermost loop's body, or of a word. `native_ns` is the
// same loop written in C++.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/jit/api/module.h>
#include <vesta/vesta.h>

#include "bench/compare.h"

namespace {

using vesta::bench::compare;
using vesta::bench::cpu_seconds;
using vesta::bench::median;

struct Counted {
  int64_t result = 0;
  int64_t steps = 0;
};

struct Program {
  const char* name;
  std::string_view source;
  Counted (*native)();  // null: none; a step is a word
  std::vector<c10::IValue> (*arguments)();
};

// ---- The programs

constexpr std::string_view kFibonacci = R"(
def forward(self, n: int) -> int:
    a, b = 0, 1
    for i in range(n):
        a, b = b, (a + b) % 1000007
    return a
)";

constexpr std::string_view kCollatz = R"(
def forward(self, n: int) -> int:
    longest = 0
    for start in range(1, n):
        x = start
        steps = 0
        while x != 1:
            if x % 2 == 0:
                x = x // 2
            else:
                x = 3 * x + 1
            steps += 1
        if steps > longest:
            longest = steps
    return longest
)";

constexpr std::string_view kNested = R"(
def forward(self, n: int) -> int:
    items: List[int] = []
    for i in range(n):
        items.append(i * 7 % 13)
    total = 0
    for i in range(n):
        for j in range(n):
            total += items[i] * items[j] - (i ^ j)
            items[j] = (items[j] + total) % 101
    return total
)";

constexpr std::string_view kMandelbrot = R"(
def forward(self, n: int) -> int:
    total = 0
    for i in range(n):
        for j in range(n):
            cr = 3.0 * j / n - 2.0
            ci = 2.0 * i / n - 1.0
            zr = 0.0
            zi = 0.0
            k = 0
            while zr * zr + zi * zi <= 4.0 and k < 50:
                t = zr * zr - zi * zi + cr
                zi = 2.0 * zr * zi + ci
                zr = t
                k += 1
            total += k
    return total
)";

constexpr std::string_view kWords = R"(
def forward(self, text: str, rounds: int) -> int:
    total = 0
    for r in range(rounds):
        counts: Dict[str, int] = {}
        for word in text.split(" "):
            word = word.lower().strip(".,")
            if len(word) == 0:
                continue
            if word in counts:
                counts[word] += 1
            else:
                counts[word] = 1
        found: List[str] = []
        for key in counts.keys():
            if key.startswith("a") or len(key) > 4:
                found.append(key + ":" + str(counts[key]))
        found.sort()
        line = ",".join(found)
        total += len(line) + line.find("e")
        for c in line:
            if c == "o":
                total += 1
    return total
)";

// ---- The same in C++

constexpr int64_t kFibonacciSteps = 10000;
constexpr int64_t kCollatzStarts = 300;
constexpr int64_t kNestedSize = 60;
constexpr int64_t kMandelbrotSize = 24;
constexpr int64_t kWordRounds = 4;

Counted native_fibonacci() {
  int64_t n = kFibonacciSteps;
  benchmark::DoNotOptimize(n);
  int64_t a = 0;
  int64_t b = 1;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t next = (a + b) % 1000007;
    a = b;
    b = next;
  }
  return {a, n};
}

Counted native_collatz() {
  int64_t n = kCollatzStarts;
  benchmark::DoNotOptimize(n);
  Counted counted;
  for (int64_t start = 1; start < n; ++start) {
    int64_t steps = 0;
    for (int64_t x = start; x != 1; ++steps) x = x % 2 == 0 ? x / 2 : 3 * x + 1;
    counted.steps += steps;
    counted.result = std::max(counted.result, steps);
  }
  return counted;
}

int64_t python_mod(int64_t x, int64_t y) { return (x % y + y) % y; }

Counted native_nested() {
  int64_t n = kNestedSize;
  benchmark::DoNotOptimize(n);
  std::vector<int64_t> items;
  for (int64_t i = 0; i < n; ++i) items.push_back(i * 7 % 13);
  const auto at = [&items](int64_t i) -> int64_t& { return items[static_cast<size_t>(i)]; };
  int64_t total = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      total += at(i) * at(j) - (i ^ j);
      at(j) = python_mod(at(j) + total, 101);
    }
  }
  return {total, n * n};
}

Counted native_mandelbrot() {
  int64_t n = kMandelbrotSize;
  benchmark::DoNotOptimize(n);
  int64_t total = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const double size = static_cast<double>(n);
      const double cr = 3.0 * static_cast<double>(j) / size - 2.0;
      const double ci = 2.0 * static_cast<double>(i) / size - 1.0;
      double zr = 0;
      double zi = 0;
      for (int64_t k = 0; zr * zr + zi * zi <= 4.0 && k < 50; ++k, ++total) {
        const double t = zr * zr - zi * zi + cr;
        zi = 2.0 * zr * zi + ci;
        zr = t;
      }
    }
  }
  return {total, total};
}

std::string text_of_words() {
  std::string text;
  for (int i = 0; i < 3; ++i) {
    text +=
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
        "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of "
        "Darkness, it was the spring of hope, it was the winter of despair. ";
  }
  return text;
}

const Program kPrograms[] = {
    {"Fibonacci", kFibonacci, native_fibonacci, [] { return std::vector<c10::IValue>{kFibonacciSteps}; }},
    {"Collatz", kCollatz, native_collatz, [] { return std::vector<c10::IValue>{kCollatzStarts}; }},
    {"Nested", kNested, native_nested, [] { return std::vector<c10::IValue>{kNestedSize}; }},
    {"Mandelbrot", kMandelbrot, native_mandelbrot, [] { return std::vector<c10::IValue>{kMandelbrotSize}; }},
    {"Words", kWords, nullptr,
     [] {
       return std::vector<c10::IValue>{text_of_words(), kWordRounds};
     }},
};

// ---- Measuring

template <class T>
T value_of(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(std::string(result.status().message()));
  return *std::move(result);
}

vesta::Module ours_of(const Program& program, bool frozen) {
  vesta::Module module(program.name);
  if (const absl::Status status = module.define(program.source); !status.ok())
    throw std::runtime_error(std::string(status.message()));
  return frozen ? value_of(module.freeze()) : module;
}

torch::jit::Module theirs_of(const Program& program, bool frozen) {
  torch::jit::Module module(program.name);
  module.define(std::string(program.source));
  module.eval();
  return frozen ? torch::jit::freeze(module) : module;
}

int64_t count_words(const std::vector<c10::IValue>& arguments) {
  const std::string_view text = arguments[0].toStringView();
  return (std::count(text.begin(), text.end(), ' ') + 1) * arguments[1].toInt();
}

void run_program(benchmark::State& state, const Program& program, bool frozen) {
  const c10::NoGradGuard no_grad;
  const std::vector<c10::IValue> arguments = program.arguments();
  const vesta::Module ours = ours_of(program, frozen);
  torch::jit::Module theirs = theirs_of(program, frozen);
  for (int i = 0; i < 5; ++i) theirs.forward(arguments);  // It specializes in its first calls.
  const int64_t result = value_of(ours.forward(arguments)).toInt();
  if (result != theirs.forward(arguments).toInt()) throw std::runtime_error("the results differ");
  compare(
      state, [&] { return cpu_seconds([&] { benchmark::DoNotOptimize(ours.forward(arguments)); }); },
      [&] { return cpu_seconds([&] { benchmark::DoNotOptimize(theirs.forward(arguments)); }); });
  const Counted counted = program.native != nullptr ? program.native() : Counted{result, count_words(arguments)};
  if (counted.result != result) throw std::runtime_error("the result is wrong");
  const auto steps = static_cast<double>(counted.steps);
  state.counters["vesta_ns"] = state.counters["vesta_ms"].value * 1e6 / steps;
  state.counters["jit_ns"] = state.counters["jit_ms"].value * 1e6 / steps;
  if (program.native == nullptr) return;
  std::vector<double> times;
  for (int i = 0; i < 21; ++i) times.push_back(cpu_seconds([&] { benchmark::DoNotOptimize(program.native()); }));
  state.counters["native_ns"] = median(times) * 1e9 / steps;
}

const bool kRegistered = [] {
  for (const Program& program : kPrograms) {
    for (const bool frozen : {false, true}) {
      const std::string name = std::string("BM_Program_") + (frozen ? "Frozen/" : "Plain/") + program.name;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&program, frozen](benchmark::State& state) {
                                     try {
                                       run_program(state, program, frozen);
                                     } catch (const std::exception& error) {
                                       state.SkipWithError(error.what());
                                     }
                                   })
          ->Iterations(101)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}();

}  // namespace
