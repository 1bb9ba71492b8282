// Nodes whose results nobody reads, and that do nothing else, go; so do results of branches and carried values of loops
// that nobody reads. At Level::kExact a node that may fail stays, and so does a loop, which may never end.

#include "ir/effects.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;

class Sweeper {
 public:
  explicit Sweeper(const PassContext& context) : may_drop_failures_(context.at_least(Level::kFast)) {}

  // Backwards, so that what only a removed node read goes in the same sweep.
  bool block(Block* body) {
    bool changed = false;
    for (Node* node = body->last(); node != nullptr;) {
      Node* before = node->prev();
      if (is_dead(*node)) {
        node->destroy();
        changed = true;
      } else {
        if (node->kind() == c10::prim::If) changed = trim_if(node) || changed;
        if (node->kind() == c10::prim::Loop) changed = trim_loop(node) || changed;
        for (Block* inner : node->blocks()) changed = block(inner) || changed;
      }
      node = before;
    }
    return changed;
  }

 private:
  bool is_dead(const Node& node) const {
    for (const Value* output : node.outputs()) {
      if (output->has_uses()) return false;
    }
    return is_removable(node);
  }

  bool is_removable(const Node& node) const {
    if (node.kind() == c10::prim::If || (node.kind() == c10::prim::Loop && may_drop_failures_)) {
      for (const Block* inner : node.blocks()) {
        for (const Node* one : inner->nodes()) {
          if (!is_removable(*one)) return false;
        }
      }
      return true;
    }
    if (!node.blocks().empty() || ir::has_side_effects(node)) return false;
    return may_drop_failures_ || !ir::may_fail(node);
  }

  static bool trim_if(Node* node) {
    bool changed = false;
    for (size_t i = node->outputs().size(); i-- > 0;) {
      if (node->output(i)->has_uses()) continue;
      node->erase_output(i);
      for (Block* branch : node->blocks()) branch->erase_output(i);
      changed = true;
    }
    return changed;
  }

  // A carried value that nobody reads but the next round, which hands it on.
  static bool trim_loop(Node* node) {
    bool changed = false;
    Block* body = node->block(0);
    for (size_t i = node->outputs().size(); i-- > 0;) {
      const Value* carried = body->inputs()[i + 1];
      if (node->output(i)->has_uses()) continue;
      bool read = false;
      for (const ir::Use& use : carried->uses()) read = read || use.user != body->return_node() || use.index != i + 1;
      if (read) continue;
      body->erase_output(i + 1);
      body->erase_input(i + 1);
      node->erase_output(i);
      node->remove_input(i + 2);
      changed = true;
    }
    return changed;
  }

  const bool may_drop_failures_;
};

}  // namespace

absl::StatusOr<bool> eliminate_dead_code(Graph& graph, PassContext& context) {
  return Sweeper(context).block(graph.block());
}

}  // namespace vesta::passes
