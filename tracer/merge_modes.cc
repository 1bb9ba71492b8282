// A unit is an operator with the constants and lists that it alone reads. The units of the two graphs are walked side
// by side; where they part, the nearest units that agree again are looked for, and what lies between goes into the
// branches of a prim::If. A value that differs between the modes and is read behind becomes an output of that If. The
// work is done in the training graph, into which units of the other are copied.

#include "tracer/merge_modes.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ir/operator.h"
#include "ir/printer.h"
#include "tracer/constants.h"

namespace vesta::tracer {
namespace {

// How far the walk looks for the end of a difference, in units of both sides together.
constexpr size_t kWindow = 256;

bool is_tensor_constant(const ir::Value* value) {
  const c10::IValue* constant = constant_of(value);
  return constant != nullptr && ((constant->isTensor() && constant->toTensor().defined()) || constant->isObject());
}

// Constants and lists of them belong to the operator that reads them.
bool is_argument(const ir::Node* node) {
  if (node->kind() == c10::prim::Constant) return !is_tensor_constant(node->output());
  return node->kind() == c10::prim::ListConstruct && !node->inputs().empty() &&
         std::all_of(node->inputs().begin(), node->inputs().end(),
                     [](const ir::Value* input) { return is_argument(input->node()); });
}

bool same_constant(const c10::IValue& a, const c10::IValue& b) {
  return a.tagKind() == b.tagKind() && ir::print_constant(a) == ir::print_constant(b);
}

class Merger {
 public:
  Merger(ir::Graph& training, const ir::Graph& evaluation) : graph_(training), other_(evaluation) {}

  // False where the graphs are too different; `training` is then spoilt.
  bool run() {
    if (graph_.inputs().size() != other_.inputs().size()) return false;
    for (size_t i = 0; i < graph_.inputs().size(); ++i) ours_[other_.inputs()[i]] = graph_.inputs()[i];
    std::vector<ir::Node*> mine;
    std::vector<ir::Node*> theirs;
    if (!heads(graph_, mine) || !heads(other_, theirs)) return false;
    match_tensor_constants(mine, theirs);
    size_t i = 0;
    size_t j = 0;
    while (i < mine.size() || j < theirs.size()) {
      if (i < mine.size() && j < theirs.size() && agree(*mine[i], *theirs[j])) {
        if (!join(mine[i], theirs[j])) return false;
        ++i, ++j;
        continue;
      }
      const auto [skip_mine, skip_theirs] = next_agreement(mine, theirs, i, j);
      if (!separate({mine.begin() + static_cast<std::ptrdiff_t>(i), skip_mine},
                    {theirs.begin() + static_cast<std::ptrdiff_t>(j), skip_theirs},
                    i + skip_mine < mine.size() ? first_of(mine[i + skip_mine]) : nullptr)) {
        return false;
      }
      i += skip_mine, j += skip_theirs;
    }
    ir::Node* ours = graph_.block()->return_node();
    for (size_t o = 0; o < ours->inputs().size(); ++o) {
      ir::Value* value = unite(ours->input(o), other_.outputs()[o], ours);
      if (value == nullptr) return false;
      ours->replace_input(o, value);
    }
    return true;
  }

 private:
  // The operators of a graph without their constants. False where there are blocks.
  static bool heads(const ir::Graph& graph, std::vector<ir::Node*>& into) {
    for (ir::Node* node : graph.nodes()) {
      if (!node->blocks().empty()) return false;
      if (!is_argument(node)) into.push_back(node);
    }
    return true;
  }

  // Tensors that graphs hold are the same in both, whatever their order is.
  void match_tensor_constants(std::vector<ir::Node*>& mine, std::vector<ir::Node*>& theirs) {
    std::unordered_map<const void*, ir::Value*> known;
    const auto key = [](const c10::IValue& value) -> const void* {
      return value.isTensor() ? static_cast<const void*>(value.toTensor().unsafeGetTensorImpl())
                              : value.internalToPointer();
    };
    const auto constants = [](std::vector<ir::Node*>& nodes) {
      std::vector<ir::Node*> found;
      std::erase_if(nodes, [&](ir::Node* node) {
        const bool constant = node->kind() == c10::prim::Constant;
        if (constant) found.push_back(node);
        return constant;
      });
      return found;
    };
    ir::Node* last = nullptr;
    for (ir::Node* node : constants(mine)) {
      known.emplace(key(*constant_of(node->output())), node->output());
      last = node;
    }
    for (const ir::Node* node : constants(theirs)) {
      const c10::IValue& value = *constant_of(node->output());
      ir::Value*& ours = known[key(value)];
      if (ours == nullptr) ours = equal_content(value, known);
      if (ours == nullptr) {
        ir::Node* copy = graph_.create_constant(value, node->output()->type());
        if (last == nullptr)
          graph_.block()->prepend(copy);
        else
          copy->insert_after(last);
        last = copy;
        ours = copy->output();
      }
      ours_[node->output()] = ours;
    }
  }

