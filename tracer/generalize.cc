// The recordings are walked side by side: operators and the flow between them must agree, constants may differ. Each
// constant that differs is explained by sizes of tensors that are there before it: those that its operator reads, those
// of inputs, then those of anything else.

#include "tracer/generalize.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "ir/operator.h"
#include "ir/printer.h"
#include "tracer/constants.h"
#include "tracer/explain.h"

namespace vesta::tracer {
namespace {

// A constant that differs.
struct Slot {
  ir::Node* node;
  std::vector<c10::IValue> values;  // by sample
  size_t order;                     // of all nodes, in which it stands
};

bool same_tensor(const at::Tensor& a, const at::Tensor& b) {
  if (a.is_same(b) || !a.defined() || !b.defined()) return a.is_same(b);
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  const Deaf deaf;
  return a.equal(b);
}

bool same_constant(const c10::IValue& a, const c10::IValue& b) {
  if (a.isTensor() && b.isTensor()) return same_tensor(a.toTensor(), b.toTensor());
  if (a.tagKind() != b.tagKind()) return false;
  if (a.isObject() || a.isGenerator()) return a.internalToPointer() == b.internalToPointer();
  return ir::print_constant(a) == ir::print_constant(b);
}

// The operator that reads a constant, straight or as an element of a list, and its argument's name.
struct Reader {
  const ir::Node* node = nullptr;
  size_t argument = 0;
  std::optional<size_t> element;
};
Reader reader_of(const ir::Value* value) {
  Reader reader;
  if (!value->has_uses()) return reader;
  ir::Use use = value->uses()[0];
  if (use.user->kind() == c10::prim::ListConstruct && use.user->output()->has_uses()) {
    reader.element = use.index;
    use = use.user->output()->uses()[0];
  }
  reader.node = use.user;
  reader.argument = use.index;
  return reader;
}

std::string describe(const Reader& reader) {
  if (reader.node == nullptr) return "a constant";
  if (reader.node->op() == nullptr) return absl::StrCat("an input of '", reader.node->kind().toQualString(), "'");
  return absl::StrCat("argument '", reader.node->op()->schema.arguments()[reader.argument].name(), "' of '",
                      reader.node->kind().toQualString(), "'");
}

class Generalizer {
 public:
  Generalizer(ir::Graph& graph, const std::vector<Sample>& samples, Findings& findings)
      : graph_(graph), samples_(samples), findings_(findings), same_(samples.size()) {}

  bool align_all() {
    std::vector<const ir::Block*> others;
    for (size_t k = 1; k < samples_.size(); ++k) others.push_back(samples_[k].graph->block());
    return align(graph_.block(), others);
  }
  bool run() {
    if (!align_all()) return false;
    if (!slots_.empty()) index_sizes();
    for (const Slot& slot : slots_) replace(slot);
    return true;
  }

 private:
  bool differs(const ir::Node* node, size_t k, std::string_view how) {
    findings_.add(FindingKind::kStructure,
                  absl::StrCat("example ", k, " runs other operators than example 0: ", std::string(how),
                               node == nullptr ? "" : absl::StrCat(" at '", node->kind().toQualString(), "'"),
                               "; the trace is that of example 0 alone"),
                  node == nullptr ? "" : scope_of(*node));
    return false;
  }

  bool align(const ir::Block* block, const std::vector<const ir::Block*>& others) {
    for (size_t k = 0; k < others.size(); ++k) {
      if (!same_values(block->inputs(), others[k]->inputs(), k + 1)) return differs(nullptr, k + 1, "other inputs");
    }
    for (const ir::Value* input : block->inputs()) order_[input] = ++clock_;
    std::vector<ir::Node*> theirs;
    for (const ir::Block* other : others) theirs.push_back(other->first());
    for (ir::Node* node : block->nodes()) {
      ++clock_;
      for (size_t k = 0; k < theirs.size(); ++k) {
        if (theirs[k] == nullptr) return differs(node, k + 1, "it ends");
        if (!same_node(*node, *theirs[k], k + 1)) return differs(node, k + 1, "they part");
      }
      if (!align_constants(node, theirs)) return false;
      for (size_t b = 0; b < node->blocks().size(); ++b) {
        std::vector<const ir::Block*> inner;
        for (const ir::Node* other : theirs) inner.push_back(other->blocks()[b]);
        if (!align(node->blocks()[b], inner)) return false;
      }
      for (size_t k = 0; k < theirs.size(); ++k) {
        same_values(node->outputs(), theirs[k]->outputs(), k + 1);
        theirs[k] = theirs[k]->next();
      }
      for (const ir::Value* output : node->outputs()) order_[output] = ++clock_;
    }
    for (size_t k = 0; k < theirs.size(); ++k) {
      if (theirs[k] != nullptr) return differs(theirs[k], k + 1, "it goes on");
      if (!same_inputs(*block->return_node(), *others[k]->return_node(), k + 1)) {
        return differs(nullptr, k + 1, "other results");
      }
    }
    return true;
  }

