#include "bench/compare.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace vesta::bench {

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double cpu_seconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double begin = now();
  work();
  return now() - begin;
}

double median(std::vector<double> numbers) {
  std::nth_element(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2), numbers.end());
  return numbers[numbers.size() / 2];
}

void compare(benchmark::State& state, const std::function<double()>& ours, const std::function<double()>& theirs) {
  std::vector<double> our_times;
  std::vector<double> their_times;
  std::vector<double> ratios;
  for (auto _ : state) {
    their_times.push_back(theirs());
    our_times.push_back(ours());
    ratios.push_back(our_times.back() / their_times.back());
    state.SetIterationTime(our_times.back());
  }
  state.counters["vesta_ms"] = median(our_times) * 1e3;
  state.counters["jit_ms"] = median(their_times) * 1e3;
  state.counters["ratio"] = median(ratios);
}

}  // namespace vesta::bench
