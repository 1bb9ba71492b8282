// Definitions by name, and the queues.
//
// A class that is named becomes a type without members at once and waits to be declared, so types may name
// each other in circles. Declaring happens when the outermost question is answered; only what cannot exist
// without its parts (NamedTuples) asks for them at once.

#include "frontend/unit.h"

#include <torch/custom_class_detail.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "frontend/emitter.h"
#include "ir/operator.h"
#include "ir/support/status.h"
#include "ir/support/suggestion.h"

namespace vesta::frontend {

using support::SourceRange;

namespace {

constexpr std::string_view kCustomClasses = "__torch__.torch.classes.";

// What c10::QualifiedName accepts.
bool is_qualified_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.back() != '.' && name.find("..") == std::string_view::npos;
}

}  // namespace

Unit::Unit(std::shared_ptr<ir::Program> program, Options options)
    : program_(std::move(program)), options_(std::move(options)) {}
Unit::~Unit() = default;

absl::Status Unit::add_source(std::shared_ptr<const support::Source> source, const Scope& scope,
                              std::vector<std::string>* names) {
  ParseOptions options;
  options.escapes = options_.escapes;
  options.limits = options_.limits;
  VESTA_ASSIGN_OR_RETURN(Module module, parse_module(std::move(source), options));
  for (const Stmt* stmt : module.body) {
    std::string name;
    if (const auto* function = as<Function>(stmt)) {
      name = absl::StrCat(scope.function_prefix, function->name);
    } else if (const auto* type = as<Class>(stmt)) {
      name = absl::StrCat(scope.type_prefix, type->name);
    } else if (scope.user_source && stmt->kind != StmtKind::kImport && stmt->kind != StmtKind::kExpr &&
               stmt->kind != StmtKind::kPass) {
      return error(stmt->range, absl::StrCat("expected functions and classes, got ", describe(stmt->kind)));
    } else {
      continue;  // `op_version_set = 1`, imports, docstrings.
    }
    const std::string plain = as<Function>(stmt) != nullptr ? cast<Function>(*stmt).name : cast<Class>(*stmt).name;
    // A class and a function have different prefixes, but one name in the source.
    if (scope.user_source && !user_names_.insert(plain).second)
      return error(stmt->range, absl::StrCat("'", plain, "' is defined twice"));
    if (!definitions_.try_emplace(name, Definition{stmt, module.arena, scope}).second) {
      return error(stmt->range, absl::StrCat("'", name, "' is defined twice"));
    }
    if (names != nullptr) names->push_back(std::move(name));
  }
  return absl::OkStatus();
}

absl::Status Unit::load_qualifier(const std::string& qualifier) {
  if (!options_.find_source || !loaded_qualifiers_.insert(qualifier).second) return absl::OkStatus();
  VESTA_ASSIGN_OR_RETURN(std::shared_ptr<const support::Source> source, options_.find_source(qualifier));
  if (source == nullptr) return absl::OkStatus();
  const std::string prefix = qualifier.empty() ? "" : absl::StrCat(qualifier, ".");
  return add_source(std::move(source), Scope{prefix, prefix, false});
}

absl::StatusOr<const Unit::Definition*> Unit::find_definition(const std::string& qualified_name) {
  auto it = definitions_.find(qualified_name);
  if (it == definitions_.end()) {
    const size_t dot = qualified_name.rfind('.');
    VESTA_RETURN_IF_ERROR(load_qualifier(dot == std::string::npos ? "" : qualified_name.substr(0, dot)));
    it = definitions_.find(qualified_name);
  }
  return it == definitions_.end() ? nullptr : &it->second;
}

absl::StatusOr<c10::NamedTypePtr> Unit::custom_class(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name.substr(kCustomClasses.size()), '.');
  if (parts.size() != 2) return nullptr;
  if (c10::ClassTypePtr type = torch::getCustomClass(name)) return c10::NamedTypePtr(std::move(type));
  add_missing(name, SourceRange(), "");
  return absl::UnimplementedError(absl::StrCat("custom class 'torch.classes.", parts[0], ".", parts[1],
                                               "' is not registered: load the library that has it first"));
}

