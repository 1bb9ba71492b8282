#pragma once

// Checks the laws that every graph obeys, after every step in checked builds.

#include "absl/status/status.h"
#include "ir/graph.h"

namespace vesta::ir {

// Internal, naming the node, when a law is broken:
// * every use is listed at its value, and every listed use is real;
// * a value is defined before it is read, in the same block or in one around it;
// * structural nodes (ir/prim_ops.def) have their numbers of inputs, outputs and blocks and their attributes;
// * an operator's node has the schema's numbers of arguments and results, of the schema's types;
// * the blocks of prim::If and prim::Loop yield as many values as the node defines, of those types;
// * conditions are bool, trip counts int.
absl::Status verify(const Graph& graph);

}  // namespace vesta::ir
