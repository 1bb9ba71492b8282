#include "runtime/objects.h"

#include "ir/program.h"

namespace vesta::runtime {

using c10::IValue;
using c10::TypeKind;

IValue make_dict(const c10::Type& type, std::span<IValue> elements) {
  const auto& dict_type = type.expectRef<c10::DictType>();
  c10::impl::GenericDict dict(dict_type.getKeyType(), dict_type.getValueType());
  dict.reserve(elements.size() / 2);
  for (size_t i = 0; i + 1 < elements.size(); i += 2) {
    dict.insert_or_assign(std::move(elements[i]), std::move(elements[i + 1]));
  }
  return dict;
}

IValue make_tuple(const c10::TypePtr& type, std::span<IValue> elements) {
  using c10::ivalue::Tuple;
  auto tuple_type = type->cast<c10::TupleType>();
  if (tuple_type != nullptr && tuple_type->schema() != nullptr) {
    std::vector<IValue> moved(std::make_move_iterator(elements.begin()), std::make_move_iterator(elements.end()));
    return Tuple::createNamed(std::move(moved), std::move(tuple_type));
  }
  switch (elements.size()) {
    case 1:
      return Tuple::create(std::move(elements[0]));
    case 2:
      return Tuple::create(std::move(elements[0]), std::move(elements[1]));
    case 3:
      return Tuple::create(std::move(elements[0]), std::move(elements[1]), std::move(elements[2]));
    default:
      break;
  }
  return Tuple::create(
      std::vector<IValue>(std::make_move_iterator(elements.begin()), std::make_move_iterator(elements.end())));
}

IValue make_object(const c10::TypePtr& type, const ir::Program* program) {
  auto class_type = type->expect<c10::ClassType>();
  std::shared_ptr<torch::jit::CompilationUnit> owner = class_type->compilation_unit();
  if (owner == nullptr && program != nullptr) owner = const_cast<ir::Program*>(program)->compilation_unit();
  const size_t attributes = class_type->numAttributes();
  return c10::ivalue::Object::create(c10::StrongTypePtr(std::move(owner), std::move(class_type)), attributes);
}

bool is_instance(const IValue& value, const c10::Type& type) {
  switch (type.kind()) {
    case TypeKind::AnyType:
      return true;
    case TypeKind::TensorType:
      return value.isTensor();
    case TypeKind::IntType:
      return value.isInt();
    case TypeKind::FloatType:
      return value.isDouble();
    case TypeKind::BoolType:
      return value.isBool();
    case TypeKind::StringType:
      return value.isString();
    case TypeKind::NoneType:
      return value.isNone();
    case TypeKind::NumberType:
      return value.isScalar();
    case TypeKind::ComplexType:
      return value.isComplexDouble();
    case TypeKind::AnyListType:
      return value.isList();
    case TypeKind::AnyTupleType:
      return value.isTuple();
    case TypeKind::OptionalType: {
      return value.isNone() || is_instance(value, *type.expectRef<c10::OptionalType>().getElementType());
    }
    case TypeKind::TupleType: {
      const auto& tuple_type = type.expectRef<c10::TupleType>();
      if (!value.isTuple()) return false;
      if (tuple_type.schema() != nullptr) break;
      const auto& elements = value.toTupleRef().elements();
      if (elements.size() != tuple_type.elements().size()) return false;
      for (size_t i = 0; i < elements.size(); ++i) {
        if (!is_instance(elements[i], *tuple_type.elements()[i])) return false;
      }
      return true;
    }
    default:
      break;
  }
  return value.type()->isSubtypeOf(type);
}

}  // namespace vesta::runtime
