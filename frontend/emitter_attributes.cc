// `base.name`: members of modules and namespaces, fields, attributes, methods, properties.

#include <ATen/core/enum_type.h>
#include <ATen/core/jit_type.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "frontend/builtin_sources.h"
#include "frontend/emitter.h"
#include "frontend/library_sources.h"
#include "frontend/names.h"
#include "ir/operator.h"
#include "ir/support/status.h"
#include "ir/support/suggestion.h"

namespace vesta::frontend {

using support::SourceRange;

absl::StatusOr<Sugar> Emitter::attribute(const Sugar& base, const std::string& name, const SourceRange& range) {
  switch (base.kind) {
    case Kind::kNamespace: {
      const std::string dotted = absl::StrCat(base.name, ".", name);
      if (auto value = constant_of_name(dotted)) return Sugar::of(constant(*value, range));
      if (dotted == "torch.classes") return Sugar::named(Kind::kQualified, "__torch__.torch.classes");
      if (const std::string library = library_class(dotted); !library.empty()) return qualified(library);
      Sugar member = namespace_member(base.name, name);
      if (member.is(Kind::kVoid)) return error(range, absl::StrCat("'", base.name, "' has no member '", name, "'"));
      return member;
    }
    case Kind::kQualified:
      return qualified(absl::StrCat(base.name, ".", name));
    case Kind::kConstants: {
      size_t index = 0;
      if (name.size() < 2 || name[0] != 'c' || !absl::SimpleAtoi(name.substr(1), &index) ||
          index >= unit_.constants().size()) {
        return error(range, absl::StrCat("the archive has no constant '", name, "'"));
      }
      return Sugar::of(constant(unit_.constants()[index], range));
    }
    case Kind::kType:
      return type_attribute(base, name, range);
    case Kind::kFunction:
      if (base.value == nullptr) return qualified(absl::StrCat(base.function->qualname().qualifiedName(), ".", name));
      break;
    case Kind::kTuple:
    case Kind::kValue: {
      VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(base, range));
      return value_attribute(value, name, range);
    }
    case Kind::kOperator: {
      // `torch.ops.aten.add.Tensor`, `torch.Tensor.add`
      Sugar member = namespace_member(base.name == "aten::Tensor" ? "torch" : "", name);
      if (!member.is(Kind::kVoid)) return member;
      break;
    }
    default:
      break;
  }
  return error(range, absl::StrCat(describe(base), " has no attribute '", name, "'"));
}

absl::StatusOr<Sugar> Emitter::qualified(const std::string& name) {
  VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr type, unit_.find_type(name));
  if (type != nullptr) return Sugar::of_type(type);
  VESTA_ASSIGN_OR_RETURN(ir::Function * function, unit_.find_function(name));
  if (function != nullptr) return Sugar::of_function(function);
  return Sugar::named(Kind::kQualified, name);
}

absl::StatusOr<Sugar> Emitter::type_attribute(const Sugar& base, const std::string& name, const SourceRange& range) {
  if (name == "__new__") return Sugar::of_type(base.type, Kind::kNew);
  if (const auto* enumeration = base.type->castRaw<c10::EnumType>()) {
    for (const c10::EnumNameValue& member : enumeration->enumNamesValues()) {
      if (member.first != name) continue;
      auto holder =
          c10::make_intrusive<c10::ivalue::EnumHolder>(base.type->cast<c10::EnumType>(), member.first, member.second);
      return Sugar::of(constant(c10::IValue(std::move(holder)), range, base.type));
    }
    std::vector<std::string> members;
    for (const c10::EnumNameValue& member : enumeration->enumNamesValues()) members.push_back(member.first);
    return error(range, absl::StrCat("enum '", type_text(*base.type), "' has no member '", name, "'",
                                     support::did_you_mean(name, members)));
  }
  if (const auto* type = base.type->castRaw<c10::ClassType>()) {
    VESTA_ASSIGN_OR_RETURN(ir::Function * function,
                           unit_.find_function(absl::StrCat(type->name()->qualifiedName(), ".", name)));
    if (function != nullptr) return Sugar::of_function(function);
    if (torch::jit::Function* own = type->findStaticMethod(name)) return Sugar::of_function(own);
    if (torch::jit::Function* own = type->findMethod(name)) return Sugar::of_function(own);
    if (torch::jit::Function* own = type->findHook(name)) return Sugar::of_function(own);
    if (type->hasConstant(name)) return Sugar::of(constant(type->getConstant(name), range));
    VESTA_ASSIGN_OR_RETURN(Sugar nested, qualified(absl::StrCat(type->name()->qualifiedName(), ".", name)));
    if (!nested.is(Kind::kQualified)) return nested;
  }
  if (base.type->kind() == c10::TypeKind::TensorType) return namespace_member("torch", name);
  return error(range, absl::StrCat("'", type_text(*base.type), "' has no member '", name, "'"));
}

