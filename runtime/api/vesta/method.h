#pragma once

// Something that can be called: a method with its object, or a function of a Unit.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <vesta/export.h>
#include <vesta/options.h>

#include "absl/status/statusor.h"

namespace vesta {

namespace ir {
class Function;
}
namespace internal {
struct Context;
struct Access;
}  // namespace internal

// Keyword arguments in the order in which they were given: {{"mask", mask}, {"scale", 2.0}}.
using Kwargs = std::vector<std::pair<std::string, c10::IValue>>;

// A cheap copyable handle, which keeps the program and the object alive.
//
// Thread-safety: a Method may be used from many threads. Calls may overlap if writes_state() is false and nobody
// changes the object meanwhile; a method that writes state needs one object a thread (Module::instance) or a lock.
class VESTA_API Method {
 public:
  // "forward"
  const std::string& name() const;
  // As torch::jit has it: argument 0 of a method is `self`.
  const c10::FunctionSchema& schema() const;
  // "forward(x: Tensor, mask: Optional[Tensor]=None) -> Tensor", without self.
  std::string signature() const;

  // Calls it. Arguments are checked against the schema and converted as torch::jit does: an int where a float is
  // expected, a tuple or list with elements of the right type where a list is, elements of lists alike; a NamedTuple or
  // class object must be of the program's own type. Values, not references, are what a call sees of plain
  // numbers; tensors, lists, dicts and objects are shared with the caller, unless they had to be converted.
  // Runs under the caller's grad mode.
  // Errors: InvalidArgument for wrong arguments (all of them listed) and for an exception that the program raises,
  // with the model's source line and call chain; Unimplemented for operators that are missing; the codes of
  // CallLimits. After an error the object may hold what was assigned before it.
  absl::StatusOr<c10::IValue> operator()(std::vector<c10::IValue> args, const Kwargs& kwargs = {},
                                         const CallOptions& options = {}) const;

  // Whether a call may change what another call could see: assigns attributes of the object or of objects that it
  // holds, or writes to their tensors or containers in place. Errs towards true. Attributes that are read as plain
  // values (`training`) are taken as they are now. Costs a walk over the program's graphs.
  bool writes_state() const;

 private:
  friend struct internal::Access;
  Method(std::shared_ptr<const internal::Context> context, c10::intrusive_ptr<c10::ivalue::Object> object,
         ir::Function* function)
      : context_(std::move(context)), object_(std::move(object)), function_(function) {}

  std::shared_ptr<const internal::Context> context_;
  c10::intrusive_ptr<c10::ivalue::Object> object_;  // null for a function
  ir::Function* function_;
};

// The class of the exception that made a call fail, in Python's terms: "ValueError", or the qualified name of the
// program's own; "" where the error was none of the program's.
VESTA_API std::string exception_class(const absl::Status& status);

}  // namespace vesta
