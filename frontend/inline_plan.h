#pragma once

// Which nodes of a graph are printed in place, as operands, and which as statements of their own.

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"

namespace vesta::frontend {

enum class LoopForm { kFor, kWhile };

// REQUIRES: the loop is one that make_loops_printable() leaves.
LoopForm loop_form(const ir::Node& loop);

// Loops that both count and test (`for` with `break`) become `while` loops that count for themselves: the language
// of archives has no other form for them.
void make_loops_printable(ir::Graph& graph);

// The order in which nodes are evaluated is kept to the last operator: a value is printed in place only where reading
// the text evaluates it at the place that its node has among the others. So nothing depends on what has effects.
class InlinePlan {
 public:
  explicit InlinePlan(const ir::Graph& graph) { graph_of(graph); }

  bool is_inline(const ir::Node* node) const { return inline_.contains(node); }

  // The place that the start of the node's text stands for. A reader looks a node's place up where its text starts,
  // so a node and the operand that its text starts with share one: the operand's, where the node itself has none or
  // cannot fail.
  const support::SourceRange& place(const ir::Node& node) const;

 private:
  // Pending: nodes that wait for the one place that reads them, in their order.
  using Pending = std::vector<const ir::Node*>;

  void graph_of(const ir::Graph& graph);
  void block(const ir::Block& block);
  // Takes what `user` reads off the end of `pending`; true where something that it reads had to be left as a statement.
  void consume(const ir::Node& user, const std::vector<const ir::Value*>& operands, Pending& pending);
  bool may_wait(const ir::Node& node) const;
  bool may_be_operand(const ir::Node& node, const ir::Node& user) const;
  // Whether an error in the node, or in what its text starts with, could be told at the node's place.
  bool may_fail(const ir::Node& node) const;
  // Whether the node's text may start with the operand's: errors of both are told on the line that is theirs.
  bool may_start_with(const ir::Node& operand, const ir::Node& node) const;
  bool is_leaf_tuple(const ir::Node& node) const;

  std::unordered_set<const ir::Node*> inline_;
  std::unordered_map<const ir::Node*, size_t> weights_;
};

// The value whose name a `while` loop's condition has; null: none tells one.
const ir::Value* condition_name(const ir::Node& loop);

// The values that a node's text reads, in the order in which it evaluates them. `return_node`: of a block.
std::vector<const ir::Value*> operands_in_order(const ir::Node& node);

bool is_constant(const ir::Value& value);

// The value that the node's text starts with, in front of `.name`, `[i]` or `.method(...)`; null: it starts with a
// word of its own.
const ir::Value* leading_operand(const ir::Node& node);

// Whether the node makes a tuple that is none of the program's NamedTuples.
bool is_plain_tuple(const ir::Node& node);

// The name that the frontend gives to an attribute or a NamedTuple's field by itself, whatever it is assigned to; ""
// for other values.
std::string automatic_name(const ir::Value& value);

}  // namespace vesta::frontend
