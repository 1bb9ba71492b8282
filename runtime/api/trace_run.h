#pragma once

// Runs of traced code: recorded, with the state as before afterwards and with random numbers that can be had again.

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Generator.h>
#include <ATen/core/ivalue.h>
#include <vesta/trace.h>

#include "absl/status/statusor.h"
#include "tracer/recorder.h"

namespace vesta::internal {

// While it lives, the CPU's default generator gives the numbers of a known seed; afterwards it goes on as before.
class KnownRandomNumbers {
 public:
  KnownRandomNumbers();
  ~KnownRandomNumbers();
  KnownRandomNumbers(const KnownRandomNumbers&) = delete;
  KnownRandomNumbers& operator=(const KnownRandomNumbers&) = delete;

 private:
  at::Generator generator_;
  at::Tensor state_;
};

// What one run left behind.
struct RecordedRun {
  std::unique_ptr<tracer::Recorder> recorder;
  c10::IValue result;               // copies: what the run wrote elsewhere is undone
  std::vector<c10::IValue> inputs;  // as the run left them
};

// `title`: of the graph's source positions. The recorder has seen finish(). Random numbers start from one seed, and the
// generator's state and the grad mode are as before afterwards.
absl::StatusOr<RecordedRun> record_run(const TraceFunction& function, const Example& example,
                                       const std::vector<std::string>& input_names,
                                       const tracer::Surroundings& surroundings, const std::string& title);

// A copy in which what shares memory does so too.
absl::StatusOr<std::vector<c10::IValue>> copy_values(const std::vector<c10::IValue>& values);

}  // namespace vesta::internal
