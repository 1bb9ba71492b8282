#pragma once

// Declares every kernel that a row of ir/builtin_ops.def names, in both forms: a row without a kernel does not link.

#include "absl/status/status.h"
#include "ir/program.h"
#include "runtime/kernels/registry.h"

namespace vesta::runtime::kernels {

#define VESTA_BUILTIN(kernel, schema)    \
  absl::Status kernel(ir::Stack& stack); \
  extern const DirectKernel kernel##_direct;
#include "ir/builtin_ops.def"
#undef VESTA_BUILTIN

}  // namespace vesta::runtime::kernels
