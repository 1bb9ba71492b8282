#pragma once

// Native files to programs and modules. Every index, type and reference of a file is checked before anything runs.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/importer.h"
#include "ir/program.h"
#include "serialization/bytes.h"
#include "serialization/native_format.h"
#include "serialization/torchscript_reader.h"

namespace vesta::serialization {

struct LoadedNative {
  std::shared_ptr<ir::Program> program;
  // The root keeps the program alive.
  NativeModule module;
  // Empty unless ReadOptions::allow_missing_operators. Functions that call them have no graph.
  std::vector<frontend::MissingOperator> missing_operators;
};

// Whether a file begins as native ones do.
inline bool is_native(std::string_view bytes) { return bytes.starts_with(kNativeMagic); }

// Reads a file; weights are used in place, in the memory of `bytes`. Of the options, `limits`, `trust_weights` (their
// checksums are not read), `run` and `allow_missing_operators` matter. Methods that were optimized for another target
// than `target` are left out. `file_name` is for messages.
// Errors: DataLoss for a damaged file, Unimplemented for one of a newer version or that calls operators that are not
// there, ResourceExhausted for a limit.
absl::StatusOr<LoadedNative> read_native(SharedBytes bytes, const std::string& file_name, const std::string& target,
                                         const ReadOptions& options);

}  // namespace vesta::serialization
