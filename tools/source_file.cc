#include "tools/source_file.h"

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

}  // namespace vesta::tools
