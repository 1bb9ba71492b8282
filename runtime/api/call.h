#pragma once

// The one place where the facade meets the runtime that executes programs.

#include <memory>
#include <vector>

#include <ATen/core/ivalue.h>
#include <vesta/options.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/program.h"
#include "runtime/api/context.h"

namespace vesta::runtime {
class Code;
}

namespace vesta::internal {

// Gives a program what it needs to run. Before it is shared between threads.
void prepare(ir::Program& program);

// Calls with all arguments in schema order (the object first); `stack` is left with anything.
absl::StatusOr<c10::IValue> call(const ir::Function& function, ir::Stack& stack, const CallOptions& options);

// The same of a function's optimized code.
absl::StatusOr<c10::IValue> call(const std::shared_ptr<const runtime::Code>& code, ir::Stack& stack,
                                 const CallOptions& options);

// Calls a method, or with a null object a function, as the user's handles do: arguments by place and by name, optimized
// code where the context has it.
absl::StatusOr<c10::IValue> call_method(const Context& context, const ObjectPtr& object, const ir::Function& function,
                                        std::vector<c10::IValue> args, const Kwargs& kwargs,
                                        const CallOptions& options);

// For `__setstate__` while a file is read, and `__getstate__`: `stack` as for ir::FunctionRunner. ResourceExhausted
// after 100,000,000 instructions.
absl::Status run_while_loading(const ir::Function& function, ir::Stack& stack);

}  // namespace vesta::internal
