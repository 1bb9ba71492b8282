#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

namespace vesta::ir {

// What value.type() is, and of undefined tensors, alone or in tuples, Tensor: c10 throws there.
c10::TypePtr type_of(const c10::IValue& value);

}  // namespace vesta::ir
