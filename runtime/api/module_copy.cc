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

absl::StatusOr<Module> Module::freeze(const OptimizationOptions& options) const {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue copy, DeepCopier({.keep_requires_grad = false}).copy(c10::IValue(object_)));
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
