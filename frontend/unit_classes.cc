// Classes, NamedTuples, enums and interfaces out of their source, and the signatures of their methods.

#include <algorithm>

#include <ATen/core/enum_type.h>
#include <c10/util/Exception.h>

#include "absl/strings/str_cat.h"
#include "frontend/unit.h"
#include "ir/support/status.h"
#include "ir/type_cycles.h"

namespace vesta::frontend {

using support::SourceRange;

namespace {

// c10 throws where an attribute or a type is not allowed.
template <typename F>
absl::Status guarded(const Unit& unit, const SourceRange& range, F&& f) {
  try {
    f();
    return absl::OkStatus();
  } catch (const c10::Error& e) {
    return unit.error(range, e.what_without_backtrace());
  }
}

std::vector<std::string> string_list(const Expr* expr) {
  std::vector<std::string> names;
  if (const auto* list = as<List>(expr)) {
    for (const Expr* element : list->elements) {
      if (const auto* text = as<StringLiteral>(element)) names.push_back(text->value);
    }
  }
  return names;
}

std::string last_part(const std::string& dotted) { return dotted.substr(dotted.rfind('.') + 1); }

bool has_decorator(const Function& def, std::string_view wanted) {
  for (const Expr* decorator : def.decorators) {
    if (dotted_name(*decorator) == wanted) return true;
  }
  return false;
}

const Assign* single_assign(const Stmt* stmt) {
  const auto* assign = as<Assign>(stmt);
  return assign != nullptr && assign->targets.size() == 1 ? assign : nullptr;
}

}  // namespace

// A user's statement that a class does not have a use for would be dropped silently.
absl::Status Unit::check_class_body(const Class& def, const Scope& scope) const {
  for (const Stmt* stmt : def.body) {
    const bool known =
        stmt->kind == StmtKind::kFunction || stmt->kind == StmtKind::kPass || single_assign(stmt) != nullptr;
    const auto* expression = as<ExprStmt>(stmt);
    const bool is_docstring = expression != nullptr && (expression->value->kind == ExprKind::kStringLiteral ||
                                                        expression->value->kind == ExprKind::kEllipsis);
    if (scope.user_source && !known && !is_docstring)
      return error(stmt->range, "a class body holds attributes and methods only");
  }
  return absl::OkStatus();
}

absl::StatusOr<c10::NamedTypePtr> Unit::make_type(const std::string& name, const Class& def,
                                                  const Definition& definition) {
  VESTA_RETURN_IF_ERROR(check_class_body(def, definition.scope));
  bool is_module = false;
  for (const Expr* decorator : def.decorators) {
    if (last_part(dotted_name(*decorator)) == "interface") {
      bool module_interface = false;
      for (const Expr* base : def.bases) module_interface |= last_part(dotted_name(*base)) == "Module";
      return make_interface(name, def, module_interface);
    }
  }
  for (const Expr* base : def.bases) {
    const std::string base_name = last_part(dotted_name(*base));
    if (base_name == "NamedTuple") return make_named_tuple(name, def, definition);
    if (base_name == "Enum" || base_name == "IntEnum" || base_name == "StrEnum")
      return make_enum(name, def, definition);
    if (base_name == "Interface") return make_interface(name, def, false);
    if (base_name == "ModuleInterface") return make_interface(name, def, true);
    if (base_name == "Module" || base_name == "ScriptModule") {
      is_module = true;
    } else if (base_name != "object") {
      return error(base->range,
                   absl::StrCat("'", def.name, "' has a base class '", base_name, "': classes of a program have none"));
    }
  }
  c10::ClassTypePtr type = program_->create_class(c10::QualifiedName(name), is_module);
  pending_classes_.push_back({type, &def, definition});
  return c10::NamedTypePtr(std::move(type));
}

absl::StatusOr<c10::NamedTypePtr> Unit::make_enum(const std::string& name, const Class& def,
                                                  const Definition& definition) {
  std::vector<c10::EnumNameValue> members;
  c10::TypePtr type;
  for (const Stmt* stmt : def.body) {
    const Assign* assign = single_assign(stmt);
    const auto* member = assign != nullptr ? as<Name>(assign->targets[0]) : nullptr;
    if (member == nullptr || assign->value == nullptr) continue;
    VESTA_ASSIGN_OR_RETURN(c10::IValue value, constant_value(*assign->value, nullptr, definition.scope));
    if (!value.isInt() && !value.isDouble() && !value.isString())
      return error(assign->value->range, "an enum's values are int, float or str");
    c10::TypePtr own = value.type();
    if (type != nullptr && *type != *own) return error(assign->value->range, "an enum's values must have one type");
    type = std::move(own);
    const bool known =
        std::any_of(members.begin(), members.end(), [&](const auto& other) { return other.first == member->id; });
    if (known) return error(member->range, absl::StrCat("enum member '", member->id, "' is defined twice"));
    members.emplace_back(member->id, std::move(value));
  }
  if (type == nullptr) return error(def.range, absl::StrCat("enum '", def.name, "' has no members"));
  c10::NamedTypePtr result = c10::EnumType::create(c10::QualifiedName(name), std::move(type), std::move(members),
                                                   program_->compilation_unit());
  program_->add_type(result);
  return result;
}

absl::StatusOr<c10::NamedTypePtr> Unit::make_named_tuple(const std::string& name, const Class& def,
                                                         const Definition& definition) {
  std::vector<std::string> names;
  std::vector<c10::TypePtr> types;
  std::vector<c10::IValue> defaults;
  for (const Stmt* stmt : def.body) {
    const Assign* assign = single_assign(stmt);
    if (assign == nullptr) continue;
    const auto* field = as<Name>(assign->targets[0]);
    const auto* item = as<Subscript>(assign->targets[0]);
    const Expr* annotation = assign->annotation;
    std::string field_name;
    if (field != nullptr && annotation != nullptr) {
      field_name = field->id;
    } else if (item != nullptr && dotted_name(*item->value) == "__annotations__" &&
               as<StringLiteral>(item->index) != nullptr) {
      field_name = as<StringLiteral>(item->index)->value;
      annotation = assign->value;
    } else {
      continue;
    }
    if (std::find(names.begin(), names.end(), field_name) != names.end())
      return error(assign->range, absl::StrCat("field '", field_name, "' is defined twice"));
    VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, read_type(*annotation, definition.scope));
    if (annotation == assign->annotation && assign->value != nullptr) {
      VESTA_ASSIGN_OR_RETURN(c10::IValue value, default_value(field_name, *assign->value, type, definition.scope));
      defaults.push_back(std::move(value));
    } else if (!defaults.empty()) {
      return error(assign->range,
                   absl::StrCat("field '", field_name, "' without a default stands behind one that has a default"));
    }
    names.push_back(std::move(field_name));
    types.push_back(std::move(type));
  }
  if (c10::NamedTypePtr known = program_->find_type(name)) return known;
  c10::NamedTypePtr result;
  VESTA_RETURN_IF_ERROR(guarded(*this, def.name_range, [&] {
    result = c10::TupleType::createNamed(c10::QualifiedName(name), names, types, defaults);
  }));
  program_->add_type(result);
  return result;
}

