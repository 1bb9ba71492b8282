// Unification (Steensgaard's way): what may share memory ends up in one class, whatever the order of statements. A
// class has a second one for what its containers hold, so a list is not its elements: appending writes to the list
// alone. Objects, futures and values whose type tells nothing are "blobs", which hold themselves.
//
// All arguments of the graph, its object and what calls can reach are one class, `outside`: a caller may pass one
// tensor twice. Operators say in their schemas what shares memory; ir/effects.h knows where they are silent.
// TorchScript's own operators on containers move elements about without saying so: for them, all that goes in and comes
// out is of one class, but containers themselves are not.

#include "passes/alias_analysis.h"

#include <algorithm>
#include <map>

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include "absl/container/flat_hash_set.h"
#include "ir/effects.h"
#include "ir/operator.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using c10::TypeKind;
using ir::Block;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

c10::TypePtr without_optional(const c10::TypePtr& type) {
  const auto optional = type->cast<c10::OptionalType>();
  return optional ? without_optional(optional->getElementType()) : type;
}

bool is_container(const c10::TypePtr& type) {
  switch (without_optional(type)->kind()) {
    case TypeKind::ListType:
    case TypeKind::DictType:
    case TypeKind::TupleType:
      return true;
    default:
      return false;
  }
}

bool is_tensor(const c10::TypePtr& type) { return without_optional(type)->kind() == TypeKind::TensorType; }

// A list, dict or tuple whose elements are tensors or immutable.
bool is_shallow(const c10::TypePtr& type) {
  const c10::TypePtr inner = without_optional(type);
  if (is_immutable(inner) || is_tensor(inner)) return true;
  if (!is_container(inner)) return false;
  const auto parts = inner->containedTypes();
  return std::all_of(parts.begin(), parts.end(),
                     [](const c10::TypePtr& part) { return is_immutable(part) || is_tensor(part); });
}

// TorchScript's own operators whose lists and dicts are always new ones.
bool makes_new_containers(const ir::Operator& op) {
  static const auto* const names = new absl::flat_hash_set<std::string_view>{
      "aten::list",   "aten::copy",   "aten::dict",      "aten::slice",     "aten::add",
      "aten::mul",    "aten::sorted", "aten::keys",      "aten::values",    "aten::items",
      "aten::size",   "aten::stride", "aten::split",     "prim::rangelist", "aten::append",
      "aten::extend", "aten::insert", "aten::_set_item", "aten::add_",      "aten::_tensor_to_list"};
  return names->contains(op.schema.name());
}

bool writes_elements(const c10::AliasInfo* info) {
  if (info == nullptr) return false;
  return std::any_of(info->containedTypes().begin(), info->containedTypes().end(),
                     [](const c10::AliasInfo& inner) { return inner.isWrite(); });
}

}  // namespace

// ---- Classes

size_t AliasAnalysis::fresh() {
  places_.push_back({places_.size(), kNone});
  return places_.size() - 1;
}

size_t AliasAnalysis::fresh_blob() {
  const size_t made = fresh();
  places_[made].content = made;
  return made;
}

size_t AliasAnalysis::find(size_t place) const {
  while (places_[place].parent != place) {
    places_[place].parent = places_[places_[place].parent].parent;
    place = places_[place].parent;
  }
  return place;
}

void AliasAnalysis::unify(size_t a, size_t b) {
  std::vector<std::pair<size_t, size_t>> pending{{a, b}};
  while (!pending.empty()) {
    const auto [left, right] = pending.back();
    pending.pop_back();
    if (left == kNone || right == kNone) continue;
    const size_t x = find(left);
    const size_t y = find(right);
    if (x == y) continue;
    Place& kept = places_[x];
    const Place& gone = places_[y];
    kept.written = kept.written || gone.written;
    kept.escaped = kept.escaped || gone.escaped;
    kept.outlives = kept.outlives || gone.outlives;
    if (kept.content != kNone && gone.content != kNone) {
      pending.emplace_back(kept.content, gone.content);
    } else if (kept.content == kNone) {
      kept.content = gone.content;
    }
    places_[y].parent = x;
  }
}

