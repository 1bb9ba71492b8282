// The method runs as it always does; the recorder only keeps watch over what it writes. Its results are new values, so
// what the code does with them is recorded.

#include "tracer/method_calls.h"

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"

namespace vesta::tracer {

absl::StatusOr<c10::IValue> record_method_call(Recorder& recorder, const c10::FunctionSchema& method,
                                               const std::vector<c10::IValue>& arguments,
                                               const std::function<absl::StatusOr<c10::IValue>()>& call) {
  std::vector<ir::Value*> inputs{recorder.constant(arguments[0], arguments[0].type())};
  for (size_t i = 1; i < arguments.size(); ++i) inputs.push_back(recorder.value_of(arguments[i]));
  absl::StatusOr<c10::IValue> result = absl::InternalError("the method was not called");
  recorder.run_unrecorded([&] { result = call(); });
  if (!result.ok()) return result;
  const c10::TypePtr type = method.returns().empty() ? c10::TypePtr(c10::NoneType::get()) : method.returns()[0].type();
  ir::Node* node = recorder.emit(prim::CallMethod, inputs, {type});
  node->set(c10::attr::name, method.name());
  VESTA_RETURN_IF_ERROR(
      recorder.bind_parts(*result, node->output(), absl::StrCat("the result of '", method.name(), "'")));
  return result;
}

}  // namespace vesta::tracer