absl::StatusOr<c10::NamedTypePtr> Unit::make_interface(const std::string& name, const Class& def, bool is_module) {
  c10::InterfaceTypePtr type = c10::InterfaceType::create(c10::QualifiedName(name), is_module);
  program_->add_type(type);
  pending_interfaces_.emplace_back(type, definitions_.at(name));
  (void)def;
  return c10::NamedTypePtr(std::move(type));
}

absl::Status Unit::declare_interface(const c10::InterfaceTypePtr& type, const Class& def,
                                     const Definition& definition) {
  for (const Stmt* stmt : def.body) {
    const auto* method = as<Function>(stmt);
    if (method == nullptr) continue;
    // Not the interface itself as the type of `self`: an object that holds itself is never freed.
    VESTA_ASSIGN_OR_RETURN(c10::FunctionSchema schema, signature(*method, c10::AnyType::get(), definition.scope));
    if (schema.returns().empty()) {
      schema = c10::FunctionSchema(schema.name(), "", schema.arguments(), {c10::Argument("", c10::NoneType::get())});
    }
    if (type->getMethod(method->name) != nullptr)
      return error(method->name_range, absl::StrCat("method '", method->name, "' is defined twice"));
    if (ir::leads_to(schema, *type)) {
      return error(method->name_range, absl::StrCat("a method of interface '", def.name, "' takes or returns '",
                                                    def.name, "' again; use a class there"));
    }
    type->addMethod(std::move(schema));
  }
  return absl::OkStatus();
}

