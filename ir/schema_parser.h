#pragma once

// The text of an operator's schema, as PyTorch writes it:
//   aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor

#include <string_view>

#include <ATen/core/function_schema.h>

#include "absl/status/statusor.h"

namespace vesta::ir {

// Parses a schema: types with alias annotations, defaults, `*`, `...`, named results, overload names.
// Names of one lower-case letter (`t`, `tVal`) are type variables. InvalidArgument with the position where it
// is not one. Thread-safe.
absl::StatusOr<c10::FunctionSchema> parse_schema(std::string_view text);

}  // namespace vesta::ir
