#pragma once

// The intermediate representation: an SSA graph with nested blocks.
//
// A Graph has one top block. A Block has inputs (values it defines), a list of nodes, and outputs (values
// it yields). A Node reads values, defines values, and may hold blocks of its own: `prim::If` has two,
// `prim::Loop` has one (inputs: iteration number and the carried values; outputs: the condition to go on
// and the carried values). A value is defined once and may be read by any node that it dominates, in its
// block or in nested blocks.
//
// Ownership: the Graph owns its nodes, blocks and values; raw pointers are valid until the node that
// they belong to is destroyed, or the graph. Not thread-safe for writing; many threads may read.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/core/interned_strings.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "ir/support/source.h"

namespace vesta::ir {

class Block;
class Function;
class Graph;
class Node;
class Value;
struct Operator;

using c10::Symbol;
namespace attr = c10::attr;
namespace aten = c10::aten;
namespace prim = c10::prim;

// One place where a value is read: input number `index` of `user`. Block outputs are read by the
// block's return node.
struct Use {
  Node* user = nullptr;
  size_t index = 0;
};

class Value {
 public:
  // The node that defines it; a block's input is defined by the block's param node.
  Node* node() const { return node_; }
  // Which output of node() it is.
  size_t offset() const { return offset_; }
  // A number that is unique in the graph.
  size_t id() const { return id_; }
  const c10::TypePtr& type() const { return type_; }
  void set_type(c10::TypePtr type) { type_ = std::move(type); }
  const std::vector<Use>& uses() const { return uses_; }
  bool has_uses() const { return !uses_.empty(); }
  Graph* graph() const;

  // The name as printed after '%': the one that was set, else the id.
  std::string name() const;
  bool has_name() const { return !name_.empty(); }
  // Sets a readable name. Made unique by a numeric suffix ("x.1") where it is taken; characters other
  // than letters, digits, '_' and '.' become '_'; a name that would read as a number is ignored.
  void set_name(std::string_view name);

  void replace_all_uses_with(Value* replacement);

 private:
  friend class Graph;
  friend class Node;
  friend class Block;
  Value(Node* node, size_t offset, size_t id, c10::TypePtr type)
      : node_(node), offset_(offset), id_(id), type_(std::move(type)) {}

  Node* node_;
  size_t offset_;
  size_t id_;
  c10::TypePtr type_;
  std::string name_;
  std::vector<Use> uses_;
};

// The value of a node's attribute. IValue serves for constants (`value`).
using AttributeValue = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<std::string>,
                                    c10::TypePtr, std::vector<c10::TypePtr>, c10::IValue, std::shared_ptr<Graph>>;

// A call in whose place the called function's nodes stand: what a message needs to tell the call chain as if the call
// were there. Immutable; shared by all nodes that came with one call.
struct InlinedCall {
  const Function* callee = nullptr;  // Not owned.
  std::string name;                  // Of the callee, as messages have it: "Inner.forward".
  support::SourceRange range;        // Of the call, in the function around it.
  // The call that brought that function here in turn; null where it is the graph's own.
  std::shared_ptr<const InlinedCall> outer;
};

class Node {
 public:
  Symbol kind() const { return kind_; }
  // The operator that the node calls; null for structural nodes (ir/prim_ops.def).
  const Operator* op() const { return op_; }
  void set_op(const Operator* op) { op_ = op; }

  const std::vector<Value*>& inputs() const { return inputs_; }
  Value* input(size_t i) const { return inputs_[i]; }
  const std::vector<Value*>& outputs() const { return outputs_; }
  Value* output(size_t i) const { return outputs_[i]; }
  // REQUIRES: exactly one output.
  Value* output() const { return outputs_[0]; }
  const std::vector<Block*>& blocks() const { return blocks_; }
  Block* block(size_t i) const { return blocks_[i]; }

  void add_input(Value* value);
  void insert_input(size_t i, Value* value);
  void replace_input(size_t i, Value* value);
  void remove_input(size_t i);
  void remove_all_inputs();
  // Replaces `from` by `to` among the inputs.
  void replace_input_with(Value* from, Value* to);
  Value* add_output(c10::TypePtr type = c10::TensorType::get());
  Value* insert_output(size_t i, c10::TypePtr type = c10::TensorType::get());
  // REQUIRES: the output has no uses.
  void erase_output(size_t i);
  Block* add_block();
  void erase_block(size_t i);

