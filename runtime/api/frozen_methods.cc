// What a method writes is found by class and name of attributes (state_writes.h). Two attributes may hold one tensor or
// list, so what is written to is found a second time, by identity: storages, containers and objects.
//
// Optimized code depends on attributes that never change only, and reads the others from the object that it is given.
// So instances, whose unchanging attributes are equal, run the same code.

#include "runtime/api/frozen_methods.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_set>

#include <ATen/core/class_type.h>
#include <c10/core/GradMode.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/support/status.h"
#include "passes/pipeline.h"
#include "runtime/api/module_tree.h"
#include "runtime/api/state_writes.h"
#include "runtime/optimize.h"

namespace vesta::internal {
namespace {

constexpr size_t kMaxNesting = 64;
constexpr size_t kMaxVariants = 8;

using Identities = std::unordered_set<const void*>;

// Calls visit(identity) for all that can be written to in a value: storages and tensors, containers. False where the
// value holds something that is not plain data, or nests too deep.
template <class Visit>
bool visit_identities(const c10::IValue& value, const Visit& visit, size_t depth = 0) {
  if (depth > kMaxNesting) return false;
  const auto inner = [&](const c10::IValue& part) { return visit_identities(part, visit, depth + 1); };
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) return true;
    visit(static_cast<const void*>(tensor.unsafeGetTensorImpl()));
    if (tensor.has_storage()) visit(static_cast<const void*>(tensor.storage().unsafeGetStorageImpl()));
    return true;
  }
  if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    return std::all_of(elements.begin(), elements.end(), inner);
  }
  if (value.isList()) {
    visit(static_cast<const void*>(value.internalToPointer()));
    const auto elements = value.toListRef();
    return std::all_of(elements.begin(), elements.end(), inner);
  }
  if (value.isGenericDict()) {
    visit(static_cast<const void*>(value.internalToPointer()));
    for (const auto& entry : value.toGenericDict()) {
      if (!inner(entry.key()) || !inner(entry.value())) return false;
    }
    return true;
  }
  return value.isNone() || value.isInt() || value.isDouble() || value.isBool() || value.isString() ||
         value.isDevice() || value.isComplexDouble() || value.isEnum();
}

bool is_module(const c10::IValue& value) { return value.isObject() && value.toObjectRef().type()->is_module(); }

// Whether a look at the value shows that it was changed.
bool is_watchable(const c10::IValue& value) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    return !tensor.defined() || (tensor.has_storage() && !tensor.is_inference());
  }
  if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    return std::all_of(elements.begin(), elements.end(), [](const c10::IValue& element) {
      return element.isNone() || element.isInt() || element.isDouble() || element.isBool() || element.isString();
    });
  }
  return !value.isList() && !value.isGenericDict();
}

passes::Level level_of(OptimizationLevel level) {
  switch (level) {
    case OptimizationLevel::kO0:
      return passes::Level::kPlain;
    case OptimizationLevel::kO1:
      return passes::Level::kExact;
    case OptimizationLevel::kO2:
      break;
  }
  return passes::Level::kFast;
}

StateWrites writes_of_all_methods(const ObjectPtr& root, const StateWriteOptions& options) {
  StateWrites writes;
  for_each_module(root, [&](const ObjectPtr& module) {
    for (torch::jit::Function* method : module->type()->methods()) {
      if (method->name() == "__setstate__") continue;
      writes.merge(find_state_writes(*ir::Function::from(method), module, options));
    }
  });
  return writes;
}

bool assigns_bools(const StateWrites& writes) {
  return std::any_of(writes.assigned.begin(), writes.assigned.end(), [](const StateWrites::Attribute& attribute) {
    const c10::TypePtr type = attribute.first->findAttribute(attribute.second);
    return type == nullptr || type->kind() == c10::TypeKind::BoolType;
  });
}

