#pragma once

// Two contenders in one process that take turns, so that whatever else the machine does meets both.

#include <cstdint>
#include <functional>
#include <vector>

#include <benchmark/benchmark.h>

namespace vesta::bench {

// Wall time of one run.
double seconds(const std::function<void()>& work);

// CPU time of this thread: what is to be told apart in less than a millisecond must not wait for another process.
double cpu_seconds(const std::function<void()>& work);

// REQUIRES: there are some.
double median(std::vector<double> numbers);

// Each iteration runs both, each of which tells its own seconds; Vesta's is the benchmark's. Counters: the medians in
// milliseconds, and the median of the ratios (below 1: Vesta is faster).
void compare(benchmark::State& state, const std::function<double()>& ours, const std::function<double()>& theirs);

}  // namespace vesta::bench