  bool same_values(const std::vector<ir::Value*>& ours, const std::vector<ir::Value*>& theirs, size_t k) {
    if (ours.size() != theirs.size()) return false;
    for (size_t i = 0; i < ours.size(); ++i) same_[k][ours[i]] = theirs[i];
    return true;
  }
  bool same_inputs(const ir::Node& ours, const ir::Node& theirs, size_t k) {
    if (ours.inputs().size() != theirs.inputs().size()) return false;
    for (size_t i = 0; i < ours.inputs().size(); ++i) {
      if (same_[k][ours.input(i)] != theirs.input(i)) return false;
    }
    return true;
  }
  bool same_node(const ir::Node& ours, const ir::Node& theirs, size_t k) {
    return ours.kind() == theirs.kind() && ours.op() == theirs.op() &&
           ours.outputs().size() == theirs.outputs().size() && ours.blocks().size() == theirs.blocks().size() &&
           same_inputs(ours, theirs, k);
  }

  bool align_constants(ir::Node* node, const std::vector<ir::Node*>& theirs) {
    const c10::IValue* value = constant_of(*node);
    if (value == nullptr) return true;
    Slot slot{node, {*value}, clock_};
    bool same = true;
    for (size_t k = 0; k < theirs.size(); ++k) {
      const c10::IValue* other = constant_of(*theirs[k]);
      if (other == nullptr || other->tagKind() != value->tagKind())
        return differs(node, k + 1, "a constant is of another kind");
      same &= same_constant(*value, *other);
      slot.values.push_back(*other);
    }
    if (!same) slots_.push_back(std::move(slot));
    return true;
  }

  // --- Explaining.

  static bool encloses(const ir::Block* outer, const ir::Block* inner) {
    while (inner != nullptr && inner != outer) inner = inner->parent();
    return inner != nullptr;
  }
  bool visible(const ir::Value* value, const Slot& slot) const {
    const auto order = order_.find(value);
    return order != order_.end() && order->second < slot.order &&
           encloses(value->node()->owning_block(), slot.node->owning_block());
  }

  struct Place {
    ir::Value* value;
    std::optional<size_t> dimension;  // none: an int argument
  };

  // What the dimensions of a value were in each sample; empty where it is not known of one.
  std::vector<std::vector<int64_t>> seen_sizes(const ir::Value* value) {
    std::vector<std::vector<int64_t>> seen;  // by dimension
    for (size_t k = 0; k < samples_.size(); ++k) {
      const auto it = samples_[k].sizes->find(k == 0 ? value : same_[k][value]);
      if (it == samples_[k].sizes->end() || (k > 0 && it->second.size() != seen.size())) return {};
      seen.resize(it->second.size());
      for (size_t d = 0; d < seen.size(); ++d) seen[d].push_back(it->second[d]);
    }
    return seen;
  }

  // Sizes that were alike in all samples are one number; there are few of those, however long the graph is.
  void index_sizes() {
    for (const auto& [value, sizes] : *samples_[0].sizes) {
      const auto order = order_.find(value);
      if (order == order_.end()) continue;
      const std::vector<std::vector<int64_t>> seen = seen_sizes(value);
      for (size_t d = 0; d < seen.size(); ++d) {
        sizes_[seen[d]].push_back({order->second, const_cast<ir::Value*>(value), d});
      }
    }
    for (auto& [seen, places] : sizes_) {
      std::sort(places.begin(), places.end(), [](const Size& a, const Size& b) { return a.order < b.order; });
    }
  }

