#pragma once

// Calls of other programs' methods that stay calls in the trace.

#include <functional>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include "absl/status/statusor.h"
#include "tracer/recorder.h"

namespace vesta::tracer {

// Records prim::CallMethod, with the object as a constant that the owner of the graph turns into an attribute, and runs
// `call`. `arguments`: the object first, in the order of `method`.
// REQUIRES: recorder.calls() is true for the object.
absl::StatusOr<c10::IValue> record_method_call(Recorder& recorder, const c10::FunctionSchema& method,
                                               const std::vector<c10::IValue>& arguments,
                                               const std::function<absl::StatusOr<c10::IValue>()>& call);

}  // namespace vesta::tracer
