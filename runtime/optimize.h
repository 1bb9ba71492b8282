#pragma once

// Functions through the optimizer (passes/pipeline.h) to bytecode.

#include <memory>

#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "ir/program.h"
#include "passes/pass.h"
#include "runtime/bytecode.h"

namespace vesta::runtime {

// A copy of the function's graph, optimized. The context says how far and what is known; its function, evaluator and
// uses_autocast are filled in here. FailedPrecondition: the function has no body. Internal: a bug of a pass.
absl::StatusOr<std::shared_ptr<ir::Graph>> optimized_graph(const ir::Function& function, passes::PassContext context);

// The bytecode of that. The function's own graph and code stay as they are.
absl::StatusOr<std::shared_ptr<const Code>> optimized_code(const ir::Function& function, passes::PassContext context);

}  // namespace vesta::runtime
