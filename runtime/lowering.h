#pragma once

// From graphs to bytecode.

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "ir/program.h"
#include "runtime/bytecode.h"

namespace vesta::runtime {

// The code of a graph. `program` owns the classes that the graph creates objects of; null where it has none.
// InvalidArgument or Unimplemented, with the node's source line, where a node cannot be executed: an unknown
// kind, an operator that was not resolved, an attribute that the class does not have. Thread-safe.
// `constants`: what its plans share; null: a set of its own.
absl::StatusOr<std::unique_ptr<Code>> lower(const ir::Graph& graph, std::string name, const ir::Program* program,
                                            std::shared_ptr<plan::DerivedConstants> constants = nullptr);

// The same for a function's body. FailedPrecondition: the function has none.
absl::StatusOr<std::unique_ptr<Code>> lower(const ir::Function& function);

// What ir::Function::code() takes.
absl::StatusOr<std::unique_ptr<ir::CompiledCode>> lower_as_compiled(const ir::Function& function);

}  // namespace vesta::runtime