bool requires_gradient(const c10::IValue& value, size_t depth = 0) {
  if (value.isTensor()) return value.toTensor().defined() && value.toTensor().requires_grad();
  if (depth > kMaxNesting) return true;
  const auto inner = [&](const c10::IValue& part) { return requires_gradient(part, depth + 1); };
  if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    return std::any_of(elements.begin(), elements.end(), inner);
  }
  if (value.isTensorList() || (value.isList() && !value.isIntList() && !value.isDoubleList() && !value.isBoolList())) {
    const auto elements = value.toListRef();
    return std::any_of(elements.begin(), elements.end(), inner);
  }
  if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (inner(entry.value())) return true;
    }
    return false;
  }
  // Objects of the program's classes: those of modules hold parameters, which are the frozen module's own.
  if (value.isObject() && !is_module(value)) {
    const auto& slots = value.toObjectRef().slots();
    return std::any_of(slots.begin(), slots.end(), inner);
  }
  return false;
}

}  // namespace

struct FrozenState::Facts {
  StateWrites writes;
  Identities written;
  std::unordered_set<const c10::ivalue::Object*> modules;
  bool nothing_is_known = false;
};

std::shared_ptr<const FrozenState::Facts> FrozenState::find_facts() const {
  auto facts = std::make_shared<Facts>();
  // Flags are taken as they are (`training` is false), unless some method may set one.
  facts->writes = writes_of_all_methods(root_, {.use_current_values = true});
  if (assigns_bools(facts->writes)) facts->writes = writes_of_all_methods(root_, {.use_current_values = false});
  facts->nothing_is_known = facts->writes.unknown;
  for_each_module(root_, [&](const ObjectPtr& module) {
    facts->modules.insert(module.get());
    const c10::ClassType& type = *module->type();
    for (size_t i = 0; i < type.numAttributes(); ++i) {
      if (!facts->writes.mutates(type, type.getAttributeName(i))) continue;
      const bool plain =
          visit_identities(slot(*module, i), [&](const void* identity) { facts->written.insert(identity); });
      // An object that is written to may lead anywhere.
      facts->nothing_is_known = facts->nothing_is_known || !plain;
    }
  });
  return facts;
}

const FrozenState::Facts& FrozenState::facts() const {
  std::call_once(once_, [this] { facts_ = find_facts(); });
  return *facts_;
}

FrozenState::Change FrozenState::change(const c10::ivalue::Object& object, size_t index) const {
  if (facts().nothing_is_known || !facts().modules.contains(&object)) return Change::kAny;
  const c10::ClassType& type = *object.type();
  const std::string& name = type.getAttributeName(index);
  if (facts().writes.assigned.contains({&type, name})) return Change::kAny;
  const c10::IValue value = slot(object, index);
  if (facts().writes.mutates(type, name)) return value.isTensor() ? Change::kWritten : Change::kAny;
  if (is_module(value)) return facts().modules.contains(&value.toObjectRef()) ? Change::kNever : Change::kAny;
  if (live_ && !is_watchable(value)) return Change::kAny;
  bool shared = false;
  const bool plain =
      visit_identities(value, [&](const void* identity) { shared = shared || facts().written.contains(identity); });
  return plain && !shared ? Change::kNever : Change::kAny;
}

std::optional<c10::IValue> FrozenState::attribute(const c10::ivalue::Object& object, const std::string& name) const {
  const std::optional<size_t> index = object.type()->findAttributeSlot(name);
  if (!index.has_value() || change(object, *index) != Change::kNever) return std::nullopt;
  return slot(object, *index);
}

// A method for calls in which the same arguments are absent.
struct FrozenMethods::Variant {
  const runtime::AbsentArguments absent;
  std::atomic<bool> made{false};
  std::mutex mutex;
  absl::Status status;
  // What the code is lowered from; a file may have given both. Null: not optimized yet, or not possible.
  std::shared_ptr<const ir::Graph> graph;
  std::shared_ptr<runtime::plan::DerivedConstants> constants;
  std::shared_ptr<const runtime::Code> code;  // Null: the plain code has to do.

  explicit Variant(runtime::AbsentArguments of) : absent(of) {}

