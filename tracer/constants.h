#pragma once

#include <ATen/core/ivalue.h>

#include "ir/graph.h"

namespace vesta::tracer {

// What a prim::Constant node holds; null for other nodes, and for None.
inline const c10::IValue* constant_of(const ir::Node& node) {
  if (node.kind() != c10::prim::Constant) return nullptr;
  const ir::AttributeValue* found = node.find(c10::attr::value);
  return found == nullptr ? nullptr : std::get_if<c10::IValue>(found);
}
inline const c10::IValue* constant_of(const ir::Value* value) { return constant_of(*value->node()); }

}  // namespace vesta::tracer
