// One operator call: its arguments become values first, then it runs, and only if it did not throw does its node join
// the graph. In autocast, an operator that would cast is not recorded but entered, so that the casts and what they feed
// are; a composite operator is entered too, because what it calls may cast.

#include "tracer/recorder.h"

#include <ATen/core/Generator.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/GradMode.h>
#include <c10/macros/Export.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/printer.h"
#include "tracer/backward.h"
#include "tracer/where.h"

// Its header would bring all of libtorch's operators with it; a change of its arguments shows when linking.
namespace at::autocast {
TORCH_API void clear_cache();
}  // namespace at::autocast

namespace vesta::tracer {
namespace {

std::vector<std::string>& scope_names() {
  thread_local std::vector<std::string> names;
  return names;
}

}  // namespace

// One call while it is recorded.
struct Recorder::Call {
  explicit Call(const OperatorFacts& facts) : facts(facts) {}
  const OperatorFacts& facts;
  std::vector<ir::Value*> inputs;
  std::vector<at::Tensor> written;
  std::vector<at::Tensor> viewed;
  std::vector<at::Tensor> overwritten;
  bool depends = false;
};

void enter_scope(std::string_view name) { scope_names().emplace_back(name); }
void leave_scope() { scope_names().pop_back(); }
std::string current_scope() { return absl::StrJoin(scope_names(), "."); }

Recorder::Recorder(const Surroundings& surroundings, std::string title)
    : names_(surroundings.tensors),
      modules_(surroundings.modules),
      source_(std::make_shared<support::Source>()),
      graph_(std::make_shared<ir::Graph>()),
      grad_at_start_(c10::GradMode::is_enabled()),
      grad_recorded_(grad_at_start_) {
  source_->filename = std::move(title);
  journals_.emplace_back(0);
  // A cast that was made before would look like a tensor from outside.
  at::autocast::clear_cache();
}

Recorder::~Recorder() { at::autocast::clear_cache(); }

const OperatorFacts& Recorder::facts(const c10::OperatorHandle& op) {
  std::unique_ptr<OperatorFacts>& known = facts_[&op.schema()];
  if (known == nullptr) known = std::make_unique<OperatorFacts>(facts_of(op));
  return *known;
}

bool Recorder::steps_inside(const c10::OperatorHandle& op, c10::DispatchKeySet below) const {
  // Operators without a kernel for autocast have its keys masked out.
  if (below.has_any(c10::autocast_dispatch_keyset)) return true;
  // Its keys are excluded by default; switching autocast on takes the device's key out of them.
  const bool autocast = !c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU) ||
                        !c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCUDA);
  return autocast && op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd) &&
         !op.hasKernelForDispatchKey(c10::DispatchKey::Autograd);
}

void Recorder::note(FindingKind kind, std::string message) {
  std::string scope = scope_.empty() ? current_scope() : scope_;
  // Walking the stack takes long.
  if (findings_.knows(kind, message, scope)) return;
  findings_.add(kind, std::move(message), std::move(scope), calling_code());
}

void Recorder::called(const c10::OperatorHandle& op, c10::DispatchKeySet below, c10::Stack& stack) {
  if (!status_.ok()) return call_below(op, below, stack);
  if (steps_inside(op, below)) return call_inside(op, below, stack);
  Call call(facts(op));
  if (unrecorded_ > 0) return called_unrecorded(op, call.facts, below, stack);
  scope_ = current_scope();
  if (!call.facts.returns_tensors && !call.facts.writes) {
    if (call.facts.reads_values) {
      note(FindingKind::kValueRead, absl::StrCat("'", op.schema().name(),
                                                 "' reads a value out of a tensor; what the code does with it is "
                                                 "recorded as it was for this value"));
    }
    return call_below(op, below, stack);
  }
  if (call.facts.op == nullptr) {
    fail(absl::UnimplementedError(absl::StrCat("operator '", op.schema().name(), ".", op.schema().overload_name(),
                                               "' cannot be recorded: the catalog does not have it")));
    return call_below(op, below, stack);
  }
  sync_grad_mode();
  prepare(call, stack);
  if (!status_.ok()) return call_below(op, below, stack);
  call_below(op, below, stack);
  conclude(call, stack);
}

