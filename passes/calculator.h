#pragma once

// Arithmetic on constants for passes that derive new weights from old ones.

#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "passes/pass.h"

namespace vesta::passes {

// Calls operators through the context's evaluator. Once a call has failed, or an argument was missing, every further
// one gives nothing: a chain of them is checked at its end.
class Calculator {
 public:
  explicit Calculator(const PassContext& context) : context_(context) {}

  // The operator's one result for these arguments, the rest of which take their defaults.
  c10::IValue call(std::string_view name, std::string_view overload, std::vector<c10::IValue> arguments);
  bool ok() const { return ok_; }

 private:
  const PassContext& context_;
  bool ok_ = true;
};

// The tensor that a value is, where it is a constant, strided, and needs no gradient.
std::optional<at::Tensor> constant_tensor(const ir::Value* value);

}  // namespace vesta::passes
