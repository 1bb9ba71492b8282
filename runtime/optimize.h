#pragma once

// Functions through the optimizer (passes/pipeline.h) to bytecode.

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "ir/program.h"
#include "passes/pass.h"
#include "runtime/bytecode.h"
#include "runtime/plan/derived_constants.h"

namespace vesta::runtime {

// Which of a call's arguments are None, by bits; the first 64 arguments count, those whose type is no Optional do not.
using AbsentArguments = uint64_t;

// A copy of the function's graph, optimized for calls with these arguments absent, whose inputs have the type NoneType.
// The context says how far and what is known; its function, evaluator and uses_autocast are filled in here.
// FailedPrecondition: the function has no body. Internal: a bug of a pass.
absl::StatusOr<std::shared_ptr<ir::Graph>> optimized_graph(const ir::Function& function, passes::PassContext context,
                                                           AbsentArguments absent = 0);
// What the graph was made for.
AbsentArguments absent_arguments(const ir::Graph& optimized);

// The bytecode of that. The function's own graph and code stay as they are. Its plans share `constants`.
absl::StatusOr<std::shared_ptr<const Code>> optimized_code(const ir::Function& function, const ir::Graph& optimized,
                                                           std::shared_ptr<plan::DerivedConstants> constants);

// What optimized graphs and derived constants hold for: the same text, the same meaning. Versions and machine.
std::string optimization_target();

}  // namespace vesta::runtime
