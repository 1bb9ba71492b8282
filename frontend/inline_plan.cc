// Nodes are visited in order, with a stack of those that wait to be printed in place. A node may take operands from
// the end of the stack only, in the order in which its text reads them; everything below that it should have read, and
// everything when a statement has to be written, becomes a statement.

#include "frontend/inline_plan.h"

#include <limits>
#include <optional>
#include <string>

#include "frontend/printed_names.h"
#include "frontend/source_text.h"
#include "ir/operator.h"

namespace vesta::frontend {
namespace {

// A text of more operators than this is broken up.
constexpr size_t kMaxWeight = 16;

bool is_true(const ir::Value& value) {
  if (!is_constant(value)) return false;
  const ir::AttributeValue* stored = value.node()->find(ir::attr::value);
  const auto* constant = stored != nullptr ? std::get_if<c10::IValue>(stored) : nullptr;
  return constant != nullptr && constant->isBool() && constant->toBool();
}

std::optional<int64_t> constant_index(const ir::Value& value) {
  if (!is_constant(value)) return std::nullopt;
  const ir::AttributeValue* stored = value.node()->find(ir::attr::value);
  const auto* constant = stored != nullptr ? std::get_if<c10::IValue>(stored) : nullptr;
  if (constant == nullptr || !constant->isInt()) return std::nullopt;
  return constant->toInt();
}

bool is_endless(const ir::Value& value) { return constant_index(value) == std::numeric_limits<int64_t>::max(); }

bool names_condition(const ir::Value& value) {
  return value.has_name() && (is_constant(value) || value.uses().size() == 1);
}

// The value to whose name this operand of a block's end or a loop's start is assigned; null: none.
const ir::Value* assigned_to(const ir::Node& user, size_t index) {
  const auto condition_of = [](const ir::Node& loop) {
    return loop_form(loop) == LoopForm::kWhile ? condition_name(loop) : nullptr;
  };
  if (user.kind() == ir::prim::Loop) {
    if (index == 1) return condition_of(user);
    return index >= 2 ? user.output(index - 2) : nullptr;
  }
  const ir::Block* block = user.owning_block();
  if (block == nullptr || block->return_node() != &user || block->owning_node() == nullptr) return nullptr;
  const ir::Node& owner = *block->owning_node();
  if (owner.kind() == ir::prim::If) return owner.output(index);
  return index >= 1 ? owner.output(index - 1) : condition_of(owner);
}

bool same_stem(const ir::Value& a, const ir::Value& b) {
  return a.has_name() && b.has_name() && name_stem(std::string(a.name())) == name_stem(std::string(b.name()));
}

// What the types have proven: running it cannot fail.
bool never_fails(const ir::Node& node) {
  switch (static_cast<c10::unique_t>(node.kind())) {
    case ir::prim::GetAttr:
    case ir::prim::TupleIndex:
    case ir::prim::EnumName:
    case ir::prim::EnumValue:
      return true;
    default:
      return false;
  }
}

bool on_one_line(const support::SourceRange& a, const support::SourceRange& b) {
  const support::SourceLocation left = a.location(), right = b.location();
  return left.filename == right.filename && left.line == right.line && left.line_text == right.line_text;
}

}  // namespace

const ir::Value* leading_operand(const ir::Node& node) {
  switch (static_cast<c10::unique_t>(node.kind())) {
    case ir::prim::GetAttr:
      return is_plain_name(node.s(ir::attr::name)) ? node.input(0) : nullptr;
    case ir::prim::TupleIndex:
    case ir::prim::EnumName:
    case ir::prim::EnumValue:
    case ir::prim::Enter:
    case ir::prim::Exit:
    case ir::prim::CallMethod:
      return node.input(0);
    default:
      break;
  }
  if (node.op() == nullptr) return nullptr;
  const std::string_view name = node.kind().toQualString();
  const bool leads = (name == "aten::__getitem__" && node.inputs().size() == 2) || name == "prim::tolist" ||
                     name == "prim::ModuleContainerIndex";
  return leads ? node.input(0) : nullptr;
}

bool is_plain_tuple(const ir::Node& node) {
  if (node.kind() != ir::prim::TupleConstruct) return false;
  const auto* type = node.output()->type()->castRaw<c10::TupleType>();
  return type == nullptr || !is_program_tuple(*type);
}

bool is_constant(const ir::Value& value) { return value.node()->kind() == ir::prim::Constant; }

const ir::Value* condition_name(const ir::Node& loop) {
  if (names_condition(*loop.input(1))) return loop.input(1);
  const ir::Value& next = *loop.block(0)->outputs()[0];
  return names_condition(next) ? &next : nullptr;
}

LoopForm loop_form(const ir::Node& loop) {
  return is_true(*loop.input(1)) && is_true(*loop.block(0)->outputs()[0]) && !is_endless(*loop.input(0))
             ? LoopForm::kFor
             : LoopForm::kWhile;
}

std::string automatic_name(const ir::Value& value) {
  const ir::Node& node = *value.node();
  if (node.kind() == ir::prim::GetAttr) {
    const std::string& name = node.s(ir::attr::name);
    return is_plain_name(name) ? name : std::string();
  }
  const auto* tuple = node.kind() == ir::prim::TupleIndex ? node.input(0)->type()->castRaw<c10::TupleType>() : nullptr;
  const std::optional<int64_t> place = tuple != nullptr ? constant_index(*node.input(1)) : std::nullopt;
  if (!place.has_value() || !is_program_tuple(*tuple)) return {};
  const auto& fields = tuple->schema()->arguments();
  if (*place < 0 || *place >= static_cast<int64_t>(fields.size())) return {};
  const std::string& name = fields[static_cast<size_t>(*place)].name();
  return is_plain_name(name) ? name : std::string();
}

std::vector<const ir::Value*> operands_in_order(const ir::Node& node) {
  std::vector<const ir::Value*> operands(node.inputs().begin(), node.inputs().end());
  if (node.kind() == ir::prim::SetAttr) return {operands[1], operands[0]};
  if (node.kind() == ir::prim::Loop) {
    const ir::Value* control = operands[loop_form(node) == LoopForm::kFor ? 0 : 1];
    operands.erase(operands.begin(), operands.begin() + 2);
    operands.push_back(control);
  }
  return operands;
}

void InlinePlan::graph_of(const ir::Graph& graph) { block(*graph.block()); }

void InlinePlan::block(const ir::Block& block) {
  Pending pending;
  for (const ir::Node* node : block.nodes()) {
    if (node->kind() == ir::prim::Constant) continue;
    consume(*node, operands_in_order(*node), pending);
    if (may_wait(*node)) {
      pending.push_back(node);
    } else {
      pending.clear();
    }
    for (const ir::Block* inner : node->blocks()) this->block(*inner);
    if (const ir::AttributeValue* subgraph = node->find(ir::attr::Subgraph))
      graph_of(*std::get<std::shared_ptr<ir::Graph>>(*subgraph));
  }
  std::vector<const ir::Value*> results(block.outputs().begin(), block.outputs().end());
  consume(*block.return_node(), results, pending);
}

void InlinePlan::consume(const ir::Node& user, const std::vector<const ir::Value*>& operands, Pending& pending) {
  const std::unordered_set<const ir::Node*> waiting(pending.begin(), pending.end());
  std::vector<const ir::Node*> wanted;
  for (const ir::Value* operand : operands) {
    if (waiting.contains(operand->node())) wanted.push_back(operand->node());
  }
  size_t weight = 1;
  size_t taken = 0;
  bool later_operator = false;  // A plain tuple in a tuple is made after all other operands are evaluated.
  while (taken < wanted.size()) {
    const ir::Node* candidate = wanted[wanted.size() - 1 - taken];
    if (pending[pending.size() - 1 - taken] != candidate) break;
    if (!may_be_operand(*candidate, user)) break;
    if (is_plain_tuple(user) && is_plain_tuple(*candidate)) {
      if (later_operator || !is_leaf_tuple(*candidate)) break;
    } else {
      later_operator = true;
    }
    weight += weights_[candidate];
    ++taken;
  }
  for (size_t i = 0; i < taken; ++i) {
    inline_.insert(pending.back());
    pending.pop_back();
  }
  weights_[&user] = weight;
  if (taken < wanted.size()) pending.clear();
}

bool InlinePlan::is_leaf_tuple(const ir::Node& node) const {
  for (const ir::Value* input : node.inputs()) {
    if (inline_.contains(input->node()) && !(is_plain_tuple(*input->node()) && is_leaf_tuple(*input->node())))
      return false;
  }
  return true;
}

bool InlinePlan::may_wait(const ir::Node& node) const {
  if (node.outputs().size() != 1 || !node.blocks().empty() || node.find(ir::attr::Subgraph) != nullptr) return false;
  if (node.kind() == ir::prim::Enter || node.kind() == ir::prim::Exit) return false;
  if (node.kind() == ir::prim::TupleUnpack || node.kind() == ir::prim::ListUnpack) return false;  // Assignments only.
  const ir::Value& value = *node.output();
  if (value.uses().size() != 1 || weights_.at(&node) >= kMaxWeight) return false;
  const ir::Use& use = value.uses()[0];
  if (use.user->owning_block() != node.owning_block()) return false;
  if (!value.has_name() || !automatic_name(value).empty()) return true;
  const ir::Value* target = assigned_to(*use.user, use.index);
  return target != nullptr && same_stem(*target, value);
}

bool InlinePlan::may_be_operand(const ir::Node& node, const ir::Node& user) const {
  if (user.find(ir::attr::Subgraph) != nullptr) return false;  // What a closure captures has a name.
  if (const ir::Value* first = leading_operand(user); first != nullptr && first->node() == &node) {
    if (!may_start_with(node, user)) return false;
  }
  // A test of a type tells the branches of an `if` what it has found out; the graph says that by itself.
  if (user.kind() == ir::prim::If) return node.kind() != ir::prim::isinstance;
  if (is_plain_tuple(node)) {
    // Taken apart again, a tuple that is written out is none.
    if (user.kind() == ir::prim::TupleIndex || user.kind() == ir::prim::TupleUnpack) return false;
    const ir::Block* block = user.owning_block();
    const bool ends_block = block != nullptr && block->return_node() == &user && block->owning_node() != nullptr;
    return user.kind() != ir::prim::Loop && !(ends_block && block->owning_node()->kind() == ir::prim::Loop);
  }
  return true;
}

const support::SourceRange& InlinePlan::place(const ir::Node& node) const {
  const ir::Value* first = leading_operand(node);
  if (first == nullptr || !is_inline(first->node())) return node.range();
  const support::SourceRange& operand = place(*first->node());
  const bool yields = never_fails(node) || !is_of_the_model(node.range());
  return yields && is_of_the_model(operand) ? operand : node.range();
}

bool InlinePlan::may_fail(const ir::Node& node) const {
  if (!never_fails(node)) return true;
  const ir::Value* first = leading_operand(node);
  return first != nullptr && is_inline(first->node()) && may_fail(*first->node());
}

bool InlinePlan::may_start_with(const ir::Node& operand, const ir::Node& node) const {
  if (never_fails(node) || !may_fail(operand)) return true;
  const support::SourceRange& other = place(operand);
  return !is_of_the_model(node.range()) || !is_of_the_model(other) || on_one_line(node.range(), other);
}

namespace {

const ir::Operator* builtin(const char* name, const char* overload) {
  return ir::OperatorCatalog::standard().find(name, overload);
}

ir::Node* operation(ir::Graph& graph, const ir::Operator* op, std::initializer_list<ir::Value*> inputs,
                    const ir::Node& like) {
  ir::Node* node = graph.create(c10::Symbol::fromQualString(op->schema.name()), inputs);
  node->set_op(op);
  node->output()->set_type(op->schema.returns()[0].type());
  node->set_range(like.range());
  return node;
}

// `for` with a test: a counter is carried, and the test is "the old one, and the count is not reached".
void count_by_hand(ir::Node& loop) {
  ir::Graph& graph = *loop.graph();
  ir::Block& body = *loop.block(0);
  const ir::Operator* less = builtin("aten::lt", "int");
  const ir::Operator* add = builtin("aten::add", "int");
  const ir::Operator* both = builtin("aten::__and__", "bool");
  auto constant_before = [&](int64_t number) {
    ir::Node* node = graph.create_constant(number);
    node->insert_before(&loop);
    return node->output();
  };
  ir::Value* count = loop.input(0);
  ir::Value* zero = constant_before(0);
  ir::Node* first = operation(graph, less, {zero, count}, loop);
  first->insert_before(&loop);
  ir::Node* start = operation(graph, both, {loop.input(1), first->output()}, loop);
  start->insert_before(&loop);
  ir::Value* one = constant_before(1);
  loop.replace_input(0, constant_before(std::numeric_limits<int64_t>::max()));
  loop.replace_input(1, start->output());
  loop.add_input(zero);
  ir::Value* iteration = body.inputs()[0];
  ir::Value* counter = body.add_input(c10::IntType::get(), iteration->has_name() ? iteration->name() : "");
  iteration->replace_all_uses_with(counter);
  ir::Node* next = operation(graph, add, {counter, one}, loop);
  body.append(next);
  ir::Node* more = operation(graph, less, {next->output(), count}, loop);
  body.append(more);
  ir::Node* again = operation(graph, both, {body.outputs()[0], more->output()}, loop);
  body.append(again);
  body.replace_output(0, again->output());
  body.add_output(next->output());
  ir::Value* last = loop.add_output(c10::IntType::get());
  if (iteration->has_name()) last->set_name(iteration->name());
}

void make_printable(ir::Block& block) {
  for (ir::Node* node : block.nodes()) {
    if (node->kind() == ir::prim::Loop) {
      const bool counts = !is_endless(*node->input(0)) || node->block(0)->inputs()[0]->has_uses();
      if (loop_form(*node) == LoopForm::kWhile && counts) count_by_hand(*node);
    }
    for (ir::Block* inner : node->blocks()) make_printable(*inner);
    if (const ir::AttributeValue* subgraph = node->find(ir::attr::Subgraph))
      make_printable(*std::get<std::shared_ptr<ir::Graph>>(*subgraph)->block());
  }
}

}  // namespace

void make_loops_printable(ir::Graph& graph) { make_printable(*graph.block()); }

}  // namespace vesta::frontend
