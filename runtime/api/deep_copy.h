#pragma once

// Copies of values that keep what is shared shared: identity of containers, objects and tensors, and storages under
// tensors.

#include <functional>
#include <optional>
#include <unordered_map>

#include <ATen/core/Tensor.h>
#include <ATen/core/class_type.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta::internal {

// Copies tensors, lists, dicts, tuples and objects of program classes, cycles included; strings, enums, futures and
// objects of C++ classes are immutable or not ours to copy: they are shared. One use; not thread-safe.
class DeepCopier {
 public:
  struct Options {
    // Where copied tensors go; none: where the original is.
    std::optional<c10::Device> device;
    // Tells for an attribute of a module whether tensors in it are shared with the copy. Null: none are.
    std::function<bool(const c10::ClassType& type, size_t slot)> share_tensors;
    bool keep_requires_grad = true;
    // Tells which tensors the copy takes over, for the original is not used again. Null: none.
    std::function<bool(const at::Tensor&)> takes;
  };
  explicit DeepCopier(Options options) : options_(std::move(options)) {}

  // ResourceExhausted where memory does not suffice or values nest too deep; what libtorch says where it cannot copy
  // a tensor.
  absl::StatusOr<c10::IValue> copy(const c10::IValue& value);

 private:
  // These throw; copy() catches.
  c10::IValue any(const c10::IValue& value);
  c10::IValue container(const c10::IValue& value);
  c10::IValue object(const c10::IValue& value);
  at::Tensor tensor(const at::Tensor& original);
  at::Tensor strided(const at::Tensor& original);
  void share_first(const c10::IValue& root);

  Options options_;
  std::unordered_map<const void*, c10::IValue> copies_;
  std::unordered_map<const void*, c10::Storage> storages_;
  size_t depth_ = 0;
  bool sharing_ = false;
};

}  // namespace vesta::internal
