// A Unit whose definitions come from one text.

#include "frontend/compile.h"

#include "absl/strings/str_cat.h"
#include "frontend/library_sources.h"
#include "frontend/unit.h"
#include "ir/support/status.h"

namespace vesta::frontend {
namespace {

std::string with_dot(const std::string& qualifier) { return qualifier.empty() ? "" : absl::StrCat(qualifier, "."); }

Unit::Options unit_options(const CompileOptions& options) {
  Unit::Options result;
  result.limits = options.limits;
  result.escapes = StringEscapes::kPython;
  result.find_source = [](const std::string& qualifier) { return library_source(qualifier); };
  return result;
}

Scope scope_of(const CompileOptions& options) {
  return {with_dot(options.type_qualifier), with_dot(options.function_qualifier), true};
}

}  // namespace

absl::StatusOr<CompileResult> compile(std::shared_ptr<const support::Source> source,
                                      const std::shared_ptr<ir::Program>& program, const CompileOptions& options) {
  return without_exceptions([&]() -> absl::StatusOr<CompileResult> {
    Unit unit(program, unit_options(options));
    CompileResult result;
    VESTA_RETURN_IF_ERROR(unit.add_source(std::move(source), scope_of(options), &result.names));
    for (const std::string& name : result.names) {
      if (program->find_function(name) != nullptr || program->find_type(name) != nullptr) {
        return absl::InvalidArgumentError(absl::StrCat("'", name, "' is defined already"));
      }
    }
    for (const std::string& name : result.names) {
      VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr type, unit.find_type(name));
      if (type == nullptr) VESTA_RETURN_IF_ERROR(unit.find_function(name).status());
    }
    VESTA_RETURN_IF_ERROR(unit.compile_pending());
    result.missing = unit.missing();
    return result;
  });
}

absl::Status compile_methods(std::shared_ptr<const support::Source> source, const c10::ClassTypePtr& type,
                             const std::shared_ptr<ir::Program>& program, const CompileOptions& options) {
  return without_exceptions([&]() -> absl::Status {
    Unit unit(program, unit_options(options));
    VESTA_RETURN_IF_ERROR(unit.define_methods(type, source, scope_of(options)));
    return unit.compile_pending();
  });
}

}  // namespace vesta::frontend
