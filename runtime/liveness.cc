// One walk in execution order. Each read is noted in the reader's block and, on behalf of the enclosing nodes,
// in every block up to the one that defines the value; since later reads overwrite earlier ones, the last stays.

#include "runtime/liveness.h"

#include <algorithm>

#include "runtime/bytecode.h"

namespace vesta::runtime {
namespace {

using ir::Block;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

// The element that a TupleIndex or TupleUnpack takes; the tuple's size where the index is not constant.
size_t constant_index(const Node* index_node, size_t size) {
  const c10::IValue* index = constant_of(index_node->input(1));
  if (index == nullptr || !index->isInt()) return size;
  const int64_t i = index->toInt() < 0 ? index->toInt() + static_cast<int64_t>(size) : index->toInt();
  return i >= 0 && static_cast<size_t>(i) < size ? static_cast<size_t>(i) : size;
}

}  // namespace

const c10::IValue* constant_of(const Value* value) {
  static const c10::IValue none;
  const Node* node = value->node();
  if (node->kind() == prim::Uninitialized) return &none;
  if (node->kind() != prim::Constant) return nullptr;
  const ir::AttributeValue* held = node->find(ir::attr::value);
  if (held == nullptr) return node->has(ir::attr::name) ? nullptr : &none;
  return std::get_if<c10::IValue>(held);
}

Liveness::Liveness(const ir::Graph& graph) {
  find_aliases(graph.block());
  find_uses(graph.block());
}

void Liveness::find_aliases(const Block* block) {
  for (const Node* node : block->nodes()) {
    for (const Block* inner : node->blocks()) find_aliases(inner);
    const c10::Symbol kind = node->kind();
    if (kind == prim::Constant || kind == prim::Uninitialized) {
      vanishing_.insert(node);
    } else if (kind == prim::unchecked_cast) {
      const Value* source = root(node->input(0));
      if (bank_of(*source->type()) != bank_of(*node->output()->type())) continue;
      roots_[node->output()] = source;
      vanishing_.insert(node);
    } else if (kind == prim::TupleUnpack || kind == prim::TupleIndex) {
      const Node* tuple = root(node->input(0))->node();
      if (tuple->kind() != prim::TupleConstruct) continue;
      const size_t size = tuple->inputs().size();
      if (kind == prim::TupleIndex) {
        const size_t index = constant_index(node, size);
        if (index == size) continue;
        const Value* element = root(tuple->input(index));
        if (bank_of(*element->type()) != bank_of(*node->output()->type())) continue;
        roots_[node->output()] = element;
        vanishing_.insert(node);
        continue;
      }
      bool same_banks = node->outputs().size() == size;
      for (size_t i = 0; same_banks && i < size; ++i) {
        same_banks = bank_of(*root(tuple->input(i))->type()) == bank_of(*node->output(i)->type());
      }
      if (!same_banks) continue;
      for (size_t i = 0; i < size; ++i) roots_[node->output(i)] = root(tuple->input(i));
      vanishing_.insert(node);
    }
  }
}

bool Liveness::only_taken_apart(const Node* tuple) const {
  for (const ir::Use& use : tuple->output()->uses()) {
    const bool cast = use.user->kind() == prim::unchecked_cast;
    if (!vanishing_.contains(use.user) || (cast && !only_taken_apart(use.user))) return false;
  }
  return true;
}

void Liveness::find_uses(const Block* block) {
  for (const Node* node : block->nodes()) {
    positions_[node] = positions_.size();
    if (node->kind() == prim::TupleConstruct && only_taken_apart(node)) vanishing_.insert(node);
    if (!vanishing_.contains(node)) note_uses(node);
    for (const Block* inner : node->blocks()) find_uses(inner);
  }
  positions_[block->return_node()] = positions_.size();
  note_uses(block->return_node());
}

size_t Liveness::yields(const Value* value, const Block* block) const {
  const auto& yielded = block->outputs();
  return static_cast<size_t>(
      std::count_if(yielded.begin(), yielded.end(), [&](const Value* output) { return root(output) == value; }));
}

void Liveness::note_uses(const Node* node) {
  for (const Value* input : node->inputs()) {
    const Value* value = root(input);
    if (constant_of(value) != nullptr) continue;
    ++reads_[value];
    const Block* defining = value->node()->owning_block();
    const Node* at = node;
    for (const Block* block = node->owning_block(); block != nullptr; block = block->parent()) {
      last_users_[{value, block}] = at;
      if (at != block->return_node()) last_users_but_return_[{value, block}] = at;
      if (block == defining) break;
      at = block->owning_node();
    }
  }
}

}  // namespace vesta::runtime
