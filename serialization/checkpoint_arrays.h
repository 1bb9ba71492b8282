#pragma once

// NumPy's arrays and scalars, and bytes, as a checkpoint's pickle describes them.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include <ATen/core/ivalue.h>

#include "absl/status/statusor.h"
#include "serialization/pickle_reader.h"
#include "serialization/python_value.h"

namespace vesta::serialization {

// Items of a PickleObject of kind kObject in a checkpoint: what it was made with, and what it was given since.
enum Part : size_t { kArguments, kElements, kEntries, kState, kKeywords, kParts };

// Null for any other value.
PickleObject* as_object(const c10::IValue& value);
// Of a list or tuple; empty for any other value.
c10::ArrayRef<c10::IValue> elements_of(const c10::IValue& value);

// The contents of bytes or a bytearray, which pickles of protocol 2 write as a call on a string (Python 2: a string).
std::optional<std::string> raw_bytes(const c10::IValue& value);
std::optional<std::string> raw_bytes(const PickleObject& object);

// "<f4", "|b1", ">i8"; of a structure its size "|V12"; empty where it is no dtype.
std::string numpy_dtype_code(const PickleObject& dtype);

using ConvertElement = std::function<absl::StatusOr<PyValue>(const c10::IValue& value)>;
// An array (_reconstruct and its state, _frombuffer) or a scalar. `element` converts what an array of objects holds.
// None where the object is no array of a form that is known. DataLoss where sizes and contents do not fit.
absl::StatusOr<PyValue> make_numpy_value(const PickleObject& object, const ConvertElement& element);

}  // namespace vesta::serialization
