// Classes are declared empty first, since types may name each other in circles; what cannot exist without its parts
// (NamedTuples) asks for them at once. Then functions get their signatures, and classes their attributes and methods.

#include <ATen/core/enum_type.h>
#include <torch/custom_class_detail.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "ir/type_cycles.h"
#include "ir/type_parser.h"
#include "ir/type_parts.h"
#include "serialization/conform.h"
#include "serialization/native_decoder.h"
#include "serialization/utf8.h"

namespace vesta::serialization {

using c10::IValue;
using c10::TypePtr;

namespace {

// c10 throws where it is asked for the type of such a value.
bool holds_undefined(const IValue& value) {
  bool holds = false;
  value.visit([&](const IValue& part) {
    holds = holds || (part.isTensor() && !part.toTensor().defined());
    return holds;
  });
  return holds;
}

}  // namespace

absl::StatusOr<TypePtr> NativeDecoder::type(uint32_t number) {
  if (number >= types_.size()) return damaged(absl::StrFormat("there is no type %d", number));
  if (types_[number] != nullptr) return types_[number];
  if (type_depth_ >= options_.limits.type_depth) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("types nest deeper than the limit 'type_depth' of %d", options_.limits.type_depth));
  }
  ++type_depth_;
  absl::StatusOr<TypePtr> made = make_type(*in_.types()->Get(number));
  --type_depth_;
  VESTA_RETURN_IF_ERROR(made.status());
  // Entries may share their parts, so a small table can describe a type that nothing would come to the end of.
  if (ir::is_too_large(**made)) {
    return absl::ResourceExhaustedError(absl::StrFormat("type %d has more than %d parts", number, ir::kMostTypeParts));
  }
  types_[number] = *made;
  return made;
}

absl::StatusOr<std::vector<TypePtr>> NativeDecoder::types(const flatbuffers::Vector<uint32_t>* numbers) {
  std::vector<TypePtr> result;
  for (uint32_t i = 0; i < size_of(numbers); ++i) {
    VESTA_ASSIGN_OR_RETURN(result.emplace_back(), type(numbers->Get(i)));
  }
  return result;
}

absl::StatusOr<TypePtr> NativeDecoder::make_type(const native::Type& in) {
  const auto element = [&](uint32_t i) -> absl::StatusOr<TypePtr> {
    if (i >= size_of(in.elements())) return damaged("a type lacks an element");
    return type(in.elements()->Get(i));
  };
  const auto wrap = [&](auto create) -> absl::StatusOr<TypePtr> {
    VESTA_ASSIGN_OR_RETURN(TypePtr inner, element(0));
    return TypePtr(create(std::move(inner)));
  };
  switch (in.kind()) {
    case native::TypeKind::Text: {
      absl::StatusOr<TypePtr> parsed = ir::parse_type(text_of(in.text()), {}, options_.limits);
      if (!absl::IsInvalidArgument(parsed.status())) return parsed;
      return damaged(std::string(parsed.status().message()));
    }
    case native::TypeKind::Optional:
      return wrap([](TypePtr inner) { return c10::OptionalType::create(std::move(inner)); });
    case native::TypeKind::List:
      return wrap([](TypePtr inner) { return c10::ListType::create(std::move(inner)); });
    case native::TypeKind::Dict: {
      VESTA_ASSIGN_OR_RETURN(TypePtr key, element(0));
      VESTA_ASSIGN_OR_RETURN(TypePtr inner, element(1));
      return TypePtr(c10::DictType::create(std::move(key), std::move(inner)));
    }
    case native::TypeKind::Tuple:
      return make_tuple_type(in);
    case native::TypeKind::Union: {
      VESTA_ASSIGN_OR_RETURN(std::vector<TypePtr> members, types(in.elements()));
      return TypePtr(c10::UnionType::create(std::move(members)));
    }
    case native::TypeKind::Future:
      return wrap([](TypePtr inner) { return c10::FutureType::create(std::move(inner)); });
    case native::TypeKind::Await:
      return wrap([](TypePtr inner) { return c10::AwaitType::create(std::move(inner)); });
    case native::TypeKind::RRef:
      return wrap([](TypePtr inner) { return c10::RRefType::create(std::move(inner)); });
    case native::TypeKind::Declared: {
      VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr declared, declaration(in.declaration()));
      return TypePtr(std::move(declared));
    }
    case native::TypeKind::Registered: {
      const std::string name = string_of(in.text());
      if (c10::ClassTypePtr registered = torch::getCustomClass(name)) return TypePtr(std::move(registered));
      return absl::UnimplementedError(
          absl::StrFormat("custom class '%s' is not registered: load the library that has it first", printable(name)));
    }
    case native::TypeKind::Function: {
      VESTA_ASSIGN_OR_RETURN(ir::Function* const named, function(in.function()));
      return TypePtr(c10::FunctionType::create(named));
    }
  }
  return damaged("a type is of no known kind");
}

