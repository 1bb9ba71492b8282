#pragma once

// What the language's own names mean: `len`, `torch.nn.functional.relu`, `math.pi`, `x.shape`.

#include <optional>
#include <string>

#include <ATen/core/jit_type.h>

#include "frontend/sugar.h"

namespace vesta::frontend {

// A name that is free in the source: `len`, `torch`, `range`, `ValueError`, `inf`. Void where there is none.
Sugar global_name(const std::string& name);
// The names of builtin functions, for messages; those of modules with their module ("math.sqrt").
std::vector<std::string> global_names();

// A member of a namespace: ("torch", "add") or ("math", "sqrt"). Void where there is none.
Sugar namespace_member(const std::string& name_space, const std::string& member);

// The constant that a dotted name stands for: "inf", "math.pi", "torch.float32" (its number).
std::optional<c10::IValue> constant_of_name(const std::string& dotted);

// The operator that reads attribute `name` of a value of `type` ("prim::shape"); empty where there is none.
std::string attribute_operator(const c10::Type& type, const std::string& name);

// Whether `name` is one of Python's exceptions.
bool is_exception_name(const std::string& name);

}  // namespace vesta::frontend
