#pragma once

// Printed graphs (ir/printer.h) read back: print(parse(text)) == text.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "ir/operator.h"
#include "ir/support/limits.h"
#include "ir/support/source.h"

namespace vesta::ir {

class Program;

struct IrParseOptions {
  // Where nodes find their operators; null: Node::op() stays null. Not owned.
  const OperatorCatalog* catalog = &OperatorCatalog::standard();
  // Types and functions that the text names; null: none. Not owned; must outlive the graph.
  const Program* program = nullptr;
  // The text tells only dtype and shape of a tensor constant: this gives the tensor. Empty: they are an error.
  std::function<at::Tensor(c10::ScalarType type, const std::vector<int64_t>& sizes)> make_tensor;
  Limits limits;
};

// Parses one graph with its subgraphs. Values keep their names and numbers; nodes get the range of their text.
// A text has no overload's name: the overload is the one of the name's candidates that fits the types best.
// Blanks, line breaks and comments (`# ...`) separate and mean nothing else.
// Errors: InvalidArgument with "file:line:col" for what is no graph (an undefined value, an unknown operator or
// type, a constant that its type does not hold), ResourceExhausted past the limits of nesting and nodes.
// Does not verify: see ir/verifier.h.
absl::StatusOr<std::shared_ptr<Graph>> parse_graph(std::shared_ptr<const support::Source> source,
                                                   const IrParseOptions& options = {});
absl::StatusOr<std::shared_ptr<Graph>> parse_graph(std::string_view text, const IrParseOptions& options = {});

// The overload of the node's kind that takes its inputs' types and gives its outputs', null where none does.
const Operator* find_operator_of(const Node& node, const OperatorCatalog& catalog);

}  // namespace vesta::ir
