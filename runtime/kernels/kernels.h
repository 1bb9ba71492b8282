#pragma once

// Declares every kernel that a row of ir/builtin_ops.def names: a row without a kernel does not link.

#include "absl/status/status.h"
#include "ir/program.h"

namespace vesta::runtime::kernels {

#define VESTA_BUILTIN(kernel, schema) absl::Status kernel(ir::Stack& stack);
#include "ir/builtin_ops.def"
#undef VESTA_BUILTIN

}  // namespace vesta::runtime::kernels
