#pragma once

// The kernels of ir/builtin_ops.def: a function for each row.

#include <cstddef>
#include <cstdint>

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

// The same function without a stack: it reads its arguments where they are and counts no reference that it does not
// keep.
struct DirectKernel {
  // `arguments`: pointers to all of them, in schema order. `results`: places for as many as there are, which hold None
  // before. Null: there is only the other form. Errors as above; the results are unspecified then.
  absl::Status (*call)(const c10::IValue* const* arguments, c10::IValue* results) = nullptr;
  uint32_t arguments = 0;
  uint32_t results = 0;
};

// REQUIRES: 0 <= id < number of rows.
Kernel builtin_kernel(ir::BuiltinId id);
const DirectKernel& builtin_direct_kernel(ir::BuiltinId id);

// The kernel's name, for listings.
const char* builtin_kernel_name(ir::BuiltinId id);

}  // namespace vesta::runtime
