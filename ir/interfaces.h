#pragma once

// What c10 takes for granted of interface types.

#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

namespace vesta::ir {

// Whether `method` takes or returns `type`: in another type, or through other interfaces' methods. A method of `type`
// must not. c10 compares interfaces method by method and type by type, which would never end (torch::jit cannot declare
// such interfaces), and types that hold each other are never freed. Linear in the number of types.
bool leads_to(const c10::FunctionSchema& method, const c10::InterfaceType& type);

}  // namespace vesta::ir
