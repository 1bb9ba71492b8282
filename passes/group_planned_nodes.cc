// Puts nodes that plans know (passes/planned_ops.def) into `prim::PlannedGroup`s, as many of a block together as
// dependences allow: pure nodes, and writes to memory that the group itself made. A group takes tensors and gives
// tensors; numbers that follow from sizes are computed inside. Its subgraph is the plain program of the same nodes in
// their order, so a group may always be run without a plan.
//
// A walk over a block collects members; the group stands where its last member stood, so each member is delayed to that
// place. That is right as long as what lies between neither reads a member's result nor writes nor fails: such a node
// ends the group. Numbers that are also read outside are computed twice, once inside and once outside.

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/effects.h"
#include "ir/operator.h"
#include "passes/pass.h"

namespace vesta::passes {
namespace {

using ir::Block;
using ir::Node;
using ir::Symbol;
using ir::Value;
namespace attr = c10::attr;
namespace prim = c10::prim;

enum class Role : uint8_t { Heavy, Fresh, View, Write, Number, Structure };

const std::unordered_map<Symbol, Role>& roles() {
  static const auto* const table = new std::unordered_map<Symbol, Role>{
#define VESTA_PLANNED(name, role) {Symbol::fromQualString(name), Role::role},
#define VESTA_NUMBER(name) {Symbol::fromQualString(name), Role::Number},
#include "passes/planned_ops.def"
#undef VESTA_PLANNED
  };
  return *table;
}

const Symbol& group_kind() {
  static const Symbol kind = Symbol::prim("PlannedGroup");
  return kind;
}

std::optional<Role> role_of(const Node& node) {
  auto found = roles().find(node.kind());
  if (found == roles().end() || node.has(unplanned_mark())) return std::nullopt;
  // The forms with `out=` have the same names.
  const size_t arguments = node.op() == nullptr ? 0 : node.op()->schema.arguments().size();
  for (size_t i = 0; i < arguments; ++i) {
    if (ir::may_write(*node.op(), i) && (found->second != Role::Write || i != 0)) return std::nullopt;
  }
  return found->second;
}

bool is_tensor(const Value& value) { return value.type()->kind() == c10::TypeKind::TensorType; }

bool may_be_tensor(const Value& value) {
  return is_tensor(value) || (value.type()->kind() == c10::TypeKind::OptionalType &&
                              value.type()->containedType(0)->kind() == c10::TypeKind::TensorType);
}

// What a subgraph has of its own rather than as an input.
bool is_copied(const Node& node) { return node.kind() == prim::Constant || node.kind() == prim::Uninitialized; }

// An int from outside that is not known while a plan is made.
bool is_index(const Node& node, size_t input) {
  return node.kind() == c10::aten::select && input == 2 && node.input(2)->type()->kind() == c10::TypeKind::IntType;
}

bool is_number(const Value& value) {
  switch (value.type()->kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::NoneType:
      return true;
    default:
      return false;
  }
}

// Whether the node, or one in its blocks, has to run for more than its results.
bool has_effects(const Node& node) {
  if (node.blocks().empty()) return node.kind() != group_kind() && ir::has_side_effects(node);
  for (const Block* block : node.blocks()) {
    for (const Node* inner : block->nodes()) {
      if (has_effects(*inner)) return true;
    }
  }
  return false;
}

class BlockGrouper {
 public:
  explicit BlockGrouper(Block& block) : block_(block) {}

  bool run() {
    bool changed = false;
    // A node that turns out not to fit is banned, and the walk begins anew behind the last group.
    Node* from = block_.first();
    while (from != nullptr) {
      collect(from);
      if (!worth()) {
        from = resume_;
        continue;
      }
      if (Node* misfit = find_misfit()) {
        banned_.insert(misfit);
        continue;
      }
      const bool more = resume_ != nullptr;
      Node* const next = resume_;
      make();
      changed = true;
      from = more ? next : nullptr;
    }
    return changed;
  }

 private:
  // Members from `from` on, until a node ends the group; resume_ is that node, or the one behind it.
  void collect(Node* from) {
    members_.clear();
    set_.clear();
    resume_ = nullptr;
    Node* node = from;
    for (; node != nullptr; node = node->next()) {
      if (is_copied(*node)) continue;
      if (is_member(*node)) {
        members_.push_back(node);
        set_.insert(node);
        continue;
      }
      if (members_.empty()) continue;
      // Of two failures the first has to be the one that is told.
      if (has_effects(*node) || reads_result(*node) || !node->blocks().empty() || ir::may_fail(*node)) {
        resume_ = node;
        return;
      }
    }
  }

  bool inside(const Value& value) const { return set_.contains(value.node()); }

  // A value that a member may read: a tensor from anywhere, a constant, what another member makes.
  bool may_read(const Value& value) const { return is_copied(*value.node()) || inside(value) || is_tensor(value); }

