#include "tools/source_file.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "serialization/bytes.h"

namespace vesta::tools {

absl::StatusOr<Unit> compile_file(const std::string& path) {
  const Limits limits;
  VESTA_ASSIGN_OR_RETURN(const serialization::SharedBytes source, serialization::read_file(path, limits.source_bytes));
  CompileOptions options;
  options.filename = path;
  return compile(source->view(), options);
}

absl::StatusOr<Method> function_of_source(const std::string& path, const std::string& name,
                                          const FrozenOptions& freeze) {
  if (freeze.wanted()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'--freeze' is for modules; in '", path, "' are functions alone, which need no freezing"));
  }
  VESTA_ASSIGN_OR_RETURN(const Unit unit, compile_file(path));
  const std::vector<Method> functions = unit.functions();
  if (name.empty() && functions.size() == 1) return functions[0];
  return unit.get_function(name.empty() ? "forward" : name);
}

}  // namespace vesta::tools