absl::StatusOr<c10::NamedTypePtr> Unit::find_type(const std::string& qualified_name) {
  if (c10::NamedTypePtr type = program_->find_type(qualified_name)) return type;
  if (!is_qualified_name(qualified_name)) return nullptr;
  if (qualified_name.starts_with(kCustomClasses)) return custom_class(qualified_name);
  VESTA_ASSIGN_OR_RETURN(const Definition* definition, find_definition(qualified_name));
  const Class* def = definition != nullptr ? as<Class>(definition->stmt) : nullptr;
  if (def == nullptr) return nullptr;
  if (nesting_ >= options_.limits.source_nesting) {
    return support::error_at(
        absl::StatusCode::kResourceExhausted, original(def->name_range),
        absl::StrCat("types need each other deeper than the limit of ", options_.limits.source_nesting));
  }
  ++nesting_;
  absl::StatusOr<c10::NamedTypePtr> type = make_type(qualified_name, *def, *definition);
  --nesting_;
  VESTA_RETURN_IF_ERROR(type.status());
  if (!declaring_) VESTA_RETURN_IF_ERROR(declare_pending());
  return type;
}

absl::StatusOr<ir::Function*> Unit::find_function(const std::string& qualified_name) {
  if (ir::Function* function = program_->find_function(qualified_name)) return function;
  if (!is_qualified_name(qualified_name)) return nullptr;
  VESTA_ASSIGN_OR_RETURN(const Definition* definition, find_definition(qualified_name));
  const Function* def = definition != nullptr ? as<Function>(definition->stmt) : nullptr;
  if (def == nullptr) return nullptr;
  VESTA_ASSIGN_OR_RETURN(c10::FunctionSchema schema, signature(*def, nullptr, definition->scope));
  if (ir::Function* function = program_->find_function(qualified_name)) return function;
  ir::Function* function = program_->create_function(c10::QualifiedName(qualified_name), std::move(schema));
  queue_body(function, def, nullptr, *definition);
  return function;
}

absl::Status Unit::declare_pending() {
  if (declaring_) return absl::OkStatus();
  declaring_ = true;
  absl::Status status;
  while (status.ok() && (!pending_classes_.empty() || !pending_interfaces_.empty())) {
    if (!pending_interfaces_.empty()) {
      auto [type, definition] = std::move(pending_interfaces_.front());
      pending_interfaces_.pop_front();
      status = declare_interface(type, cast<Class>(*definition.stmt), definition);
      continue;
    }
    const PendingClass pending = std::move(pending_classes_.front());
    pending_classes_.pop_front();
    status = declare_class(pending);
  }
  declaring_ = false;
  return status;
}

void Unit::queue_body(ir::Function* function, const Function* def, c10::TypePtr self, const Definition& definition) {
  function->set_range(original(def->name_range));
  bodies_[function] = Body{function, def, std::move(self), definition.arena, definition.scope, false};
  queue_.push_back(function);
}

absl::Status Unit::compile_body(Body& body) {
  body.running = true;
  Emitter emitter(*this, body.scope, body.function->qualname().qualifiedName());
  VESTA_RETURN_IF_ERROR(emitter.compile(*body.function, *body.def, body.def->return_annotation == nullptr));
  bodies_.erase(body.function);
  return absl::OkStatus();
}

namespace {

std::string missing_operator_text(const MissingOperator& missing, const std::vector<std::string>& known) {
  std::string text = absl::StrCat("there is no operator '", ir::display_name(missing.name), "'");
  if (!missing.function.empty()) absl::StrAppend(&text, ", called in '", missing.function, "'");
  const std::string suggestion = support::did_you_mean(ir::display_name(missing.name), known);
  if (!suggestion.empty()) {
    text += suggestion;
  } else if (ir::display_name(missing.name) == missing.name) {
    text += "; load the library that registers it first";
  }
  return missing.call_site.known() ? support::format_error(missing.call_site, text) : text + "\n";
}

}  // namespace

std::string missing_operators_text(const std::vector<MissingOperator>& missing) {
  constexpr size_t kShown = 16;
  std::vector<std::string> known;
  for (const std::string& name : ir::OperatorCatalog::standard().names()) known.push_back(ir::display_name(name));
  std::string text;
  if (missing.size() > 1) absl::StrAppend(&text, missing.size(), " operators are not known:\n");
  for (size_t i = 0; i < missing.size() && i < kShown; ++i) text += missing_operator_text(missing[i], known);
  if (missing.size() > kShown) absl::StrAppend(&text, "and ", missing.size() - kShown, " more\n");
  return text;
}

