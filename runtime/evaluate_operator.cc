#include "runtime/evaluate_operator.h"

#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include "ir/operator.h"
#include "ir/support/status.h"
#include "runtime/enum_arguments.h"
#include "runtime/errors.h"
#include "runtime/kernels/registry.h"

namespace vesta::runtime {

absl::StatusOr<std::vector<c10::IValue>> evaluate_operator(const ir::Operator& op, std::vector<c10::IValue> arguments) {
  const c10::InferenceMode inference_mode(false);
  const c10::AutoGradMode grad_mode(false);
  try {
    if (op.is_builtin()) {
      if (op.schema.is_vararg()) arguments.emplace_back(static_cast<int64_t>(arguments.size()));
      VESTA_RETURN_IF_ERROR(builtin_kernel(op.builtin)(arguments));
    } else {
      VESTA_RETURN_IF_ERROR(check_enum_arguments(op.schema, enum_arguments(op.schema), arguments));
      op.handle->callBoxed(&arguments);
    }
  } catch (...) {
    return status_of_current_exception();
  }
  return arguments;
}

}  // namespace vesta::runtime
