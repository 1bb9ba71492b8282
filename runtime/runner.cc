#include "runtime/runner.h"

#include "ir/support/status.h"
#include "runtime/lowering.h"
#include "runtime/machine.h"

namespace vesta::runtime {
namespace {

// Tells the call's tasks that the caller's cancel flag is gone.
struct FinishCall {
  RunControl& control;
  ~FinishCall() { control.finish_call(); }
};

bool is_plain(const CallOptions& options) {
  const CallLimits& limits = options.limits;
  return !limits.fuel.has_value() && !limits.deadline.has_value() && limits.cancel == nullptr &&
         options.call_depth == RunControl::unlimited()->call_depth();
}

}  // namespace

const Runner& Runner::standard() {
  static const Runner runner(TaskPool::standard());
  return runner;
}

absl::StatusOr<const Code*> Runner::code(const ir::Function& function) {
  const ir::CompiledCode* compiled = function.code_if_made();
  if (compiled == nullptr) {
    VESTA_ASSIGN_OR_RETURN(compiled, function.code([&function] { return lower_as_compiled(function); }));
  }
  return static_cast<const Code*>(compiled);
}

absl::Status Runner::execute(const Code& code, ir::Stack& stack, const std::shared_ptr<RunControl>& control) const {
  MachineLease machine;
  VESTA_RETURN_IF_ERROR(machine->start(code, stack, control, pool_));
  if (machine->run() == Machine::Outcome::kFailed) return machine->error();
  machine->take_results(stack);
  return absl::OkStatus();
}

absl::Status Runner::run(const ir::Function& function, ir::Stack& stack) const {
  VESTA_ASSIGN_OR_RETURN(const Code* made, code(function));
  const std::shared_ptr<RunControl>* outer = Machine::current_control();
  return execute(*made, stack, outer != nullptr ? *outer : RunControl::unlimited());
}

absl::Status Runner::run(const ir::Function& function, ir::Stack& stack, const CallOptions& options) const {
  VESTA_ASSIGN_OR_RETURN(const Code* made, code(function));
  const PrintHandler* print = PrintScope::current();
  if (is_plain(options) && print == nullptr) return execute(*made, stack, RunControl::unlimited());
  const auto control = std::make_shared<RunControl>(options.limits, options.call_depth, print);
  const FinishCall finish{*control};
  return execute(*made, stack, control);
}

absl::Status Runner::run(const ir::Graph& graph, ir::Stack& stack, const CallOptions& options) const {
  VESTA_ASSIGN_OR_RETURN(std::unique_ptr<Code> made, lower(graph, "graph", nullptr));
  return run(std::shared_ptr<const Code>(std::move(made)), stack, options);
}

absl::Status Runner::run(const std::shared_ptr<const Code>& code, ir::Stack& stack, const CallOptions& options) const {
  const PrintHandler* print = PrintScope::current();
  if (!code->forks && is_plain(options) && print == nullptr) return execute(*code, stack, RunControl::unlimited());
  const auto control = std::make_shared<RunControl>(options.limits, options.call_depth, print);
  control->owner = code;
  const FinishCall finish{*control};
  return execute(*code, stack, control);
}

}  // namespace vesta::runtime
