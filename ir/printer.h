#pragma once

// The text form of graphs, as users of torch::jit know it:
//
//   graph(%x : Tensor):
//     %1 : int = prim::Constant[value=1]()
//     %2 : Tensor = aten::add(%x, %x, %1) # model.py:3:11
//     return (%2)
//
// ir/ir_parser.h reads it back; print(parse(text)) == text where no ranges are printed.

#include <string>

#include "ir/graph.h"

namespace vesta::ir {

struct PrintOptions {
  // Appends "# file:line:column" to nodes that know where they come from.
  bool ranges = false;
};

std::string print(const Graph& graph, const PrintOptions& options = {});
std::string print(const Node& node, const PrintOptions& options = {});
// As in a graph's text: `Tensor`, `int[]`, `Dict(str, Tensor)`, `__torch__.Foo`.
std::string print(const c10::Type& type);
// A constant as written after `value=`: 1, 0.5, "text", [1, 2], <Tensor float32[2, 3]>.
std::string print_constant(const c10::IValue& value);

}  // namespace vesta::ir
