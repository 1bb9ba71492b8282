#pragma once

// Operators that are TorchScript source themselves: `2 * tensor`, `x.shape`, `x.T`. Their bodies are emitted
// in place of the call.

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/function_schema.h>

#include "absl/status/statusor.h"
#include "frontend/ast.h"

namespace vesta::frontend {

struct BuiltinSource {
  c10::FunctionSchema schema;  // named as the operator
  const Function* def = nullptr;
};

// Those of a name ("aten::mul"), in the order in which they are tried; they come behind the catalog's own
// candidates. Empty for most. The pointers live as long as the process. Thread-safe.
const std::vector<const BuiltinSource*>& builtin_sources(const std::string& name);

}  // namespace vesta::frontend
