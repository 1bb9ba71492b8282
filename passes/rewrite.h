#pragma once

// Small things that passes do to graphs.

#include <functional>
#include <unordered_map>
#include <vector>

#include <ATen/core/ivalue.h>

#include "ir/graph.h"
#include "ir/operator.h"

namespace vesta::passes {

// The value of a prim::Constant (None for one without a value); null for functions and for all other nodes.
const c10::IValue* constant_of(const ir::Value* value);
// Whether it is this bool.
bool is_constant(const ir::Value* value, bool wanted);

// The type of a constant of `declared` type that holds `value`: an optional's element, or None.
c10::TypePtr type_of_constant(const c10::IValue& value, const c10::TypePtr& declared);
// A constant in front of `node`.
ir::Value* constant_before(ir::Node* node, c10::IValue value, const c10::TypePtr& declared);

// Copies the nodes of `from` in front of `node`, with `map` as for Block::append_copy, and gives the copies of its
// outputs. Before they are moved there, visit(Node*) sees each copy, those in inner blocks too.
std::vector<ir::Value*> copy_nodes_before(ir::Node* node, const ir::Block& from,
                                          std::unordered_map<const ir::Value*, ir::Value*>& map,
                                          const std::function<void(ir::Node*)>& visit = nullptr);

// Moves the nodes of `block` in front of `node`, which holds it or is an If or Loop in its place.
void move_nodes_before(ir::Node* node, ir::Block* block);

// Calls visit(Node*) for each node of the block and of those inside, in order. The node visited may be destroyed if it
// has no blocks, and nodes may be put in front of it.
template <class Visit>
void for_each_node(ir::Block* block, const Visit& visit) {
  for (ir::Node* node : block->nodes()) {
    for (ir::Block* inner : node->blocks()) for_each_node(inner, visit);
    visit(node);
  }
}

// Whether values of the type hold neither memory that can be written to nor objects: numbers, strings, devices, None,
// enums, functions, and tuples and optionals of these.
bool is_immutable(const c10::TypePtr& type);

// Whether the node's results are what its input holds, not copies: attributes, elements of tuples, casts.
bool hands_on(const ir::Node& node);

// Whether the graph enters contexts or sets the grad mode: what an operator on tensors gives depends on where it
// stands.
bool changes_modes(const ir::Graph& graph);

// The operator of this name and overload that the dispatcher or our tables have. Null where there is none.
const ir::Operator* operator_named(std::string_view name, std::string_view overload = {});

}  // namespace vesta::passes
