#pragma once

// Runs functions: the entrance to the runtime.

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/program.h"
#include "ir/support/limits.h"
#include "runtime/bytecode.h"
#include "runtime/task_pool.h"

namespace vesta::runtime {

struct CallOptions {
  CallLimits limits;
  // Depth of calls between functions; beyond it: ResourceExhausted.
  int64_t call_depth = Limits().call_depth;
};

// Thread-safe, and so are its methods: many threads may run one function at once.
//
// Errors (all with the program's source lines, see errors.h): InvalidArgument (the program or its input is wrong),
// Unimplemented (an operator is missing), ResourceExhausted, Cancelled, DeadlineExceeded (a limit), Internal.
class Runner final : public ir::FunctionRunner {
 public:
  // Forked calls run on `pool`, which must outlive the runner and all calls.
  explicit Runner(TaskPool& pool) : pool_(pool) {}

  // The runner of the standard pool.
  static const Runner& standard();

  // With the limits of the call that this is made from, if any.
  absl::Status run(const ir::Function& function, ir::Stack& stack) const override;
  // Arguments in schema order, the object first for a method, all of them given; replaced by the results.
  absl::Status run(const ir::Function& function, ir::Stack& stack, const CallOptions& options) const;
  // The same for code that no function owns; it lives at least as long as the call's tasks.
  absl::Status run(const std::shared_ptr<const Code>& code, ir::Stack& stack, const CallOptions& options) const;
  // A graph on its own: for tests.
  absl::Status run(const ir::Graph& graph, ir::Stack& stack, const CallOptions& options = {}) const;

  // The function's bytecode, lowered now if it was not yet.
  static absl::StatusOr<const Code*> code(const ir::Function& function);

 private:
  absl::Status execute(const Code& code, ir::Stack& stack, const std::shared_ptr<class RunControl>& control) const;

  TaskPool& pool_;
};

}  // namespace vesta::runtime