  // Attributes, in the order in which they were set.
  bool has(Symbol name) const { return find(name) != nullptr; }
  // REQUIRES: has(name), with this type.
  template <class T>
  const T& get(Symbol name) const {
    return std::get<T>(*find(name));
  }
  const std::string& s(Symbol name) const { return get<std::string>(name); }
  int64_t i(Symbol name) const { return get<int64_t>(name); }
  const AttributeValue* find(Symbol name) const;
  Node* set(Symbol name, AttributeValue value);
  void remove_attribute(Symbol name);
  const std::vector<std::pair<Symbol, AttributeValue>>& attributes() const { return attributes_; }

  Graph* graph() const { return graph_; }
  // The block whose list the node is in; null while detached. A param or return node belongs to its block too.
  Block* owning_block() const { return block_; }
  // Neighbours in the block's list; null at its ends.
  Node* next() const { return next_; }
  Node* prev() const { return prev_; }

  // Detached nodes are put into a list; placed ones are moved.
  void insert_before(Node* node);
  void insert_after(Node* node);
  // Takes the node out of its block's list; it stays owned by the graph.
  void detach();
  // Destroys the node with its blocks. REQUIRES: no output has uses.
  void destroy();

  // Whether this node comes before `other` in execution order, where both are in one block or in
  // nested ones. A node is not before the nodes of its own blocks' enclosing node.
  bool is_before(const Node* other) const;

  const support::SourceRange& range() const { return range_; }
  Node* set_range(support::SourceRange range) {
    range_ = std::move(range);
    return this;
  }
  // The innermost inlined call that the node came with; null for a node of the graph's own function.
  const std::shared_ptr<const InlinedCall>& inlined_call() const { return inlined_call_; }
  void set_inlined_call(std::shared_ptr<const InlinedCall> call) { inlined_call_ = std::move(call); }
  // Takes the other node's place in the source: its range and its inlined call.
  Node* set_place_of(const Node& other) {
    range_ = other.range_;
    inlined_call_ = other.inlined_call_;
    return this;
  }
  // Copies what describes a node but not what it connects: attributes, operator, place.
  void copy_metadata_from(const Node& other);

 private:
  friend class Graph;
  friend class Block;
  friend class Value;
  friend struct std::default_delete<Node>;
  Node(Graph* graph, Symbol kind) : graph_(graph), kind_(kind) {}
  ~Node();
  void remove_use(Value* value, size_t index);
  void unlink();

  Graph* graph_;
  Symbol kind_;
  const Operator* op_ = nullptr;
  std::vector<Value*> inputs_;
  std::vector<Value*> outputs_;
  std::vector<Block*> blocks_;
  std::vector<std::pair<Symbol, AttributeValue>> attributes_;
  Block* block_ = nullptr;
  Node* next_ = nullptr;
  Node* prev_ = nullptr;
  size_t slot_ = 0;     // place in Graph::nodes_
  uint64_t order_ = 0;  // position in the block, increasing; 0: not numbered
  support::SourceRange range_;
  std::shared_ptr<const InlinedCall> inlined_call_;
};

// Walks a block's list. The current node may be destroyed or moved while it is visited.
class NodeList {
 public:
  class Iterator {
   public:
    explicit Iterator(Node* node) : node_(node), next_(node ? node->next() : nullptr) {}
    Node* operator*() const { return node_; }
    Iterator& operator++() {
      node_ = next_;
      next_ = node_ ? node_->next() : nullptr;
      return *this;
    }
    bool operator==(const Iterator& other) const { return node_ == other.node_; }

   private:
    Node* node_;
    Node* next_;
  };
  explicit NodeList(Node* first) : first_(first) {}
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(nullptr); }

 private:
  Node* first_;
};

class Block {
 public:
  Graph* graph() const { return graph_; }
  // The node that holds this block; null for a graph's top block.
  Node* owning_node() const { return owner_; }
  // The block around owning_node(); null for a top block.
  Block* parent() const { return owner_ ? owner_->owning_block() : nullptr; }

