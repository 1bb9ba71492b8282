// Types, classes and functions. A class or function gets its number when it is named; its contents are written later,
// in the order of the numbers, so nothing recurses along the calls and attributes of a program.

#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/operator.h"
#include "ir/printer.h"
#include "ir/support/status.h"
#include "serialization/native_encoder.h"

namespace vesta::serialization {

namespace {

// Wrappers of one element and their numbers.
struct WrapperRow {
  c10::TypeKind kind;
  native::TypeKind number;
};
constexpr WrapperRow kWrappers[] = {
    {c10::TypeKind::OptionalType, native::TypeKind::Optional}, {c10::TypeKind::ListType, native::TypeKind::List},
    {c10::TypeKind::DictType, native::TypeKind::Dict},         {c10::TypeKind::UnionType, native::TypeKind::Union},
    {c10::TypeKind::FutureType, native::TypeKind::Future},     {c10::TypeKind::AwaitType, native::TypeKind::Await},
    {c10::TypeKind::RRefType, native::TypeKind::RRef},
};

}  // namespace

uint32_t NativeEncoder::name(std::string_view text) {
  if (text.empty()) return 0;
  const auto [found, added] = names_in_table_.try_emplace(std::string(text), static_cast<uint32_t>(out_.names.size()));
  if (added) out_.names.emplace_back(text);
  return found->second;
}

native::Range NativeEncoder::range(const support::SourceRange& range) {
  if (!range.known()) return {};
  const auto [found, added] =
      sources_.try_emplace(range.source().get(), static_cast<uint32_t>(out_.sources.size() + 1));
  if (added) {
    kept_sources_.push_back(range.source());
    auto source = std::make_unique<native::SourceT>();
    source->filename = range.source()->filename;
    source->first_line = range.source()->first_line;
    source->text = range.source()->text;
    out_.sources.push_back(std::move(source));
  }
  return {found->second, static_cast<uint32_t>(range.begin()), static_cast<uint32_t>(range.end())};
}

uint32_t NativeEncoder::operator_number(const ir::Operator& op) {
  const auto [found, added] = operators_.try_emplace(&op, static_cast<uint32_t>(out_.operators.size()));
  if (added) {
    auto row = std::make_unique<native::OperatorT>();
    row->name = op.schema.name();
    row->overload = op.schema.overload_name();
    out_.operators.push_back(std::move(row));
  }
  return found->second;
}

absl::StatusOr<uint32_t> NativeEncoder::type(const c10::TypePtr& type) {
  if (const auto known = types_.find(type.get()); known != types_.end()) return known->second;
  auto out = std::make_unique<native::TypeT>();
  VESTA_RETURN_IF_ERROR(fill_type(*out, type));
  const std::string content =
      absl::StrCat(static_cast<int>(out->kind), ";", out->declaration, ";", out->function, ";",
                   absl::StrJoin(out->elements, ","), ";", absl::StrJoin(out->names, ","), ";", out->text);
  const auto [found, added] = types_by_content_.try_emplace(content, static_cast<uint32_t>(out_.types.size()));
  if (added) out_.types.push_back(std::move(out));
  kept_types_.push_back(type);
  types_.emplace(type.get(), found->second);
  return found->second;
}

absl::Status NativeEncoder::fill_type(native::TypeT& out, const c10::TypePtr& type) {
  for (const WrapperRow& row : kWrappers) {
    if (row.kind != type->kind()) continue;
    out.kind = row.number;
    // An Optional's contained types are those of a union, None among them.
    if (const auto* optional = type->castRaw<c10::OptionalType>()) {
      VESTA_ASSIGN_OR_RETURN(const uint32_t element, this->type(optional->getElementType()));
      out.elements.push_back(element);
      return absl::OkStatus();
    }
    for (const c10::TypePtr& part : type->containedTypes()) {
      VESTA_ASSIGN_OR_RETURN(const uint32_t element, this->type(part));
      out.elements.push_back(element);
    }
    return absl::OkStatus();
  }
  switch (type->kind()) {
    case c10::TypeKind::TupleType: {
      const auto& tuple = type->expectRef<c10::TupleType>();
      if (frontend::is_program_tuple(tuple)) break;
      out.kind = native::TypeKind::Tuple;
      if (tuple.name().has_value()) out.text = tuple.name()->qualifiedName();
      if (tuple.schema() != nullptr) {
        for (const c10::Argument& field : tuple.schema()->arguments()) out.names.push_back(field.name());
      }
      for (const c10::TypePtr& part : tuple.elements()) {
        VESTA_ASSIGN_OR_RETURN(const uint32_t element, this->type(part));
        out.elements.push_back(element);
      }
      return absl::OkStatus();
    }
    case c10::TypeKind::ClassType:
      if (!frontend::is_registered_class(*type)) break;
      out.kind = native::TypeKind::Registered;
      out.text = type->expectRef<c10::ClassType>().name()->qualifiedName();
      return absl::OkStatus();
    case c10::TypeKind::InterfaceType:
    case c10::TypeKind::EnumType:
      break;
    case c10::TypeKind::FunctionType: {
      out.kind = native::TypeKind::Function;
      VESTA_ASSIGN_OR_RETURN(out.function, function(*type->expectRef<c10::FunctionType>().function()));
      return absl::OkStatus();
    }
    default:
      out.kind = native::TypeKind::Text;
      out.text = ir::print(*type);
      return absl::OkStatus();
  }
  out.kind = native::TypeKind::Declared;
  out.declaration = declaration(frontend::named_type(*type));
  return absl::OkStatus();
}

uint32_t NativeEncoder::declaration(const c10::NamedTypePtr& type) {
  const auto [found, added] = declarations_.try_emplace(type.get(), static_cast<uint32_t>(declared_.size()));
  if (added) {
    declared_.push_back(type);
    out_.declarations.push_back(std::make_unique<native::DeclarationT>());
  }
  return found->second;
}

absl::StatusOr<uint32_t> NativeEncoder::function(torch::jit::Function& function) {
  if (const auto known = functions_.find(&function); known != functions_.end()) return known->second;
  const auto* own = dynamic_cast<const ir::Function*>(&function);
  if (own == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("'", function.qualname().qualifiedName(), "' is no function of a program: it cannot be written"));
  }
  const auto number = static_cast<uint32_t>(functions_in_order_.size());
  functions_.emplace(&function, number);
  functions_in_order_.push_back(own);
  out_.functions.push_back(std::make_unique<native::FunctionT>());
  // A class does not list its static methods.
  const c10::NamedTypePtr owner = own->program()->find_type(function.qualname().prefix());
  const auto class_type = owner != nullptr ? owner->cast<c10::ClassType>() : nullptr;
  if (class_type != nullptr && class_type->findStaticMethod(function.name()) == &function) {
    out_.declarations[declaration(class_type)]->static_methods.push_back(number);
  }
  return number;
}

