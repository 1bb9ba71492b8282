// usage: vesta_checkpoint_times FILE ROUNDS
// Loads a checkpoint mapped, copied with its CRCs verified, and for its shapes alone; prints the median times in
// milliseconds and the memory that was touched, as JSON. tests/interop/bench.py sets them beside torch.load.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <vector>

#include <vesta/checkpoint.h>
#include <nlohmann/json.hpp>

#include "tools/checkpoint_report.h"

namespace {

long pages_touched() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

nlohmann::json measure(int rounds, const std::function<bool()>& load) {
  std::vector<double> times;
  long pages = 0;
  for (int i = 0; i < rounds; ++i) {
    const long before = pages_touched();
    const auto start = std::chrono::steady_clock::now();
    if (!load()) std::exit(1);
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    pages = pages_touched() - before;
  }
  std::sort(times.begin(), times.end());
  return {{"ms", times[times.size() / 2]}, {"kib_touched", pages * 4}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: vesta_checkpoint_times FILE ROUNDS\n", 2;
  const std::string path = argv[1];
  const int rounds = std::max(1, std::atoi(argv[2]));
  const auto load = [&](bool mapped) {
    vesta::CheckpointOptions options;
    options.immutable_file = mapped;
    const auto checkpoint = vesta::load_checkpoint(path, options);
    if (!checkpoint.ok()) std::cerr << checkpoint.status() << "\n";
    return checkpoint.ok();
  };
  const nlohmann::json result = {
      {"mapped", measure(rounds, [&] { return load(true); })},
      {"copied", measure(rounds, [&] { return load(false); })},
      {"inspected", measure(rounds, [&] { return vesta::tools::open_value_file(path, false).ok(); })}};
  std::cout << result.dump() << "\n";
}
