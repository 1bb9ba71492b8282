// Whole models beside torch::jit, in one process and run: loading the archive, the first call on a fresh
// module, the steady call, the steady call of both runtimes' frozen modules, and saving. The two runtimes take turns;
// the counters are medians in milliseconds and their ratio (below 1: Vesta is faster). One thread, no gradients.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sub.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <vesta/vesta.h>

#include "bench/compare.h"
#include "tests/differential/manifest.h"

namespace {

using vesta::bench::compare;
using vesta::bench::seconds;
using vesta::test::CorpusEntry;

vesta::Module load_ours(const CorpusEntry& entry) {
  absl::StatusOr<vesta::Module> module = vesta::load(entry.path);
  if (!module.ok()) throw std::runtime_error(std::string(module.status().message()));
  return *std::move(module);
}

c10::IValue call_ours(const vesta::Module& module, const std::vector<c10::IValue>& inputs) {
  absl::StatusOr<c10::IValue> result = module.forward(inputs);
  if (!result.ok()) throw std::runtime_error(std::string(result.status().message()));
  return *std::move(result);
}

// Weights are zeros in the corpus: both runtimes get the same ones, so that activations stay finite.
template <class Module>
void fill(const Module& module, const CorpusEntry& entry) {
  const auto fill_all = [&](const auto& tensors) {
    for (const auto& item : tensors) {
      if (entry.fill && item.value.is_floating_point()) vesta::test::fill_tensor(item.value, item.name, entry.seed);
    }
  };
  fill_all(module.named_parameters());
  fill_all(module.named_buffers());
}

std::vector<c10::IValue> inputs_of(const CorpusEntry& entry) {
  std::vector<c10::IValue> inputs;
  for (const auto& described : entry.calls.at(0).inputs) inputs.push_back(vesta::test::build_value(described, {}));
  return inputs;
}

void load_phase(benchmark::State& state, const CorpusEntry& entry) {
  compare(
      state, [&] { return seconds([&] { benchmark::DoNotOptimize(load_ours(entry)); }); },
      [&] { return seconds([&] { benchmark::DoNotOptimize(torch::jit::load(entry.path)); }); });
}

void first_phase(benchmark::State& state, const CorpusEntry& entry) {
  const std::vector<c10::IValue> inputs = inputs_of(entry);
  compare(
      state,
      [&] {
        const vesta::Module module = load_ours(entry);
        fill(module, entry);
        return seconds([&] { benchmark::DoNotOptimize(call_ours(module, inputs)); });
      },
      [&] {
        torch::jit::Module module = torch::jit::load(entry.path);
        fill(module, entry);
        return seconds([&] { benchmark::DoNotOptimize(module.forward(inputs)); });
      });
}

void steady_phase(benchmark::State& state, const CorpusEntry& entry) {
  const std::vector<c10::IValue> inputs = inputs_of(entry);
  const vesta::Module ours = load_ours(entry);
  torch::jit::Module theirs = torch::jit::load(entry.path);
  fill(ours, entry);
  fill(theirs, entry);
  for (int i = 0; i < 3; ++i) {  // torch::jit specializes in its first calls.
    call_ours(ours, inputs);
    theirs.forward(inputs);
  }
  compare(
      state, [&] { return seconds([&] { benchmark::DoNotOptimize(call_ours(ours, inputs)); }); },
      [&] { return seconds([&] { benchmark::DoNotOptimize(theirs.forward(inputs)); }); });
}

// Images as large as the networks were made for; the archives' own calls have smaller ones.
std::vector<c10::IValue> full_size(std::vector<c10::IValue> inputs, const CorpusEntry& entry) {
  if (!entry.has_tag("vision") || inputs.empty() || !inputs[0].isTensor() || inputs[0].toTensor().dim() != 4)
    return inputs;
  const int64_t size = entry.name.find("inception") != std::string::npos ? 299 : 224;
  at::manual_seed(3);
  inputs[0] = at::randn({1, 3, size, size});
  return inputs;
}

double largest_difference(const c10::IValue& ours, const c10::IValue& theirs) {
  if (!ours.isTensor() || !theirs.isTensor()) return 0;
  const at::Tensor expected = theirs.toTensor();
  const double scale = std::max(1e-6, expected.abs().max().item().toDouble());
  return at::sub(ours.toTensor(), expected).abs().max().item().toDouble() / scale;
}

// Both runtimes' frozen forms. `prepare_ms`: freezing and the first call.
void frozen_phase(benchmark::State& state, const CorpusEntry& entry) {
  const std::vector<c10::IValue> inputs = full_size(inputs_of(entry), entry);
  const vesta::Module loaded = load_ours(entry);
  torch::jit::Module peer = torch::jit::load(entry.path);
  fill(loaded, entry);
  fill(peer, entry);
  peer.eval();
  std::optional<vesta::Module> ours;
  const double prepared = seconds([&] {
    absl::StatusOr<vesta::Module> frozen = loaded.freeze();
    if (!frozen.ok()) throw std::runtime_error(std::string(frozen.status().message()));
    ours = *std::move(frozen);
    call_ours(*ours, inputs);
  });
  torch::jit::Module theirs = torch::jit::freeze(peer);
  for (int i = 0; i < 3; ++i) theirs.forward(inputs);
  const double difference = largest_difference(call_ours(*ours, inputs), theirs.forward(inputs));
  compare(
      state, [&] { return seconds([&] { benchmark::DoNotOptimize(call_ours(*ours, inputs)); }); },
      [&] { return seconds([&] { benchmark::DoNotOptimize(theirs.forward(inputs)); }); });
  state.counters["prepare_ms"] = prepared * 1e3;
  state.counters["difference"] = difference;
}

// To a file that is durable when the clock stops: torch::jit's save leaves that to its caller.
void save_phase(benchmark::State& state, const CorpusEntry& entry) {
  const vesta::Module ours = load_ours(entry);
  torch::jit::Module theirs = torch::jit::load(entry.path);
  fill(ours, entry);
  fill(theirs, entry);
  const std::string path = (std::filesystem::temp_directory_path() / "vesta_bench_save.pt").string();
  const auto sync = [](const std::string& name, int flags) {
    const int file = ::open(name.c_str(), flags);
    if (file < 0 || ::fsync(file) != 0) throw std::runtime_error("fsync fails");
    ::close(file);
  };
  compare(
      state,
      [&] {
        std::remove(path.c_str());
        return seconds([&] {
          if (const absl::Status status = ours.save(path); !status.ok())
            throw std::runtime_error(std::string(status.message()));
        });
      },
      [&] {
        std::remove(path.c_str());
        return seconds([&] {
          theirs.save(path);
          sync(path, O_RDONLY);
          sync(std::filesystem::temp_directory_path().string(), O_RDONLY | O_DIRECTORY);
        });
      });
  std::remove(path.c_str());
}

void guarded(benchmark::State& state, const CorpusEntry& entry, void (*phase)(benchmark::State&, const CorpusEntry&)) {
  const c10::NoGradGuard no_grad;
  try {
    phase(state, entry);
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

void register_models() {
  static const std::vector<CorpusEntry> entries =
      vesta::test::read_manifest(std::string(VESTA_SOURCE_DIR) + "/tests/corpus");
  struct Phase {
    const char* name;
    void (*run)(benchmark::State&, const CorpusEntry&);
    int iterations;
  };
  static constexpr Phase kPhases[] = {{"Load", load_phase, 5},
                                      {"FirstCall", first_phase, 5},
                                      {"SteadyCall", steady_phase, 9},
                                      {"FrozenCall", frozen_phase, 15},
                                      {"Save", save_phase, 5}};
  for (const CorpusEntry& entry : entries) {
    if (!entry.has_tag("large") || entry.grad || entry.calls.empty() || entry.calls[0].method != "forward") continue;
    for (const Phase& phase : kPhases) {
      const std::string name = std::string("BM_Model_") + phase.name + "/" + entry.name;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&entry, phase](benchmark::State& state) { guarded(state, entry, phase.run); })
          ->Iterations(phase.iterations)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_models();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
