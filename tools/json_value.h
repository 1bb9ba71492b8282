#pragma once

// Values as JSON.

#include <string>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"

namespace vesta::tools {

// JSON as a value of `type`: numbers and nested arrays of them become tensors where the type says so (whole numbers
// int64, others float32, true and false bool), objects become dicts, NamedTuples take objects or arrays. With Any,
// arrays are lists and numbers plain. InvalidArgument tells where it does not fit.
absl::StatusOr<c10::IValue> value_of_json(const nlohmann::json& json, const c10::TypePtr& type);

// Tensors become nested arrays, NamedTuples and objects become JSON objects; numbers that JSON has not become the
// strings "nan", "inf" and "-inf". InvalidArgument for what has no such form (modules, futures, C++ objects).
absl::StatusOr<nlohmann::ordered_json> json_of_value(const c10::IValue& value);

}  // namespace vesta::tools
