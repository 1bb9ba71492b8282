// Calls, attributes and lists. What changes the state as a whole is in module_state.cc, copies are in
// module_copy.cc, building is in module_build.cc.

#include <vesta/module.h>

#include <vesta/value.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/support/status.h"
#include "runtime/api/arguments.h"
#include "runtime/api/call.h"
#include "runtime/api/context.h"
#include "runtime/api/live_methods.h"
#include "runtime/api/module_tree.h"

namespace vesta {

using internal::Access;
using internal::as_absl;
using internal::TreeSlot;

absl::StatusOr<Module> Module::from_value(const c10::IValue& value) {
  if (!value.isObject()) return internal::wrong_type("a module", value);
  internal::ObjectPtr object = value.toObject();
  const std::shared_ptr<c10::ClassType> type = object->type();
  if (!type->is_module()) return internal::wrong_type("a module", value);
  auto context = std::make_shared<internal::Context>();
  if (!type->methods().empty()) {
    // An object of torch::jit's own, in a process that has both, is told by the class of its methods.
    auto* function = dynamic_cast<ir::Function*>(type->methods().front());
    if (function == nullptr) return internal::wrong_type("a module of Vesta", value);
    context->program = function->program()->shared_from_this();
  }
  VESTA_ASSIGN_OR_RETURN(context->live_methods, internal::LiveMethods::create(object, {}));
  return Access::module(std::move(context), std::move(object));
}

absl::StatusOr<c10::IValue> Module::forward(std::vector<c10::IValue> args, const Kwargs& kwargs,
                                            const CallOptions& options) const {
  return run_method("forward", std::move(args), kwargs, options);
}

absl::StatusOr<c10::IValue> Module::run_method(std::string_view name, std::vector<c10::IValue> args,
                                               const Kwargs& kwargs, const CallOptions& options) const {
  if (torch::jit::Function* function = object_->type()->findMethod(std::string(name))) {
    return internal::call_method(*context_, object_, *ir::Function::from(function), std::move(args), kwargs, options);
  }
  return get_method(name).status();
}

absl::StatusOr<Method> Module::get_method(std::string_view name) const {
  const std::shared_ptr<c10::ClassType> type = object_->type();
  if (torch::jit::Function* function = type->findMethod(std::string(name))) {
    return Access::method(context_, object_, ir::Function::from(function));
  }
  std::vector<std::string> have;
  for (const torch::jit::Function* method : type->methods()) have.push_back(method->name());
  return absl::NotFoundError(absl::StrCat("'", type->annotation_str(), "' has no method '", as_absl(name),
                                          "'; it has: ", have.empty() ? "none" : absl::StrJoin(have, ", ")));
}

bool Module::has_method(std::string_view name) const { return object_->type()->hasMethod(std::string(name)); }

std::vector<Method> Module::methods() const {
  std::vector<Method> result;
  for (torch::jit::Function* function : object_->type()->methods()) {
    result.push_back(Access::method(context_, object_, ir::Function::from(function)));
  }
  return result;
}

std::vector<Named<at::Tensor>> Module::named_parameters(bool recurse) const {
  std::vector<Named<at::Tensor>> result;
  internal::walk(*object_, recurse, [&](const TreeSlot& slot) {
    if (slot.is_parameter()) result.push_back({slot.name, slot.value.toTensor()});
  });
  return result;
}

std::vector<Named<at::Tensor>> Module::named_buffers(bool recurse) const {
  std::vector<Named<at::Tensor>> result;
  internal::walk(*object_, recurse, [&](const TreeSlot& slot) {
    if (slot.is_buffer()) result.push_back({slot.name, slot.value.toTensor()});
  });
  return result;
}

std::vector<Named<c10::IValue>> Module::named_attributes(bool recurse) const {
  std::vector<Named<c10::IValue>> result;
  internal::walk(*object_, recurse, [&](const TreeSlot& slot) { result.push_back({slot.name, slot.value}); });
  return result;
}

std::vector<Named<Module>> Module::named_children() const {
  std::vector<Named<Module>> result;
  internal::walk(*object_, false, [&](const TreeSlot& slot) {
    if (slot.is_module()) result.push_back({slot.name, Access::module(context_, slot.value.toObject())});
  });
  return result;
}

std::vector<Named<Module>> Module::named_modules() const {
  std::vector<Named<Module>> result{{"", *this}};
  internal::walk(*object_, true, [&](const TreeSlot& slot) {
    if (slot.is_module()) result.push_back({slot.name, Access::module(context_, slot.value.toObject())});
  });
  return result;
}

std::vector<at::Tensor> Module::parameters(bool recurse) const {
  std::vector<at::Tensor> result;
  for (Named<at::Tensor>& parameter : named_parameters(recurse)) result.push_back(std::move(parameter.value));
  return result;
}

std::vector<at::Tensor> Module::buffers(bool recurse) const {
  std::vector<at::Tensor> result;
  for (Named<at::Tensor>& buffer : named_buffers(recurse)) result.push_back(std::move(buffer.value));
  return result;
}

bool Module::has_attr(std::string_view path) const { return attr(path).ok(); }

absl::StatusOr<c10::IValue> Module::attr(std::string_view path) const {
  VESTA_ASSIGN_OR_RETURN(const internal::Place place, internal::resolve(object_, path));
  const std::shared_ptr<c10::ClassType> type = place.module->type();
  if (const std::optional<size_t> index = type->findAttributeSlot(place.name)) {
    return internal::slot(*place.module, *index);
  }
  if (std::optional<c10::IValue> constant = type->findConstant(place.name)) return *std::move(constant);
  // For its list of what is there.
  const absl::StatusOr<c10::IValue> missing = field(c10::IValue(place.module), place.name);
  return absl::NotFoundError(missing.status().message());
}

absl::Status Module::set_attr(std::string_view path, c10::IValue value) {
  if (context_->frozen) {
    return absl::FailedPreconditionError(absl::StrCat("'", as_absl(path), "' cannot be set: the module is frozen"));
  }
  VESTA_ASSIGN_OR_RETURN(const internal::Place place, internal::resolve(object_, path));
  const std::shared_ptr<c10::ClassType> type = place.module->type();
  const std::optional<size_t> index = type->findAttributeSlot(place.name);
  if (!index.has_value()) {
    if (type->hasConstant(place.name)) {
      return absl::FailedPreconditionError(absl::StrCat("'", as_absl(path), "' cannot be set: it is a constant"));
    }
    return attr(path).status();
  }
  const std::string why = internal::convert(value, type->getAttribute(*index));
  if (!why.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("attribute '", as_absl(path), "' takes ",
                                                   internal::annotation(type->getAttribute(*index)), ", ", why));
  }
  place.module->setSlot(*index, std::move(value));
  return absl::OkStatus();
}

absl::StatusOr<Module> Module::get_submodule(std::string_view path) const {
  if (path.empty()) return *this;
  VESTA_ASSIGN_OR_RETURN(const c10::IValue value, attr(path));
  if (!value.isObject() || !value.toObjectRef().type()->is_module()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", as_absl(path), "' is no module, but ", vesta::type_name(value)));
  }
  return Access::module(context_, value.toObject());
}

const ProducedBy& Module::produced_by() const {
  static const ProducedBy nobody;
  return context_->produced_by != nullptr ? *context_->produced_by : nobody;
}

std::string Module::type_name() const { return object_->type()->annotation_str(); }

c10::ClassTypePtr Module::type() const { return object_->type(); }

}  // namespace vesta
