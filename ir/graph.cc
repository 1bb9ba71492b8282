// Values keep a list of their uses, kept in step by every change of a node's inputs. Nodes stand in an
// intrusive list per block and are owned by one flat vector of the graph, so that deep nesting
// never recurses when a graph is destroyed. Execution order within a block is a number per node with
// gaps; a block is numbered anew when a gap is used up.

#include "ir/graph.h"

#include <algorithm>
#include <cctype>

namespace vesta::ir {
namespace {

constexpr uint64_t kOrderGap = uint64_t{1} << 20;

bool reads_as_number(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
}

std::string sanitized(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '.') c = '_';
  }
  return result;
}

// "x.12" -> "x": the part that a numeric suffix is added to.
std::string stem(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot + 1 == name.size()) return name;
  return reads_as_number(std::string_view(name).substr(dot + 1)) ? name.substr(0, dot) : name;
}

}  // namespace

// ---- Value

Graph* Value::graph() const { return node_->graph(); }

std::string Value::name() const { return name_.empty() ? std::to_string(id_) : name_; }

void Value::set_name(std::string_view wanted) {
  Graph* graph = node_->graph();
  if (!name_.empty()) {
    graph->names_.erase(name_);
    name_.clear();
  }
  if (wanted.empty() || reads_as_number(wanted)) return;
  std::string name = sanitized(wanted);
  if (graph->names_.contains(name)) {
    const std::string base = stem(name);
    size_t& suffix = graph->name_suffixes_[base];
    do {
      name = base + "." + std::to_string(++suffix);
    } while (graph->names_.contains(name));
  }
  graph->names_.emplace(name, this);
  name_ = std::move(name);
}

void Value::replace_all_uses_with(Value* replacement) {
  if (replacement == this) return;
  for (const Use& use : uses_) {
    use.user->inputs_[use.index] = replacement;
    replacement->uses_.push_back(use);
  }
  uses_.clear();
}

// ---- Node: inputs and outputs

Node::~Node() {
  for (Value* output : outputs_) delete output;
}

void Node::remove_use(Value* value, size_t index) {
  auto& uses = value->uses_;
  // From the back: nodes are mostly destroyed before those that they read, in the reverse order of their making.
  const auto it =
      std::find_if(uses.rbegin(), uses.rend(), [&](const Use& u) { return u.user == this && u.index == index; });
  uses.erase(std::next(it).base());
}

void Node::add_input(Value* value) {
  value->uses_.push_back({this, inputs_.size()});
  inputs_.push_back(value);
}

void Node::insert_input(size_t i, Value* value) {
  for (size_t j = inputs_.size(); j-- > i;) {
    for (Use& use : inputs_[j]->uses_) {
      if (use.user == this && use.index == j) use.index = j + 1;
    }
  }
  inputs_.insert(inputs_.begin() + static_cast<std::ptrdiff_t>(i), value);
  value->uses_.push_back({this, i});
}

void Node::replace_input(size_t i, Value* value) {
  if (inputs_[i] == value) return;
  remove_use(inputs_[i], i);
  inputs_[i] = value;
  value->uses_.push_back({this, i});
}

void Node::remove_input(size_t i) {
  remove_use(inputs_[i], i);
  inputs_.erase(inputs_.begin() + static_cast<std::ptrdiff_t>(i));
  for (size_t j = i; j < inputs_.size(); ++j) {
    for (Use& use : inputs_[j]->uses_) {
      if (use.user == this && use.index == j + 1) {
        use.index = j;
        break;
      }
    }
  }
}

void Node::remove_all_inputs() {
  for (size_t i = 0; i < inputs_.size(); ++i) remove_use(inputs_[i], i);
  inputs_.clear();
}

void Node::replace_input_with(Value* from, Value* to) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i] == from) replace_input(i, to);
  }
}

Value* Node::add_output(c10::TypePtr type) { return insert_output(outputs_.size(), std::move(type)); }

Value* Node::insert_output(size_t i, c10::TypePtr type) {
  Value* value = graph_->new_value(this, i, std::move(type));
  outputs_.insert(outputs_.begin() + static_cast<std::ptrdiff_t>(i), value);
  for (size_t j = i + 1; j < outputs_.size(); ++j) outputs_[j]->offset_ = j;
  return value;
}

