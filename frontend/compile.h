#pragma once

// TorchScript source as users write it, to functions and classes of a Program.

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/class_type.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/importer.h"
#include "ir/program.h"
#include "ir/support/limits.h"
#include "ir/support/source.h"

namespace vesta::frontend {

struct CompileOptions {
  // Put before the names of functions and of types, with a dot between; empty: none.
  std::string function_qualifier;
  std::string type_qualifier = "__torch__";
  Limits limits;
};

struct CompileResult {
  // Qualified names of what the text defines, in its order.
  std::vector<std::string> names;
  // Operators that no one knows; the functions that call them have no graph.
  std::vector<MissingOperator> missing;
};

// Defines the functions and classes of `source` in `program`. Parameters without annotation are Tensors, result
// types are inferred where they are not given, functions may call those that follow. Nothing of `source` may be
// defined already.
// Errors: InvalidArgument with "file:line:col: error: ...", the source line and a caret; Unimplemented with the
// list of all unknown operators; ResourceExhausted past a limit. After an error the program may hold some of
// the functions without graphs: drop it.
// One thread; `program` is not shared while this runs.
absl::StatusOr<CompileResult> compile(std::shared_ptr<const support::Source> source,
                                      const std::shared_ptr<ir::Program>& program, const CompileOptions& options = {});

// Defines the `def`s of `source` as methods of `type`, a class of `program` (torch::jit's Module::define).
absl::Status compile_methods(std::shared_ptr<const support::Source> source, const c10::ClassTypePtr& type,
                             const std::shared_ptr<ir::Program>& program, const CompileOptions& options = {});

}  // namespace vesta::frontend