  const std::vector<Value*>& inputs() const { return param_->outputs(); }
  const std::vector<Value*>& outputs() const { return return_->inputs(); }
  Value* add_input(c10::TypePtr type, std::string_view name = {});
  Value* insert_input(size_t i, c10::TypePtr type, std::string_view name = {});
  void erase_input(size_t i) { param_->erase_output(i); }
  void add_output(Value* value) { return_->add_input(value); }
  void erase_output(size_t i) { return_->remove_input(i); }
  void replace_output(size_t i, Value* value) { return_->replace_input(i, value); }

  NodeList nodes() const { return NodeList(first_); }
  Node* first() const { return first_; }
  Node* last() const { return last_; }
  bool empty() const { return first_ == nullptr; }
  Node* param_node() const { return param_; }
  Node* return_node() const { return return_; }

  void append(Node* node);
  void prepend(Node* node);
  // Destroys all nodes of the list.
  void clear();
  // Copies the nodes and outputs of `from` behind this block's nodes; `map` translates values that are
  // defined outside of `from` (identity where it returns null) and collects the copies.
  void append_copy(const Block& from, std::unordered_map<const Value*, Value*>& map);

 private:
  friend class Graph;
  friend class Node;
  Block(Graph* graph, Node* owner) : graph_(graph), owner_(owner) {}
  void renumber();

  Graph* graph_;
  Node* owner_;
  Node* param_ = nullptr;
  Node* return_ = nullptr;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  size_t slot_ = 0;
};

class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  Block* block() const { return top_; }
  const std::vector<Value*>& inputs() const { return top_->inputs(); }
  const std::vector<Value*>& outputs() const { return top_->outputs(); }
  NodeList nodes() const { return top_->nodes(); }
  Value* add_input(c10::TypePtr type, std::string_view name = {}) { return top_->add_input(std::move(type), name); }
  void add_output(Value* value) { top_->add_output(value); }
  // Nodes alive in the graph, param and return nodes left out.
  size_t node_count() const { return nodes_.size() - 2 * blocks_.size(); }

  // A detached node; put it somewhere with insert_before, append, or insert().
  Node* create(Symbol kind, std::span<Value* const> inputs = {}, size_t outputs = 1);
  Node* create(Symbol kind, std::initializer_list<Value*> inputs, size_t outputs = 1) {
    return create(kind, std::span<Value* const>(inputs.begin(), inputs.size()), outputs);
  }
  // `prim::Constant` of `value` (None: of type None), with the type of the value unless one is given. Detached.
  Node* create_constant(c10::IValue value, c10::TypePtr type = nullptr);

  // Where insert() puts nodes: before a node or at the end of a block. Initially the end of block().
  void set_insert_point(Block* block) { insert_block_ = block, insert_before_ = nullptr; }
  void set_insert_point(Node* before) { insert_block_ = before->owning_block(), insert_before_ = before; }
  Block* insert_block() const { return insert_block_; }
  Node* insert(Node* node);
  Value* insert_constant(c10::IValue value, c10::TypePtr type = nullptr) {
    return insert(create_constant(std::move(value), std::move(type)))->output();
  }

  // Gives `value` a number of the reader's choice, for text that is read back.
  // REQUIRES: no other value of the graph has it.
  void set_id(Value* value, size_t id) {
    value->id_ = id;
    if (next_id_ <= id) next_id_ = id + 1;
  }

  // A deep copy: nodes, names, ranges. Constants share their values, subgraphs are copied.
  std::shared_ptr<Graph> copy() const;

 private:
  friend class Node;
  friend class Block;
  friend class Value;
  Node* new_node(Symbol kind);
  Block* new_block(Node* owner);
  Value* new_value(Node* node, size_t offset, c10::TypePtr type);
  void release(Node* node);
  void release(Block* block);
  void release(Value* value);

  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::unordered_map<std::string, Value*> names_;
  std::unordered_map<std::string, size_t> name_suffixes_;
  size_t next_id_ = 0;
  Block* top_ = nullptr;
  Block* insert_block_ = nullptr;
  Node* insert_before_ = nullptr;
};

// Puts the insert point somewhere for as long as it lives.
class InsertPoint {
 public:
  explicit InsertPoint(Block* block) : graph_(block->graph()), block_(graph_->insert_block()) {
    graph_->set_insert_point(block);
  }
  ~InsertPoint() { graph_->set_insert_point(block_); }
  InsertPoint(const InsertPoint&) = delete;
  InsertPoint& operator=(const InsertPoint&) = delete;

 private:
  Graph* graph_;
  Block* block_;
};

}  // namespace vesta::ir
