#include <vesta/method.h>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "runtime/api/arguments.h"
#include "runtime/api/call.h"
#include "runtime/api/context.h"
#include "runtime/api/frozen_methods.h"
#include "runtime/api/live_methods.h"
#include "runtime/api/state_writes.h"
#include "runtime/errors.h"
#include "tracer/method_calls.h"

namespace vesta {

const std::string& Method::name() const { return function_->schema().name(); }

const c10::FunctionSchema& Method::schema() const { return function_->schema(); }

std::string Method::signature() const { return internal::signature(function_->schema(), object_ ? 1 : 0); }

absl::StatusOr<c10::IValue> Method::operator()(std::vector<c10::IValue> args, const Kwargs& kwargs,
                                               const CallOptions& options) const {
  absl::StatusOr<std::vector<c10::IValue>> bound =
      internal::bind_arguments(function_->schema(), object_ ? 1 : 0, std::move(args), kwargs);
  if (!bound.ok()) return bound.status();
  if (tracer::listener() != nullptr && object_) {
    tracer::Recorder* recorder = tracer::Recorder::current();
    if (recorder != nullptr && recorder->calls(object_.get())) {
      bound->insert(bound->begin(), c10::IValue(object_));
      return tracer::record_method_call(*recorder, function_->schema(), *bound,
                                        [&] { return internal::call(*function_, *bound, options); });
    }
  }
  std::shared_ptr<const runtime::Code> code;
  if (object_ && !internal::wants_gradients(*bound)) {
    if (context_->frozen_methods != nullptr) {
      VESTA_ASSIGN_OR_RETURN(code, context_->frozen_methods->code(*object_, *function_, *bound));
    } else if (context_->live_methods != nullptr && tracer::listener() == nullptr) {
      VESTA_ASSIGN_OR_RETURN(code, context_->live_methods->code(*object_, *function_, *bound));
    }
  }
  if (object_) bound->insert(bound->begin(), c10::IValue(object_));
  if (code != nullptr) return internal::call(code, *std::move(bound), options);
  return internal::call(*function_, *std::move(bound), options);
}

bool Method::writes_state() const {
  return internal::find_state_writes(*function_, object_, {.use_current_values = true}).any();
}

std::string exception_class(const absl::Status& status) {
  constexpr std::string_view kBuiltins = "builtins.";
  std::string name = runtime::exception_class(status);
  if (name.starts_with(kBuiltins)) name.erase(0, kBuiltins.size());
  return name;
}

}  // namespace vesta
