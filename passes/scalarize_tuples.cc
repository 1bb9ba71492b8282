// Tuples that are made and taken apart within the graph vanish: an element is read from where the tuple got it; a tuple
// that both branches of an If yield, or that a Loop carries, becomes its elements. A tuple never changes, so this is
// exact wherever it applies. What made the tuples is left to eliminate_dead_code.

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

// The node that makes the tuple, null where it is not known.
Node* maker_of(const Value* tuple) {
  Node* node = tuple->node();
  return node->kind() == prim::TupleConstruct ? node : nullptr;
}

size_t arity_of(const c10::TypePtr& type) {
  const auto tuple = type->cast<c10::TupleType>();
  return tuple == nullptr ? 0 : tuple->elements().size();
}

bool replace(Value* old, Value* by) {
  if (!by->type()->isSubtypeOf(*old->type())) return false;
  old->replace_all_uses_with(by);
  return true;
}

bool take_index(Node* node, const Node& maker) {
  const c10::IValue* index = constant_of(node->input(1));
  if (index == nullptr || !index->isInt()) return false;
  const auto size = static_cast<int64_t>(maker.inputs().size());
  const int64_t position = index->toInt() < 0 ? index->toInt() + size : index->toInt();
  if (position < 0 || position >= size) return false;
  if (!replace(node->output(), maker.input(static_cast<size_t>(position)))) return false;
  node->destroy();
  return true;
}

bool take_all(Node* node, const Node& maker) {
  if (node->outputs().size() != maker.inputs().size()) return false;
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    if (!maker.input(i)->type()->isSubtypeOf(*node->output(i)->type())) return false;
  }
  for (size_t i = 0; i < node->outputs().size(); ++i) replace(node->output(i), maker.input(i));
  node->destroy();
  return true;
}

bool take_slice(Node* node, const Node& maker) {
  const int64_t begin = node->i(c10::attr::beg);
  const int64_t end = node->i(c10::attr::end);
  if (begin < 0 || end < begin || end > static_cast<int64_t>(maker.inputs().size())) return false;
  const std::span<Value* const> elements(maker.inputs().data() + begin, static_cast<size_t>(end - begin));
  Node* slice = node->graph()->create(prim::TupleConstruct, elements, 1);
  slice->output()->set_type(node->output()->type());
  slice->set_place_of(*node);
  slice->insert_before(node);
  node->output()->replace_all_uses_with(slice->output());
  node->destroy();
  return true;
}

bool take_apart(Node* node) {
  if (node->kind() != prim::TupleIndex && node->kind() != prim::TupleUnpack && node->kind() != prim::TupleSlice) {
    return false;
  }
  const Node* maker = maker_of(node->input(0));
  if (maker == nullptr) return false;
  if (node->kind() == prim::TupleIndex) return take_index(node, *maker);
  if (node->kind() == prim::TupleUnpack) return take_all(node, *maker);
  return take_slice(node, *maker);
}

bool makes(const Value* tuple, size_t arity) {
  const Node* maker = maker_of(tuple);
  return maker != nullptr && maker->inputs().size() == arity;
}

// The tuple anew, of these elements; `like`: its type and its place.
Node* construct_tuple(Graph& graph, const std::vector<Value*>& elements, const Value* like, const Node& place) {
  Node* made = graph.create(prim::TupleConstruct, elements, 1);
  made->output()->set_type(like->type());
  made->set_place_of(place);
  return made;
}

bool split_branches(Node* node) {
  bool changed = false;
  for (size_t i = node->outputs().size(); i-- > 0;) {
    Value* tuple = node->output(i);
    const size_t arity = arity_of(tuple->type());
    if (arity == 0 || !makes(node->block(0)->outputs()[i], arity) || !makes(node->block(1)->outputs()[i], arity)) {
      continue;
    }
    const auto types = tuple->type()->expectRef<c10::TupleType>().elements();
    std::vector<Value*> elements;
    for (size_t j = 0; j < arity; ++j) {
      elements.push_back(node->add_output(types[j]));
      for (Block* branch : node->blocks()) branch->add_output(maker_of(branch->outputs()[i])->input(j));
    }
    Node* made = construct_tuple(*node->graph(), elements, tuple, *node);
    made->insert_after(node);
    tuple->replace_all_uses_with(made->output());
    node->erase_output(i);
    for (Block* branch : node->blocks()) branch->erase_output(i);
    changed = true;
  }
  return changed;
}

bool split_carried(Node* node) {
  bool changed = false;
  Block* body = node->block(0);
  for (size_t i = node->outputs().size(); i-- > 0;) {
    Value* tuple = node->output(i);
    const size_t arity = arity_of(tuple->type());
    if (arity == 0 || !(*body->inputs()[i + 1]->type() == *tuple->type())) continue;
    if (!makes(node->input(i + 2), arity) || !makes(body->outputs()[i + 1], arity)) continue;
    const auto types = tuple->type()->expectRef<c10::TupleType>().elements();
    const Node* initial = maker_of(node->input(i + 2));
    const Node* next = maker_of(body->outputs()[i + 1]);
    std::vector<Value*> results;
    std::vector<Value*> carried;
    for (size_t j = 0; j < arity; ++j) {
      node->add_input(initial->input(j));
      results.push_back(node->add_output(types[j]));
      carried.push_back(body->add_input(types[j]));
      body->add_output(next->input(j));
    }
    Node* inside = construct_tuple(*node->graph(), carried, tuple, *node);
    body->prepend(inside);
    body->inputs()[i + 1]->replace_all_uses_with(inside->output());
    Node* after = construct_tuple(*node->graph(), results, tuple, *node);
    after->insert_after(node);
    tuple->replace_all_uses_with(after->output());
    body->erase_output(i + 1);
    body->erase_input(i + 1);
    node->erase_output(i);
    node->remove_input(i + 2);
    changed = true;
  }
  return changed;
}

}  // namespace

absl::StatusOr<bool> scalarize_tuples(Graph& graph, PassContext&) {
  bool changed = false;
  for (bool again = true; again;) {
    again = false;
    for_each_node(graph.block(), [&](Node* node) {
      if (node->kind() == prim::If) again = split_branches(node) || again;
      if (node->kind() == prim::Loop) again = split_carried(node) || again;
      again = take_apart(node) || again;
    });
    changed = changed || again;
  }
  return changed;
}

}  // namespace vesta::passes
