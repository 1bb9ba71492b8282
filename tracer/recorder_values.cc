// Which value of the graph a tensor stands for, and nodes that the recorder adds of its own.

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "ir/printer.h"
#include "ir/support/status.h"
#include "tracer/constants.h"
#include "tracer/recorder.h"

namespace vesta::tracer {
namespace {

bool same_geometry(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.storage_offset() == b.storage_offset() && a.sizes() == b.sizes() &&
         a.strides() == b.strides() && a.is_conj() == b.is_conj() && a.is_neg() == b.is_neg();
}

std::string shape_of(const at::Tensor& tensor) { return ir::print_constant(c10::IValue(tensor)); }

}  // namespace

void Recorder::bind(const at::Tensor& tensor, ir::Value* value, bool depends) {
  const c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
  const bool fresh = !values_.contains(impl);
  values_.insert_or_assign(impl, Known{WeakTensor(tensor.getIntrusivePtr()), value, tensor.requires_grad(), depends});
  if (!tensor.is_nested() && tensor.layout() == c10::kStrided) sizes_[value] = tensor.sizes().vec();
  MemoryRecord* record = memory_.find(tensor);
  if (record == nullptr) {
    record = memory_.meet(tensor);
    if (record == nullptr) return;
    record->birth = ++births_;
  }
  record->depends |= depends;
  if (fresh) MemoryBook::remember(*record, tensor);
}

ir::Value* Recorder::value(const at::Tensor& tensor) {
  const auto it = values_.find(tensor.unsafeGetTensorImpl());
  if (it == values_.end()) {
    if (ir::Value* known = same_memory(tensor)) return known;
    return from_outside(tensor);
  }
  Known& known = it->second;
  if (known.requires_grad == tensor.requires_grad()) return known.value;
  known.requires_grad = tensor.requires_grad();
  if (tensor.is_leaf()) {
    note(FindingKind::kGradChanged, "requires_grad of a tensor is changed");
    known.value = emit("aten::requires_grad_", "", {known.value, constant(known.requires_grad)})->output();
    sizes_[known.value] = tensor.sizes().vec();
    return known.value;
  }
  // Writing through a view does it too.
  const MemoryRecord* record = memory_.find(tensor);
  if (record == nullptr || !record->written) {
    note(
        FindingKind::kGradChanged,
        "a tensor has a gradient function that no operator gave it (an autograd function of the code's own): the trace "
        "computes what it computes, but not its gradient");
  }
  return known.value;
}

// A tensor that looks at known memory without an operator's help, as `data()` and autograd's saved tensors do.
ir::Value* Recorder::same_memory(const at::Tensor& tensor) {
  const MemoryRecord* record = memory_.find(tensor);
  if (record == nullptr || names_.contains(tensor.unsafeGetTensorImpl())) return nullptr;
  at::Tensor base;
  bool same = false;
  for (const WeakTensor& weak : record->tensors) {
    const auto impl = weak.lock();
    if (!impl.defined()) continue;
    const at::Tensor candidate(impl);
    if (!values_.contains(impl.get()) || candidate.scalar_type() != tensor.scalar_type()) continue;
    same = same_geometry(candidate, tensor);
    if (same || !base.defined()) base = candidate;
    if (same) break;
  }
  if (!base.defined()) return nullptr;
  const Known source = values_.at(base.unsafeGetTensorImpl());
  ir::Value* value = source.value;
  if (!same) {
    const auto ints = [](c10::IntArrayRef numbers) { return c10::IValue(c10::List<int64_t>(numbers)); };
    value = emit("aten::as_strided", "",
                 {value, constant(ints(tensor.sizes())), constant(ints(tensor.strides())),
                  constant(tensor.storage_offset())})
                ->output();
  } else if (!tensor.requires_grad()) {
    // Whatever the example was, the input of a call may need a gradient.
    value = emit("aten::detach", "", {value})->output();
  }
  bind(tensor, value, source.depends);
  return value;
}

ir::Value* Recorder::from_outside(const at::Tensor& tensor) {
  at::Tensor kept = tensor;
  const bool named = names_.contains(tensor.unsafeGetTensorImpl());
  if (!named) {
    note(FindingKind::kCaptured,
         absl::StrCat("a tensor from outside, ", shape_of(tensor), ", becomes a buffer of the module"));
    // Memory of somebody else (from_blob) may be gone before the trace is.
    if (has_memory(tensor) && !tensor.storage().resizable()) {
      const Deaf deaf;
      const at::NoGradGuard no_grad;
      kept = tensor.detach().clone();
    }
  }
  ir::Value* value = constant_tensor(kept);
  values_.insert_or_assign(tensor.unsafeGetTensorImpl(),
                           Known{WeakTensor(tensor.getIntrusivePtr()), value, tensor.requires_grad(), false});
  if (tensor.layout() == c10::kStrided) sizes_[value] = tensor.sizes().vec();
  if (MemoryRecord* record = memory_.meet(tensor)) MemoryBook::remember(*record, tensor);
  return value;
}

// At the top of the graph, so that it is there in every block.
ir::Value* Recorder::constant_tensor(const at::Tensor& tensor) {
  ir::Node* node = graph_->create_constant(c10::IValue(tensor), c10::TensorType::get());
  if (prologue_ == nullptr) {
    graph_->block()->prepend(node);
  } else {
    node->insert_after(prologue_);
  }
  prologue_ = node;
  return node->output();
}

ir::Value* Recorder::constant(const c10::IValue& value, const c10::TypePtr& type) {
  if (value.isList()) {
    std::vector<ir::Value*> items;
    for (const c10::IValue& item : value.toListRef()) items.push_back(constant(item));
    return emit(prim::ListConstruct, items, {type != nullptr ? type : c10::unshapedType(value.type())})->output();
  }
  return insert(graph_->create_constant(value, type))->output();
}

ir::Node* Recorder::insert(ir::Node* node) {
  graph_->insert(node);
  if (node->op() != nullptr || node->kind() == prim::CallMethod) log_line(node);
  return node;
}

// Every operator and call has a line in a text of the trace, to which errors point.
void Recorder::log_line(ir::Node* node) {
  const std::string scope = scope_.empty() ? current_scope() : scope_;
  const size_t begin = source_->text.size() + (scope.empty() ? 0 : scope.size() + 2);
  if (!scope.empty()) absl::StrAppend(&source_->text, scope, ": ");
  absl::StrAppend(&source_->text, node->kind().toQualString());
  node->set_range(support::SourceRange(source_, begin, source_->text.size()));
  source_->text += '\n';
}

ir::Node* Recorder::emit(std::string_view op, std::string_view overload, const std::vector<ir::Value*>& inputs) {
  const ir::Operator* found = ir::OperatorCatalog::standard().find(op, overload);
  const size_t results = found == nullptr ? 1 : found->schema.returns().size();
  ir::Node* node = graph_->create(c10::Symbol::fromQualString(std::string(op)), inputs, results);
  if (found == nullptr) {
    fail(absl::InternalError(absl::StrCat("no operator '", std::string(op), ".", std::string(overload), "'")));
    return graph_->insert(node);
  }
  node->set_op(found);
  for (size_t i = 0; i < results; ++i) node->output(i)->set_type(found->schema.returns()[i].type());
  return insert(node);
}

ir::Node* Recorder::emit(c10::Symbol kind, const std::vector<ir::Value*>& inputs,
                         const std::vector<c10::TypePtr>& outputs) {
  ir::Node* node = graph_->create(kind, inputs, outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) node->output(i)->set_type(outputs[i]);
  return insert(node);
}

void Recorder::read_content(const at::Tensor& tensor) {
  MemoryRecord* record = memory_.find(tensor);
  if (record == nullptr || record->factory == nullptr) return;
  if (MemoryBook::shows_raw_memory(*record, tensor)) freeze_raw_memory(*record, tensor);
}

// The node that made the memory becomes a copy of its content as it is now. What recorded operators wrote to it in the
// meantime, they write again.
void Recorder::freeze_raw_memory(MemoryRecord& record, const at::Tensor& tensor) {
  ir::Node* factory = record.factory;
  record.factory = nullptr;
  note(FindingKind::kRawWrite,
       absl::StrCat(
           "memory of '", factory->kind().toQualString(),
           "' is read before operators have written it; its content is a constant of the trace: ", shape_of(tensor)));
  if (tensor.scalar_type() != record.dtype) return;
  at::Tensor content;
  {
    const Deaf deaf;
    const at::NoGradGuard no_grad;
    content = tensor.detach().as_strided(record.sizes, record.strides, record.offset).clone();
  }
  ir::Value* constant = constant_tensor(content);
  const c10::Symbol clone = c10::Symbol::fromQualString("aten::clone");
  ir::Node* none = graph_->create_constant({});
  none->insert_before(factory);
  ir::Node* copy = graph_->create(clone, {constant, none->output()}, 1);
  copy->set_op(ir::OperatorCatalog::standard().find("aten::clone", ""));
  copy->set_range(factory->range());
  copy->output()->set_type(c10::TensorType::get());
  copy->insert_before(factory);
  ir::Value* old = factory->output();
  old->replace_all_uses_with(copy->output());
  for (auto& [impl, known] : values_) {
    if (known.value == old) known.value = copy->output();
  }
  sizes_[copy->output()] = record.sizes;
  sizes_[constant] = record.sizes;
  sizes_.erase(old);
  factory->destroy();
  frozen_.emplace_back(copy, tensor);
}

// --- Inputs and results.

namespace {

bool is_scalar(const c10::IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool() || value.isString();
}

absl::Status refused(const std::string& name, const c10::IValue& value) {
  return absl::InvalidArgumentError(
      absl::StrCat("input '", name, "' cannot be traced: ",
                   value.isNone()     ? "None"
                   : value.isTensor() ? "an undefined tensor"
                                      : ir::print(*value.type()),
                   "; inputs are tensors, int, float, bool, str, and tuples, lists and dicts of them"));
}

const char* key_overload(const c10::TypePtr& key) {
  switch (key->kind()) {
    case c10::TypeKind::StringType:
      return "Dict_str";
    case c10::TypeKind::IntType:
      return "Dict_int";
    case c10::TypeKind::BoolType:
      return "Dict_bool";
    case c10::TypeKind::FloatType:
      return "Dict_float";
    default:
      return nullptr;
  }
}

// The type of a value with tensors' shapes left out, lists and dicts of anything by their elements.
c10::TypePtr type_of(const c10::IValue& value) {
  if (value.isTensor()) return c10::TensorType::get();
  if (value.isTuple()) {
    const auto type = value.type()->expect<c10::TupleType>();
    std::vector<c10::TypePtr> types;
    for (const c10::IValue& item : value.toTupleRef().elements()) types.push_back(type_of(item));
    if (type->schema() == nullptr) return c10::TupleType::create(std::move(types));
    return type;
  }
  if (value.isList() && value.toList().elementType()->kind() == c10::TypeKind::AnyType && !value.toListRef().empty()) {
    return c10::ListType::create(type_of(value.toListRef()[0]));
  }
  return c10::unshapedType(value.type());
}

}  // namespace

absl::Status Recorder::add_input(const std::string& name, const c10::IValue& value) {
  return take_apart(value, graph_->add_input(type_of(value), name), name,
                    [this](const c10::IValue& leaf, ir::Value* place, const std::string& its_name) {
                      return add_leaf_input(leaf, place, its_name);
                    });
}

absl::Status Recorder::add_leaf_input(const c10::IValue& value, ir::Value* place, const std::string& name) {
  if (is_scalar(value)) {
    scalar_inputs_.emplace_back(place, value);
    return absl::OkStatus();
  }
  if (!value.isTensor() || !value.toTensor().defined()) return refused(name, value);
  if (knows(value.toTensor())) {
    return absl::InvalidArgumentError(
        absl::StrCat("input '", name, "' is a tensor that stands in the example twice; give a copy of it"));
  }
  leaf_inputs_.emplace_back(name, place);
  bind(value.toTensor(), place, /*depends=*/true);
  if (MemoryRecord* record = memory_.find(value.toTensor())) record->input = true;
  return absl::OkStatus();
}

absl::Status Recorder::bind_parts(const c10::IValue& value, ir::Value* whole, const std::string& name) {
  return take_apart(value, whole, name, [this](const c10::IValue& leaf, ir::Value* place, const std::string& its_name) {
    if (leaf.isTensor() && leaf.toTensor().defined()) {
      bind(leaf.toTensor(), place, /*depends=*/true);
    } else if (!leaf.isNone()) {
      note(FindingKind::kValueRead, absl::StrCat("'", its_name, "' is ", ir::print_constant(leaf),
                                                 "; what the code does with it is recorded as it was for this value"));
    }
    return absl::OkStatus();
  });
}

absl::Status Recorder::take_apart(const c10::IValue& value, ir::Value* whole, const std::string& name,
                                  const Leaf& leaf) {
  if (value.isTuple() || value.isList()) {
    std::vector<c10::IValue> items;
    if (value.isTuple()) {
      const auto elements = value.toTupleRef().elements();
      items.assign(elements.begin(), elements.end());
    } else {
      items = value.toListRef().vec();
    }
    std::vector<c10::TypePtr> types;
    for (const c10::IValue& item : items) types.push_back(type_of(item));
    ir::Node* unpack = emit(value.isTuple() ? prim::TupleUnpack : prim::ListUnpack, {whole}, types);
    for (size_t i = 0; i < items.size(); ++i) {
      VESTA_RETURN_IF_ERROR(take_apart(items[i], unpack->output(i), absl::StrCat(name, "[", i, "]"), leaf));
    }
    return absl::OkStatus();
  }
  if (!value.isGenericDict()) return leaf(value, whole, name);
  const c10::impl::GenericDict dict = value.toGenericDict();
  const char* overload = key_overload(dict.keyType());
  if (overload == nullptr) return refused(name, value);
  for (const auto& entry : dict) {
    ir::Node* get = emit("aten::__getitem__", overload, {whole, constant(entry.key())});
    get->output()->set_type(type_of(entry.value()));
    const std::string place = absl::StrCat(name, "[", ir::print_constant(entry.key()), "]");
    VESTA_RETURN_IF_ERROR(take_apart(entry.value(), get->output(), place, leaf));
  }
  return absl::OkStatus();
}

ir::Value* Recorder::value_of(const c10::IValue& value) {
  if (value.isTensor() && value.toTensor().defined()) {
    read_content(value.toTensor());
    ir::Value* found = this->value(value.toTensor());
    // Who gets it may write to it.
    if (MemoryRecord* record = memory_.find(value.toTensor())) record->written = true;
    return found;
  }
  if (value.isTuple() || value.isList()) {
    std::vector<c10::IValue> items;
    if (value.isTuple()) {
      const auto elements = value.toTupleRef().elements();
      items.assign(elements.begin(), elements.end());
    } else {
      items = value.toListRef().vec();
    }
    std::vector<ir::Value*> values;
    for (const c10::IValue& item : items) values.push_back(value_of(item));
    const c10::Symbol kind = value.isTuple() ? prim::TupleConstruct : prim::ListConstruct;
    return emit(kind, values, {type_of(value)})->output();
  }
  if (value.isGenericDict()) {
    std::vector<ir::Value*> values;
    for (const auto& entry : value.toGenericDict()) {
      values.push_back(constant(entry.key()));
      values.push_back(value_of(entry.value()));
    }
    return emit(prim::DictConstruct, values, {type_of(value)})->output();
  }
  if (!is_scalar(value) && !value.isNone() && !value.isDevice() && !value.isComplexDouble()) {
    fail(absl::InvalidArgumentError(absl::StrCat("a result of type ", ir::print(*value.type()),
                                                 " cannot be traced: results are tensors, numbers, strings, None, "
                                                 "and tuples, lists and dicts of them")));
  }
  return constant(value);
}

namespace {

// What is no container, with its place: "result[1]".
void each_leaf(const c10::IValue& value, const std::string& name,
               const std::function<void(const c10::IValue&, const std::string&)>& visit) {
  if (value.isTuple()) {
    size_t i = 0;
    for (const c10::IValue& item : value.toTupleRef().elements())
      each_leaf(item, absl::StrCat(name, "[", i++, "]"), visit);
  } else if (value.isList()) {
    size_t i = 0;
    for (const c10::IValue& item : value.toListRef()) each_leaf(item, absl::StrCat(name, "[", i++, "]"), visit);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      each_leaf(entry.value(), absl::StrCat(name, "[", ir::print_constant(entry.key()), "]"), visit);
    }
  } else {
    visit(value, name);
  }
}

// The same of what value_of() has made of it.
void each_leaf(const ir::Value* value, const std::function<void(const ir::Value*)>& visit) {
  const ir::Node* node = value->node();
  const bool dict = node->kind() == prim::DictConstruct;
  if (!dict && node->kind() != prim::TupleConstruct && node->kind() != prim::ListConstruct) return visit(value);
  for (size_t i = dict ? 1 : 0; i < node->inputs().size(); i += dict ? 2 : 1) each_leaf(node->input(i), visit);
}

// Whether the value is computed from an argument, sizes included.
bool follows_from_inputs(const ir::Value* value) {
  const ir::Node* arguments = value->graph()->block()->param_node();
  std::unordered_set<const ir::Node*> seen;
  std::vector<const ir::Value*> left{value};
  while (!left.empty()) {
    const ir::Node* node = left.back()->node();
    left.pop_back();
    if (node == arguments) return true;
    if (!seen.insert(node).second) continue;
    left.insert(left.end(), node->inputs().begin(), node->inputs().end());
  }
  return false;
}

}  // namespace