// Only what it writes matters.
void Recorder::called_unrecorded(const c10::OperatorHandle& op, const OperatorFacts& facts, c10::DispatchKeySet below,
                                 c10::Stack& stack) {
  std::vector<at::Tensor> written;
  const size_t first = stack.size() - facts.uses.size();
  for (size_t i = 0; i < facts.uses.size(); ++i) {
    if (facts.uses[i] != Use::kOverwrite && facts.uses[i] != Use::kUpdate) continue;
    if (stack[first + i].isTensor() && stack[first + i].toTensor().defined()) {
      written.push_back(stack[first + i].toTensor());
    } else if (stack[first + i].isTensorList()) {
      for (const at::Tensor& tensor : stack[first + i].toTensorVector()) written.push_back(tensor);
    }
  }
  add_statistics(facts, stack, written);
  for (const at::Tensor& tensor : written) {
    about_to_write(tensor);
    if (MemoryRecord* record = memory_.find(tensor)) record->written = record->depends = true;
  }
  call_below(op, below, stack);
}

void Recorder::run_unrecorded(const std::function<void()>& code) {
  struct Count {
    explicit Count(int& count) : count(count) { ++count; }
    ~Count() { --count; }
    int& count;
  } counted(unrecorded_);
  code();
}

void Recorder::sync_grad_mode() {
  const bool enabled = c10::GradMode::is_enabled();
  if (enabled == grad_recorded_) return;
  if (saved_grad_ == nullptr) {
    // At the very top, so that it is there in every block.
    ir::Node* asks = graph_->create(c10::Symbol::fromQualString("aten::is_grad_enabled"), {}, 1);
    asks->set_op(ir::OperatorCatalog::standard().find("aten::is_grad_enabled", ""));
    asks->output()->set_type(c10::BoolType::get());
    graph_->block()->prepend(asks);
    saved_grad_ = asks->output();
    if (prologue_ == nullptr) prologue_ = asks;
  }
  grad_recorded_ = enabled;
  emit("aten::set_grad_enabled", "", {enabled == grad_at_start_ ? saved_grad_ : constant(enabled)});
}

// Arguments as values. Content that is read must be there first; what is going to be written is saved.
void Recorder::prepare(Call& call, const c10::Stack& stack) {
  const c10::FunctionSchema& schema = call.facts.op->schema;
  const size_t count = schema.arguments().size();
  const size_t first = stack.size() - count;
  for (size_t i = 0; i < count; ++i) {
    call.inputs.push_back(argument(call, stack[first + i], schema.arguments()[i].type(), call.facts.uses[i]));
    if (!status_.ok()) return;
  }
  add_statistics(call.facts, stack, call.written);
  for (const at::Tensor& tensor : call.written) about_to_write(tensor);
  if (call.facts.random) {
    note(FindingKind::kRandom, absl::StrCat("'", schema.name(), "' is random"));
  }
  if (!gradients_told_ && is_in_backward()) {
    gradients_told_ = true;
    note(FindingKind::kBackward,
         "gradients are computed inside: their operators are in the trace, but it does not fill '.grad'");
  }
}

// Running statistics, which schemas do not show as written.
void Recorder::add_statistics(const OperatorFacts& facts, const c10::Stack& stack,
                              std::vector<at::Tensor>& written) const {
  if (facts.statistics == nullptr) return;
  const size_t first = stack.size() - facts.uses.size();
  const c10::IValue& training = stack[first + facts.statistics->training];
  if (!training.isBool() || !training.toBool()) return;
  for (const size_t i : {facts.statistics->mean, facts.statistics->variance}) {
    const c10::IValue& value = stack[first + i];
    if (value.isTensor() && value.toTensor().defined()) written.push_back(value.toTensor());
  }
}

ir::Value* Recorder::argument(Call& call, const c10::IValue& value, const c10::TypePtr& formal, Use use) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) {
      return formal->kind() == c10::TypeKind::OptionalType ? constant({}) : constant(value, c10::TensorType::get());
    }
    if (use == Use::kRead || use == Use::kUpdate) read_content(tensor);
    ir::Value* found = this->value(tensor);
    const Known& known = values_.at(tensor.unsafeGetTensorImpl());
    const MemoryRecord* memory = memory_.find(tensor);
    // Sizes are not content, but follow from it at times; writing does not look at what was there.
    if (use != Use::kOverwrite) call.depends |= known.depends || (memory != nullptr && memory->depends);
    if (use == Use::kOverwrite || use == Use::kUpdate) call.written.push_back(tensor);
    if (use == Use::kOverwrite) call.overwritten.push_back(tensor);
    if (use == Use::kView) call.viewed.push_back(tensor);
    // What uses a module's tensor belongs to that module.
    if (const auto named = names_.find(tensor.unsafeGetTensorImpl()); named != names_.end()) {
      const size_t dot = named->second.rfind('.');
      if (dot != std::string::npos && scope_.empty()) scope_ = named->second.substr(0, dot);
    }
    return found;
  }
  if (value.isNone()) return constant({});
  const c10::TypePtr inner =
      formal->kind() == c10::TypeKind::OptionalType ? formal->expectRef<c10::OptionalType>().getElementType() : formal;
  if (value.isList() && inner->kind() == c10::TypeKind::ListType) {
    const c10::TypePtr element = inner->containedType(0);
    std::vector<ir::Value*> items;
    for (const c10::IValue& item : value.toListRef()) items.push_back(argument(call, item, element, use));
    return emit(prim::ListConstruct, items, {c10::ListType::create(element)})->output();
  }
  if (value.isGenerator()) {
    note(FindingKind::kGeneratorDropped, absl::StrCat("'", call.facts.op->schema.name(),
                                                      "' uses a generator of its own; the trace uses the default one"));
    return constant({});
  }
  if (value.isStorage() || value.isStream() || value.isCapsule()) {
    fail(absl::UnimplementedError(absl::StrCat("operator '", call.facts.op->schema.name(), "' takes a ",
                                               ir::print(*value.type()), ", which a program cannot hold")));
    return constant({});
  }
  return constant(value);
}

