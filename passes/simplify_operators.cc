// Single nodes, and pairs of them, that come to something simpler: one rule a row of the table, by the node's kind.
// Each rule gives the very value that the node would have given. Lists are looked into only where nobody writes to
// them.

#include <unordered_map>
#include <vector>

#include "passes/alias_analysis.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using c10::IValue;
using c10::Symbol;
using c10::TypeKind;
using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;
namespace aten = c10::aten;
namespace prim = c10::prim;

// A rule gives the value that stands for the node's only output, or null. It may put nodes in front of the node.
using Rule = Value* (*)(Node& node, const AliasAnalysis& aliases);

bool is_int(const Value* value, int64_t wanted) {
  const IValue* constant = constant_of(value);
  return constant != nullptr && constant->isInt() && constant->toInt() == wanted;
}
bool is_float(const Value* value, double wanted) {
  const IValue* constant = constant_of(value);
  return constant != nullptr && constant->isDouble() && constant->toDouble() == wanted;
}
bool has_kind(const Value* value, TypeKind kind) { return value->type()->kind() == kind; }

// The node that makes a list that nobody writes to; null where it is not known.
Node* fixed_list(const Value* list, const AliasAnalysis& aliases) {
  Node* node = list->node();
  if (node->kind() != prim::ListConstruct) return nullptr;
  // Who can reach the list from outside can write to it, but not before the graph has ended, or a call is made; the
  // analysis counts a call as a writer.
  return aliases.has_writers(list) ? nullptr : node;
}

// Outside of training the argument itself is returned.
Value* dropout(Node& node, const AliasAnalysis&) {
  if (node.inputs().size() != 3 || !has_kind(node.input(0), TypeKind::TensorType)) return nullptr;
  return is_constant(node.input(2), false) ? node.input(0) : nullptr;
}

bool is_empty_dict(const Value* dict, const AliasAnalysis& aliases) {
  return dict->node()->kind() == prim::DictConstruct && dict->node()->inputs().empty() && !aliases.has_writers(dict);
}

Value* length(Node& node, const AliasAnalysis& aliases) {
  if (is_empty_dict(node.input(0), aliases)) return constant_before(&node, int64_t{0}, c10::IntType::get());
  if (!has_kind(node.input(0), TypeKind::ListType)) return nullptr;
  const Node* list = fixed_list(node.input(0), aliases);
  if (list == nullptr) return nullptr;
  return constant_before(&node, static_cast<int64_t>(list->inputs().size()), c10::IntType::get());
}

Value* list_element(Node& node, const AliasAnalysis& aliases) {
  const IValue* index = constant_of(node.input(1));
  if (!has_kind(node.input(0), TypeKind::ListType) || index == nullptr || !index->isInt()) return nullptr;
  const Node* list = fixed_list(node.input(0), aliases);
  if (list == nullptr) return nullptr;
  const auto size = static_cast<int64_t>(list->inputs().size());
  const int64_t position = index->toInt() < 0 ? index->toInt() + size : index->toInt();
  return position >= 0 && position < size ? list->input(static_cast<size_t>(position)) : nullptr;
}

// any() of a list, or all() of it: elements that are known either decide (`decisive`) or do not count; one bool that is
// left is the answer.
Value* any_or_all(Node& node, const AliasAnalysis& aliases, bool decisive) {
  if (node.inputs().size() != 1 || !has_kind(node.input(0), TypeKind::ListType)) return nullptr;
  const Node* list = fixed_list(node.input(0), aliases);
  if (list == nullptr) return nullptr;
  Value* left = nullptr;
  bool several = false;
  for (Value* element : list->inputs()) {
    const IValue* constant = constant_of(element);
    if (constant == nullptr || !(constant->isBool() || constant->isInt())) {
      several = several || (left != nullptr && left != element);
      left = element;
    } else if ((constant->isBool() ? constant->toBool() : constant->toInt() != 0) == decisive) {
      return constant_before(&node, decisive, c10::BoolType::get());
    }
  }
  if (left == nullptr) return constant_before(&node, !decisive, c10::BoolType::get());
  return !several && has_kind(left, TypeKind::BoolType) ? left : nullptr;
}
Value* any_of_list(Node& node, const AliasAnalysis& aliases) { return any_or_all(node, aliases, true); }
Value* all_of_list(Node& node, const AliasAnalysis& aliases) { return any_or_all(node, aliases, false); }

Value* double_negation(Node& node, const AliasAnalysis&) {
  const Node* inner = node.input(0)->node();
  return inner->kind() == aten::__not__ ? inner->input(0) : nullptr;
}

