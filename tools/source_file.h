#pragma once

// TorchScript source in a file.

#include <string>
#include <string_view>

#include <vesta/compile.h>
#include <vesta/method.h>

#include "absl/status/statusor.h"
#include "tools/freeze_options.h"

namespace vesta::tools {

// Reads and compiles the file; messages name it as `path`.
absl::StatusOr<Unit> compile_file(const std::string& path);

inline bool is_source(std::string_view path) { return path.ends_with(".py"); }

// The function of that name; "": the only one, or `forward`. InvalidArgument where it is to be frozen: modules are.
absl::StatusOr<Method> function_of_source(const std::string& path, const std::string& name,
                                          const FrozenOptions& freeze);

}  // namespace vesta::tools
