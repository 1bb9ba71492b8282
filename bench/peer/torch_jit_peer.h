#pragma once

// torch::jit behind three functions, so that a program that compares itself with it in one process needs none
// of its headers.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/ivalue.h>

#include "absl/status/statusor.h"

namespace vesta::bench {

// An archive loaded by torch::jit, on the CPU and with torch::jit's default settings. A copyable handle.
// Not thread-safe.
class TorchJitPeer {
 public:
  // Errors carry torch::jit's own message, as Internal.
  static absl::StatusOr<TorchJitPeer> load(const std::string& path);
  absl::StatusOr<c10::IValue> run_method(const std::string& name, std::vector<c10::IValue> arguments);
  absl::StatusOr<c10::IValue> forward(std::vector<c10::IValue> arguments) {
    return run_method("forward", std::move(arguments));
  }

 private:
  struct State;
  explicit TorchJitPeer(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace vesta::bench
