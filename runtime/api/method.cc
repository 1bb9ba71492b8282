#include <vesta/method.h>

#include <iterator>

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

namespace {

// The stack of one call. A thread keeps its memory for the next: what callers hand over has no room for the object.
class LeasedStack {
 public:
  LeasedStack() { stack_.swap(kept()); }
  ~LeasedStack() {
    stack_.clear();
    if (stack_.capacity() <= kMostKept) stack_.swap(kept());
  }
  LeasedStack(const LeasedStack&) = delete;
  LeasedStack& operator=(const LeasedStack&) = delete;

  ir::Stack& operator*() { return stack_; }

 private:
  static constexpr size_t kMostKept = 64;
  // Empty while a call that this one is made from has it.
  static ir::Stack& kept() {
    thread_local ir::Stack stack;
    return stack;
  }

  ir::Stack stack_;
};

}  // namespace

const std::string& Method::name() const { return function_->schema().name(); }

const c10::FunctionSchema& Method::schema() const { return function_->schema(); }

std::string Method::signature() const { return internal::signature(function_->schema(), object_ ? 1 : 0); }

absl::StatusOr<c10::IValue> Method::operator()(std::vector<c10::IValue> args, const Kwargs& kwargs,
                                               const CallOptions& options) const {
  return internal::call_method(*context_, object_, *function_, std::move(args), kwargs, options);
}

// Nothing that callers share is counted here, the object only where the code reads it: threads that call one small
// module would wait for each other.
absl::StatusOr<c10::IValue> internal::call_method(const Context& context, const ObjectPtr& object,
                                                  const ir::Function& function, std::vector<c10::IValue> args,
                                                  const Kwargs& kwargs, const CallOptions& options) {
  VESTA_ASSIGN_OR_RETURN(std::vector<c10::IValue> bound,
                         bind_arguments(function.schema(), object ? 1 : 0, std::move(args), kwargs));
  if (tracer::listener() != nullptr && object) {
    tracer::Recorder* recorder = tracer::Recorder::current();
    if (recorder != nullptr && recorder->calls(object.get())) {
      bound.insert(bound.begin(), c10::IValue(object));
      return tracer::record_method_call(*recorder, function.schema(), bound, [&] {
        ir::Stack stack = bound;
        return call(function, stack, options);
      });
    }
  }
  const std::shared_ptr<const runtime::Code>* code = &kNoCode;
  LiveMethods::Lease lease;
  if (object && !wants_gradients(bound)) {
    if (context.frozen_methods != nullptr) {
      VESTA_ASSIGN_OR_RETURN(code, context.frozen_methods->code(*object, function, bound));
    } else if (context.live_methods != nullptr && tracer::listener() == nullptr) {
      VESTA_ASSIGN_OR_RETURN(code, context.live_methods->code(*object, function, bound, lease));
    }
  }
  const bool reads_object = *code == nullptr || (*code)->reads_parameter(0);
  LeasedStack leased;
  ir::Stack& stack = *leased;
  if (object) stack.push_back(reads_object ? c10::IValue(object) : c10::IValue());
  stack.insert(stack.end(), std::make_move_iterator(bound.begin()), std::make_move_iterator(bound.end()));
  return *code != nullptr ? call(*code, stack, options) : call(function, stack, options);
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