namespace {

std::vector<std::string> members_of(const c10::ClassType& type) {
  std::vector<std::string> names;
  for (const c10::ClassAttribute& attribute : type.getAttributes()) names.push_back(attribute.getName());
  for (const c10::ClassType::Property& property : type.properties()) names.push_back(property.name);
  for (const torch::jit::Function* method : type.methods()) names.push_back(method->name());
  for (const std::string& constant : type.constantNames()) names.push_back(constant);
  return names;
}

bool takes(const c10::Argument& formal, const c10::TypePtr& type) {
  if (type->isSubtypeOf(*formal.type())) return true;
  c10::TypeEnv variables;
  return formal.type()->hasFreeVariables() && c10::matchTypeVariables(formal.type(), type, variables).success();
}

// What `name` may have been meant for: a field of a tuple, or an operator that takes such a value first.
std::vector<std::string> members_of_value(const c10::TypePtr& type, const std::string& name) {
  std::vector<std::string> names;
  if (const auto* tuple = type->castRaw<c10::TupleType>(); tuple != nullptr && tuple->schema() != nullptr) {
    for (const c10::Argument& field : tuple->schema()->arguments()) names.push_back(field.name());
  }
  constexpr size_t kTried = 20;
  const auto& catalog = ir::OperatorCatalog::standard();
  for (const std::string& close : support::closest_names(absl::StrCat("aten::", name), catalog.names(), kTried)) {
    for (const ir::Operator* op : catalog.candidates(close)) {
      const std::vector<c10::Argument>& arguments = op->schema.arguments();
      if (arguments.empty() || !takes(arguments[0], type)) continue;
      names.push_back(ir::display_name(close));
      break;
    }
  }
  return names;
}

}  // namespace

absl::StatusOr<Sugar> Emitter::object_attribute(ir::Value* base, const c10::ClassTypePtr& type, const std::string& name,
                                                const SourceRange& range) {
  if (c10::TypePtr attribute_type = type->findAttribute(name)) {
    ir::Value* value = insert_typed(ir::prim::GetAttr, {base}, std::move(attribute_type), range);
    value->node()->set(ir::attr::name, name);
    value->set_name(name);
    return Sugar::of(value);
  }
  if (torch::jit::Function* method = type->findMethod(name)) return Sugar::of_function(method, base);
  if (auto property = type->getProperty(name); property.has_value())
    return call_function(property->getter, base, {}, range);
  if (type->hasConstant(name)) return Sugar::of(constant(type->getConstant(name), range));
  if (torch::jit::Function* method = type->findStaticMethod(name)) return Sugar::of_function(method);
  if (torch::jit::Function* hook = type->findHook(name)) return Sugar::of_function(hook, base);
  return error(range,
               absl::StrCat(type->is_module() ? "module '" : "'", type_text(*type), "' has no attribute or method '",
                            name, "'", support::did_you_mean(name, members_of(*type))));
}

