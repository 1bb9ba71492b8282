#pragma once

// Writes files of torch.save (the zip form): see python_value.h for what can be in them.

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "serialization/python_value.h"

namespace vesta::serialization {

struct CheckpointWriteOptions {
  // Where a storage was before it came to the CPU ("cuda:0"), for torch.load to put it back. Null or empty: "cpu".
  std::function<std::string(const c10::Storage& storage)> location_of;
};

// Storages that tensors share are written once, whole, however little of them a view covers. The pickle has the opcodes
// and names that torch.load(weights_only=True) knows, as far as the values allow: objects of other classes,
// frozenset and NumPy's arrays need torch.serialization.add_safe_globals, defaultdict weights_only=False. Versions of
// torch since 1.6 read the file, but for dtypes that they lack. Every record has its CRC and starts at a multiple of 64
// bytes. The same value gives the same bytes, and the file appears whole or not at all (see AtomicFile). Errors:
// InvalidArgument for what such a file cannot hold, with its path (tensors of other devices than the CPU and 'meta',
// values that nest deeper than 500 or hold themselves), and those of AtomicFile.
absl::Status write_checkpoint(const PyValue& value, const std::string& path,
                              const CheckpointWriteOptions& options = {});

// The same, into memory.
absl::StatusOr<std::string> write_checkpoint(const PyValue& value, const CheckpointWriteOptions& options = {});

}  // namespace vesta::serialization