  bool is_member(const Node& node) const {
    if (banned_.contains(&node)) return false;
    if (node.kind() == prim::If) return is_decided_branch(node);
    const std::optional<Role> role = role_of(node);
    if (!role.has_value()) return false;
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      if (!may_read(*node.input(i)) && !is_index(node, i)) return false;
    }
    if (*role == Role::Write) return writes_own(node);
    if (*role == Role::Structure) {
      // Taking apart what comes from elsewhere, or making what nobody inside takes apart, is no work for a plan.
      return node.kind() == prim::ListConstruct || node.kind() == prim::TupleConstruct || inside(*node.input(0));
    }
    return true;
  }

  // The first argument is what a member has made, and no view of anything.
  bool writes_own(const Node& node) const {
    const Value& target = *node.input(0);
    if (!inside(target) || !is_tensor(target)) return false;
    const std::optional<Role> role = role_of(*target.node());
    return role == Role::Heavy || role == Role::Fresh || (role == Role::Write && writes_own(*target.node()));
  }

  // A branch on sizes: taken or not while the plan is made.
  bool is_decided_branch(const Node& node) const {
    if (node.has(unplanned_mark())) return false;
    if (!inside(*node.input(0))) return false;
    std::unordered_set<const Value*> local;
    for (const Block* branch : node.blocks()) {
      if (!is_plannable_branch(*branch, local)) return false;
    }
    return std::all_of(node.outputs().begin(), node.outputs().end(),
                       [](const Value* output) { return may_be_tensor(*output) || is_number(*output); });
  }

  bool is_plannable_branch(const Block& branch, std::unordered_set<const Value*>& local) const {
    const auto may = [&](const Value* value) { return local.contains(value) || may_read(*value); };
    bool raises = false;
    for (const Node* node : branch.nodes()) raises = raises || node->kind() == prim::RaiseException;
    for (const Node* node : branch.nodes()) {
      if (!std::all_of(node->inputs().begin(), node->inputs().end(), may)) return false;
      const std::optional<Role> role = role_of(*node);
      if (node->kind() == prim::If) {
        for (const Block* inner : node->blocks()) {
          if (!is_plannable_branch(*inner, local)) return false;
        }
      } else if (!is_copied(*node) && node->kind() != prim::RaiseException) {
        // What leads to an exception runs plainly anyway.
        if (raises ? has_effects(*node) : !role.has_value() || role == Role::Write) return false;
      }
      for (const Value* output : node->outputs()) local.insert(output);
    }
    return std::all_of(branch.outputs().begin(), branch.outputs().end(), may);
  }

  // Whether a node that is no member needs what only the group gives.
  bool reads_result(const Node& node) const {
    for (const Value* input : node.inputs()) {
      if (inside(*input) && !is_outer_number(*input->node())) return true;
    }
    for (const Block* block : node.blocks()) {
      for (const Node* inner : block->nodes()) {
        if (reads_result(*inner)) return true;
      }
      if (reads_result(*block->return_node())) return true;
    }
    return false;
  }

  // A member that can be computed before the group as well: numbers of tensors that come from outside.
  bool is_outer_number(const Node& node) const {
    if (!node.blocks().empty() || !std::all_of(node.outputs().begin(), node.outputs().end(),
                                               [](const Value* output) { return is_number(*output); }))
      return false;
    for (const Value* input : node.inputs()) {
      if (inside(*input) && !is_outer_number(*input->node())) return false;
    }
    return true;
  }

  // A group alone must be more than what it costs.
  bool worth() const {
    size_t light = 0;
    for (const Node* node : members_) {
      const std::optional<Role> role = role_of(*node);
      const bool on_tensors = std::any_of(node->outputs().begin(), node->outputs().end(),
                                          [](const Value* output) { return is_tensor(*output); });
      if (!on_tensors) continue;
      if (role == Role::Heavy) return true;
      if (role == Role::Fresh || role == Role::Write) ++light;
    }
    return light >= 2;
  }

  // Whether somebody outside of the group reads the value.
  bool escapes(const Value& value) const {
    return std::any_of(value.uses().begin(), value.uses().end(),
                       [this](const ir::Use& use) { return !is_within(*use.user); });
  }
  // The node is a member or lies in a member's blocks.
  bool is_within(const Node& node) const {
    for (const Node* at = &node; at != nullptr;) {
      if (set_.contains(at)) return true;
      const Block* block = at->owning_block();
      at = block == nullptr ? nullptr : block->owning_node();
    }
    return false;
  }

  // A member that gives something to the outside that is neither a tensor nor can be computed there again.
  Node* find_misfit() {
    kept_.clear();
    std::vector<Node*> work;
    for (Node* node : members_) {
      for (const Value* output : node->outputs()) {
        if (is_tensor(*output) || !escapes(*output)) continue;
        if (!is_number(*output) || !node->blocks().empty()) return node;
        work.push_back(node);
      }
    }
    while (!work.empty()) {
      Node* const node = work.back();
      work.pop_back();
      if (!kept_.insert(node).second) continue;
      for (const Value* input : node->inputs()) {
        if (!inside(*input) || is_tensor(*input)) continue;
        if (!is_number(*input) || !input->node()->blocks().empty()) return input->node();
        work.push_back(input->node());
      }
    }
    return nullptr;
  }

