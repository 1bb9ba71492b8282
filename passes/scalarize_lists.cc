// A list that is made here, appended to and read, all in one block, and that nobody else can reach, is another list at
// each read: one of what it holds there. So what reads it depends on values and on no write, as other passes like it.
//
//   l = [a]; l.append(b); x = cat(l); l.append(x); y = cat(l)    ->    x = cat([a, b]); y = cat([a, b, x])
//
// Each read then has a list of its own, which is why long ones are left alone.

#include <algorithm>
#include <vector>

#include "ir/effects.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Use;
using ir::Value;
namespace aten = c10::aten;
namespace prim = c10::prim;

// Of all lists that one becomes.
constexpr size_t kMaxElements = 4096;

bool is_append(const Node& node, const Value* list) {
  return node.kind() == aten::append && node.inputs().size() == 2 && node.input(0) == list && node.input(1) != list &&
         std::none_of(node.outputs().begin(), node.outputs().end(), [](const Value* out) { return out->has_uses(); });
}

// Whether nothing of what the operator is given can be in what it leaves: it writes to none and gives plain values.
bool leaves_plain_values(const Node& node) {
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    if (ir::may_write(*node.op(), i)) return false;
  }
  return std::all_of(node.outputs().begin(), node.outputs().end(),
                     [](const Value* out) { return is_immutable(out->type()); });
}

// Whether the node looks at the list and keeps nothing of it but elements.
bool only_reads(const Node& node, const Value* list) {
  if (node.op() == nullptr) return false;
  if (node.op()->is_builtin()) {
    return (node.kind() == aten::__getitem__ && node.input(0) == list) || leaves_plain_values(node);
  }
  const c10::FunctionSchema& schema = node.op()->schema;
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    if (node.input(i) == list && (i >= schema.arguments().size() || schema.arguments()[i].alias_info() != nullptr)) {
      return false;
    }
  }
  return true;
}

// The nodes that use the list, in their order; empty where one of them is not understood.
std::vector<Node*> users_of(const Node& maker) {
  const Value* list = maker.output();
  std::vector<Node*> users;
  for (const Use& use : list->uses()) {
    if (use.user->owning_block() != maker.owning_block() || use.user == maker.owning_block()->return_node() ||
        (!is_append(*use.user, list) && !only_reads(*use.user, list))) {
      return {};
    }
    users.push_back(use.user);
  }
  std::sort(users.begin(), users.end(), [](const Node* a, const Node* b) { return a != b && a->is_before(b); });
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return users;
}

bool unfold(Node* maker) {
  Value* const list = maker->output();
  const std::vector<Node*> users = users_of(*maker);
  std::vector<Value*> contents(maker->inputs().begin(), maker->inputs().end());
  size_t size = contents.size();
  size_t elements = 0;
  bool appends = false;
  for (const Node* user : users) {
    const bool grows = is_append(*user, list);
    appends = appends || grows;
    if (grows)
      ++size;
    else
      elements += size;
  }
  if (!appends || elements > kMaxElements) return false;
  for (Node* user : users) {
    if (is_append(*user, list)) {
      contents.push_back(user->input(1));
      user->destroy();
      continue;
    }
    Node* fresh = maker->graph()->create(prim::ListConstruct, contents, 1);
    fresh->output()->set_type(list->type());
    fresh->set_place_of(*maker)->insert_before(user);
    user->replace_input_with(list, fresh->output());
  }
  maker->destroy();
  return true;
}

}  // namespace

absl::StatusOr<bool> scalarize_lists(Graph& graph, PassContext&) {
  std::vector<Node*> makers;
  for_each_node(graph.block(), [&](Node* node) {
    if (node->kind() == prim::ListConstruct) makers.push_back(node);
  });
  bool changed = false;
  for (Node* maker : makers) changed = unfold(maker) || changed;
  return changed;
}

}  // namespace vesta::passes
