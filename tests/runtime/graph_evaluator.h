#pragma once

// The plainest possible way to run a graph: a map from values to IValues, one visit a node. What the bytecode
// is compared with.

#include <vector>

#include <ATen/core/ivalue.h>

#include "ir/graph.h"

namespace vesta::runtime::testing {

// Knows ints, bools, lists of ints, optionals, tuples, prim::If and prim::Loop.
std::vector<c10::IValue> evaluate(const ir::Graph& graph, const std::vector<c10::IValue>& arguments);

}  // namespace vesta::runtime::testing
