// What a loop computes anew in each round, from what does not change in it, is computed once in front of it. The loop
// may never run, so only what cannot fail is moved; where it surely runs, also what stands before anything in its body
// that could be noticed. Memory that the graph writes to may change from round to round, and results that are written
// to or seen from outside are to be new ones each time: these stay.

#include "ir/effects.h"
#include "passes/alias_analysis.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

class Hoister {
 public:
  Hoister(Graph& graph, const PassContext& context)
      : graph_(graph), modes_change_(context.uses_autocast || changes_modes(graph)), aliases_(graph) {}

  bool run() {
    for_each_node(graph_.block(), [&](Node* node) {
      if (node->kind() == prim::Loop) loop(node);
    });
    return changed_;
  }

 private:
  static bool surely_runs(const Node& loop) {
    const c10::IValue* trips = constant_of(loop.input(0));
    return is_constant(loop.input(1), true) && trips != nullptr && trips->isInt() && trips->toInt() > 0;
  }

  void loop(Node* node) {
    Block* body = node->block(0);
    bool undisturbed = surely_runs(*node);
    for (Node* one : body->nodes()) {
      if (is_invariant(*one, body) && (undisturbed || !ir::may_fail(*one))) {
        one->insert_before(node);
        changed_ = true;
        continue;
      }
      undisturbed = undisturbed && one->blocks().empty() && !ir::has_side_effects(*one) && !ir::may_fail(*one);
    }
  }

  bool is_invariant(const Node& node, const Block* body) const {
    // Constants have no code.
    if (node.kind() == prim::Constant) return is_read_by_a_candidate(node);
    if (!node.blocks().empty() || node.outputs().empty()) return false;
    for (const Value* input : node.inputs()) {
      if (input->node()->owning_block() == body) return false;
    }
    if (node.kind() == prim::Uninitialized || ir::has_side_effects(node) || ir::is_nondeterministic(node)) return false;
    if (modes_change_ && node.op() != nullptr && !node.op()->is_builtin()) return false;
    if (aliases_.reads_written_memory(node)) return false;
    if (hands_on(node)) return true;
    for (const Value* output : node.outputs()) {
      if (!is_immutable(output->type()) && (aliases_.has_writers(output) || aliases_.escapes(output))) return false;
    }
    return true;
  }

  // A constant goes first, or what reads it could not go.
  static bool is_read_by_a_candidate(const Node& constant) {
    for (const ir::Use& use : constant.output()->uses()) {
      if (use.user->owning_block() != constant.owning_block() || use.user == constant.owning_block()->return_node()) {
        continue;
      }
      if (use.user->blocks().empty() && !ir::has_side_effects(*use.user)) return true;
    }
    return false;
  }

  Graph& graph_;
  const bool modes_change_;
  const AliasAnalysis aliases_;
  bool changed_ = false;
};

}  // namespace

absl::StatusOr<bool> hoist_loop_invariants(Graph& graph, PassContext& context) { return Hoister(graph, context).run(); }

}  // namespace vesta::passes