absl::Status Recorder::finish(const c10::IValue& result) {
  if (!status_.ok()) return status_;
  scope_.clear();
  sync_grad_mode();
  graph_->add_output(value_of(result));
  each_leaf(result, "result", [this](const c10::IValue& value, const std::string& name) {
    Result leaf{name, value.isNone()};
    if (value.isTensor() && value.toTensor().defined()) {
      const MemoryRecord* record = memory_.find(value.toTensor());
      leaf.depends =
          values_.at(value.toTensor().unsafeGetTensorImpl()).depends || (record != nullptr && record->depends);
    }
    results_.push_back(std::move(leaf));
  });
  drop_needless_copies();
  drop_unused();
  return status_;
}

void Recorder::tell_of_constants(Findings& findings) const {
  for (const auto& [name, value] : leaf_inputs_) {
    if (!value->has_uses()) findings.add(FindingKind::kUnusedInput, absl::StrCat("input '", name, "' is not read"));
  }
  if (graph_->inputs().empty()) return;
  size_t i = 0;
  each_leaf(graph_->outputs()[0], [&](const ir::Value* value) {
    const Result& result = results_[i++];
    if (result.depends || follows_from_inputs(value)) return;
    const c10::IValue* constant = constant_of(value);
    const bool number = constant != nullptr && !constant->isTensor();
    findings.add(FindingKind::kConstantOutput,
                 absl::StrCat("'", result.name, "' does not depend on the inputs",
                              number ? absl::StrCat(": it is ", ir::print_constant(*constant)) : ""));
  });
}

