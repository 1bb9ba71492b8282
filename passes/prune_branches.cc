// An If whose condition is a constant becomes the branch that is taken; a Loop that never runs becomes its initial
// values.

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::Block;
using ir::Graph;
using ir::Node;

void replace_by(Node* node, size_t output, ir::Value* value) { node->output(output)->replace_all_uses_with(value); }

bool prune_if(Node* node) {
  const bool taken = is_constant(node->input(0), true);
  if (!taken && !is_constant(node->input(0), false)) return false;
  Block* block = node->block(taken ? 0 : 1);
  for (size_t i = 0; i < node->outputs().size(); ++i) replace_by(node, i, block->outputs()[i]);
  move_nodes_before(node, block);
  node->destroy();
  return true;
}

bool prune_loop(Node* node) {
  const c10::IValue* trips = constant_of(node->input(0));
  const bool never = is_constant(node->input(1), false) || (trips != nullptr && trips->isInt() && trips->toInt() <= 0);
  if (!never) return false;
  for (size_t i = 0; i < node->outputs().size(); ++i) replace_by(node, i, node->input(i + 2));
  node->destroy();
  return true;
}

}  // namespace

absl::StatusOr<bool> prune_branches(Graph& graph, PassContext&) {
  bool changed = false;
  for_each_node(graph.block(), [&](Node* node) {
    // Each may destroy the node.
    if (node->kind() == c10::prim::If) {
      changed = prune_if(node) || changed;
    } else if (node->kind() == c10::prim::Loop) {
      changed = prune_loop(node) || changed;
    }
  });
  return changed;
}

}  // namespace vesta::passes