absl::StatusOr<Sugar> Emitter::value_attribute(ir::Value* base, const std::string& name, const SourceRange& range) {
  const c10::TypePtr& type = base->type();
  const std::string op = attribute_operator(*type, name);
  if (!op.empty()) {
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, call_operator(op, {base}, range));
    return Sugar::of(value);
  }
  switch (type->kind()) {
    case c10::TypeKind::TupleType: {
      const auto& tuple = type->expectRef<c10::TupleType>();
      if (tuple.schema() == nullptr) break;
      const auto& fields = tuple.schema()->arguments();
      for (size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].name() != name) continue;
        ir::Value* index = constant(static_cast<int64_t>(i), range);
        ir::Value* value = insert_typed(ir::prim::TupleIndex, {base, index}, tuple.elements()[i], range);
        value->set_name(name);
        return Sugar::of(value);
      }
      break;
    }
    case c10::TypeKind::ClassType:
      return object_attribute(base, type->cast<c10::ClassType>(), name, range);
    case c10::TypeKind::InterfaceType: {
      if (type->expectRef<c10::InterfaceType>().getMethod(name) != nullptr)
        return Sugar::named(Kind::kInterfaceMethod, name, base);
      return error(range, absl::StrCat("interface '", type_text(*type), "' has no method '", name, "'"));
    }
    case c10::TypeKind::EnumType: {
      if (name == "name") return Sugar::of(insert_typed(ir::prim::EnumName, {base}, c10::StringType::get(), range));
      if (name == "value")
        return Sugar::of(
            insert_typed(ir::prim::EnumValue, {base}, type->expectRef<c10::EnumType>().getValueType(), range));
      break;
    }
    case c10::TypeKind::AwaitType: {  // Using the value waits for it.
      VESTA_ASSIGN_OR_RETURN(ir::Value * value, call_operator("prim::awaitable_wait", {base}, range));
      return value_attribute(value, name, range);
    }
    case c10::TypeKind::OptionalType: {
      const auto& catalog = ir::OperatorCatalog::standard();
      if (catalog.candidates(absl::StrCat("aten::", name)).empty()) {
        return error(range, absl::StrCat("'", name, "' of a value of type '", type_text(*type),
                                         "': check that it is not None first"));
      }
      break;
    }
    default:
      break;
  }
  for (const char* prefix : {"aten::", "prim::"}) {
    const std::string candidate = absl::StrCat(prefix, name);
    if (!ir::OperatorCatalog::standard().candidates(candidate).empty() || !builtin_sources(candidate).empty())
      return Sugar::named(Kind::kOperator, candidate, base);
  }
  if (name == "tolist") return Sugar::named(Kind::kOperator, "prim::tolist", base);
  return error(range, absl::StrCat("a value of type '", type_text(*type), "' has no attribute or method '", name, "'",
                                   support::did_you_mean(name, members_of_value(type, name))));
}

bool Emitter::has_attribute(const Sugar& base, const std::string& name) {
  if (base.is(Kind::kValue)) {
    const c10::TypePtr type = unwrap_optional(base.value->type());
    if (const auto* object = type->castRaw<c10::ClassType>()) {
      auto* mutable_object = const_cast<c10::ClassType*>(object);
      return object->hasAttribute(name) || object->hasConstant(name) || object->findMethod(name) != nullptr ||
             mutable_object->getProperty(name).has_value();
    }
    if (const auto* interface_type = type->castRaw<c10::InterfaceType>())
      return interface_type->getMethod(name) != nullptr;
    if (const auto* tuple = type->castRaw<c10::TupleType>(); tuple != nullptr && tuple->schema() != nullptr) {
      return tuple->schema()->argumentIndexWithName(name).has_value();
    }
    return !attribute_operator(*type, name).empty() ||
           !ir::OperatorCatalog::standard().candidates(absl::StrCat("aten::", name)).empty();
  }
  if (base.is(Kind::kType)) {
    if (const auto* object = base.type->castRaw<c10::ClassType>())
      return object->findMethod(name) != nullptr || object->hasConstant(name);
  }
  return false;
}

}  // namespace vesta::frontend
