#pragma once

// The trace against the code.

#include <string>
#include <vector>

#include <ATen/core/ivalue.h>
#include <vesta/trace.h>

#include "absl/status/statusor.h"

namespace vesta::internal {

// "" where the values are equal within the tolerance, in structure, dtypes and sizes too; else the first difference:
// "result[1]: largest difference 0.5".
std::string difference(const c10::IValue& expected, const c10::IValue& actual, double tolerance,
                       const std::string& name);

// Values of the same kinds, sizes and dtypes: floats and ints anywhere between the smallest and the largest of the
// original's, numbers outside of tensors unchanged. Fails where tensors cannot be filled.
absl::StatusOr<Example> made_up(const Example& example);

}  // namespace vesta::internal