// Of ints alone: a float's -0.0 + 0 is another number.
Value* sum(Node& node, const AliasAnalysis&) {
  if (node.inputs().size() != 2 || !has_kind(node.input(0), TypeKind::IntType) ||
      !has_kind(node.input(1), TypeKind::IntType)) {
    return nullptr;
  }
  if (is_int(node.input(1), 0)) return node.input(0);
  return is_int(node.input(0), 0) ? node.input(1) : nullptr;
}

Value* int_difference(Node& node, const AliasAnalysis&) {
  if (node.inputs().size() != 2 || !has_kind(node.input(0), TypeKind::IntType)) return nullptr;
  return is_int(node.input(1), 0) ? node.input(0) : nullptr;
}

Value* product(Node& node, const AliasAnalysis&) {
  if (node.inputs().size() != 2) return nullptr;
  for (size_t one = 0; one < 2; ++one) {
    Value* other = node.input(1 - one);
    const bool ints = has_kind(other, TypeKind::IntType) && is_int(node.input(one), 1);
    const bool floats =
        has_kind(other, TypeKind::FloatType) && (is_int(node.input(one), 1) || is_float(node.input(one), 1));
    if (ints || floats) return other;
  }
  return nullptr;
}

// Traces make a tensor of a number and take it out again.
Value* number_of_tensor(Node& node, const AliasAnalysis& aliases) {
  if (node.inputs().size() != 1) return nullptr;
  const Node* made = node.input(0)->node();
  if (made->kind() != prim::NumToTensor || aliases.has_writers(node.input(0))) return nullptr;
  return *made->input(0)->type() == *node.output()->type() ? made->input(0) : nullptr;
}

// A conversion to the type that a number has.
Value* same_number(Node& node, const AliasAnalysis& aliases) {
  if (node.inputs().size() == 1 && *node.input(0)->type() == *node.output()->type()) return node.input(0);
  return number_of_tensor(node, aliases);
}

const std::unordered_map<Symbol, Rule>& rules() {
  static const auto* const table = new std::unordered_map<Symbol, Rule>{
      {aten::dropout, dropout},
      {aten::dropout_, dropout},
      {aten::feature_dropout, dropout},
      {aten::alpha_dropout, dropout},
      {aten::feature_alpha_dropout, dropout},
      {aten::len, length},
      {aten::__getitem__, list_element},
      {aten::any, any_of_list},
      {aten::all, all_of_list},
      {aten::__not__, double_negation},
      {aten::add, sum},
      {aten::sub, int_difference},
      {aten::mul, product},
      {aten::Int, same_number},
      {aten::Float, same_number},
      {aten::Bool, same_number},
      {Symbol::fromQualString("aten::IntImplicit"), number_of_tensor},
      {Symbol::fromQualString("aten::FloatImplicit"), number_of_tensor},
      {aten::item, number_of_tensor},
  };
  return *table;
}

// `True if c else False` is c.
bool simplify_choice(Node* node) {
  bool changed = false;
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    Value* output = node->output(i);
    Value* first = node->block(0)->outputs()[i];
    Value* second = node->block(1)->outputs()[i];
    if (!output->has_uses()) continue;
    if (is_constant(first, true) && is_constant(second, false)) {
      output->replace_all_uses_with(node->input(0));
      changed = true;
    } else if (first == second) {
      // Defined before the If, or it could not be read by both.
      output->replace_all_uses_with(first);
      changed = true;
    }
  }
  return changed;
}

// What a list that nobody writes to was made of.
bool unpack_list(Node* node, const AliasAnalysis& aliases) {
  const Node* list = fixed_list(node->input(0), aliases);
  if (list == nullptr || list->inputs().size() != node->outputs().size()) return false;
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    if (!list->input(i)->type()->isSubtypeOf(*node->output(i)->type())) return false;
  }
  for (size_t i = 0; i < node->outputs().size(); ++i) node->output(i)->replace_all_uses_with(list->input(i));
  node->destroy();
  return true;
}

bool simplify(Node* node, const AliasAnalysis& aliases) {
  if (node->kind() == prim::If) return simplify_choice(node);
  if (node->kind() == prim::ListUnpack) return unpack_list(node, aliases);
  const auto rule = rules().find(node->kind());
  if (rule == rules().end() || node->op() == nullptr || node->outputs().size() != 1) return false;
  Value* value = rule->second(*node, aliases);
  if (value == nullptr || !value->type()->isSubtypeOf(*node->output()->type())) return false;
  node->output()->replace_all_uses_with(value);
  node->destroy();
  return true;
}

}  // namespace

absl::StatusOr<bool> simplify_operators(Graph& graph, PassContext&) {
  const AliasAnalysis aliases(graph);
  bool changed = false;
  for_each_node(graph.block(), [&](Node* node) { changed = simplify(node, aliases) || changed; });
  return changed;
}

}  // namespace vesta::passes
