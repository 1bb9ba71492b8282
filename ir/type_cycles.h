#pragma once

// What c10 takes for granted of types: that they do not lead back to themselves.

#include <ATen/core/class_type.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

namespace vesta::ir {

// Whether `method` takes or returns `type`: in another type, or through other interfaces' methods. A method of `type`
// must not. c10 compares interfaces method by method and type by type, which would never end (torch::jit cannot declare
// such interfaces), and types that hold each other are never freed. Linear in the number of types.
bool leads_to(const c10::FunctionSchema& method, const c10::InterfaceType& type);

// Whether `attribute` is `type`, or holds it: in another type, or in attributes of classes. An attribute of `type` must
// not. c10 joins and erases types attribute by attribute, which would never end (torch::jit refuses such classes), and
// types that hold each other are never freed. Linear in the number of types.
bool leads_to(const c10::Type& attribute, const c10::ClassType& type);

}  // namespace vesta::ir
