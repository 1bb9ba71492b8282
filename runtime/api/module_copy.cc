#include <unordered_set>

#include <vesta/module.h>

#include "ir/support/status.h"
#include "runtime/api/context.h"
#include "runtime/api/deep_copy.h"
#include "runtime/api/frozen_methods.h"
#include "runtime/api/live_methods.h"
#include "runtime/api/module_tree.h"
#include "runtime/api/state_writes.h"

namespace vesta {

using internal::Access;
using internal::DeepCopier;

namespace {

void find_unshared(const c10::ivalue::Object& module, std::unordered_set<const void*>& found) {
  for (const c10::IValue& value : module.slots()) {
    if (value.isTensor()) {
      const at::Tensor& tensor = value.toTensor();
      const bool alone = tensor.use_count() == 1 && tensor.has_storage() && tensor.storage().use_count() == 1;
      if (alone && !tensor.is_view()) found.insert(tensor.unsafeGetTensorImpl());
    } else if (value.isModule() && value.use_count() == 1) {
      find_unshared(value.toObjectRef(), found);
    }
  }
}

// Tensors that a module's attributes hold and nobody else does, if nobody else holds the module.
std::unordered_set<const void*> unshared_tensors(const internal::ObjectPtr& root) {
  std::unordered_set<const void*> found;
  if (root.use_count() == 1) find_unshared(*root, found);
  return found;
}

}  // namespace

absl::StatusOr<Module> Module::deepcopy(std::optional<c10::Device> device) const {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue copy, DeepCopier({.device = device}).copy(c10::IValue(object_)));
  auto context = std::make_shared<internal::Context>(*context_);
  context->frozen = false;
  context->frozen_methods = nullptr;
  VESTA_ASSIGN_OR_RETURN(context->live_methods, internal::LiveMethods::create(copy.toObject(), optimization()));
  return Access::module(std::move(context), copy.toObject());
}

OptimizationOptions Module::optimization() const {
  if (context_->frozen_methods != nullptr) return context_->frozen_methods->options();
  if (context_->live_methods != nullptr) return context_->live_methods->options();
  return {.level = OptimizationLevel::kO0, .without = {}};
}

absl::StatusOr<Module> Module::with_optimization(const OptimizationOptions& options) const {
  if (context_->frozen) return absl::FailedPreconditionError("how far it is optimized was said to freeze()");
  auto context = std::make_shared<internal::Context>(*context_);
  VESTA_ASSIGN_OR_RETURN(context->live_methods, internal::LiveMethods::create(object_, options));
  return Access::module(std::move(context), object_);
}

absl::StatusOr<Module> Module::instance() const {
  internal::StateWrites writes;
  internal::for_each_module(object_, [&](const internal::ObjectPtr& module) {
    for (torch::jit::Function* method : module->type()->methods()) {
      writes.merge(internal::find_state_writes(*ir::Function::from(method), module, {}));
    }
  });
  DeepCopier::Options options;
  options.share_tensors = [&writes](const c10::ClassType& type, size_t slot) {
    return type.is_parameter(slot) || !writes.mutates(type, type.getAttributeName(slot));
  };
  VESTA_ASSIGN_OR_RETURN(const c10::IValue copy, DeepCopier(std::move(options)).copy(c10::IValue(object_)));
  auto context = std::make_shared<internal::Context>(*context_);
  if (context_->frozen) context->frozen_methods = context_->frozen_methods->for_instance(copy.toObject());
  if (context_->live_methods != nullptr) {
    context->live_methods = context_->live_methods->for_instance(copy.toObject());
  }
  return Access::module(std::move(context), copy.toObject());
}

absl::StatusOr<Module> Module::freeze(const OptimizationOptions& options) const& {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue copy, DeepCopier({.keep_requires_grad = false}).copy(c10::IValue(object_)));
  return frozen(copy, options);
}

absl::StatusOr<Module> Module::freeze(const OptimizationOptions& options) && {
  VESTA_RETURN_IF_ERROR(internal::check_passes(options));
  // Optimized methods hold what they were made for.
  auto context = std::make_shared<internal::Context>(*context_);
  context->live_methods = nullptr;
  context_ = std::move(context);
  const std::unordered_set<const void*> unshared = unshared_tensors(object_);
  DeepCopier::Options copies;
  copies.keep_requires_grad = false;
  copies.takes = [&](const at::Tensor& tensor) { return unshared.contains(tensor.unsafeGetTensorImpl()); };
  VESTA_ASSIGN_OR_RETURN(const c10::IValue copy, DeepCopier(std::move(copies)).copy(c10::IValue(object_)));
  const Module given_up = std::move(*this);
  return given_up.frozen(copy, options);
}

absl::StatusOr<Module> Module::frozen(const c10::IValue& copy, const OptimizationOptions& options) const {
  auto context = std::make_shared<internal::Context>(*context_);
  context->live_methods = nullptr;
  Module result = Access::module(context, copy.toObject());
  VESTA_RETURN_IF_ERROR(result.eval());
  context->frozen = true;
  VESTA_ASSIGN_OR_RETURN(context->frozen_methods, internal::FrozenMethods::create(result.object_, options));
  if (torch::jit::Function* forward = result.object_->type()->findMethod("forward")) {
    // For calls without what has a default.
    const ir::Function& function = *ir::Function::from(forward);
    std::vector<c10::IValue> defaults;
    for (const c10::Argument& argument : function.schema().arguments()) {
      defaults.push_back(argument.default_value().value_or(c10::IValue(0)));
    }
    defaults.erase(defaults.begin());
    VESTA_RETURN_IF_ERROR(context->frozen_methods->code(*result.object_, function, defaults).status());
  }
  return result;
}

bool Module::is_frozen() const { return context_->frozen; }

}  // namespace vesta
