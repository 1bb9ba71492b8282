// Inside of a branch its condition is known, and behind an If of which one branch always raises the other way was
// taken: what asks again gets a constant. This is how a check that an earlier one has proven vanishes.

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

bool always_raises(const Block& block) {
  for (const Node* node : block.nodes()) {
    if (node->kind() == prim::RaiseException) return true;
  }
  return false;
}

bool lies_in(const Node* node, const Block* block) {
  for (const Block* around = node->owning_block(); around != nullptr; around = around->parent()) {
    if (around == block) return true;
  }
  return false;
}

class Propagator {
 public:
  explicit Propagator(Graph& graph) : graph_(graph) {}

  bool run() {
    for_each_node(graph_.block(), [&](Node* node) {
      if (node->kind() == prim::If && constant_of(node->input(0)) == nullptr) branch(node);
    });
    return changed_;
  }

 private:
  void branch(Node* node) {
    Value* condition = node->input(0);
    const bool first_raises = always_raises(*node->block(0));
    const bool second_raises = always_raises(*node->block(1));
    const std::vector<ir::Use> uses = condition->uses();
    for (const ir::Use& use : uses) {
      if (use.user == node) continue;
      if (lies_in(use.user, node->block(0))) {
        decide(use, true);
      } else if (lies_in(use.user, node->block(1))) {
        decide(use, false);
      } else if (first_raises != second_raises && node->is_before(use.user) && dominates(node, use.user)) {
        decide(use, second_raises);
      }
    }
  }

  // Whether the user is in the block of the If or in one inside.
  static bool dominates(const Node* node, const Node* user) { return lies_in(user, node->owning_block()); }

  void decide(const ir::Use& use, bool value) {
    Node* constant = graph_.create_constant(value);
    constant->set_place_of(*use.user);
    // In front of a return node: at the end of its block.
    constant->insert_before(use.user);
    use.user->replace_input(use.index, constant->output());
    changed_ = true;
  }

  Graph& graph_;
  bool changed_ = false;
};

}  // namespace

absl::StatusOr<bool> propagate_conditions(Graph& graph, PassContext&) { return Propagator(graph).run(); }

}  // namespace vesta::passes