absl::StatusOr<TypePtr> NativeDecoder::make_tuple_type(const native::Type& in) {
  VESTA_ASSIGN_OR_RETURN(std::vector<TypePtr> elements, types(in.elements()));
  if (size_of(in.names()) == 0) return TypePtr(c10::TupleType::create(std::move(elements)));
  if (size_of(in.names()) != elements.size()) return damaged("a tuple has not as many names as elements");
  std::vector<std::string> names;
  for (uint32_t i = 0; i < size_of(in.names()); ++i) names.push_back(string_of(in.names()->Get(i)));
  std::optional<c10::QualifiedName> name;
  if (size_of(in.text()) > 0) name.emplace(string_of(in.text()));
  return TypePtr(c10::TupleType::createNamed(name, names, elements));
}

absl::StatusOr<c10::NamedTypePtr> NativeDecoder::declaration(uint32_t number) {
  if (number >= declarations_.size()) return damaged(absl::StrFormat("there is no class %d", number));
  if (declarations_[number] != nullptr) return declarations_[number];
  if (declarations_in_work_[number] != 0) return damaged("a NamedTuple holds itself");
  declarations_in_work_[number] = 1;
  VESTA_ASSIGN_OR_RETURN(declarations_[number], make_declaration(*in_.declarations()->Get(number)));
  return declarations_[number];
}

absl::StatusOr<c10::NamedTypePtr> NativeDecoder::make_declaration(const native::Declaration& in) {
  const std::string name = string_of(in.name());
  if (!name.starts_with("__torch__.") || program_->find_type(name) != nullptr) {
    return damaged(absl::StrFormat("'%s' is no name for a class, or is there twice", printable(name)));
  }
  const c10::QualifiedName qualified(name);
  c10::NamedTypePtr made;
  switch (in.kind()) {
    case native::DeclarationKind::Class:
    case native::DeclarationKind::Module:
      return c10::NamedTypePtr(program_->create_class(qualified, in.kind() == native::DeclarationKind::Module));
    case native::DeclarationKind::Interface:
    case native::DeclarationKind::ModuleInterface:
      made = c10::InterfaceType::create(qualified, in.kind() == native::DeclarationKind::ModuleInterface);
      break;
    case native::DeclarationKind::Enum: {
      if (in.type_ref() == 0) return damaged("an enum's values have no type");
      VESTA_ASSIGN_OR_RETURN(TypePtr value_type, type(in.type_ref() - 1));
      std::vector<c10::EnumNameValue> members;
      for (uint32_t i = 0; i < size_of(in.constants()); ++i) {
        const native::NamedValue& member = *in.constants()->Get(i);
        VESTA_ASSIGN_OR_RETURN(IValue held, value(member.value()));
        VESTA_RETURN_IF_ERROR(conform(held, value_type, "a member of an enum", options_.limits));
        members.emplace_back(string_of(member.name()), std::move(held));
      }
      made = c10::EnumType::create(qualified, std::move(value_type), std::move(members), program_->compilation_unit());
      break;
    }
    case native::DeclarationKind::NamedTuple: {
      std::vector<std::string> names;
      std::vector<TypePtr> field_types;
      std::vector<IValue> defaults;
      for (uint32_t i = 0; i < size_of(in.fields()); ++i) {
        VESTA_ASSIGN_OR_RETURN(const c10::Argument field, argument(*in.fields()->Get(i)));
        if (!field.default_value().has_value() && !defaults.empty()) {
          return damaged("a field without a default stands behind one that has a default");
        }
        names.push_back(field.name());
        field_types.push_back(field.type());
        if (field.default_value().has_value()) defaults.push_back(*field.default_value());
      }
      made = c10::TupleType::createNamed(qualified, names, field_types, defaults);
      break;
    }
    default:
      return damaged("a class is of no known kind");
  }
  program_->add_type(made);
  return made;
}

