#pragma once

// One operator, called outside of a program: what constants are folded with.

#include <vector>

#include <ATen/core/ivalue.h>

#include "absl/status/statusor.h"
#include "ir/operator.h"

namespace vesta::runtime {

// The results for these arguments (all of them, in schema order), with gradients and inference mode off. What the
// operator fails with, and what ATen throws, becomes a status. Thread-safe.
absl::StatusOr<std::vector<c10::IValue>> evaluate_operator(const ir::Operator& op, std::vector<c10::IValue> arguments);

}  // namespace vesta::runtime