absl::StatusOr<std::unique_ptr<native::ArgumentT>> NativeEncoder::argument(const c10::Argument& argument) {
  auto out = std::make_unique<native::ArgumentT>();
  out->name = argument.name();
  VESTA_ASSIGN_OR_RETURN(out->type, type(argument.type()));
  if (argument.default_value().has_value()) {
    VESTA_ASSIGN_OR_RETURN(const uint32_t number, value(*argument.default_value()));
    out->default_ref = number + 1;
  }
  out->keyword_only = argument.kwarg_only();
  return out;
}

absl::Status NativeEncoder::fill_schema(native::SchemaT& out, const c10::FunctionSchema& schema) {
  out.name = schema.name();
  for (const c10::Argument& one : schema.arguments()) {
    VESTA_ASSIGN_OR_RETURN(out.arguments.emplace_back(), argument(one));
  }
  for (const c10::Argument& one : schema.returns()) {
    VESTA_ASSIGN_OR_RETURN(out.returns.emplace_back(), argument(one));
  }
  return absl::OkStatus();
}

absl::Status NativeEncoder::write_function(uint32_t number) {
  const ir::Function& function = *functions_in_order_[number];
  native::FunctionT out;
  out.name = names_.of(const_cast<ir::Function&>(function));
  out.is_free = function.program()->find_function(function.qualname().qualifiedName()) == &function;
  out.schema = std::make_unique<native::SchemaT>();
  VESTA_RETURN_IF_ERROR(fill_schema(*out.schema, function.schema()));
  out.range = std::make_unique<native::Range>(range(function.range()));
  if (function.graph() == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("'", function.qualname().qualifiedName(), "' has no body that could be written"));
  }
  VESTA_ASSIGN_OR_RETURN(out.graph, graph(*function.graph()));
  *out_.functions[number] = std::move(out);
  return absl::OkStatus();
}

