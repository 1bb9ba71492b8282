// The models of bench/zoo.py in Vesta and in torch::jit, in one process, taking turns: steady calls as ratios, first
// calls, and allocations.
//
// usage: vesta_zoo_times FOLDER [--threads N] [--rounds N] [--filter TEXT] [--train]
//
// FOLDER holds pairs NAME.pt, NAME.inputs as zoo.py writes them: an archive, and its arguments as one pickled tuple.
// One turn calls a contender as often as takes some milliseconds; each ratio is the median, over the rounds, of its
// time to that of torch::jit frozen in the same round. With one thread the clock is that of the processor time of the
// process, which other programs on the machine disturb least; else it is the wall's.
//
// --train: a call is forward() in training mode and the backward pass of its results' sum, in Vesta and torch::jit as
// loaded; ratios are to torch::jit as loaded.
//
// Allocations are counted by a malloc of this program's own; those of a tensor's memory go through it as well.

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/runtime/static/impl.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <vesta/vesta.h>

#include "CLI/CLI.hpp"

extern "C" {
void* __libc_malloc(size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {
std::atomic<int64_t> allocations{0};
}  // namespace

// Taken by libtorch's libraries too: a program's own definitions come first.
extern "C" void* malloc(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}
extern "C" int posix_memalign(void** result, size_t alignment, size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  *result = __libc_memalign(alignment, bytes);
  return *result == nullptr ? 12 : 0;
}

namespace {

using Inputs = std::vector<c10::IValue>;
using Call = std::function<c10::IValue()>;

template <class T>
T must(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(std::string(result.status().message()));
  return *std::move(result);
}

double now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Contender {
  std::string name;
  std::function<Call()> prepare;  // All that precedes the first call, loading apart.
  Call call = nullptr;
  double prepare_ms = 0;
  double first_ms = 0;
  double difference = 0;
  int64_t allocated = 0;
  std::vector<double> times;
  std::string failure;
};

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Inputs read_inputs(const std::string& path) {
  const std::string bytes = read(path);
  return torch::jit::pickle_load(std::vector<char>(bytes.begin(), bytes.end())).toTupleRef().elements().vec();
}

Call call_of(vesta::Module module, const Inputs& inputs) {
  return [module = std::move(module), &inputs] { return must(module.forward(inputs)); };
}
Call call_of(torch::jit::Module module, const Inputs& inputs) {
  auto held = std::make_shared<torch::jit::Module>(std::move(module));
  return [held, &inputs] { return held->forward(inputs); };
}

// The first is what the ratios are to.
std::vector<Contender> contenders(const std::string& archive, const Inputs& inputs) {
  const auto theirs = [archive] {
    torch::jit::Module module = torch::jit::load(archive);
    module.eval();
    return module;
  };
  std::vector<Contender> all;
  all.push_back({"frozen", [=, &inputs] { return call_of(torch::jit::freeze(theirs()), inputs); }});
  all.push_back({"jit", [=, &inputs] { return call_of(theirs(), inputs); }});
  all.push_back({"ofi", [=, &inputs] {
                   torch::jit::Module frozen = torch::jit::freeze(theirs());
                   return call_of(torch::jit::optimize_for_inference(frozen), inputs);
                 }});
  all.push_back({"SR", [=, &inputs]() -> Call {
                   auto held = std::make_shared<torch::jit::StaticModule>(torch::jit::freeze(theirs()), true);
                   return [held, &inputs] { return (*held)(inputs, {}); };
                 }});
  all.push_back({"as loaded", [=, &inputs] {
                   vesta::Module module = must(vesta::load(archive));
                   (void)module.eval();
                   return call_of(std::move(module), inputs);
                 }});
  all.push_back({"Vesta", [=, &inputs] {
                   vesta::Module module = must(vesta::load(archive));
                   (void)module.eval();
                   return call_of(must(std::move(module).freeze()), inputs);
                 }});
  return all;
}

// The sum of all results that depend on parameters.
at::Tensor loss_of(const c10::IValue& result) {
  if (result.isTensor()) return result.toTensor().requires_grad() ? result.toTensor().sum() : at::Tensor();
  at::Tensor loss;
  if (!result.isTuple()) return loss;
  for (const c10::IValue& element : result.toTupleRef().elements()) {
    const at::Tensor part = loss_of(element);
    if (part.defined()) loss = loss.defined() ? loss + part : part;
  }
  return loss;
}

template <class Module, class Forward>
Call training_call(Module& module, const Forward& forward) {
  (void)module.train();
  for (at::Tensor parameter : module.parameters()) parameter.requires_grad_(true);
  return [forward] {
    at::manual_seed(1);  // What is dropped is the same.
    const at::Tensor loss = loss_of(forward());
    TORCH_CHECK(loss.defined(), "no result depends on a parameter");
    loss.backward();
    return c10::IValue(loss.detach());
  };
}

std::vector<Contender> trainings(const std::string& archive, const Inputs& inputs) {
  std::vector<Contender> all;
  all.push_back({"jit", [=, &inputs] {
                   auto module = std::make_shared<torch::jit::Module>(torch::jit::load(archive));
                   return training_call(*module, [module, &inputs] { return module->forward(inputs); });
                 }});
  all.push_back({"Vesta", [=, &inputs] {
                   auto module = std::make_shared<vesta::Module>(must(vesta::load(archive)));
                   return training_call(*module, [module, &inputs] { return must(module->forward(inputs)); });
                 }});
  return all;
}

double largest_difference(const c10::IValue& a, const c10::IValue& b) {
  if (a.isTuple() && b.isTuple()) return largest_difference(a.toTupleRef().elements()[0], b.toTupleRef().elements()[0]);
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt() ? 0 : 1;
  if (!a.isTensor() || !b.isTensor() || a.toTensor().numel() == 0) return 0;
  const double scale = std::max(1e-6, b.toTensor().abs().max().item().toDouble());
  return at::sub(a.toTensor(), b.toTensor()).abs().max().item().toDouble() / scale;
}

struct Options {
  std::string folder;
  int threads = 1;
  int rounds = 15;
  std::string filter;
  bool train = false;
};

constexpr int kWarmUps = 3;       // torch::jit specializes in its first calls.
constexpr double kTurnMs = 10.0;  // So that the clock's grain does not count.

void measure(std::vector<Contender>& all, const Options& options) {
  const clockid_t clock = options.threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  c10::IValue expected;
  for (Contender& one : all) {
    try {
      double start = now(clock);
      one.call = one.prepare();
      one.prepare_ms = now(clock) - start;
      start = now(clock);
      c10::IValue result = one.call();
      one.first_ms = now(clock) - start;
      for (int i = 0; i < kWarmUps; ++i) result = one.call();
      if (expected.isNone()) expected = result;
      one.difference = largest_difference(result, expected);
      const int64_t before = allocations.load();
      (void)one.call();
      one.allocated = allocations.load() - before;
    } catch (const std::exception& error) {
      one.failure = error.what();
      one.failure = one.failure.substr(0, one.failure.find('\n'));
      one.call = nullptr;
    }
  }
  if (all[0].call == nullptr) return;
  double start = now(clock);
  (void)all[0].call();
  const int calls = std::max(1, static_cast<int>(kTurnMs / (now(clock) - start)));
  for (int round = 0; round < options.rounds; ++round) {
    for (Contender& one : all) {
      if (one.call == nullptr) continue;
      start = now(clock);
      for (int i = 0; i < calls; ++i) (void)one.call();
      one.times.push_back((now(clock) - start) / calls);
    }
  }
}

void print_row(const std::string& name, const std::vector<Contender>& all) {
  const Contender& base = all[0];
  if (base.call == nullptr) {
    std::fprintf(stderr, "%s, %s: %s\n", name.c_str(), base.name.c_str(), base.failure.c_str());
    return;
  }
  std::printf("| %-20s | %9.4f |", name.c_str(), median(base.times));
  for (size_t i = 1; i < all.size(); ++i) {
    if (all[i].call == nullptr) {
      std::printf(" %8s |", "fails");
      continue;
    }
    std::vector<double> ratios;
    for (size_t round = 0; round < base.times.size(); ++round)
      ratios.push_back(all[i].times[round] / base.times[round]);
    std::printf(" %8.3f |", median(ratios));
  }
  const Contender& ours = all.back();
  std::printf(" %8.4f | %7.0e | %7.1f, %7.1f | %7.1f, %7.1f | %6ld, %6ld |\n",
              ours.call == nullptr ? 0.0 : median(ours.times), ours.difference, base.prepare_ms, base.first_ms,
              ours.prepare_ms, ours.first_ms, base.allocated, ours.allocated);
  for (const Contender& one : all) {
    if (!one.failure.empty()) std::fprintf(stderr, "%s, %s: %s\n", name.c_str(), one.name.c_str(), one.failure.c_str());
  }
  std::fflush(stdout);
}

int run(const Options& options) {
  const c10::AutoGradMode grad_mode(options.train);
  at::set_num_threads(options.threads);
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(options.folder)) {
    const std::string name = file.path().stem().string();
    if (file.path().extension() == ".inputs" && name.find(options.filter) != std::string::npos) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  if (names.empty()) return std::cerr << "no model in " << options.folder << " matches; run bench/zoo.py first\n", 1;
  const char* const base = options.train ? "as loaded" : "frozen";
  std::printf("threads: %d, rounds: %d. Times in ms, ratios to torch::jit %s.\n\n", options.threads, options.rounds,
              base);
  std::printf(
      "| model | %s, ms | %s | Vesta, ms | difference | torch::jit: prepare, first call |"
      " Vesta: prepare, first call | allocations a call, theirs, ours |\n",
      base, options.train ? "Vesta" : "jit | ofi | Static Runtime | Vesta as loaded | Vesta frozen");
  for (int columns = options.train ? 8 : 12; columns > 0; --columns) std::printf("|---");
  std::printf("|\n");
  for (const std::string& name : names) {
    const std::string model = name.substr(0, name.find('@'));
    const Inputs inputs = read_inputs(options.folder + "/" + name + ".inputs");
    const std::string archive = options.folder + "/" + model + ".pt";
    std::vector<Contender> all = options.train ? trainings(archive, inputs) : contenders(archive, inputs);
    measure(all, options);
    print_row(name, all);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The models of bench/zoo.py in Vesta and in torch::jit");
  Options options;
  app.add_option("folder", options.folder, "where zoo.py has put them")->required();
  app.add_option("--threads", options.threads, "of each operator")->check(CLI::Range(1, 64));
  app.add_option("--rounds", options.rounds, "turns that each contender gets")->check(CLI::Range(1, 1000));
  app.add_option("--filter", options.filter, "only models whose names contain this");
  app.add_flag("--train", options.train, "forward and backward in training mode");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
