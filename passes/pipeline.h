#pragma once

// The optimizer: all passes of a level in their order.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "passes/pass.h"

namespace vesta::passes {

// Stages of the pipeline, in their order.
enum class Stage : uint8_t { kUnfold, kSimplify, kFold, kFinal };

struct PassInfo {
  std::string_view name;
  Level level;
  Stage stage;
  std::string_view reason;
  Pass run;
};

// The rows of passes/passes.def.
const std::vector<PassInfo>& all_passes();
// Null where there is none of this name.
const PassInfo* find_pass(std::string_view name);

// Runs one pass: not where its level is above the context's or its name is switched off. In checked builds a graph
// that it has changed is verified. True where it changed something. Errors are bugs of the pass: Internal.
absl::StatusOr<bool> run_pass(const PassInfo& pass, ir::Graph& graph, PassContext& context);

// Runs all of them. The graph is unspecified where an error is returned.
absl::Status optimize(ir::Graph& graph, PassContext& context);

}  // namespace vesta::passes