absl::Status Unit::compile_pending() {
  VESTA_RETURN_IF_ERROR(declare_pending());
  while (!queue_.empty()) {
    auto body = bodies_.find(queue_.front());
    queue_.pop_front();
    if (body != bodies_.end()) VESTA_RETURN_IF_ERROR(compile_body(body->second));
  }
  if (missing_.empty()) return absl::OkStatus();
  return absl::UnimplementedError(missing_operators_text(missing_));
}

absl::Status Unit::check_levels(const SourceRange& range) const {
  // Those of a function's blocks (Emitter::check_depth), and of the expression that stands in the innermost one.
  const int64_t limit = 3 * options_.limits.source_nesting;
  if (levels_ <= limit) return absl::OkStatus();
  return support::error_at(
      absl::StatusCode::kResourceExhausted, original(range),
      absl::StrCat("blocks, expressions and the functions called in them nest deeper than the limit of ", limit));
}

absl::Status Unit::ensure_return_type(ir::Function* function, const SourceRange& call) {
  if (!function->schema().returns().empty()) return absl::OkStatus();
  auto body = bodies_.find(function);
  if (body == bodies_.end()) return absl::OkStatus();
  if (body->second.running) {
    return error(call, absl::StrCat("'", function->name(),
                                    "' is called while its result type is still unknown; annotate its result"));
  }
  if (nesting_ >= options_.limits.source_nesting) {
    return support::error_at(absl::StatusCode::kResourceExhausted, original(call),
                             "functions without result types call each other too deep");
  }
  ++nesting_;
  absl::Status status = compile_body(body->second);
  --nesting_;
  return status;
}

absl::Status Unit::define_methods(const c10::ClassTypePtr& type, const std::shared_ptr<const support::Source>& source,
                                  const Scope& scope) {
  ParseOptions options;
  options.escapes = options_.escapes;
  options.limits = options_.limits;
  VESTA_ASSIGN_OR_RETURN(Module module, parse_module(source, options));
  for (const Stmt* stmt : module.body) {
    const auto* def = as<Function>(stmt);
    if (def == nullptr) continue;
    const Definition definition{stmt, module.arena, scope};
    VESTA_RETURN_IF_ERROR(declare_method(type, *def, definition, MethodKind::kMethod).status());
  }
  return declare_pending();
}

absl::StatusOr<c10::TypePtr> Unit::read_type(const Expr& annotation, const Scope& scope) {
  TypeScope types;
  types.limits = options_.limits;
  types.original = [this](const SourceRange& range) { return original(range); };
  types.find = [this, &scope](const std::string& name) -> absl::StatusOr<c10::TypePtr> {
    // Archives have them where `isinstance(x, list)` has told something.
    if (!scope.user_source && name == "list") return c10::TypePtr(c10::AnyListType::get());
    if (!scope.user_source && name == "tuple") return c10::TypePtr(c10::AnyTupleType::get());
    std::string full = name;
    if (name.starts_with("torch.classes.")) {
      full = absl::StrCat("__torch__.", name);
    } else if (!name.starts_with("__torch__.")) {
      full = absl::StrCat(scope.type_prefix, name);
    }
    VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr type, find_type(full));
    return c10::TypePtr(std::move(type));
  };
  return annotation_type(annotation, types);
}

std::vector<std::string> Unit::defined_names(const Scope& scope) const {
  std::vector<std::string> names;
  for (const auto& [name, definition] : definitions_) {
    for (const std::string& prefix : {scope.function_prefix, scope.type_prefix}) {
      if (name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
    }
  }
  return names;
}

void Unit::add_missing(std::string name, const SourceRange& call, const std::string& function) {
  const SourceRange range = original(call);
  if (!missing_seen_
           .insert(absl::StrCat(name, "\n",
                                range.known() ? absl::StrCat(range.short_description(), ":", range.begin()) : ""))
           .second)
    return;
  missing_.push_back({std::move(name), range, function});
}

}  // namespace vesta::frontend
