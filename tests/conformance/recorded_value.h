#pragma once

// Recorded values are plain data: objects, enums and modules stand in them as tagged tuples, NamedTuples as tuples.
// These functions go between that form and the values of a loaded program.

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <vesta/types.h>

namespace vesta::conformance {

// A recorded value as an argument of the declared type: objects and enums are built, NamedTuples named. What does not
// fit stays as it is, so that the call refuses it as it would have in the recording.
c10::IValue argument(const c10::IValue& recorded, const c10::TypePtr& type, const Types& types);

// A value in the recording's form, without the names of classes, which each runtime may mangle in its own way.
// `erase`: elements of tensors become zeros, because they were uninitialized memory.
c10::IValue plain(const c10::IValue& value, bool erase);

}  // namespace vesta::conformance