  absl::StatusOr<const std::shared_ptr<const runtime::Code>*> made_code(
      const ir::Function& method, const std::function<passes::PassContext()>& context) {
    if (!made.load(std::memory_order_acquire)) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!made.load(std::memory_order_relaxed)) make(method, context);
      made.store(true, std::memory_order_release);
    }
    if (!status.ok()) return status;
    return &code;
  }

 private:
  void make(const ir::Function& method, const std::function<passes::PassContext()>& context) {
    status = try_make(method, context);
    if (!status.ok()) graph = nullptr;
#ifdef VESTA_CHECKED
    const bool tell = absl::IsInternal(status);  // A bug of a pass.
#else
    const bool tell = false;
#endif
    // The plain code does what was asked for; a program that cannot run tells why itself.
    if (!tell) status = absl::OkStatus();
  }

  absl::Status try_make(const ir::Function& method, const std::function<passes::PassContext()>& context) {
    if (graph == nullptr) {
      VESTA_ASSIGN_OR_RETURN(graph, runtime::optimized_graph(method, context(), absent));
      constants = std::make_shared<runtime::plan::DerivedConstants>();
    }
    VESTA_ASSIGN_OR_RETURN(code, runtime::optimized_code(method, *graph, constants));
    return absl::OkStatus();
  }
};

struct FrozenMethods::Entry {
  ObjectPtr object;
  const ir::Function* method;
  std::vector<bool> optional;  // By argument, the object apart.
  // Filled from the front; what is there stays. The last one is for all calls that have none of their own.
  std::array<std::atomic<Variant*>, kMaxVariants> variants{};

  Entry(ObjectPtr of, const ir::Function* function) : object(std::move(of)), method(function) {
    const std::vector<c10::Argument>& arguments = method->schema().arguments();
    for (size_t i = 1; i < arguments.size(); ++i) {
      optional.push_back(arguments[i].type()->kind() == c10::TypeKind::OptionalType);
    }
    if (std::find(optional.begin(), optional.end(), true) == optional.end()) optional.clear();
  }

  runtime::AbsentArguments absent_of(const std::vector<c10::IValue>& arguments) const {
    runtime::AbsentArguments absent = 0;
    for (size_t i = 0; i < std::min({arguments.size(), optional.size(), size_t{63}}); ++i) {
      if (optional[i] && arguments[i].isNone()) absent |= runtime::AbsentArguments{1} << (i + 1);
    }
    return absent;
  }

  ~Entry() {
    for (std::atomic<Variant*>& variant : variants) delete variant.load();
  }

  Variant& variant(runtime::AbsentArguments absent) {
    for (size_t i = 0; i < kMaxVariants; ++i) {
      Variant* there = variants[i].load(std::memory_order_acquire);
      if (there == nullptr) {
        auto fresh = std::make_unique<Variant>(i + 1 < kMaxVariants ? absent : 0);
        if (variants[i].compare_exchange_strong(there, fresh.get())) return *fresh.release();
      }
      if (there->absent == absent) return *there;
    }
    return *variants.back().load();
  }
};

absl::StatusOr<std::shared_ptr<const FrozenMethods>> FrozenMethods::create(const ObjectPtr& root,
                                                                           const OptimizationOptions& options,
                                                                           bool live) {
  VESTA_RETURN_IF_ERROR(check_passes(options));
  std::shared_ptr<FrozenMethods> made(new FrozenMethods(options, std::make_shared<const FrozenState>(root, live)));
  if (options.level == OptimizationLevel::kO0) return std::shared_ptr<const FrozenMethods>(std::move(made));
  for_each_module(root, [&](const ObjectPtr& object) {
    made->objects_.push_back(object);
    for (torch::jit::Function* method : object->type()->methods()) {
      const ir::Function* function = ir::Function::from(method);
      made->entries_.emplace(Key{object.get(), function}, std::make_shared<Entry>(object, function));
    }
  });
  return std::shared_ptr<const FrozenMethods>(std::move(made));
}

