#pragma once

// Values of a file against the types that the program declares for them.

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/status/status.h"
#include "ir/support/limits.h"

namespace vesta::serialization {

// Makes `value` a value of `type`, or says why it is none: containers without element types get those
// that are declared (archives before version 3 do not write them), in place, so that what is shared
// stays shared; tuples become named ones, where values are declared so. An int is not taken for a float, nor
// the other way round. What the interpreter relies on without looking is checked here, to the last
// element. `where` names the value in messages ("attribute 'x' of '__torch__.M'").
// Errors: DataLoss; ResourceExhausted where more than `limits.pickle_nodes` values had to be looked at.
absl::Status conform(c10::IValue& value, const c10::TypePtr& type, std::string_view where, const Limits& limits);

// The element type of a list or the types of a dict are not known yet.
bool is_untyped(const c10::IValue& value);

}  // namespace vesta::serialization
