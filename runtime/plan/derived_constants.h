#pragma once

// Tensors that are computed once from a module's constants and shared by all plans of a group: folded weights, the
// scale and shift of a batch norm, weights in a primitive's own layout.

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "absl/container/flat_hash_map.h"

namespace vesta::runtime::plan {

// Thread-safe.
class DerivedConstants {
 public:
  // The tensor that `make` gives for these sources, made at the first call with this name and these tensors. Sources
  // are told apart by identity and stay alive. What `make` throws passes through.
  at::Tensor get(const std::string& name, const std::vector<at::Tensor>& sources,
                 const std::function<at::Tensor()>& make);

 private:
  struct Entry {
    std::vector<at::Tensor> sources;
    at::Tensor value;
  };
  std::mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace vesta::runtime::plan