  // Content of raw memory is another tensor in each recording.
  static ir::Value* equal_content(const c10::IValue& value, const std::unordered_map<const void*, ir::Value*>& known) {
    if (!value.isTensor()) return nullptr;
    const at::Tensor& tensor = value.toTensor();
    for (const auto& [key, ours] : known) {
      if (ours == nullptr || !constant_of(ours)->isTensor()) continue;
      const at::Tensor& mine = constant_of(ours)->toTensor();
      if (mine.scalar_type() == tensor.scalar_type() && mine.sizes() == tensor.sizes() && mine.equal(tensor))
        return ours;
    }
    return nullptr;
  }

  ir::Value* ours(const ir::Value* theirs) const {
    const auto it = ours_.find(theirs);
    return it == ours_.end() ? nullptr : it->second;
  }

  // Whether two inputs can be one: constants of any kind, the same value, or two values that an If could choose
  // between.
  bool inputs_agree(const ir::Value* mine, const ir::Value* theirs) const {
    const bool argument = is_argument(mine->node());
    if (argument != is_argument(theirs->node())) return false;
    if (!argument) {
      if (is_tensor_constant(mine) || is_tensor_constant(theirs)) return ours(theirs) == mine;
      return *mine->type() == *theirs->type();
    }
    if (mine->node()->kind() != theirs->node()->kind()) return false;
    if (mine->node()->kind() == c10::prim::Constant) {
      const c10::IValue* a = constant_of(mine);
      const c10::IValue* b = constant_of(theirs);
      return (a == nullptr || b == nullptr) ? a == b : a->tagKind() == b->tagKind();
    }
    return nodes_agree(*mine->node(), *theirs->node());
  }
  bool nodes_agree(const ir::Node& mine, const ir::Node& theirs) const {
    if (mine.inputs().size() != theirs.inputs().size()) return false;
    for (size_t i = 0; i < mine.inputs().size(); ++i) {
      if (!inputs_agree(mine.input(i), theirs.input(i))) return false;
    }
    return true;
  }
  bool agree(const ir::Node& mine, const ir::Node& theirs) const {
    return mine.kind() == theirs.kind() && mine.op() == theirs.op() &&
           mine.outputs().size() == theirs.outputs().size() && nodes_agree(mine, theirs);
  }

  std::pair<size_t, size_t> next_agreement(const std::vector<ir::Node*>& mine, const std::vector<ir::Node*>& theirs,
                                           size_t i, size_t j) const {
    const size_t left_mine = mine.size() - i;
    const size_t left_theirs = theirs.size() - j;
    for (size_t total = 1; total <= std::min(left_mine + left_theirs, kWindow); ++total) {
      for (size_t a = 0; a <= total; ++a) {
        const size_t b = total - a;
        if (a >= left_mine || b >= left_theirs) continue;
        if (agree(*mine[i + a], *theirs[j + b])) return {a, b};
      }
    }
    return {left_mine, left_theirs};
  }

  // --- Changing the graph.

  ir::Value* training_before(ir::Node* before) {
    ir::Node* get = graph_.create(c10::prim::GetAttr);
    get->set(c10::attr::name, std::string("training"));
    get->output()->set_type(c10::BoolType::get());
    get->insert_before(before);
    return get->output();
  }
  ir::Node* branch_before(ir::Node* before) {
    ir::Node* node = graph_.create(c10::prim::If, {training_before(before)}, 0);
    node->add_block();
    node->add_block();
    node->insert_before(before);
    return node;
  }

