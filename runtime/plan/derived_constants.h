#pragma once

// Tensors that are computed once from a module's constants and shared by all plans of one function: folded weights, the
// scale and shift of a batch norm, weights in a primitive's own layout.

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "absl/container/flat_hash_map.h"
#include "runtime/plan/huge_pages.h"

namespace vesta::runtime::plan {

// Thread-safe.
class DerivedConstants {
 public:
  struct Entry {
    std::string name;
    std::vector<at::Tensor> sources;
    at::Tensor value;
    // It came from a file: that it has the form which its user relies on is not known yet.
    bool is_unchecked = false;
  };

  // The tensor that `make` gives for these sources, made at the first call with this name and these tensors. Sources
  // are told apart by identity and stay alive. What `make` throws passes through.
  // A tensor of a file is taken where it is contiguous, of dtype and sizes of `form`; without a form `make`, which
  // has to be cheap then, is asked what the tensor looks like.
  struct Form {
    c10::ScalarType dtype;
    std::vector<int64_t> sizes;
  };
  at::Tensor get(const std::string& name, const std::vector<at::Tensor>& sources,
                 const std::function<at::Tensor()>& make, const std::optional<Form>& form = std::nullopt);

  // Bytes for what is being made. REQUIRES: called by the `make` of a get() that runs.
  at::Tensor new_bytes(int64_t count) { return slab_.take(count); }

  // What get() gave or set() put in; undefined where there is nothing. Of a file's its form is not known.
  at::Tensor find(const std::string& name, const std::vector<at::Tensor>& sources) const;
  // Puts it in, or in the place of what is there.
  void set(const std::string& name, std::vector<at::Tensor> sources, at::Tensor value);

  // Puts in a tensor of a file; nothing where there is one of that name and sources.
  void restore(const std::string& name, std::vector<at::Tensor> sources, at::Tensor value);

  // In the order in which they were made: sources that are derived themselves come before what is made of them.
  std::vector<Entry> entries() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  TensorSlab slab_;
  absl::flat_hash_map<std::string, size_t> numbers_;
};

}  // namespace vesta::runtime::plan
