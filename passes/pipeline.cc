// Passes make work for each other (a call that is inlined brings branches that a constant decides, which bring calls),
// so the passes of a stage, and those of the stages before it, take turns until a whole round changes nothing. Rounds
// are bounded: a pair of passes that undo each other's work would be a bug, which checked builds report.

#include "passes/pipeline.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "ir/verifier.h"

namespace vesta::passes {
namespace {

constexpr int kMaxRounds = 64;
constexpr Stage kStages[] = {Stage::kUnfold, Stage::kSimplify, Stage::kFold, Stage::kFinal};

// Each level of nested calls and branches takes a round to unfold; that has bounds of its own.
absl::Status run_stage(Stage stage, ir::Graph& graph, PassContext& context) {
  for (int round = 0; round < kMaxRounds; ++round) {
    bool changed = false;
    for (const PassInfo& pass : all_passes()) {
      const bool takes_part = stage == Stage::kFinal ? pass.stage == stage : pass.stage <= stage;
      if (!takes_part) continue;
      VESTA_ASSIGN_OR_RETURN(const bool did, run_pass(pass, graph, context));
      changed = changed || did;
    }
    if (!changed || stage == Stage::kFinal) break;
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<PassInfo>& all_passes() {
  static const std::vector<PassInfo> passes = {
#define VESTA_PASS(name, level, stage, reason) {#name, Level::level, Stage::stage, reason, &name},
#include "passes/passes.def"
#undef VESTA_PASS
  };
  return passes;
}

const PassInfo* find_pass(std::string_view name) {
  const std::vector<PassInfo>& passes = all_passes();
  const auto it = std::find_if(passes.begin(), passes.end(), [&](const PassInfo& pass) { return pass.name == name; });
  return it == passes.end() ? nullptr : &*it;
}

absl::StatusOr<bool> run_pass(const PassInfo& pass, ir::Graph& graph, PassContext& context) {
  if (!context.at_least(pass.level)) return false;
  if (std::find(context.without.begin(), context.without.end(), pass.name) != context.without.end()) return false;
  VESTA_ASSIGN_OR_RETURN(const bool changed, pass.run(graph, context));
  if (!changed) return false;
#ifdef VESTA_CHECKED
  const absl::Status verified = ir::verify(graph);
  if (!verified.ok()) {
    return absl::InternalError(absl::StrCat("after pass '", std::string(pass.name), "': ", verified.message()));
  }
#endif
  if (context.on_change) context.on_change(pass.name, graph);
  return true;
}

absl::Status optimize(ir::Graph& graph, PassContext& context) {
  if (context.level == Level::kPlain) return absl::OkStatus();
  for (const Stage stage : kStages) VESTA_RETURN_IF_ERROR(run_stage(stage, graph, context));
  return absl::OkStatus();
}

}  // namespace vesta::passes
