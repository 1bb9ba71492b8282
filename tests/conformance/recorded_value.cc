#include "tests/conformance/recorded_value.h"

#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>

namespace vesta::conformance {
namespace {

// The tags and, where there are several elements, the class's name stand first.
bool tagged(const c10::IValue& value, const char* tag) {
  if (!value.isTuple() || value.toTupleRef().elements().empty()) return false;
  const c10::IValue& first = value.toTupleRef().elements()[0];
  return first.isString() && first.toStringRef() == tag;
}

bool is_tagged(const c10::IValue& value) {
  return tagged(value, "__object__") || tagged(value, "__enum__") || tagged(value, "__module__");
}

c10::IValue part(const c10::IValue& tuple, size_t i) { return tuple.toTupleRef().elements().at(i); }

// Lists and tuples alike: older recordings use either.
std::vector<c10::IValue> items(const c10::IValue& value) {
  if (value.isTuple()) return value.toTupleRef().elements().vec();
  if (value.isList()) return value.toListRef().vec();
  return {};
}

// The declared type where it is of this kind, else the type that the recording names.
template <class T>
std::shared_ptr<T> type_of(const c10::IValue& recorded, const c10::TypePtr& declared, const Types& types) {
  if (auto type = declared->cast<T>()) return type;
  for (const c10::TypePtr& member : declared->containedTypes()) {
    if (auto type = member->cast<T>(); type && type->name()->qualifiedName() == part(recorded, 1).toStringRef())
      return type;
  }
  const absl::StatusOr<c10::NamedTypePtr> named = types.find(part(recorded, 1).toStringRef());
  return named.ok() ? (*named)->cast<T>() : nullptr;
}

c10::IValue object(const c10::IValue& recorded, const c10::TypePtr& declared, const Types& types) {
  const auto type = type_of<c10::ClassType>(recorded, declared, types);
  if (type == nullptr) return recorded;
  auto result = c10::ivalue::Object::create(c10::StrongTypePtr(type->compilation_unit(), type), type->numAttributes());
  const std::vector<c10::IValue> names = items(part(recorded, 2));
  const std::vector<c10::IValue> values = items(part(recorded, 3));
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i].toStringRef();
    if (type->hasAttribute(name)) result->setAttr(name, argument(values.at(i), type->getAttribute(name), types));
  }
  return result;
}

c10::IValue enum_member(const c10::IValue& recorded, const c10::TypePtr& declared, const Types& types) {
  const auto type = type_of<c10::EnumType>(recorded, declared, types);
  if (type == nullptr) return recorded;
  return c10::IValue(
      c10::make_intrusive<c10::ivalue::EnumHolder>(type, part(recorded, 2).toStringRef(), part(recorded, 3)));
}

c10::IValue tuple(const c10::IValue& recorded, const c10::TupleTypePtr& type, const Types& types) {
  std::vector<c10::IValue> elements = items(recorded);
  if (elements.size() != type->elements().size()) return recorded;
  for (size_t i = 0; i < elements.size(); ++i) elements[i] = argument(elements[i], type->elements()[i], types);
  return type->schema() ? c10::ivalue::Tuple::createNamed(std::move(elements), type)
                        : c10::ivalue::Tuple::create(std::move(elements));
}

// Python's border takes the number out of a tensor where a number is declared.
c10::IValue number(const c10::IValue& recorded, const c10::TypePtr& type) {
  const at::Tensor& tensor = recorded.toTensor();
  if (!tensor.defined() || tensor.numel() != 1) return recorded;
  if (type->kind() == c10::TypeKind::IntType && at::isIntegralType(tensor.scalar_type(), false))
    return tensor.item().toLong();
  if (type->kind() == c10::TypeKind::FloatType && !tensor.is_complex()) return tensor.item().toDouble();
  return recorded;
}

c10::IValue plain_elements(std::vector<c10::IValue> values, bool erase) {
  for (c10::IValue& value : values) value = plain(value, erase);
  return c10::ivalue::Tuple::create(std::move(values));
}

c10::IValue plain_object(const c10::ivalue::Object& value, bool erase) {
  if (value.type()->is_module()) return c10::ivalue::Tuple::create({"__module__", ""});
  std::vector<c10::IValue> names;
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < value.type()->numAttributes(); ++i) {
    names.emplace_back(value.type()->getAttributeName(i));
    values.push_back(value.getSlot(i));
  }
  return c10::ivalue::Tuple::create(
      {"__object__", "", c10::ivalue::Tuple::create(std::move(names)), plain_elements(std::move(values), erase)});
}

}  // namespace

c10::IValue argument(const c10::IValue& recorded, const c10::TypePtr& type, const Types& types) {
  if (recorded.isNone()) return recorded;
  if (recorded.isTensor()) return number(recorded, type);
  if (tagged(recorded, "__object__")) return object(recorded, type, types);
  if (tagged(recorded, "__enum__")) return enum_member(recorded, type, types);
  if (auto optional = type->cast<c10::OptionalType>()) return argument(recorded, optional->getElementType(), types);
  if (auto tuple_type = type->cast<c10::TupleType>(); tuple_type && recorded.isTuple())
    return tuple(recorded, tuple_type, types);
  if (auto list_type = type->cast<c10::ListType>(); list_type && recorded.isList()) {
    c10::impl::GenericList elements(list_type->getElementType());
    for (const c10::IValue& element : items(recorded))
      elements.push_back(argument(element, list_type->getElementType(), types));
    return elements;
  }
  if (auto dict_type = type->cast<c10::DictType>(); dict_type && recorded.isGenericDict()) {
    c10::impl::GenericDict entries(dict_type->getKeyType(), dict_type->getValueType());
    for (const auto& entry : recorded.toGenericDict()) {
      entries.insert(argument(entry.key(), dict_type->getKeyType(), types),
                     argument(entry.value(), dict_type->getValueType(), types));
    }
    return entries;
  }
  return recorded;
}

c10::IValue plain(const c10::IValue& value, bool erase) {
  if (value.isTensor()) {
    if (!value.toTensor().defined()) return {};  // None in Python, where recordings are made.
    return erase ? at::zeros_like(value.toTensor()) : value;
  }
  if (value.isTuple()) {
    std::vector<c10::IValue> elements = items(value);
    if (is_tagged(value)) elements.at(1) = "";
    return plain_elements(std::move(elements), erase);
  }
  if (value.isEnum()) {
    const auto holder = value.toEnumHolder();
    return c10::ivalue::Tuple::create({"__enum__", "", holder->name(), plain(holder->value(), erase)});
  }
  if (value.isObject()) return plain_object(value.toObjectRef(), erase);
  if (value.isFuture()) {
    value.toFuture()->wait();
    return plain(value.toFuture()->value(), erase);
  }
  if (value.isList()) {
    c10::impl::GenericList list(c10::AnyType::get());
    for (const c10::IValue& element : items(value)) list.push_back(plain(element, erase));
    return list;
  }
  if (value.isGenericDict()) {
    c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
    for (const auto& entry : value.toGenericDict()) dict.insert(plain(entry.key(), erase), plain(entry.value(), erase));
    return dict;
  }
  return value;
}

}  // namespace vesta::conformance