absl::Status Unit::declare_attribute(c10::ClassType& type, const std::string& name, const Expr& annotation,
                                     const Expr* value, const std::unordered_set<std::string>& parameters,
                                     const std::unordered_set<std::string>& buffers, const Scope& scope) {
  VESTA_ASSIGN_OR_RETURN(c10::TypePtr declared, read_type(annotation, scope));
  if (type.hasAttribute(name) || type.hasConstant(name))
    return error(annotation.range, absl::StrCat("attribute '", name, "' is defined twice"));
  if (is_final_annotation(annotation) && value != nullptr) {
    VESTA_ASSIGN_OR_RETURN(c10::IValue constant, constant_value(*value, declared, scope));
    return guarded(*this, annotation.range, [&] { type.addConstant(name, constant); });
  }
  VESTA_RETURN_IF_ERROR(check_no_cycle(*declared, type, name, annotation.range));
  const bool is_parameter = type.is_module() && parameters.contains(name);
  const bool is_buffer = type.is_module() && !is_parameter && buffers.contains(name);
  return guarded(*this, annotation.range, [&] { type.addAttribute(name, declared, is_parameter, is_buffer); });
}

absl::Status Unit::declare_class(const PendingClass& pending) {
  const Scope& scope = pending.definition.scope;
  std::unordered_set<std::string> parameters, buffers;
  std::vector<std::string> hooks, pre_hooks;
  for (const Stmt* stmt : pending.def->body) {
    const Assign* assign = single_assign(stmt);
    const auto* name = assign != nullptr ? as<Name>(assign->targets[0]) : nullptr;
    if (name == nullptr || assign->annotation != nullptr) continue;
    const std::vector<std::string> values = string_list(assign->value);
    if (name->id == "__parameters__") parameters.insert(values.begin(), values.end());
    if (name->id == "__buffers__") buffers.insert(values.begin(), values.end());
    if (name->id == "__forward_hooks__") hooks = values;
    if (name->id == "__forward_pre_hooks__") pre_hooks = values;
  }
  for (const Stmt* stmt : pending.def->body) {
    const Assign* assign = single_assign(stmt);
    if (assign == nullptr) continue;
    if (const auto* name = as<Name>(assign->targets[0])) {
      if (assign->annotation != nullptr) {
        VESTA_RETURN_IF_ERROR(
            declare_attribute(*pending.type, name->id, *assign->annotation, assign->value, parameters, buffers, scope));
      } else if (scope.user_source && !name->id.starts_with("__")) {
        VESTA_ASSIGN_OR_RETURN(c10::IValue value, constant_value(*assign->value, nullptr, scope));
        if (pending.type->hasAttribute(name->id) || pending.type->hasConstant(name->id))
          return error(assign->range, absl::StrCat("attribute '", name->id, "' is defined twice"));
        VESTA_RETURN_IF_ERROR(guarded(*this, assign->range, [&] { pending.type->addConstant(name->id, value); }));
      }
      continue;
    }
    const auto* item = as<Subscript>(assign->targets[0]);
    const auto* key =
        item != nullptr && dotted_name(*item->value) == "__annotations__" ? as<StringLiteral>(item->index) : nullptr;
    if (key == nullptr || assign->value == nullptr)
      return error(stmt->range, "a class body holds attributes and methods only");
    VESTA_RETURN_IF_ERROR(
        declare_attribute(*pending.type, key->value, *assign->value, nullptr, parameters, buffers, scope));
  }
  return declare_methods(pending, pre_hooks, hooks);
}

