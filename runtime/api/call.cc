#include "runtime/api/call.h"

#include <optional>
#include <utility>

#include "ir/support/status.h"
#include "runtime/kernels/print_handler.h"
#include "runtime/runner.h"

namespace vesta::internal {

void prepare(ir::Program& program) { program.set_runner(&runtime::Runner::standard()); }

namespace {

// `callee`: what Runner::run takes first.
template <class Callee>
absl::StatusOr<c10::IValue> call_any(const Callee& callee, ir::Stack& stack, const CallOptions& options) {
  runtime::CallOptions run_options;
  run_options.limits = options.limits;
  std::optional<runtime::PrintScope> print;
  if (options.print) print.emplace(&options.print);
  VESTA_RETURN_IF_ERROR(runtime::Runner::standard().run(callee, stack, run_options));
  if (stack.size() == 1) return std::move(stack.front());
  if (stack.empty()) return c10::IValue();
  return c10::IValue(c10::ivalue::Tuple::create(std::move(stack)));
}

}  // namespace

absl::StatusOr<c10::IValue> call(const ir::Function& function, ir::Stack& stack, const CallOptions& options) {
  return call_any(function, stack, options);
}

absl::StatusOr<c10::IValue> call(const std::shared_ptr<const runtime::Code>& code, ir::Stack& stack,
                                 const CallOptions& options) {
  return call_any(code, stack, options);
}

absl::Status run_while_loading(const ir::Function& function, ir::Stack& stack) {
  // About a second of a loop: who opens a file cannot be kept for ever.
  constexpr int64_t kInstructions = 100'000'000;
  runtime::CallOptions options;
  options.limits.fuel = kInstructions;
  return runtime::Runner::standard().run(function, stack, options);
}

}  // namespace vesta::internal