  bool join(ir::Node* mine, const ir::Node* theirs) {
    if (!join_inputs(mine, *theirs, mine)) return false;
    for (size_t i = 0; i < mine->outputs().size(); ++i) ours_[theirs->output(i)] = mine->output(i);
    return true;
  }

  bool join_inputs(ir::Node* mine, const ir::Node& theirs, ir::Node* head) {
    for (size_t i = 0; i < mine->inputs().size(); ++i) {
      ir::Value* value = mine->input(i);
      if (!is_argument(value->node())) {
        ir::Value* united = unite(value, theirs.input(i), head);
        if (united == nullptr) return false;
        mine->replace_input(i, united);
      } else if (value->node()->kind() != c10::prim::Constant) {
        if (!join_inputs(value->node(), *theirs.input(i)->node(), value->node())) return false;
      } else {
        mine->replace_input(i, chosen(value, theirs.input(i), mine));
      }
    }
    return true;
  }

  // A constant that depends on the mode.
  ir::Value* chosen(ir::Value* mine, const ir::Value* theirs, ir::Node* before) {
    const c10::IValue* a = constant_of(mine);
    const c10::IValue* b = constant_of(theirs);
    if (a == nullptr || b == nullptr || same_constant(*a, *b)) return mine;
    if (a->isBool() && a->toBool()) return training_before(before);
    ir::Node* branch = branch_before(before);
    ir::Node* copy = graph_.create_constant(*b, theirs->type());
    branch->block(1)->append(copy);
    branch->block(0)->add_output(mine);
    branch->block(1)->add_output(copy->output());
    return branch->add_output(mine->type());
  }

  // The value that is `mine` in training and `theirs` in evaluation, where `before` reads it. Null where there is no
  // place for it.
  ir::Value* unite(ir::Value* mine, const ir::Value* theirs, ir::Node* before) {
    ir::Value* mapped = ours(theirs);
    if (mapped == mine) return mine;
    const auto known = united_.find({mine, theirs});
    if (known != united_.end()) return known->second;
    ir::Node* branch = branch_of(mine);
    const auto other = copies_.find(theirs);
    if (mapped == nullptr) {
      if (other == copies_.end()) return nullptr;
      mapped = other->second;
      if (branch != nullptr && branch != branch_of(mapped)) return nullptr;
      branch = branch_of(mapped);
    }
    if (branch == nullptr) {
      branch = branch_before(before);
    } else {
      // What comes from outside of the branch has to be there already.
      for (ir::Value* value : {mine, mapped}) {
        if (branch_of(value) == nullptr && !comes_before(value, branch)) return nullptr;
      }
    }
    branch->block(0)->add_output(mine);
    branch->block(1)->add_output(mapped);
    ir::Value* result = branch->add_output(mine->type());
    united_.emplace(std::pair<const ir::Value*, const ir::Value*>(mine, theirs), result);
    return result;
  }

  static ir::Node* branch_of(const ir::Value* value) { return value->node()->owning_block()->owning_node(); }
  bool comes_before(const ir::Value* value, const ir::Node* node) const {
    return value->node() == graph_.block()->param_node() || value->node()->is_before(node);
  }

  // The first node of an operator's unit, which its constants stand before.
  static ir::Node* first_of(ir::Node* head) {
    ir::Node* first = head;
    while (first->prev() != nullptr && is_argument(first->prev())) first = first->prev();
    return first;
  }

  struct Range {
    std::vector<ir::Node*>::iterator begin;
    size_t count;
  };
  // Puts the operators that only one side runs into a branch.
  bool separate(Range mine, Range theirs, ir::Node* before) {
    if (before == nullptr && mine.count > 0)
      before = (*(mine.begin + static_cast<std::ptrdiff_t>(mine.count) - 1))->next();
    if (before == nullptr) {
      // Nothing follows: a place at the end.
      before = graph_.create_constant({});
      graph_.block()->append(before);
    }
    if (mine.count > 0) before = first_of(*mine.begin);
    ir::Node* branch = branch_before(before);
    for (size_t i = 0; i < mine.count; ++i) {
      take_in(*(mine.begin + static_cast<std::ptrdiff_t>(i)), branch->block(0));
    }
    for (size_t i = 0; i < theirs.count; ++i) {
      if (copy_in(*(theirs.begin + static_cast<std::ptrdiff_t>(i)), branch->block(1)) == nullptr) return false;
    }
    return true;
  }