absl::Status NativeEncoder::fill_class(native::DeclarationT& out, const c10::ClassType& type) {
  out.kind = type.is_module() ? native::DeclarationKind::Module : native::DeclarationKind::Class;
  for (size_t i = 0; i < type.numAttributes(); ++i) {
    auto attribute = std::make_unique<native::AttributeT>();
    attribute->name = type.getAttributeName(i);
    VESTA_ASSIGN_OR_RETURN(attribute->type, this->type(type.getAttribute(i)));
    if (type.is_module() && type.is_parameter(i)) attribute->role = native::AttributeRole::Parameter;
    if (type.is_module() && type.is_buffer(i)) attribute->role = native::AttributeRole::Buffer;
    out.attributes.push_back(std::move(attribute));
  }
  for (size_t i = 0; i < type.numConstants(); ++i) {
    auto constant = std::make_unique<native::NamedValueT>();
    constant->name = type.getConstantName(i);
    VESTA_ASSIGN_OR_RETURN(constant->value, value(type.getConstant(i)));
    out.constants.push_back(std::move(constant));
  }
  const auto list = [this](std::vector<uint32_t>& numbers,
                           const std::vector<torch::jit::Function*>& functions) -> absl::Status {
    for (torch::jit::Function* one : functions) {
      VESTA_ASSIGN_OR_RETURN(numbers.emplace_back(), function(*one));
    }
    return absl::OkStatus();
  };
  VESTA_RETURN_IF_ERROR(list(out.methods, type.methods()));
  VESTA_RETURN_IF_ERROR(list(out.hooks, type.getForwardHooks()));
  VESTA_RETURN_IF_ERROR(list(out.pre_hooks, type.getForwardPreHooks()));
  for (const c10::ClassType::Property& one : type.properties()) {
    auto property = std::make_unique<native::PropertyT>();
    property->name = one.name;
    VESTA_ASSIGN_OR_RETURN(property->getter, function(*one.getter));
    if (one.setter != nullptr) {
      VESTA_ASSIGN_OR_RETURN(const uint32_t setter, function(*one.setter));
      property->setter_ref = setter + 1;
    }
    out.properties.push_back(std::move(property));
  }
  return absl::OkStatus();
}

absl::Status NativeEncoder::write_declaration(uint32_t number) {
  const c10::NamedTypePtr type = declared_[number];
  native::DeclarationT out;
  out.name = names_.of(type);
  if (const auto* class_type = type->castRaw<c10::ClassType>()) {
    VESTA_RETURN_IF_ERROR(fill_class(out, *class_type));
  } else if (const auto* tuple = type->castRaw<c10::TupleType>()) {
    out.kind = native::DeclarationKind::NamedTuple;
    for (const c10::Argument& field : tuple->schema()->arguments()) {
      VESTA_ASSIGN_OR_RETURN(out.fields.emplace_back(), argument(field));
    }
  } else if (const auto* enumeration = type->castRaw<c10::EnumType>()) {
    out.kind = native::DeclarationKind::Enum;
    VESTA_ASSIGN_OR_RETURN(const uint32_t value_type, this->type(enumeration->getValueType()));
    out.type_ref = value_type + 1;
    for (const auto& [member, value] : enumeration->enumNamesValues()) {
      auto constant = std::make_unique<native::NamedValueT>();
      constant->name = member;
      VESTA_ASSIGN_OR_RETURN(constant->value, this->value(value));
      out.constants.push_back(std::move(constant));
    }
  } else {
    const auto& interface = type->expectRef<c10::InterfaceType>();
    out.kind = interface.is_module() ? native::DeclarationKind::ModuleInterface : native::DeclarationKind::Interface;
    for (const c10::FunctionSchema& method : interface.methods()) {
      out.signatures.push_back(std::make_unique<native::SchemaT>());
      VESTA_RETURN_IF_ERROR(fill_schema(*out.signatures.back(), method));
    }
  }
  out.static_methods = std::move(out_.declarations[number]->static_methods);
  *out_.declarations[number] = std::move(out);
  return absl::OkStatus();
}

absl::Status NativeEncoder::finish() {
  while (written_declarations_ < declared_.size() || written_functions_ < functions_in_order_.size()) {
    if (written_declarations_ < declared_.size()) {
      VESTA_RETURN_IF_ERROR(write_declaration(static_cast<uint32_t>(written_declarations_++)));
    } else {
      VESTA_RETURN_IF_ERROR(write_function(static_cast<uint32_t>(written_functions_++)));
    }
  }
  return absl::OkStatus();
}

}  // namespace vesta::serialization