size_t AliasAnalysis::content(size_t place) {
  const size_t root = find(place);
  if (places_[root].content == kNone) {
    const size_t made = fresh();
    places_[root].content = made;
  }
  return find(places_[root].content);
}

std::vector<size_t> AliasAnalysis::reachable(size_t place) const {
  std::vector<size_t> result;
  for (size_t next = place; next != kNone;) {
    const size_t root = find(next);
    if (std::find(result.begin(), result.end(), root) != result.end()) break;
    result.push_back(root);
    next = places_[root].content;
  }
  return result;
}

size_t AliasAnalysis::of(const Value* value) {
  if (is_immutable(value->type())) return kNone;
  const auto [it, added] = values_.try_emplace(value, kNone);
  if (added) {
    const bool plain = is_tensor(value->type()) || is_container(value->type());
    it->second = plain ? fresh() : fresh_blob();
  }
  return it->second;
}

size_t AliasAnalysis::found(const Value* value) const {
  const auto it = values_.find(value);
  return it == values_.end() ? kNone : it->second;
}

void AliasAnalysis::write(size_t place) {
  if (place != kNone) places_[find(place)].written = true;
}

void AliasAnalysis::escape(size_t place) {
  if (place != kNone) places_[find(place)].escaped = true;
}

// ---- The walk

AliasAnalysis::AliasAnalysis(const ir::Graph& graph) {
  outside_ = fresh_blob();
  places_[outside_].escaped = true;
  places_[outside_].outlives = true;
  for (const Value* input : graph.inputs()) {
    const size_t place = of(input);
    unify(outside_, place);
    if (place != kNone) unify(outside_, content(place));
  }
  block(*graph.block());
  for (const Value* output : graph.outputs()) escape(of(output));
  propagate();
}

// What a place that escapes, or outlives the call, holds does so, too.
void AliasAnalysis::propagate() {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < places_.size(); ++i) {
      const Place& place = places_[find(i)];
      if (place.content == kNone) continue;
      Place& held = places_[find(place.content)];
      if ((place.escaped && !held.escaped) || (place.outlives && !held.outlives)) {
        held.escaped = held.escaped || place.escaped;
        held.outlives = held.outlives || place.outlives;
        changed = true;
      }
    }
  }
}

void AliasAnalysis::block(const Block& body) {
  for (const Node* one : body.nodes()) node(*one);
}

void AliasAnalysis::node(const Node& node) {
  if (node.op() != nullptr) return operation(node);
  structure(node);
}

void AliasAnalysis::merge_all(const Node& node) {
  const size_t all = fresh_blob();
  for (const Value* input : node.inputs()) unify(all, of(input));
  for (const Value* output : node.outputs()) unify(all, of(output));
}

// Calls, tasks, and what nobody knows.
void AliasAnalysis::anything(const Node& node) {
  merge_all(node);
  for (const std::vector<Value*>* values : {&node.inputs(), &node.outputs()}) {
    for (const Value* value : *values) {
      const size_t place = of(value);
      write(place);
      if (place != kNone) unify(outside_, place);
    }
  }
}

size_t AliasAnalysis::constant_place(const c10::IValue& value) {
  const void* identity = nullptr;
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) return fresh();
    identity = tensor.has_storage() ? static_cast<const void*>(tensor.storage().unsafeGetStorageImpl())
                                    : static_cast<const void*>(tensor.unsafeGetTensorImpl());
  } else if (value.isTuple() || value.isList() || value.isGenericDict()) {
    identity = value.internalToPointer();
  } else {
    return value.isObject() ? fresh_blob() : fresh();
  }
  const auto [it, added] = constants_.try_emplace(identity, kNone);
  if (!added) return it->second;
  const size_t made = it->second = fresh();
  places_[made].outlives = true;
  if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements()) unify(content(made), constant_place(element));
  } else if (value.isList()) {
    if (value.isIntList() || value.isDoubleList() || value.isBoolList()) return made;
    for (const c10::IValue& element : value.toListRef()) unify(content(made), constant_place(element));
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      unify(content(made), constant_place(entry.key()));
      unify(content(made), constant_place(entry.value()));
    }
  }
  return made;
}

