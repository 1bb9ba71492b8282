// The importer is a Unit whose definitions come from an archive's `code/`.

#include "frontend/importer.h"

#include "absl/strings/str_cat.h"
#include "frontend/parser.h"
#include "frontend/unit.h"
#include "ir/support/status.h"

namespace vesta::frontend {

class ImporterImpl {
 public:
  ImporterImpl(std::shared_ptr<ir::Program> program, ImportOptions options)
      : unit(std::move(program), unit_options(std::move(options))) {}

  static Unit::Options unit_options(ImportOptions options) {
    Unit::Options result;
    result.find_source = std::move(options.find_source);
    result.original_range = std::move(options.original_range);
    result.version = options.version;
    result.writer = options.writer;
    result.from_archive = true;
    result.limits = options.limits;
    result.escapes = StringEscapes::kArchiveBytes;
    return result;
  }

  Unit unit;
};

SourceImporter::SourceImporter(std::shared_ptr<ir::Program> program, ImportOptions options)
    : impl_(std::make_unique<ImporterImpl>(std::move(program), std::move(options))) {}
SourceImporter::~SourceImporter() = default;

absl::StatusOr<c10::NamedTypePtr> SourceImporter::load_type(std::string_view qualified_name) {
  const std::string name(qualified_name);
  return without_exceptions([&]() -> absl::StatusOr<c10::NamedTypePtr> {
    VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr type, impl_->unit.find_type(name));
    if (type != nullptr) return type;
    return absl::InvalidArgumentError(absl::StrCat("the archive has no source for the type '", name, "'"));
  });
}

absl::StatusOr<c10::TypePtr> SourceImporter::load_annotation(std::string_view text) {
  auto source = std::make_shared<support::Source>();
  source->text = std::string(text);
  source->filename = "type";
  return without_exceptions([&]() -> absl::StatusOr<c10::TypePtr> {
    VESTA_ASSIGN_OR_RETURN(ParsedExpr parsed,
                           parse_expression(source, {StringEscapes::kArchiveBytes, impl_->unit.limits()}));
    VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, impl_->unit.read_type(*parsed.expr, Scope()));
    VESTA_RETURN_IF_ERROR(impl_->unit.declare_pending());
    return type;
  });
}

absl::StatusOr<ir::Function*> SourceImporter::load_function(std::string_view qualified_name) {
  const std::string name(qualified_name);
  return without_exceptions([&]() -> absl::StatusOr<ir::Function*> {
    VESTA_ASSIGN_OR_RETURN(ir::Function * function, impl_->unit.find_function(name));
    VESTA_RETURN_IF_ERROR(impl_->unit.declare_pending());
    if (function != nullptr) return function;
    return absl::InvalidArgumentError(absl::StrCat("the archive has no source for the function '", name, "'"));
  });
}

absl::Status SourceImporter::define_methods(const c10::ClassTypePtr& type,
                                            std::shared_ptr<const support::Source> source) {
  return without_exceptions([&] { return impl_->unit.define_methods(type, source, Scope()); });
}

void SourceImporter::set_constants(std::vector<c10::IValue> constants) {
  impl_->unit.constants() = std::move(constants);
}

absl::Status SourceImporter::compile_pending() {
  return without_exceptions([&] { return impl_->unit.compile_pending(); });
}

const std::vector<MissingOperator>& SourceImporter::missing_operators() const { return impl_->unit.missing(); }

const std::vector<UpgradedCall>& SourceImporter::upgraded_calls() const { return impl_->unit.upgraded(); }

}  // namespace vesta::frontend