absl::Status Unit::declare_methods(const PendingClass& pending, const std::vector<std::string>& pre_hooks,
                                   const std::vector<std::string>& hooks) {
  const c10::ClassTypePtr& type = pending.type;
  std::map<std::string, const Function*> hook_defs;
  for (const std::string& name : pre_hooks) hook_defs[name] = nullptr;
  for (const std::string& name : hooks) hook_defs[name] = nullptr;
  ir::Function* initializer = nullptr;
  for (const Stmt* stmt : pending.def->body) {
    const auto* def = as<Function>(stmt);
    if (def == nullptr) continue;
    if (auto hook = hook_defs.find(def->name); hook != hook_defs.end()) {
      hook->second = def;
      continue;
    }
    if (has_decorator(*def, "property") || has_decorator(*def, absl::StrCat(def->name, ".setter"))) {
      VESTA_RETURN_IF_ERROR(declare_property(type, *def, pending.definition, !has_decorator(*def, "property")));
      continue;
    }
    const MethodKind kind = has_decorator(*def, "staticmethod") ? MethodKind::kStatic : MethodKind::kMethod;
    VESTA_ASSIGN_OR_RETURN(ir::Function * method, declare_method(type, *def, pending.definition, kind));
    if (def->name == "__init__") initializer = method;
  }
  for (const bool pre : {true, false}) {
    for (const std::string& name : pre ? pre_hooks : hooks) {
      const Function* def = hook_defs[name];
      if (def == nullptr)
        return error(pending.def->name_range,
                     absl::StrCat("hook '", name, "' of '", pending.def->name, "' has no definition"));
      VESTA_RETURN_IF_ERROR(
          declare_method(type, *def, pending.definition, pre ? MethodKind::kPreHook : MethodKind::kHook).status());
    }
  }
  // A user's class, and one in archives of 1.4 and older, tells its attributes by assigning them: everybody who
  // reads one needs that first.
  const bool undeclared = pending.definition.scope.user_source || type->numAttributes() == 0;
  if (undeclared && initializer != nullptr && !type->is_module()) {
    const bool was_declaring = std::exchange(declaring_, false);
    open_classes_.insert(type.get());
    auto body = bodies_.find(initializer);
    absl::Status status = body != bodies_.end() ? compile_body(body->second) : absl::OkStatus();
    open_classes_.erase(type.get());
    declaring_ = was_declaring;
    return status;
  }
  return absl::OkStatus();
}

absl::Status Unit::declare_property(const c10::ClassTypePtr& type, const Function& def, const Definition& definition,
                                    bool is_setter) {
  VESTA_ASSIGN_OR_RETURN(c10::FunctionSchema schema, signature(def, type, definition.scope));
  const std::string name = absl::StrCat("__", def.name, is_setter ? "_setter" : "_getter");
  if (is_setter && schema.returns().empty())
    schema = c10::FunctionSchema(schema.name(), "", schema.arguments(), {c10::Argument("", c10::NoneType::get())});
  if (type->findMethod(name) != nullptr)
    return error(def.name_range, absl::StrCat("property '", def.name, "' is defined twice"));
  ir::Function* function = program_->create_method(*type, name, std::move(schema));
  queue_body(function, &def, type, definition);
  if (!is_setter) return guarded(*this, def.name_range, [&] { type->addProperty(def.name, function, nullptr); });
  auto property = type->getProperty(def.name);
  if (!property.has_value()) return error(def.name_range, absl::StrCat("'", def.name, "' has a setter but no getter"));
  // c10 has no way to complete a property; the list is the type's own.
  for (const c10::ClassType::Property& one : type->properties()) {
    if (one.name == def.name) const_cast<c10::ClassType::Property&>(one).setter = function;
  }
  return absl::OkStatus();
}

