#pragma once

// Making and inspecting values that the interpreter knows by type.

#include <span>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/status/status.h"

namespace vesta::ir {
class Program;
}

namespace vesta::runtime {

// Elements are moved from. `type` is a DictType (keys and values alternate), TupleType (a NamedTuple where it has a
// schema).
c10::IValue make_dict(const c10::Type& type, std::span<c10::IValue> elements);
c10::IValue make_tuple(const c10::TypePtr& type, std::span<c10::IValue> elements);
// An object of a class with its attributes unset (None). `program`: owner of classes that have none themselves.
c10::IValue make_object(const c10::TypePtr& type, const ir::Program* program);

// Whether the value is of this type, as `isinstance` asks: by the element types that containers carry.
bool is_instance(const c10::IValue& value, const c10::Type& type);

}  // namespace vesta::runtime
