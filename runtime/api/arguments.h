#pragma once

// Arguments of a call, against the schema of what is called: checked and converted without exceptions.

#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <vesta/method.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta::internal {

// Makes `value` a value of `type` as Method::operator() promises. "" on success, else what it is instead: "got int", or
// "got str in element 2".
std::string convert(c10::IValue& value, const c10::TypePtr& type);

// The arguments in schema order, defaults filled in. `bound` is how many leading arguments of the schema are not
// the caller's business (1 for a method, whose self the result does not hold).
// Errors: InvalidArgument with all that is wrong, a line each, and the signature.
absl::StatusOr<std::vector<c10::IValue>> bind_arguments(const c10::FunctionSchema& schema, size_t bound,
                                                        std::vector<c10::IValue> args, const Kwargs& kwargs);

// "forward(x: Tensor, n: int=1) -> Tensor", without the first `bound` arguments.
std::string signature(const c10::FunctionSchema& schema, size_t bound);

// As an annotation in TorchScript source: "Optional[List[int]]".
std::string annotation(const c10::TypePtr& type);

}  // namespace vesta::internal
