#pragma once

// Which values of a graph may share memory, and which memory the graph writes to.
//
// An answer is for the graph as it was when the analysis was made: a pass that changes what it asks about makes a new
// one. Removing pure nodes keeps it right (it then knows of values that are no more). It errs towards sharing, writing
// and escaping. Values of immutable types (passes/rewrite.h) have no memory.

#include <cstddef>
#include <deque>
#include <unordered_map>
#include <vector>

#include <ATen/core/alias_info.h>

#include "ir/graph.h"

namespace vesta::passes {

class AliasAnalysis {
 public:
  explicit AliasAnalysis(const ir::Graph& graph);

  // Whether one value's own memory, or anything that can be reached from it, may be the other's.
  bool may_alias(const ir::Value* a, const ir::Value* b) const;
  // Whether a node of the graph may write to the value's own memory (a list's length and elements, a tensor's data and
  // shape) or to anything that can be reached from it.
  bool has_writers(const ir::Value* value) const;
  // The same for what any input of the node can reach.
  bool reads_written_memory(const ir::Node& node) const;
  // Whether the memory may be reached from outside of the graph while it runs or afterwards: from its inputs and
  // outputs, an object's attributes, a call or a task.
  bool escapes(const ir::Value* value) const;
  // Whether the memory may be there before the call: an argument's, an attribute's, a constant's.
  bool is_fresh(const ir::Value* value) const;

 private:
  // Memory that values may share: a class of the union-find forest. `content` is what its containers hold.
  struct Place {
    size_t parent;
    size_t content;
    bool written = false;
    bool escaped = false;
    bool outlives = false;
  };
  static constexpr size_t kNone = static_cast<size_t>(-1);

  size_t fresh();
  size_t fresh_blob();
  size_t find(size_t place) const;
  void unify(size_t a, size_t b);
  size_t content(size_t place);
  // What can be reached from `place`, itself first.
  std::vector<size_t> reachable(size_t place) const;

  size_t of(const ir::Value* value);
  size_t found(const ir::Value* value) const;
  void write(size_t place);
  void escape(size_t place);

  void block(const ir::Block& block);
  void node(const ir::Node& node);
  void structure(const ir::Node& node);
  void constant(const ir::Node& node);
  size_t constant_place(const c10::IValue& value);
  void anything(const ir::Node& node);
  void operation(const ir::Node& node);
  void dispatched(const ir::Node& node);
  void builtin(const ir::Node& node);
  void annotated(const ir::Node& node);
  void writes(const ir::Node& node);
  void merge_all(const ir::Node& node);
  void propagate();

  mutable std::deque<Place> places_;  // find() shortens its ways.
  std::unordered_map<const ir::Value*, size_t> values_;
  std::unordered_map<const void*, size_t> constants_;
  size_t outside_ = kNone;
};

}  // namespace vesta::passes
