#pragma once

// The kernels of ir/builtin_ops.def: a function for each row.

#include <cstddef>

#include "absl/status/status.h"
#include "ir/operator.h"
#include "ir/program.h"

namespace vesta::runtime {

// Takes the operator's arguments from the top of the stack (all of them, in schema order) and puts its results
// there. For schemas with `...` an int lies on top: the number of arguments below it.
// What is below the arguments stays. The stack is unspecified where an error is returned.
// InvalidArgument: a wrong value (an index out of range, a missing key); ResourceExhausted: a result above
// kernels::kMaxStringBytes or kMaxListElements. ATen's exceptions pass through. Thread-safe.
using Kernel = absl::Status (*)(ir::Stack& stack);

// REQUIRES: 0 <= id < number of rows.
Kernel builtin_kernel(ir::BuiltinId id);

// The kernel's name, for listings.
const char* builtin_kernel_name(ir::BuiltinId id);

}  // namespace vesta::runtime