  // Known numbers for a slot: of what its operator reads, of arguments, of anything that is there before it.
  std::vector<Symbol> symbols_for(const Slot& slot, const Reader& reader) {
    places_.clear();
    std::vector<Symbol> symbols;
    const auto add = [&](ir::Value* value, std::optional<size_t> dimension, std::vector<int64_t> seen,
                         double distance) {
      symbols.push_back({places_.size(), std::move(seen), distance});
      places_.push_back({value, dimension});
    };
    const auto add_all = [&](ir::Value* value, double distance, double same_place) {
      if (!visible(value, slot)) return;
      std::vector<std::vector<int64_t>> seen = seen_sizes(value);
      for (size_t d = 0; d < seen.size(); ++d) {
        add(value, d, std::move(seen[d]), distance - (reader.element == d ? same_place : 0));
      }
    };
    if (reader.node != nullptr) {
      // view(size(0), ...) means its own first.
      for (ir::Value* input : reader.node->inputs()) add_all(input, 0.1, 0.05);
    }
    for (size_t i = 0; i < samples_[0].scalars->size(); ++i) {
      const auto& [value, example] = (*samples_[0].scalars)[i];
      if (!example.isInt() || !visible(value, slot)) continue;
      std::vector<int64_t> seen;
      for (const Sample& sample : samples_) seen.push_back((*sample.scalars)[i].second.toInt());
      add(value, std::nullopt, std::move(seen), 0.02);
    }
    for (ir::Value* input : graph_.inputs()) add_all(input, 0.2, 0);
    // The latest of each kind.
    std::vector<std::pair<Size, const std::vector<int64_t>*>> others;
    for (const auto& [seen, places] : sizes_) {
      const auto behind =
          std::partition_point(places.begin(), places.end(), [&](const Size& size) { return size.order < slot.order; });
      const auto latest = std::find_if(std::make_reverse_iterator(behind), places.rend(),
                                       [&](const Size& size) { return visible(size.value, slot); });
      if (latest != places.rend()) others.emplace_back(*latest, &seen);
    }
    std::sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.first.order > b.first.order; });
    for (const auto& [size, seen] : others) add(size.value, size.dimension, *seen, 0.3);
    return symbols;
  }

  void replace(const Slot& slot) {
    const Reader reader = reader_of(slot.node->output());
    if (reader.node == nullptr) return;
    if (ir::Value* argument = same_argument(slot)) {
      slot.node->output()->replace_all_uses_with(argument);
      slot.node->destroy();
      return;
    }
    ir::Value* made = nullptr;
    if (slot.values[0].isInt()) {
      std::vector<int64_t> wanted;
      for (const c10::IValue& value : slot.values) wanted.push_back(value.toInt());
      const std::vector<Symbol> symbols = symbols_for(slot, reader);
      if (const auto found = explain(wanted, symbols)) made = build(*found, slot.node);
    } else if (slot.values[0].isDouble()) {
      std::vector<double> wanted;
      for (const c10::IValue& value : slot.values) wanted.push_back(value.toDouble());
      const std::vector<Symbol> symbols = symbols_for(slot, reader);
      if (const auto found = explain(wanted, symbols)) made = build(*found, slot.node);
    }
    if (made == nullptr) return tell_unexplained(slot, reader);
    slot.node->output()->replace_all_uses_with(made);
    slot.node->destroy();
  }

  // An argument that is no tensor and had the constant's value in every example.
  ir::Value* same_argument(const Slot& slot) const {
    for (size_t i = 0; i < samples_[0].scalars->size(); ++i) {
      const auto& [value, example] = (*samples_[0].scalars)[i];
      if (example.tagKind() != slot.values[0].tagKind() || !visible(value, slot)) continue;
      bool same = true;
      for (size_t k = 0; k < samples_.size(); ++k) {
        same &= same_constant((*samples_[k].scalars)[i].second, slot.values[k]);
      }
      if (same) return value;
    }
    return nullptr;
  }

  void tell_unexplained(const Slot& slot, const Reader& reader) {
    std::string text;
    for (const c10::IValue& value : slot.values)
      absl::StrAppend(&text, text.empty() ? "" : ", ", ir::print_constant(value));
    findings_.add(FindingKind::kSizeBaked,
                  absl::StrCat(describe(reader), " differs between the examples (", text,
                               "), and no expression of sizes explains it; it stays what it was in example 0"),
                  scope_of(*reader.node));
  }

  // --- Building.

  ir::Value* number(int64_t value, ir::Node* before) {
    ir::Node* node = graph_.create_constant(value);
    node->insert_before(before);
    return node->output();
  }
  ir::Value* call(std::string_view name, std::string_view overload, std::initializer_list<ir::Value*> inputs,
                  ir::Node* before) {
    ir::Node* node = graph_.create(c10::Symbol::fromQualString(std::string(name)), inputs);
    node->set_op(ir::OperatorCatalog::standard().find(name, overload));
    node->output()->set_type(node->op()->schema.returns()[0].type());
    node->insert_before(before);
    return node->output();
  }
  ir::Value* symbol(size_t id, ir::Node* before) {
    const Place& place = places_[id];
    if (!place.dimension.has_value()) return place.value;
    return call("aten::size", "int", {place.value, number(static_cast<int64_t>(*place.dimension), before)}, before);
  }

