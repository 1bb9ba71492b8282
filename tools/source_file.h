#pragma once

// TorchScript source in a file.

#include <string>

#include <vesta/compile.h>

#include "absl/status/statusor.h"

namespace vesta::tools {

// Reads and compiles the file; messages name it as `path`.
absl::StatusOr<Unit> compile_file(const std::string& path);

}  // namespace vesta::tools
