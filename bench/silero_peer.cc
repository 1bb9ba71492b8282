#include "bench/silero_peer.h"

#include <ATen/ops/from_blob.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

namespace vesta::bench {

struct SileroPeer::Impl {
  torch::jit::Module module;
};

SileroPeer::SileroPeer(const std::string& model_path)
    : impl_(std::make_unique<Impl>(Impl{torch::jit::load(model_path)})) {
  impl_->module.eval();
  impl_->module = torch::jit::freeze(impl_->module);
}

SileroPeer::~SileroPeer() = default;

double SileroPeer::probability(float* samples, int64_t count, int64_t rate) {
  const at::Tensor chunk = at::from_blob(samples, {count}, at::kFloat);
  return impl_->module.forward({chunk, rate}).toTensor().item<double>();
}

}  // namespace vesta::bench
