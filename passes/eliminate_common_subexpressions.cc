// A node that computes what another one before it has computed gives way to that one. Both must always give the same:
// no random numbers, no state of a thread, no memory that the graph writes to. Two results become one object, so
// neither may be written to, nor be seen from outside; what only hands on what it got (an attribute, an element of a
// tuple) was one object before.
//
// One table a block, those of the blocks around it below: what it holds dominates the node that asks.

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "ir/effects.h"
#include "passes/alias_analysis.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::AttributeValue;
using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

bool same_constant(const c10::IValue& a, const c10::IValue& b) {
  if (a.isDouble() && b.isDouble()) {
    // 0.0 and -0.0 are two constants; nan is one.
    const double x = a.toDouble();
    const double y = b.toDouble();
    return std::memcmp(&x, &y, sizeof x) == 0;
  }
  if (a.isInt() || a.isBool() || a.isString() || a.isNone() || a.isDevice()) {
    return a.tagKind() == b.tagKind() && a == b;
  }
  return a.is(b);
}

bool same_attribute(const AttributeValue& a, const AttributeValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* value = std::get_if<c10::IValue>(&a)) return same_constant(*value, std::get<c10::IValue>(b));
  if (const auto* type = std::get_if<c10::TypePtr>(&a)) return **type == *std::get<c10::TypePtr>(b);
  if (const auto* types = std::get_if<std::vector<c10::TypePtr>>(&a)) {
    const auto& others = std::get<std::vector<c10::TypePtr>>(b);
    return std::equal(types->begin(), types->end(), others.begin(), others.end(),
                      [](const c10::TypePtr& x, const c10::TypePtr& y) { return *x == *y; });
  }
  if (std::holds_alternative<std::shared_ptr<Graph>>(a)) return false;
  return a == b;
}

bool same_node(const Node& a, const Node& b) {
  if (a.kind() != b.kind() || a.op() != b.op() || a.inputs() != b.inputs()) return false;
  if (a.outputs().size() != b.outputs().size() || a.attributes().size() != b.attributes().size()) return false;
  for (size_t i = 0; i < a.outputs().size(); ++i) {
    if (!(*a.output(i)->type() == *b.output(i)->type())) return false;
  }
  for (const auto& [name, value] : a.attributes()) {
    const AttributeValue* other = b.find(name);
    if (other == nullptr || !same_attribute(value, *other)) return false;
  }
  return true;
}

size_t hash_of(const Node& node) {
  size_t hash = std::hash<const void*>()(node.op()) * 31 + static_cast<uint32_t>(node.kind());
  for (const Value* input : node.inputs()) hash = hash * 31 + std::hash<const void*>()(input);
  return hash * 31 + node.outputs().size();
}

class Eliminator {
 public:
  Eliminator(Graph& graph, const PassContext& context)
      : graph_(graph), modes_change_(context.uses_autocast || changes_modes(graph)), aliases_(graph) {}

  bool run() {
    block(graph_.block());
    return changed_;
  }

 private:
  using Table = std::unordered_multimap<size_t, Node*>;

  void block(Block* body) {
    tables_.emplace_back();
    for (Node* node : body->nodes()) {
      for (Block* inner : node->blocks()) block(inner);
      if (!may_merge(*node)) continue;
      const size_t hash = hash_of(*node);
      if (Node* earlier = find(*node, hash)) {
        for (size_t i = 0; i < node->outputs().size(); ++i) {
          node->output(i)->replace_all_uses_with(earlier->output(i));
        }
        node->destroy();
        changed_ = true;
      } else {
        tables_.back().emplace(hash, node);
      }
    }
    tables_.pop_back();
  }

  Node* find(const Node& node, size_t hash) const {
    for (auto table = tables_.rbegin(); table != tables_.rend(); ++table) {
      const auto [begin, end] = table->equal_range(hash);
      for (auto it = begin; it != end; ++it) {
        if (same_node(*it->second, node)) return it->second;
      }
    }
    return nullptr;
  }

  bool may_merge(const Node& node) const {
    if (!node.blocks().empty() || node.outputs().empty()) return false;
    if (node.kind() == prim::Constant) return true;
    if (node.kind() == prim::Uninitialized || ir::has_side_effects(node) || ir::is_nondeterministic(node)) return false;
    if (node.kind() == prim::GetAttr) return !aliases_.has_writers(node.input(0));
    if (hands_on(node)) return true;
    if (modes_change_ && node.op() != nullptr && !node.op()->is_builtin()) return false;
    if (aliases_.reads_written_memory(node)) return false;
    for (const Value* output : node.outputs()) {
      if (!is_immutable(output->type()) && (aliases_.has_writers(output) || aliases_.escapes(output))) return false;
    }
    return true;
  }

  Graph& graph_;
  const bool modes_change_;
  const AliasAnalysis aliases_;
  std::vector<Table> tables_;
  bool changed_ = false;
};

}  // namespace

absl::StatusOr<bool> eliminate_common_subexpressions(Graph& graph, PassContext& context) {
  return Eliminator(graph, context).run();
}

}  // namespace vesta::passes
