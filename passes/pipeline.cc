// Passes make work for each other (a call that is inlined brings branches that a constant decides, which bring calls),
// so the passes of a stage, and those of the stages before it, take turns until a whole round changes nothing. Rounds
// are bounded: a pair of passes that undo each other's work would be a bug, which checked builds report. A pass is not
// asked again about a graph that has not changed since: it would change nothing (passes/pass.h).

#include "passes/pipeline.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "ir/verifier.h"

namespace vesta::passes {
namespace {

constexpr int kMaxRounds = 64;
constexpr Stage kStages[] = {Stage::kUnfold, Stage::kSimplify, Stage::kFold, Stage::kFinal};

class Pipeline {
 public:
  Pipeline(ir::Graph& graph, PassContext& context)
      : graph_(graph), context_(context), seen_(all_passes().size(), kNever) {}

  // Each level of nested calls and branches takes a round to unfold; that has bounds of its own.
  absl::Status run(Stage stage) {
    const std::vector<PassInfo>& passes = all_passes();
    for (int round = 0; round < kMaxRounds; ++round) {
      const size_t before = state_;
      for (size_t i = 0; i < passes.size(); ++i) {
        const bool takes_part = stage == Stage::kFinal ? passes[i].stage == stage : passes[i].stage <= stage;
        if (!takes_part || seen_[i] == state_) continue;
        VESTA_ASSIGN_OR_RETURN(const bool changed, run_pass(passes[i], graph_, context_));
        if (changed) ++state_;
        seen_[i] = state_;
      }
      if (state_ == before || stage == Stage::kFinal) break;
    }
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kNever = SIZE_MAX;
  ir::Graph& graph_;
  PassContext& context_;
  size_t state_ = 0;          // Counts the changes of the graph.
  std::vector<size_t> seen_;  // By pass: the state that it has left.
};

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
  if (context.leaves_out(pass.name)) return false;
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
  Pipeline pipeline(graph, context);
  for (const Stage stage : kStages) VESTA_RETURN_IF_ERROR(pipeline.run(stage));
  return absl::OkStatus();
}

}  // namespace vesta::passes