void Node::erase_output(size_t i) {
  Value* value = outputs_[i];
  outputs_.erase(outputs_.begin() + static_cast<std::ptrdiff_t>(i));
  for (size_t j = i; j < outputs_.size(); ++j) outputs_[j]->offset_ = j;
  graph_->release(value);
}

Block* Node::add_block() {
  Block* block = graph_->new_block(this);
  blocks_.push_back(block);
  return block;
}

void Node::erase_block(size_t i) {
  Block* block = blocks_[i];
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(i));
  graph_->release(block);
}

// ---- Node: attributes

const AttributeValue* Node::find(Symbol name) const {
  for (const auto& [key, value] : attributes_) {
    if (key == name) return &value;
  }
  return nullptr;
}

Node* Node::set(Symbol name, AttributeValue value) {
  for (auto& [key, held] : attributes_) {
    if (key == name) {
      held = std::move(value);
      return this;
    }
  }
  attributes_.emplace_back(name, std::move(value));
  return this;
}

void Node::remove_attribute(Symbol name) {
  std::erase_if(attributes_, [&](const auto& entry) { return entry.first == name; });
}

void Node::copy_metadata_from(const Node& other) {
  attributes_ = other.attributes_;
  op_ = other.op_;
  set_place_of(other);
}

// ---- Node: place

void Node::unlink() {
  (prev_ ? prev_->next_ : block_->first_) = next_;
  (next_ ? next_->prev_ : block_->last_) = prev_;
  prev_ = next_ = nullptr;
  block_ = nullptr;
  order_ = 0;
}

void Node::detach() {
  if (block_ != nullptr) unlink();
}

void Node::insert_before(Node* node) {
  if (node == node->block_->return_) return node->block_->append(this);
  detach();
  block_ = node->block_;
  prev_ = node->prev_;
  next_ = node;
  (prev_ ? prev_->next_ : block_->first_) = this;
  node->prev_ = this;
  const uint64_t low = prev_ ? prev_->order_ : 0;
  order_ = low + (node->order_ - low) / 2;
  if (order_ == low || order_ == node->order_) block_->renumber();
}

void Node::insert_after(Node* node) {
  if (node == node->block_->param_) return node->block_->prepend(this);
  if (node->next_ != nullptr) return insert_before(node->next_);
  node->block_->append(this);
}

void Node::destroy() { graph_->release(this); }

bool Node::is_before(const Node* other) const {
  // Lift both to the first common block.
  auto depth = [](const Node* node) {
    size_t n = 0;
    for (const Block* b = node->block_; b != nullptr; b = b->parent()) ++n;
    return n;
  };
  const Node* a = this;
  const Node* b = other;
  size_t depth_a = depth(a);
  size_t depth_b = depth(b);
  for (; depth_a > depth_b; --depth_a) a = a->block_->owner_;
  for (; depth_b > depth_a; --depth_b) b = b->block_->owner_;
  while (a->block_ != b->block_) {
    Node* owner_a = a->block_->owner_;
    Node* owner_b = b->block_->owner_;
    if (owner_a == owner_b) {
      // Two blocks of one node: the earlier block counts as before.
      const auto& blocks = owner_a->blocks_;
      return std::find(blocks.begin(), blocks.end(), a->block_) < std::find(blocks.begin(), blocks.end(), b->block_);
    }
    a = owner_a;
    b = owner_b;
  }
  if (a == b) return false;
  const Block* block = a->block_;
  if (a == block->param_ || b == block->return_) return true;
  if (a == block->return_ || b == block->param_) return false;
  return a->order_ < b->order_;
}

// ---- Block

Value* Block::add_input(c10::TypePtr type, std::string_view name) {
  return insert_input(inputs().size(), std::move(type), name);
}

Value* Block::insert_input(size_t i, c10::TypePtr type, std::string_view name) {
  Value* value = param_->insert_output(i, std::move(type));
  value->set_name(name);
  return value;
}

void Block::append(Node* node) {
  node->detach();
  node->block_ = this;
  node->prev_ = last_;
  (last_ ? last_->next_ : first_) = node;
  node->order_ = (last_ ? last_->order_ : 0) + kOrderGap;
  last_ = node;
}

void Block::prepend(Node* node) {
  if (first_ == nullptr) return append(node);
  node->insert_before(first_);
}

void Block::renumber() {
  uint64_t order = 0;
  for (Node* node = first_; node != nullptr; node = node->next_) node->order_ = order += kOrderGap;
}

