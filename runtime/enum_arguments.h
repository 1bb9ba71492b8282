#pragma once

// Programs write dtypes, layouts, memory formats and quantization schemes as ints, and may write any int. libtorch's
// operators index tables with them unchecked, so they are checked here, before the call.

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include "absl/status/status.h"

namespace vesta::runtime {

// Argument number `position` of an operator is an int that names a member of `kind`'s enumeration, or is None.
struct EnumArgument {
  uint32_t position;
  c10::TypeKind kind;
};

std::vector<EnumArgument> enum_arguments(const c10::FunctionSchema& schema);

// InvalidArgument where `value` is an int that is no member. Anything but an int passes: types are checked elsewhere.
absl::Status check_enum_value(c10::TypeKind kind, const c10::IValue& value);

// The same for each of `expected`; `arguments` are those of one call, of an operator with `schema`.
absl::Status check_enum_arguments(const c10::FunctionSchema& schema, std::span<const EnumArgument> expected,
                                  std::span<const c10::IValue> arguments);

}  // namespace vesta::runtime
