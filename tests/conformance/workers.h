#pragma once

// Runs many jobs in child processes, so that one that kills its process, or never ends, costs only itself.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace vesta::conformance {

struct JobResult {
  std::string text;  // what the job returned, or how its process ended
  bool died = false;
};

// Results in the order of the jobs. `job(i)` runs in one of `processes` children; a job that takes more than
// `seconds` is killed. `progress(done)` is called in this process. REQUIRES: this process has one thread.
std::vector<JobResult> run_jobs(size_t jobs, size_t processes, unsigned seconds,
                                const std::function<std::string(size_t)>& job,
                                const std::function<void(size_t)>& progress);

}  // namespace vesta::conformance