// Content that no recorded operator writes to need not be copied in each call.
void Recorder::drop_needless_copies() {
  for (auto& [copy, memory] : frozen_) {
    const MemoryRecord* record = memory_.find(memory);
    if (record == nullptr || record->written) continue;
    copy->output()->replace_all_uses_with(copy->input(0));
    copy->destroy();
  }
  frozen_.clear();
}

// Constants and containers whose operator was not recorded in the end, and parts of inputs that nothing reads.
void Recorder::drop_unused() {
  std::unordered_set<const ir::Node*> takes_out_inputs;
  for (const auto& [value, example] : scalar_inputs_) takes_out_inputs.insert(value->node());
  for (const auto& [name, value] : leaf_inputs_) takes_out_inputs.insert(value->node());
  const std::function<void(ir::Block*)> sweep = [&](ir::Block* block) {
    for (ir::Node* node = block->last(); node != nullptr;) {
      ir::Node* before = node->prev();
      for (ir::Block* inner : node->blocks()) sweep(inner);
      const c10::Symbol kind = node->kind();
      const bool pure = kind == prim::Constant || kind == prim::ListConstruct || kind == prim::ListUnpack ||
                        kind == prim::TupleUnpack || kind == c10::Symbol::fromQualString("aten::__getitem__");
      bool used = false;
      for (const ir::Value* output : node->outputs()) used |= output->has_uses();
      if (pure && !used) {
        for (const ir::Value* output : node->outputs()) sizes_.erase(output);
        // Numbers in containers are guarded, and sizes of tensors read, by taking them out again.
        if (!takes_out_inputs.contains(node)) node->destroy();
      }
      node = before;
    }
  };
  sweep(graph_->block());
}

}  // namespace vesta::tracer
