#pragma once

// Values in files: `.pt` as torch.save and torch.load have them (tensors and containers of them).

#include <string>
#include <string_view>

#include <ATen/core/ivalue.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/support/limits.h"
#include "serialization/bytes.h"

namespace vesta::serialization {

struct ValueFileOptions {
  Limits limits;
  // Storages saved on another device are loaded on the CPU; otherwise that is an error.
  bool map_to_cpu = false;
};

// Reads what torch.save wrote (the zip form, torch 1.6 and later): tensors, parameters, None, bool, int,
// float, complex, str, lists, tuples, dicts, OrderedDicts, devices, sizes; dtypes come as ints. Lists and dicts come
// with element types of Any: conform() gives them those of a schema. Classes of Python are refused by name;
// nothing is executed. `file_name` is for messages.
// Errors: DataLoss, ResourceExhausted, Unimplemented (a class), InvalidArgument (a file of another kind).
absl::StatusOr<c10::IValue> read_value(SharedBytes bytes, const std::string& file_name,
                                       const ValueFileOptions& options);

// Writes such a file, which torch.load(weights_only=True) reads. Storages that values share are written
// once. The same value gives the same bytes, and the file appears whole or not at all (see AtomicFile).
// Errors: InvalidArgument for what such a file cannot hold (objects, enums, sparse tensors, other devices than
// the CPU), and those of AtomicFile.
absl::Status write_value(const c10::IValue& value, const std::string& path);

// The same, into memory.
absl::StatusOr<std::string> write_value(const c10::IValue& value);

}  // namespace vesta::serialization