void AliasAnalysis::constant(const Node& node) {
  const size_t place = of(node.output());
  if (place == kNone) return;
  const c10::IValue* value = constant_of(node.output());
  if (value == nullptr) return;
  unify(place, constant_place(*value));
  places_[find(place)].outlives = true;
}

void AliasAnalysis::structure(const Node& node) {
  const c10::Symbol kind = node.kind();
  if (kind == prim::Constant) return constant(node);
  if (kind == prim::Uninitialized || kind == prim::CreateObject || kind == prim::isinstance || kind == prim::EnumName ||
      kind == prim::EnumValue || kind == prim::RaiseException) {
    for (const Value* output : node.outputs()) of(output);
  } else if (kind == prim::GetAttr || kind == prim::unchecked_cast) {
    unify(of(node.input(0)), of(node.output()));
  } else if (kind == prim::SetAttr) {
    unify(of(node.input(0)), of(node.input(1)));
    write(of(node.input(0)));
  } else if (kind == prim::ListConstruct || kind == prim::DictConstruct || kind == prim::TupleConstruct) {
    const size_t made = of(node.output());
    if (made == kNone) return;
    for (const Value* input : node.inputs()) {
      if (of(input) != kNone) unify(content(made), of(input));
    }
  } else if (kind == prim::TupleUnpack || kind == prim::TupleIndex || kind == prim::ListUnpack) {
    const size_t held = of(node.input(0));
    for (const Value* output : node.outputs()) {
      if (held != kNone && of(output) != kNone) unify(content(held), of(output));
    }
  } else if (kind == prim::TupleSlice) {
    const size_t from = of(node.input(0));
    const size_t made = of(node.output());
    if (from != kNone && made != kNone) unify(content(made), content(from));
  } else if (kind == prim::If) {
    for (const Block* branch : node.blocks()) {
      block(*branch);
      for (size_t i = 0; i < node.outputs().size(); ++i) unify(of(node.output(i)), of(branch->outputs()[i]));
    }
  } else if (kind == prim::Loop) {
    const Block& body = *node.block(0);
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      unify(of(node.output(i)), of(node.input(i + 2)));
      unify(of(node.output(i)), of(body.inputs()[i + 1]));
    }
    block(body);
    for (size_t i = 0; i < node.outputs().size(); ++i) unify(of(node.output(i)), of(body.outputs()[i + 1]));
  } else {
    for (const Block* inner : node.blocks()) block(*inner);
    anything(node);
  }
}

// ---- Operators

void AliasAnalysis::operation(const Node& node) {
  const std::string_view name = node.op()->schema.name();
  const bool unknown = ir::may_write(*node.op(), 0) && ir::aliases_silently(*node.op());
  if (unknown || name == "aten::wait" || name == "prim::awaitable_wait" || name == "prim::awaitable_nowait" ||
      name == "prim::grad" || name.substr(0, 10) == "profiler::") {
    return anything(node);
  }
  if (node.op()->is_builtin()) {
    builtin(node);
  } else {
    dispatched(node);
  }
  writes(node);
}

void AliasAnalysis::writes(const Node& node) {
  const ir::Operator& op = *node.op();
  const auto& arguments = op.schema.arguments();
  for (size_t i = 0; i < std::min(arguments.size(), node.inputs().size()); ++i) {
    const size_t place = of(node.input(i));
    if (place == kNone) continue;
    if (ir::may_write(op, i)) write(place);
    if (writes_elements(arguments[i].alias_info())) write(content(place));
  }
  const ir::StatisticsWriter* statistics = ir::statistics_writer(op);
  if (statistics == nullptr || statistics->training >= node.inputs().size()) return;
  if (is_constant(node.input(statistics->training), false)) return;
  write(of(node.input(statistics->mean)));
  write(of(node.input(statistics->variance)));
}