absl::StatusOr<c10::ClassTypePtr> NativeDecoder::class_type(uint32_t type_number) {
  VESTA_ASSIGN_OR_RETURN(const TypePtr named, type(type_number));
  if (auto found = named->cast<c10::ClassType>()) return found;
  return damaged("an object is of a type that is no class");
}

absl::StatusOr<c10::Argument> NativeDecoder::argument(const native::Argument& in) {
  VESTA_ASSIGN_OR_RETURN(TypePtr declared, type(in.type()));
  std::optional<IValue> default_value;
  if (in.default_ref() != 0) {
    VESTA_ASSIGN_OR_RETURN(default_value, value(in.default_ref() - 1));
    VESTA_RETURN_IF_ERROR(conform(*default_value, declared, "a default", options_.limits));
  }
  return c10::Argument(string_of(in.name()), std::move(declared), std::nullopt, std::move(default_value),
                       in.keyword_only());
}

absl::StatusOr<c10::FunctionSchema> NativeDecoder::schema(const native::Schema* in) {
  if (in == nullptr) return damaged("a function has no signature");
  std::vector<c10::Argument> arguments, returns;
  for (uint32_t i = 0; i < size_of(in->arguments()); ++i) {
    VESTA_ASSIGN_OR_RETURN(c10::Argument one, argument(*in->arguments()->Get(i)));
    arguments.push_back(std::move(one));
  }
  for (uint32_t i = 0; i < size_of(in->returns()); ++i) {
    VESTA_ASSIGN_OR_RETURN(c10::Argument one, argument(*in->returns()->Get(i)));
    returns.push_back(std::move(one));
  }
  return c10::FunctionSchema(string_of(in->name()), "", std::move(arguments), std::move(returns));
}

absl::StatusOr<ir::Function*> NativeDecoder::function(uint32_t number) const {
  if (number < functions_.size()) return functions_[number];
  // A type that names a function is asked for by bodies, when all functions are there.
  return damaged(absl::StrFormat("there is no function %d", number));
}

absl::Status NativeDecoder::make_functions() {
  std::vector<ir::Function*> made;
  for (uint32_t i = 0; i < size_of(in_.functions()); ++i) {
    const native::Function& in = *in_.functions()->Get(i);
    VESTA_ASSIGN_OR_RETURN(c10::FunctionSchema signature, schema(in.schema()));
    const std::string name = string_of(in.name());
    if (name.empty() || (in.is_free() && program_->find_function(name) != nullptr)) {
      return damaged(absl::StrFormat("'%s' is no name for a function, or is there twice", printable(name)));
    }
    const c10::QualifiedName qualified(name);
    made.push_back(in.is_free() ? program_->create_function(qualified, std::move(signature))
                                : program_->create_anonymous(qualified, std::move(signature)));
  }
  functions_ = std::move(made);
  return absl::OkStatus();
}

// What runs a method relies on the class of its first argument.
absl::Status NativeDecoder::check_owner(const ir::Function& function, const c10::ClassType& owner) const {
  const std::vector<c10::Argument>& arguments = function.schema().arguments();
  if (!arguments.empty() && arguments[0].type()->castRaw<c10::ClassType>() == &owner) return absl::OkStatus();
  return damaged(absl::StrFormat("'%s' does not take an object of '%s' first",
                                 printable(function.qualname().qualifiedName()),
                                 printable(owner.name()->qualifiedName())));
}

