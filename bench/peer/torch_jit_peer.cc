#include "bench/peer/torch_jit_peer.h"

#include <exception>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include "absl/status/status.h"

namespace vesta::bench {

struct TorchJitPeer::State {
  torch::jit::Module module;
};

absl::StatusOr<TorchJitPeer> TorchJitPeer::load(const std::string& path) {
  try {
    return TorchJitPeer(std::make_shared<State>(State{torch::jit::load(path, c10::kCPU)}));
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

absl::StatusOr<c10::IValue> TorchJitPeer::run_method(const std::string& name, std::vector<c10::IValue> arguments) {
  try {
    return state_->module.get_method(name)(std::move(arguments));
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace vesta::bench
