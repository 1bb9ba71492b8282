#pragma once

// Facts about a graph's values that the lowering needs: which nodes need no code, and where a value is read
// for the last time.

#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "ir/graph.h"

namespace vesta::runtime {

// Valid for as long as the graph is not changed.
class Liveness {
 public:
  explicit Liveness(const ir::Graph& graph);

  // The value that stands for `value` at run time: casts without a check and elements of tuples that are
  // made and taken apart within the graph are other names of values.
  const ir::Value* root(const ir::Value* value) const {
    auto it = roots_.find(value);
    return it == roots_.end() ? value : it->second;
  }
  // Whether the node needs no code: constants, other names, tuples that are only taken apart.
  bool vanishes(const ir::Node* node) const { return vanishing_.contains(node); }

  // The last node of `block` itself that reads the root value, or that has a block inside which reads it; the
  // return node where the block yields it; null where the block does not read it.
  const ir::Node* last_user(const ir::Value* value, const ir::Block* block) const {
    auto it = last_users_.find({value, block});
    return it == last_users_.end() ? nullptr : it->second;
  }
  // The same without the return node of `block`.
  const ir::Node* last_user_but_return(const ir::Value* value, const ir::Block* block) const {
    auto it = last_users_but_return_.find({value, block});
    return it == last_users_but_return_.end() ? nullptr : it->second;
  }
  // How often `block` yields the root value.
  size_t yields(const ir::Value* value, const ir::Block* block) const;
  // Position of a node in the order of the graph's text. Return nodes come behind their blocks' nodes.
  size_t position(const ir::Node* node) const { return positions_.at(node); }
  // How often the root value is read by nodes with code.
  size_t reads(const ir::Value* value) const {
    auto it = reads_.find(value);
    return it == reads_.end() ? 0 : it->second;
  }

 private:
  void find_aliases(const ir::Block* block);
  void find_uses(const ir::Block* block);
  void note_uses(const ir::Node* node);
  bool only_taken_apart(const ir::Node* tuple) const;

  absl::flat_hash_map<const ir::Value*, const ir::Value*> roots_;
  absl::flat_hash_set<const ir::Node*> vanishing_;
  absl::flat_hash_map<std::pair<const ir::Value*, const ir::Block*>, const ir::Node*> last_users_;
  absl::flat_hash_map<std::pair<const ir::Value*, const ir::Block*>, const ir::Node*> last_users_but_return_;
  absl::flat_hash_map<const ir::Node*, size_t> positions_;
  absl::flat_hash_map<const ir::Value*, size_t> reads_;
};

// The constant that a value is, or null. REQUIRES: `value` is a root.
const c10::IValue* constant_of(const ir::Value* value);

}  // namespace vesta::runtime