absl::Status NativeDecoder::fill_class(c10::ClassType& type, const native::Declaration& in) {
  for (uint32_t i = 0; i < size_of(in.attributes()); ++i) {
    const native::Attribute& attribute = *in.attributes()->Get(i);
    VESTA_ASSIGN_OR_RETURN(TypePtr held, this->type(attribute.type()));
    const std::string name = string_of(attribute.name());
    const bool is_parameter = attribute.role() == native::AttributeRole::Parameter;
    const bool is_buffer = attribute.role() == native::AttributeRole::Buffer;
    if (type.hasAttribute(name) || ((is_parameter || is_buffer) && !type.is_module())) {
      return damaged(absl::StrFormat("attribute '%s' of '%s' cannot be", printable(name),
                                     printable(type.name()->qualifiedName())));
    }
    if (ir::leads_to(*held, type)) {
      return damaged(absl::StrFormat("attribute '%s' of '%s' holds objects of that class again", printable(name),
                                     printable(type.name()->qualifiedName())));
    }
    type.addAttribute(name, std::move(held), is_parameter, is_buffer);
  }
  for (uint32_t i = 0; i < size_of(in.constants()); ++i) {
    const native::NamedValue& constant = *in.constants()->Get(i);
    VESTA_ASSIGN_OR_RETURN(IValue held, value(constant.value()));
    if (holds_undefined(held)) {
      return damaged(absl::StrFormat("constant '%s' of '%s' holds a tensor that is not defined",
                                     printable(string_of(constant.name())), printable(type.name()->qualifiedName())));
    }
    type.addConstant(string_of(constant.name()), std::move(held));
  }
  const auto each = [this](const flatbuffers::Vector<uint32_t>* numbers, const auto& add) -> absl::Status {
    for (uint32_t i = 0; i < size_of(numbers); ++i) {
      VESTA_ASSIGN_OR_RETURN(ir::Function* const one, function(numbers->Get(i)));
      VESTA_RETURN_IF_ERROR(add(one));
    }
    return absl::OkStatus();
  };
  const auto owned = [&](auto add) {
    return [this, &type, add](ir::Function* one) -> absl::Status {
      VESTA_RETURN_IF_ERROR(check_owner(*one, type));
      (type.*add)(one);
      return absl::OkStatus();
    };
  };
  VESTA_RETURN_IF_ERROR(each(in.methods(), owned(&c10::ClassType::addMethod)));
  VESTA_RETURN_IF_ERROR(each(in.hooks(), owned(&c10::ClassType::addForwardHook)));
  VESTA_RETURN_IF_ERROR(each(in.pre_hooks(), owned(&c10::ClassType::addForwardPreHook)));
  VESTA_RETURN_IF_ERROR(each(in.static_methods(), [&type](ir::Function* one) {
    type.addStaticMethod(one);
    return absl::OkStatus();
  }));
  for (uint32_t i = 0; i < size_of(in.properties()); ++i) {
    const native::Property& property = *in.properties()->Get(i);
    VESTA_ASSIGN_OR_RETURN(ir::Function* const getter, function(property.getter()));
    ir::Function* setter = nullptr;
    if (property.setter_ref() != 0) {
      VESTA_ASSIGN_OR_RETURN(setter, function(property.setter_ref() - 1));
      VESTA_RETURN_IF_ERROR(check_owner(*setter, type));
    }
    VESTA_RETURN_IF_ERROR(check_owner(*getter, type));
    type.addProperty(string_of(property.name()), getter, setter);
  }
  return absl::OkStatus();
}

absl::Status NativeDecoder::fill_interface(c10::InterfaceType& type, const native::Declaration& in) {
  for (uint32_t i = 0; i < size_of(in.signatures()); ++i) {
    VESTA_ASSIGN_OR_RETURN(c10::FunctionSchema signature, schema(in.signatures()->Get(i)));
    if (type.getMethod(signature.name()) != nullptr) return damaged("an interface has a method twice");
    if (ir::leads_to(signature, type)) return damaged("an interface's method takes or returns the interface again");
    type.addMethod(std::move(signature));
  }
  return absl::OkStatus();
}

absl::Status NativeDecoder::declare_all() {
  for (uint32_t i = 0; i < declarations_.size(); ++i) VESTA_RETURN_IF_ERROR(declaration(i).status());
  VESTA_RETURN_IF_ERROR(make_functions());
  for (uint32_t i = 0; i < declarations_.size(); ++i) {
    const native::Declaration& in = *in_.declarations()->Get(i);
    if (auto* type = declarations_[i]->castRaw<c10::ClassType>()) VESTA_RETURN_IF_ERROR(fill_class(*type, in));
    if (auto* type = declarations_[i]->castRaw<c10::InterfaceType>()) VESTA_RETURN_IF_ERROR(fill_interface(*type, in));
  }
  classes_are_filled_ = true;
  return absl::OkStatus();
}

}  // namespace vesta::serialization