void Block::clear() {
  while (last_ != nullptr) {
    Node* node = last_;
    for (Value* output : node->outputs_) {
      while (!output->uses_.empty()) {
        const Use use = output->uses_.back();
        use.user->remove_input(use.index);
      }
    }
    graph_->release(node);
  }
}

void Block::append_copy(const Block& from, std::unordered_map<const Value*, Value*>& map) {
  auto translated = [&](Value* value) {
    auto it = map.find(value);
    return it == map.end() ? value : it->second;
  };
  for (const Node* node : from.nodes()) {
    Node* copy = graph_->new_node(node->kind_);
    copy->copy_metadata_from(*node);
    for (auto& [key, value] : copy->attributes_) {
      if (auto* subgraph = std::get_if<std::shared_ptr<Graph>>(&value)) value = (*subgraph)->copy();
    }
    for (Value* input : node->inputs_) copy->add_input(translated(input));
    append(copy);
    for (const Value* output : node->outputs_) {
      Value* fresh = copy->add_output(output->type());
      fresh->set_name(output->name_);
      map[output] = fresh;
    }
    for (const Block* inner : node->blocks_) {
      Block* fresh = copy->add_block();
      for (const Value* input : inner->inputs()) map[input] = fresh->add_input(input->type(), input->name_);
      fresh->append_copy(*inner, map);
    }
  }
  for (Value* output : from.outputs()) add_output(translated(output));
}

// ---- Graph

Graph::Graph() {
  top_ = new_block(nullptr);
  insert_block_ = top_;
}

Graph::~Graph() = default;

Node* Graph::new_node(Symbol kind) {
  nodes_.emplace_back(new Node(this, kind));
  nodes_.back()->slot_ = nodes_.size() - 1;
  return nodes_.back().get();
}

Block* Graph::new_block(Node* owner) {
  blocks_.emplace_back(new Block(this, owner));
  Block* block = blocks_.back().get();
  block->slot_ = blocks_.size() - 1;
  block->param_ = new_node(prim::Param);
  block->return_ = new_node(prim::Return);
  block->param_->block_ = block;
  block->return_->block_ = block;
  return block;
}

Value* Graph::new_value(Node* node, size_t offset, c10::TypePtr type) {
  return new Value(node, offset, next_id_++, std::move(type));
}

void Graph::release(Value* value) {
  if (!value->name_.empty()) names_.erase(value->name_);
  delete value;
}

void Graph::release(Block* block) {
  block->clear();
  block->return_->remove_all_inputs();
  for (Node* sentinel : {block->param_, block->return_}) {
    sentinel->block_ = nullptr;
    release(sentinel);
  }
  const size_t slot = block->slot_;
  blocks_.back()->slot_ = slot;
  std::swap(blocks_[slot], blocks_.back());
  blocks_.pop_back();
}

void Graph::release(Node* node) {
  if (insert_before_ == node) insert_before_ = node->next_;
  node->detach();
  node->remove_all_inputs();
  while (!node->blocks_.empty()) node->erase_block(node->blocks_.size() - 1);
  for (Value* output : node->outputs_) release(output);
  node->outputs_.clear();
  const size_t slot = node->slot_;
  nodes_.back()->slot_ = slot;
  std::swap(nodes_[slot], nodes_.back());
  nodes_.pop_back();
}

Node* Graph::create(Symbol kind, std::span<Value* const> inputs, size_t outputs) {
  Node* node = new_node(kind);
  for (Value* input : inputs) node->add_input(input);
  for (size_t i = 0; i < outputs; ++i) node->add_output();
  return node;
}

Node* Graph::create_constant(c10::IValue value, c10::TypePtr type) {
  Node* node = create(prim::Constant);
  node->output()->set_type(type ? std::move(type) : value.type());
  if (!value.isNone()) node->set(attr::value, std::move(value));
  return node;
}

Node* Graph::insert(Node* node) {
  if (insert_before_ != nullptr) {
    node->insert_before(insert_before_);
  } else {
    insert_block_->append(node);
  }
  return node;
}

std::shared_ptr<Graph> Graph::copy() const {
  auto result = std::make_shared<Graph>();
  std::unordered_map<const Value*, Value*> map;
  for (const Value* input : inputs()) map[input] = result->add_input(input->type(), input->name_);
  result->top_->append_copy(*top_, map);
  return result;
}

}  // namespace vesta::ir
