#pragma once

// Modules to native files, which read_native() reads.

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "ir/program.h"
#include "serialization/native_format.h"

namespace vesta::serialization {

struct NativeWriteOptions {
  // Runs a method: the object on the stack is replaced by the result. Used for `__getstate__` alone. Null: objects with
  // a `__getstate__` are an error.
  std::function<absl::Status(const ir::Function&, ir::Stack&)> run;
  // More than this in extra files is an error.
  uint64_t extra_bytes = kNativeExtraBytes;
};

// Writes the file to `sink`. The same module gives the same bytes, and so does what read_native() makes of them. What
// shares memory or identity does so when it is read.
// Errors: InvalidArgument for what a file cannot hold (values without a written form, tensors of another device,
// objects that hold themselves, extra files that are too large), Unimplemented for functions without a body, those of
// `run` and of the sink.
absl::Status write_native(const NativeModule& module, const std::function<absl::Status(std::string_view)>& sink,
                          const NativeWriteOptions& options);

// The same to a file, which appears whole or not at all (see AtomicFile).
absl::Status write_native(const NativeModule& module, const std::string& path, const NativeWriteOptions& options);

}  // namespace vesta::serialization
