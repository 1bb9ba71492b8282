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
absl::StatusOr<c10::IValue> call_any(const Callee& callee, std::vector<c10::IValue> arguments,
                                     const CallOptions& options) {
  runtime::CallOptions run_options;
  run_options.limits = options.limits;
  std::optional<runtime::PrintScope> print;
  if (options.print) print.emplace(&options.print);
  VESTA_RETURN_IF_ERROR(runtime::Runner::standard().run(callee, arguments, run_options));
  if (arguments.size() == 1) return std::move(arguments.front());
  if (arguments.empty()) return c10::IValue();
  return c10::IValue(c10::ivalue::Tuple::create(std::move(arguments)));
}

}  // namespace

absl::StatusOr<c10::IValue> call(const ir::Function& function, std::vector<c10::IValue> arguments,
                                 const CallOptions& options) {
  return call_any(function, std::move(arguments), options);
}

absl::StatusOr<c10::IValue> call(const std::shared_ptr<const runtime::Code>& code, std::vector<c10::IValue> arguments,
                                 const CallOptions& options) {
  return call_any(code, std::move(arguments), options);
}

absl::Status run_while_loading(const ir::Function& function, ir::Stack& stack) {
  // About a second of a loop: who opens a file cannot be kept for ever.
  constexpr int64_t kInstructions = 100'000'000;
  runtime::CallOptions options;
  options.limits.fuel = kInstructions;
  return runtime::Runner::standard().run(function, stack, options);
}

}  // namespace vesta::internal