void Recorder::conclude(Call& call, const c10::Stack& stack) {
  const c10::FunctionSchema& schema = call.facts.op->schema;
  // A view that turned out to be a copy has read its memory.
  const size_t first = stack.size() - schema.returns().size();
  for (const at::Tensor& viewed : call.viewed) {
    bool shared = false;
    for (size_t i = first; i < stack.size(); ++i) {
      if (!stack[i].isTensor())
        shared = shared || stack[i].isList();
      else if (stack[i].toTensor().defined())
        shared = shared || stack[i].toTensor().is_alias_of(viewed);
    }
    if (!shared) read_content(viewed);
  }
  ir::Node* node = graph_->create(c10::Symbol::fromQualString(schema.name()), call.inputs, schema.returns().size());
  node->set_op(call.facts.op);
  for (size_t i = 0; i < schema.returns().size(); ++i) node->output(i)->set_type(schema.returns()[i].type());
  insert(node);
  for (const at::Tensor& tensor : call.written) {
    if (MemoryRecord* record = memory_.find(tensor)) {
      record->written = true;
      record->depends |= call.depends;
    }
  }
  for (const at::Tensor& tensor : call.overwritten) {
    if (MemoryRecord* record = memory_.find(tensor)) MemoryBook::cover(*record, tensor);
  }
  for (size_t i = 0; i < schema.returns().size(); ++i) bind_result(call, stack[first + i], node->output(i));
}

void Recorder::bind_result(const Call& call, const c10::IValue& result, ir::Value* value) {
  if (result.isTensor()) {
    const at::Tensor& tensor = result.toTensor();
    if (!tensor.defined()) return;
    const bool met = memory_.find(tensor) != nullptr;
    bind(tensor, value, call.depends);
    if (!met && call.facts.makes_raw_memory) {
      MemoryRecord* record = memory_.find(tensor);
      if (record == nullptr || tensor.is_quantized()) return;
      record->factory = value->node();
      record->sizes = tensor.sizes().vec();
      record->strides = tensor.strides().vec();
      record->offset = tensor.storage_offset();
      record->dtype = tensor.scalar_type();
    }
    return;
  }
  if (!result.isList() || value->type()->kind() != c10::TypeKind::ListType) return;
  const c10::List<c10::IValue> list = result.toList();
  if (list.empty() || !value->type()->containedType(0)->isSubtypeOf(*c10::TensorType::get())) return;
  const std::vector<c10::TypePtr> types(list.size(), c10::TensorType::get());
  ir::Node* unpack = emit(prim::ListUnpack, {value}, types);
  for (size_t i = 0; i < list.size(); ++i) {
    const at::Tensor tensor = c10::IValue(list.get(i)).toTensor();
    if (tensor.defined()) bind(tensor, unpack->output(i), call.depends);
  }
}

void Recorder::about_to_write(const at::Tensor& tensor) {
  const MemoryRecord* record = memory_.find(tensor);
  if (record != nullptr && record->input) note(FindingKind::kInputWritten, "an input is written in place");
  const uint64_t birth = record == nullptr ? 0 : record->birth;
  for (Journal& journal : journals_) {
    if (birth <= journal.start()) journal.before_write(tensor);
  }
}

Recorder::InBlock::InBlock(Recorder& recorder, ir::Block* block, bool undo)
    : recorder_(recorder), outer_(recorder.graph_->insert_block()), saved_(recorder.values_), undo_(undo) {
  recorder.graph_->set_insert_point(block);
  if (undo) recorder.journals_.emplace_back(recorder.births_);
}

Recorder::InBlock::~InBlock() {
  if (undo_) {
    recorder_.journals_.back().roll_back();
    recorder_.journals_.pop_back();
  }
  recorder_.values_ = std::move(saved_);
  recorder_.graph_->set_insert_point(outer_);
}

}  // namespace vesta::tracer