std::shared_ptr<const FrozenMethods> FrozenMethods::for_instance(const ObjectPtr& root) const {
  std::shared_ptr<FrozenMethods> made(new FrozenMethods(options_, state_));
  for_each_module(root, [&](const ObjectPtr& object) { made->objects_.push_back(object); });
  // A copy has the same modules in the same order.
  if (made->objects_.size() != objects_.size()) return nullptr;
  for (size_t i = 0; i < objects_.size(); ++i) {
    for (torch::jit::Function* method : objects_[i]->type()->methods()) {
      const ir::Function* function = ir::Function::from(method);
      const auto entry = entries_.find({objects_[i].get(), function});
      if (entry != entries_.end()) made->entries_.emplace(Key{made->objects_[i].get(), function}, entry->second);
    }
  }
  return made;
}

passes::PassContext FrozenMethods::context_for(const ObjectPtr& object) const {
  passes::PassContext context;
  context.level = level_of(options_.level);
  context.without = options_.without;
  context.self = object;
  context.frozen_attribute = [state = state_](const c10::ivalue::Object& holder, const std::string& name) {
    return state->attribute(holder, name);
  };
  return context;
}

absl::StatusOr<const std::shared_ptr<const runtime::Code>*> FrozenMethods::code(
    const c10::ivalue::Object& object, const ir::Function& method, const std::vector<c10::IValue>& arguments) const {
  const auto found = entries_.find({&object, &method});
  if (found == entries_.end()) return &kNoCode;
  Entry& entry = *found->second;
  return entry.variant(entry.absent_of(arguments)).made_code(method, [&] { return context_for(entry.object); });
}

std::vector<serialization::OptimizedMethod> FrozenMethods::optimized() const {
  std::vector<serialization::OptimizedMethod> result;
  for (const ObjectPtr& object : objects_) {
    for (torch::jit::Function* method : object->type()->methods()) {
      const auto found = entries_.find({object.get(), ir::Function::from(method)});
      if (found == entries_.end()) continue;
      for (const std::atomic<Variant*>& slot : found->second->variants) {
        Variant* const variant = slot.load();
        if (variant == nullptr) break;
        const std::lock_guard<std::mutex> lock(variant->mutex);
        if (variant->graph == nullptr) continue;
        serialization::OptimizedMethod one{object, found->second->method, variant->graph, {}};
        for (runtime::plan::DerivedConstants::Entry& derived : variant->constants->entries()) {
          one.derived.push_back({std::move(derived.name), std::move(derived.sources), std::move(derived.value)});
        }
        result.push_back(std::move(one));
      }
    }
  }
  return result;
}

void FrozenMethods::restore(const std::vector<serialization::OptimizedMethod>& methods) const {
  for (const serialization::OptimizedMethod& method : methods) {
    const auto found = entries_.find({method.object.get(), method.function});
    if (found == entries_.end()) continue;
    const runtime::AbsentArguments absent = runtime::absent_arguments(*method.graph);
    Variant& variant = found->second->variant(absent);
    if (variant.absent != absent) continue;  // A file with more of them than are kept.
    const std::lock_guard<std::mutex> lock(variant.mutex);
    variant.graph = method.graph;
    variant.constants = std::make_shared<runtime::plan::DerivedConstants>();
    for (const serialization::DerivedTensor& derived : method.derived) {
      variant.constants->restore(derived.name, derived.sources, derived.value);
    }
  }
}

absl::Status check_passes(const OptimizationOptions& options) {
  for (const std::string& name : options.without) {
    if (passes::find_pass(name) != nullptr) continue;
    std::vector<std::string> names;
    for (const passes::PassInfo& pass : passes::all_passes()) names.emplace_back(pass.name);
    return absl::InvalidArgumentError(
        absl::StrCat("there is no pass '", name, "' to leave out; there are: ", absl::StrJoin(names, ", ")));
  }
  return absl::OkStatus();
}

bool wants_gradients(const std::vector<c10::IValue>& arguments) {
  if (!c10::GradMode::is_enabled()) return false;
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const c10::IValue& argument) { return requires_gradient(argument); });
}

}  // namespace vesta::internal