absl::StatusOr<ir::Function*> Unit::declare_method(const c10::ClassTypePtr& type, const Function& def,
                                                   const Definition& definition, MethodKind kind) {
  VESTA_ASSIGN_OR_RETURN(c10::FunctionSchema schema,
                         signature(def, kind == MethodKind::kStatic ? nullptr : type, definition.scope));
  const bool is_method = kind == MethodKind::kMethod || kind == MethodKind::kStatic;
  if (is_method && (type->findMethod(def.name) != nullptr || type->findStaticMethod(def.name) != nullptr)) {
    return error(def.name_range, absl::StrCat("method '", def.name, "' of '", type_text(*type), "' is defined twice"));
  }
  ir::Function* function = nullptr;
  if (kind == MethodKind::kMethod) {
    function = program_->create_method(*type, def.name, std::move(schema));
  } else {
    function = program_->create_anonymous(c10::QualifiedName(*type->name(), def.name), std::move(schema));
    VESTA_RETURN_IF_ERROR(guarded(*this, def.name_range, [&] {
      if (kind == MethodKind::kStatic) type->addStaticMethod(function);
      if (kind == MethodKind::kHook) type->addForwardHook(function);
      if (kind == MethodKind::kPreHook) type->addForwardPreHook(function);
    }));
  }
  queue_body(function, &def, kind == MethodKind::kStatic ? nullptr : c10::TypePtr(type), definition);
  return function;
}

absl::StatusOr<c10::FunctionSchema> Unit::signature(const Function& def, const c10::TypePtr& self, const Scope& scope) {
  std::vector<c10::Argument> arguments;
  bool seen_default = false;
  for (size_t i = 0; i < def.parameters.size(); ++i) {
    const Parameter& parameter = def.parameters[i];
    if (parameter.kind == ParameterKind::kVarArgs || parameter.kind == ParameterKind::kVarKeywords) {
      return error(parameter.range,
                   absl::StrCat("'", def.name, "' takes any number of arguments: that is not part of the language"));
    }
    c10::TypePtr type;
    if (i == 0 && self != nullptr) {
      type = self;
    } else if (parameter.annotation != nullptr) {
      VESTA_ASSIGN_OR_RETURN(type, read_type(*parameter.annotation, scope));
    } else {
      type = c10::TensorType::get();
    }
    std::optional<c10::IValue> value;
    if (parameter.default_value != nullptr) {
      VESTA_ASSIGN_OR_RETURN(value, default_value(parameter.name, *parameter.default_value, type, scope));
      seen_default = true;
    } else if (seen_default && parameter.kind != ParameterKind::kKeywordOnly) {
      return error(parameter.range, absl::StrCat("parameter '", parameter.name,
                                                 "' without a default stands behind one that has a default"));
    }
    arguments.emplace_back(parameter.name, std::move(type), std::nullopt, std::move(value),
                           parameter.kind == ParameterKind::kKeywordOnly);
  }
  if (self != nullptr && arguments.empty())
    return error(def.name_range, absl::StrCat("method '", def.name, "' has no parameter 'self'"));
  std::vector<c10::Argument> returns;
  if (def.return_annotation != nullptr) {
    VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, read_type(*def.return_annotation, scope));
    returns.emplace_back("", std::move(type));
  }
  return c10::FunctionSchema(def.name, "", std::move(arguments), std::move(returns));
}

}  // namespace vesta::frontend