  void take_in(ir::Node* node, ir::Block* block) {
    for (ir::Value* input : node->inputs()) {
      if (is_argument(input->node()) && input->node()->owning_block() != block) take_in(input->node(), block);
    }
    node->detach();
    block->append(node);
  }

  ir::Node* copy_in(const ir::Node* node, ir::Block* block) {
    std::vector<ir::Value*> inputs;
    for (const ir::Value* input : node->inputs()) {
      ir::Value* mapped = ours(input);
      if (const auto copy = copies_.find(input); mapped == nullptr && copy != copies_.end()) mapped = copy->second;
      if (mapped == nullptr && is_argument(input->node())) {
        ir::Node* copied = copy_in(input->node(), block);
        if (copied == nullptr) return nullptr;
        mapped = copied->output();
      }
      // Made in the branch of an earlier difference.
      if (mapped != nullptr && branch_of(mapped) != nullptr && branch_of(mapped)->block(1) != block) return nullptr;
      if (mapped == nullptr) return nullptr;
      inputs.push_back(mapped);
    }
    ir::Node* copy = graph_.create(node->kind(), inputs, node->outputs().size());
    copy->copy_metadata_from(*node);
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      copy->output(i)->set_type(node->output(i)->type());
      if (!is_argument(node)) copies_[node->output(i)] = copy->output(i);
    }
    block->append(copy);
    return copy;
  }

  struct PairHash {
    size_t operator()(const std::pair<const ir::Value*, const ir::Value*>& pair) const {
      return std::hash<const void*>()(pair.first) * 31 + std::hash<const void*>()(pair.second);
    }
  };

  ir::Graph& graph_;
  const ir::Graph& other_;
  std::unordered_map<const ir::Value*, ir::Value*> ours_;    // of values that both sides have
  std::unordered_map<const ir::Value*, ir::Value*> copies_;  // of values that only evaluation has
  std::unordered_map<std::pair<const ir::Value*, const ir::Value*>, ir::Value*, PairHash> united_;
};

// A value that a T-only unit reads may come from the branch of an earlier difference: not visible there.
bool values_are_visible(const ir::Graph& graph) {
  const std::function<bool(const ir::Block*)> check = [&](const ir::Block* block) {
    const auto inputs_ok = [&](const ir::Node* node) {
      return std::all_of(node->inputs().begin(), node->inputs().end(), [&](const ir::Value* input) {
        const ir::Block* home = input->node()->owning_block();
        for (const ir::Block* at = block; at != nullptr; at = at->parent()) {
          if (at == home) return true;
        }
        return false;
      });
    };
    for (const ir::Node* node : block->nodes()) {
      if (!inputs_ok(node)) return false;
      for (const ir::Block* inner : node->blocks()) {
        if (!check(inner)) return false;
      }
    }
    return inputs_ok(block->return_node());
  };
  return check(graph.block());
}

// Both graphs whole, in the branches of one If.
std::shared_ptr<ir::Graph> side_by_side(const ir::Graph& training, const ir::Graph& evaluation) {
  auto graph = std::make_shared<ir::Graph>();
  for (const ir::Value* input : training.inputs()) graph->add_input(input->type(), input->name());
  ir::Node* get = graph->insert(graph->create(c10::prim::GetAttr));
  get->set(c10::attr::name, std::string("training"));
  get->output()->set_type(c10::BoolType::get());
  ir::Node* branch = graph->insert(graph->create(c10::prim::If, {get->output()}, 0));
  for (const ir::Graph* side : {&training, &evaluation}) {
    std::unordered_map<const ir::Value*, ir::Value*> map;
    for (size_t i = 0; i < side->inputs().size(); ++i) map[side->inputs()[i]] = graph->inputs()[i];
    branch->add_block()->append_copy(*side->block(), map);
  }
  for (const ir::Value* output : training.outputs()) graph->add_output(branch->add_output(output->type()));
  return graph;
}

}  // namespace

std::shared_ptr<ir::Graph> merge_modes(std::shared_ptr<ir::Graph> training, std::shared_ptr<ir::Graph> evaluation) {
  std::shared_ptr<ir::Graph> whole = training->copy();
  if (Merger(*training, *evaluation).run() && values_are_visible(*training)) return training;
  return side_by_side(*whole, *evaluation);
}

}  // namespace vesta::tracer