  ir::Value* build(const Expression& e, ir::Node* before) {
    ir::Value* value = symbol(e.first, before);
    if (e.factor.has_value()) value = call("aten::mul", "int", {value, symbol(*e.factor, before)}, before);
    if (e.scale != 1) value = call("aten::mul", "int", {value, number(e.scale, before)}, before);
    if (e.second.has_value()) {
      value = call(e.plus > 0 ? "aten::add" : "aten::sub", "int", {value, symbol(*e.second, before)}, before);
    }
    if (e.offset > 0) value = call("aten::add", "int", {value, number(e.offset, before)}, before);
    if (e.offset < 0) value = call("aten::sub", "int", {value, number(-e.offset, before)}, before);
    if (e.divisor != 1) value = call("aten::floordiv", "int", {value, number(e.divisor, before)}, before);
    return value;
  }

  ir::Value* build(const FloatExpression& e, ir::Node* before) {
    using Form = FloatExpression::Form;
    ir::Value* first = symbol(e.first, before);
    switch (e.form) {
      case Form::kValue:
        return call("aten::div", "int", {first, number(1, before)}, before);
      case Form::kInverse:
        return call("aten::div", "int", {number(1, before), first}, before);
      case Form::kSquareRoot:
        return call("aten::sqrt", "int", {first}, before);
      case Form::kInverseSquareRoot: {
        ir::Node* one = graph_.create_constant(1.0);
        one->insert_before(before);
        return call("aten::div", "float", {one->output(), call("aten::sqrt", "int", {first}, before)}, before);
      }
      case Form::kRatio:
        break;
    }
    return call("aten::div", "int", {first, symbol(e.second, before)}, before);
  }

  ir::Graph& graph_;
  const std::vector<Sample>& samples_;
  Findings& findings_;
  std::vector<std::unordered_map<const ir::Value*, const ir::Value*>> same_;  // by sample: ours -> theirs
  std::unordered_map<const ir::Value*, size_t> order_;
  size_t clock_ = 0;
  std::vector<Slot> slots_;
  struct Size {
    size_t order;
    ir::Value* value;
    size_t dimension;
  };
  std::map<std::vector<int64_t>, std::vector<Size>> sizes_;  // by what they were in each sample
  std::vector<Place> places_;                                // by symbol
};

constexpr std::string_view kSizeArguments[] = {"size",   "sizes",      "shape",       "output_size", "end",
                                               "length", "split_size", "split_sizes", "steps"};

}  // namespace

std::string scope_of(const ir::Node& node) {
  if (!node.range().known()) return {};
  const std::string_view line = node.range().location().line_text;
  const size_t colon = line.find(": ");
  return colon == std::string_view::npos ? "" : std::string(line.substr(0, colon));
}

bool generalize(ir::Graph& graph, const std::vector<Sample>& samples, Findings& findings) {
  return Generalizer(graph, samples, findings).run();
}

bool same_operators(ir::Graph& graph, const std::vector<Sample>& samples, Findings& findings) {
  return Generalizer(graph, samples, findings).align_all();
}

void tell_of_sizes(const ir::Graph& graph, const SizeTable& sizes, Findings& findings) {
  std::set<int64_t> dimensions;
  for (const ir::Value* input : graph.inputs()) {
    const auto it = sizes.find(input);
    if (it == sizes.end()) continue;
    for (const int64_t size : it->second) {
      if (size > 1) dimensions.insert(size);
    }
  }
  const auto tell = [&](const ir::Node& node, size_t i, const ir::Value* value) {
    const c10::IValue* constant = constant_of(value);
    if (constant == nullptr || !constant->isInt() || !dimensions.contains(constant->toInt())) return;
    findings.add(FindingKind::kSizeBaked,
                 absl::StrCat(describe({&node, i, {}}), " is ", constant->toInt(),
                              ", as large as a dimension of an input; if it follows from that, a second example of "
                              "other sizes tells how"),
                 scope_of(node));
  };
  const std::function<void(const ir::Block*)> walk = [&](const ir::Block* block) {
    for (const ir::Node* node : block->nodes()) {
      for (const ir::Block* inner : node->blocks()) walk(inner);
      if (node->op() == nullptr) continue;
      for (size_t i = 0; i < node->op()->schema.arguments().size(); ++i) {
        const std::string& name = node->op()->schema.arguments()[i].name();
        if (std::find(std::begin(kSizeArguments), std::end(kSizeArguments), name) == std::end(kSizeArguments)) continue;
        const ir::Node* source = node->input(i)->node();
        if (source->kind() != c10::prim::ListConstruct) {
          tell(*node, i, node->input(i));
        } else {
          for (const ir::Value* element : source->inputs()) tell(*node, i, element);
        }
      }
    }
  };
  walk(graph.block());
}

}  // namespace vesta::tracer