// What the schema says: places with a common symbol.
void AliasAnalysis::annotated(const Node& node) {
  const c10::FunctionSchema& schema = node.op()->schema;
  std::map<c10::Symbol, size_t> sets;
  const auto join = [&](const std::unordered_set<c10::Symbol>& symbols, size_t place) {
    for (const c10::Symbol& symbol : symbols) {
      const auto [it, added] = sets.try_emplace(symbol, place);
      if (!added) unify(it->second, place);
    }
  };
  const auto add = [&](const c10::AliasInfo* info, const Value* value) {
    const size_t place = of(value);
    if (info == nullptr || place == kNone) return;
    join(info->beforeSets(), place);
    for (const c10::AliasInfo& inner : info->containedTypes()) join(inner.beforeSets(), content(place));
  };
  for (size_t i = 0; i < std::min(schema.arguments().size(), node.inputs().size()); ++i) {
    add(schema.arguments()[i].alias_info(), node.input(i));
  }
  for (size_t i = 0; i < std::min(schema.returns().size(), node.outputs().size()); ++i) {
    add(schema.returns()[i].alias_info(), node.output(i));
  }
}

void AliasAnalysis::dispatched(const Node& node) {
  for (const Value* output : node.outputs()) of(output);
  annotated(node);
  if (!ir::aliases_silently(*node.op())) return;
  // Lists hold their elements; nothing nests deeper here.
  const size_t all = fresh();
  for (const std::vector<Value*>* values : {&node.inputs(), &node.outputs()}) {
    for (const Value* value : *values) {
      const size_t place = of(value);
      if (place == kNone) continue;
      unify(all, is_container(value->type()) ? content(place) : place);
    }
  }
}

void AliasAnalysis::builtin(const Node& node) {
  bool deep = false;
  bool containers = false;
  for (const std::vector<Value*>* values : {&node.inputs(), &node.outputs()}) {
    for (const Value* value : *values) {
      if (of(value) == kNone) continue;
      deep = deep || !is_shallow(value->type());
      containers = containers || is_container(value->type());
    }
  }
  annotated(node);
  const bool silent = ir::aliases_silently(*node.op());
  if (!deep && !containers && !silent) return;
  if (deep) return merge_all(node);
  const size_t elements = fresh();
  size_t same = kNone;  // The container that a result may be.
  for (const std::vector<Value*>* values : {&node.inputs(), &node.outputs()}) {
    for (const Value* value : *values) {
      const size_t place = of(value);
      if (place == kNone) continue;
      unify(elements, is_container(value->type()) ? content(place) : place);
      if (!is_container(value->type()) || makes_new_containers(*node.op())) continue;
      if (same == kNone) same = place;
      unify(same, place);
    }
  }
}

// ---- Answers

bool AliasAnalysis::may_alias(const Value* a, const Value* b) const {
  const size_t x = found(a);
  const size_t y = found(b);
  if (x == kNone || y == kNone) return false;
  const std::vector<size_t> from_x = reachable(x);
  const std::vector<size_t> from_y = reachable(y);
  return std::find_first_of(from_x.begin(), from_x.end(), from_y.begin(), from_y.end()) != from_x.end();
}

bool AliasAnalysis::has_writers(const Value* value) const {
  const size_t place = found(value);
  if (place == kNone) return false;
  const std::vector<size_t> all = reachable(place);
  return std::any_of(all.begin(), all.end(), [&](size_t one) { return places_[one].written; });
}

bool AliasAnalysis::reads_written_memory(const Node& node) const {
  return std::any_of(node.inputs().begin(), node.inputs().end(),
                     [&](const Value* input) { return has_writers(input); });
}

bool AliasAnalysis::escapes(const Value* value) const {
  const size_t place = found(value);
  return place != kNone && places_[find(place)].escaped;
}

bool AliasAnalysis::is_fresh(const Value* value) const {
  const size_t place = found(value);
  return place == kNone || !places_[find(place)].outlives;
}

}  // namespace vesta::passes