  bool leaves(const Value& value) const {
    return std::any_of(value.uses().begin(), value.uses().end(),
                       [this](const ir::Use& use) { return !is_within(*use.user) || kept_.contains(use.user); });
  }

  void make() {
    ir::Graph& graph = *block_.graph();
    auto body = std::make_shared<ir::Graph>();
    Node* const group = graph.create(group_kind(), {}, 0);
    group->set_range(members_.front()->range());
    std::unordered_map<const Value*, Value*> map;
    std::vector<Value*> given;
    for (Node* node : members_) copy_member(*node, *body, map, given);
    for (Value* input : given) group->add_input(input);
    group->insert_after(members_.back());

    // Numbers that are kept and need the group's results follow it, in their order.
    Node* behind = group;
    for (Node* node : members_) {
      if (!kept_.contains(node) || is_outer_number(*node)) continue;
      node->insert_after(behind);
      behind = node;
    }
    std::vector<Value*> replaced;
    for (Node* node : members_) {
      for (Value* output : node->outputs()) {
        if (!is_tensor(*output) || !leaves(*output)) continue;
        body->add_output(map.at(output));
        Value* const result = group->add_output(output->type());
        result->set_name(output->name());
        replaced.push_back(output);
      }
    }
    for (size_t i = 0; i < replaced.size(); ++i) {
      Value* const result = group->output(i);
      const std::vector<ir::Use> uses = replaced[i]->uses();
      for (const ir::Use& use : uses) {
        if (!is_within(*use.user) || kept_.contains(use.user)) use.user->replace_input(use.index, result);
      }
    }
    for (size_t i = members_.size(); i-- > 0;) {
      if (!kept_.contains(members_[i])) members_[i]->destroy();
    }
    group->set(attr::Subgraph, std::move(body));
  }

  // Values from outside of the group: tensors become inputs, constants are copied.
  void bring_in(const Value* value, ir::Graph& body, std::unordered_map<const Value*, Value*>& map,
                std::vector<Value*>& given) {
    if (map.contains(value)) return;
    if (is_copied(*value->node())) {
      Node* const constant = body.create(value->node()->kind(), {}, 1);
      constant->copy_metadata_from(*value->node());
      constant->output()->set_type(value->type());
      body.block()->append(constant);
      map[value] = constant->output();
      return;
    }
    map[value] = body.add_input(value->type());
    given.push_back(const_cast<Value*>(value));
  }

  void bring_in_all(const Node& node, ir::Graph& body, std::unordered_map<const Value*, Value*>& map,
                    std::vector<Value*>& given) {
    for (const Value* input : node.inputs()) {
      if (!defined_within(*input)) bring_in(input, body, map, given);
    }
    for (const Block* block : node.blocks()) {
      for (const Node* inner : block->nodes()) bring_in_all(*inner, body, map, given);
      for (const Value* output : block->outputs()) {
        if (!defined_within(*output)) bring_in(output, body, map, given);
      }
    }
  }
  // By a member, or in a member's blocks.
  bool defined_within(const Value& value) const { return is_within(*value.node()); }

  void copy_member(const Node& node, ir::Graph& body, std::unordered_map<const Value*, Value*>& map,
                   std::vector<Value*>& given) {
    bring_in_all(node, body, map, given);
    copy_node(node, *body.block(), map);
  }

  static void copy_node(const Node& node, Block& into, std::unordered_map<const Value*, Value*>& map) {
    std::vector<Value*> inputs;
    for (const Value* input : node.inputs()) inputs.push_back(map.at(input));
    Node* const copy = into.graph()->create(node.kind(), inputs, node.outputs().size());
    copy->copy_metadata_from(node);
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      copy->output(i)->set_type(node.output(i)->type());
      map[node.output(i)] = copy->output(i);
    }
    into.append(copy);
    for (const Block* block : node.blocks()) copy->add_block()->append_copy(*block, map);
  }

  Block& block_;
  std::vector<Node*> members_;
  std::unordered_set<const Node*> set_;
  std::unordered_set<const Node*> banned_;
  std::unordered_set<const Node*> kept_;  // Members that stay outside as well.
  Node* resume_ = nullptr;
};

bool group_blocks(Block& block) {
  bool changed = BlockGrouper(block).run();
  for (Node* node : block.nodes()) {
    for (Block* inner : node->blocks()) changed |= group_blocks(*inner);
  }
  return changed;
}

}  // namespace

absl::StatusOr<bool> group_planned_nodes(ir::Graph& graph, PassContext& context) {
  // Casts are the business of each operator's call.
  if (context.uses_autocast) return false;
  return group_blocks(*graph.block());
}

}  // namespace vesta::passes
