#include <vesta/module.h>

#include "ir/support/status.h"
#include "runtime/api/context.h"
#include "runtime/api/deep_copy.h"
#include "runtime/api/module_tree.h"
#include "runtime/api/state_writes.h"

namespace vesta {

using internal::Access;
using internal::DeepCopier;

absl::StatusOr<Module> Module::deepcopy(std::optional<c10::Device> device) const {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue copy, DeepCopier({.device = device}).copy(c10::IValue(object_)));
  auto context = std::make_shared<internal::Context>(*context_);
  context->frozen = false;
  return Access::module(std::move(context), copy.toObject());
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
  return Access::module(context_, copy.toObject());
}

absl::StatusOr<Module> Module::freeze() const {
  VESTA_ASSIGN_OR_RETURN(const c10::IValue copy, DeepCopier({.keep_requires_grad = false}).copy(c10::IValue(object_)));
  auto context = std::make_shared<internal::Context>(*context_);
  Module result = Access::module(context, copy.toObject());
  VESTA_RETURN_IF_ERROR(result.eval());
  context->frozen = true;
  return result;
}

bool Module::is_frozen() const { return context_->frozen; }

}  // namespace vesta
