// A worklist of (value, type) pairs. Lists and dicts are changed in place. Tuples are immutable: where
// a NamedTuple is declared, a new tuple with its name takes the place of the plain one that files have.
// Pairs of a container and a type are visited once, so sharing costs nothing.

#include "serialization/conform.h"

#include <utility>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;
using c10::Type;
using c10::TypeKind;
using c10::TypePtr;

// Whether the outermost layer of a value fits; containers' elements are left to the worklist.
bool fits_outside(const IValue& value, const Type& type);

bool fits_list(const IValue& value, const Type& type) {
  if (!value.isList()) return false;
  const TypePtr has = value.toList().elementType();
  const TypePtr& wants = type.castRaw<c10::ListType>()->getElementType();
  return has->kind() == TypeKind::AnyType || wants->kind() == TypeKind::AnyType || *has == *wants ||
         has->isSubtypeOf(*wants);
}

bool fits_dict(const IValue& value, const Type& type) {
  if (!value.isGenericDict()) return false;
  const auto dict = value.toGenericDict();
  const auto* wants = type.castRaw<c10::DictType>();
  const auto agrees = [](const TypePtr& has, const TypePtr& want) {
    return has->kind() == TypeKind::AnyType || *has == *want || has->isSubtypeOf(*want);
  };
  return agrees(dict.keyType(), wants->getKeyType()) && agrees(dict.valueType(), wants->getValueType());
}

bool fits_tuple(const IValue& value, const Type& type) {
  return value.isTuple() && value.toTupleRef().size() == type.castRaw<c10::TupleType>()->elements().size();
}

bool fits_object(const IValue& value, const Type& type) {
  if (!value.isObject()) return false;
  const auto has = value.toObjectRef().type();
  return has.get() == &type || has->isSubtypeOf(type);
}

bool fits_union(const IValue& value, const Type& type) {
  for (const TypePtr& member : type.castRaw<c10::UnionType>()->containedTypes()) {
    if (fits_outside(value, *member)) return true;
  }
  return false;
}

bool fits_outside(const IValue& value, const Type& type) {
  switch (type.kind()) {
    case TypeKind::AnyType:
      return true;
    case TypeKind::NoneType:
      return value.isNone();
    case TypeKind::TensorType:
      return value.isTensor();
    case TypeKind::IntType:
      return value.isInt();
    case TypeKind::FloatType:
      return value.isDouble();
    case TypeKind::BoolType:
      return value.isBool();
    case TypeKind::ComplexType:
      return value.isComplexDouble();
    case TypeKind::NumberType:
      return value.isInt() || value.isDouble() || value.isComplexDouble();
    case TypeKind::StringType:
      return value.isString();
    case TypeKind::DeviceObjType:
      return value.isDevice();
    case TypeKind::GeneratorType:
      return value.isGenerator();
    case TypeKind::StorageType:
      return value.isStorage();
    case TypeKind::QSchemeType:
    case TypeKind::LayoutType:
    case TypeKind::ScalarTypeType:
    case TypeKind::MemoryFormatType:
      return value.isInt();
    case TypeKind::OptionalType: {
      if (value.isNone()) return true;
      return fits_outside(value, *type.castRaw<c10::OptionalType>()->getElementType());
    }
    case TypeKind::UnionType:
      return fits_union(value, type);
    case TypeKind::ListType:
      return fits_list(value, type);
    case TypeKind::DictType:
      return fits_dict(value, type);
    case TypeKind::TupleType:
      return fits_tuple(value, type);
    case TypeKind::AnyListType:
      return value.isList();
    case TypeKind::AnyTupleType:
      return value.isTuple();
    case TypeKind::ClassType:
    case TypeKind::AnyClassType:
    case TypeKind::InterfaceType:
      return fits_object(value, type);
    case TypeKind::EnumType:
      return value.isEnum() && *value.toEnumHolder()->type() == type;
    case TypeKind::AnyEnumType:
      return value.isEnum();
    default:
      return false;
  }
}

// The member of an optional or union that a value takes; the type itself for all others.
TypePtr chosen_member(const IValue& value, const TypePtr& type) {
  if (const auto* optional = type->castRaw<c10::OptionalType>()) {
    return value.isNone() ? c10::NoneType::get() : chosen_member(value, optional->getElementType());
  }
  if (const auto* members = type->castRaw<c10::UnionType>()) {
    TypePtr first;
    for (const TypePtr& member : members->containedTypes()) {
      if (!fits_outside(value, *member)) continue;
      // A container that says its type takes just that member.
      const bool exact = (value.isList() && member->kind() == TypeKind::ListType &&
                          *value.toList().elementType() == *member->castRaw<c10::ListType>()->getElementType()) ||
                         (value.isTuple() && member->kind() == TypeKind::TupleType && !is_untyped(value));
      if (exact) return member;
      if (!first) first = member;
    }
    return first ? first : type;
  }
  return type;
}

struct Pair {
  IValue value;
  TypePtr type;
};

class Conformer {
 public:
  Conformer(std::string_view where, const Limits& limits) : where_(where), limits_(limits) {}

  absl::Status run(IValue& value, const TypePtr& type) {
    pairs_.push_back({value, type});
    while (!pairs_.empty()) {
      if (++steps_ > limits_.pickle_nodes) {
        return absl::ResourceExhaustedError(
            absl::StrFormat("%s has more values than the limit 'pickle_nodes', %d", where_, limits_.pickle_nodes));
      }
      const Pair pair = std::move(pairs_.back());
      pairs_.pop_back();
      VESTA_RETURN_IF_ERROR(step(pair));
    }
    value = named(value, type);
    return absl::OkStatus();
  }

 private:
  absl::Status step(const Pair& pair) {
    if (!fits_outside(pair.value, *pair.type)) {
      return absl::DataLossError(absl::StrFormat("%s is declared '%s', but the file has %s", where_,
                                                 printable(pair.type->annotation_str()), describe(pair.value)));
    }
    const TypePtr type = chosen_member(pair.value, pair.type);
    if (pair.value.isList() && type->kind() == TypeKind::ListType) return step_list(pair.value, type);
    if (pair.value.isGenericDict() && type->kind() == TypeKind::DictType) return step_dict(pair.value, type);
    if (pair.value.isTuple() && type->kind() == TypeKind::TupleType) return step_tuple(pair.value, type);
    return absl::OkStatus();
  }

  bool seen(const IValue& value, const TypePtr& type) {
    return !seen_.insert({value.internalToPointer(), type.get()}).second;
  }

  absl::Status step_list(const IValue& value, const TypePtr& type) {
    if (seen(value, type)) return absl::OkStatus();
    const TypePtr& element = type->castRaw<c10::ListType>()->getElementType();
    value.toList().unsafeSetElementType(element);
    const bool name = holds_name(*element);
    auto list = value.toList();
    for (size_t i = 0; i < list.size(); ++i) {
      const IValue inner = list.get(i);
      pairs_.push_back({inner, element});
      // A tuple that does not fit is met by the worklist.
      if (name && fits_outside(inner, *element)) list.set(i, named(inner, element));
    }
    return absl::OkStatus();
  }

  absl::Status step_dict(const IValue& value, const TypePtr& type) {
    if (seen(value, type)) return absl::OkStatus();
    const auto* dict_type = type->castRaw<c10::DictType>();
    auto dict = value.toGenericDict();
    dict.unsafeSetKeyType(dict_type->getKeyType());
    dict.unsafeSetValueType(dict_type->getValueType());
    const bool name = holds_name(*dict_type->getValueType());
    for (const auto& item : dict) {
      pairs_.push_back({item.key(), dict_type->getKeyType()});
      pairs_.push_back({item.value(), dict_type->getValueType()});
      if (name && fits_outside(item.value(), *dict_type->getValueType())) {
        item.setValue(named(item.value(), dict_type->getValueType()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status step_tuple(const IValue& value, const TypePtr& type) {
    if (seen(value, type)) return absl::OkStatus();
    const auto elements = type->castRaw<c10::TupleType>()->elements();
    for (size_t i = 0; i < elements.size(); ++i) pairs_.push_back({value.toTupleRef().elements()[i], elements[i]});
    return absl::OkStatus();
  }

  // `value` with the names that `type` gives to tuples, down to the next list or dict. Recursion is
  // bounded by the depth of the type.
  static IValue named(const IValue& value, const TypePtr& declared) {
    if (!value.isTuple()) return value;
    const TypePtr type = chosen_member(value, declared);
    const auto tuple_type = type->cast<c10::TupleType>();
    if (!tuple_type || !holds_name(*tuple_type)) return value;
    std::vector<IValue> elements = value.toTupleRef().elements().vec();
    if (elements.size() != tuple_type->elements().size()) return value;
    for (size_t i = 0; i < elements.size(); ++i) elements[i] = named(elements[i], tuple_type->elements()[i]);
    return tuple_type->name() ? IValue(c10::ivalue::Tuple::createNamed(std::move(elements), tuple_type))
                              : IValue(c10::ivalue::Tuple::create(std::move(elements)));
  }

  // Whether a tuple of this type or a tuple in it has a name.
  static bool holds_name(const Type& type) {
    if (const auto* tuple = type.castRaw<c10::TupleType>()) {
      if (tuple->name()) return true;
      for (const TypePtr& element : tuple->elements()) {
        if (holds_name(*element)) return true;
      }
      return false;
    }
    if (const auto* optional = type.castRaw<c10::OptionalType>()) return holds_name(*optional->getElementType());
    if (const auto* members = type.castRaw<c10::UnionType>()) {
      for (const TypePtr& member : members->containedTypes()) {
        if (holds_name(*member)) return true;
      }
    }
    return false;
  }

  // IValue::type() would walk a whole tuple, without bounds.
  static std::string describe(const IValue& value) {
    if (value.isObject()) return absl::StrFormat("an object of '%s'", value.toObjectRef().name());
    if (value.isList()) {
      return absl::StrFormat("a list of '%s'", printable(value.toList().elementType()->annotation_str()));
    }
    return value.tagKind();
  }

  std::string_view where_;
  const Limits& limits_;
  std::vector<Pair> pairs_;
  absl::flat_hash_set<std::pair<const void*, const Type*>> seen_;
  int64_t steps_ = 0;
};

}  // namespace

bool is_untyped(const IValue& value) {
  if (value.isList()) return value.toList().elementType()->kind() == TypeKind::AnyType;
  if (value.isGenericDict()) return value.toGenericDict().valueType()->kind() == TypeKind::AnyType;
  return value.isTuple();
}

absl::Status conform(IValue& value, const TypePtr& type, std::string_view where, const Limits& limits) {
  // Most values have no parts.
  const bool has_parts = value.isList() || value.isGenericDict() || value.isTuple();
  if (!has_parts && fits_outside(value, *type)) return absl::OkStatus();
  return Conformer(where, limits).run(value, type);
}

}  // namespace vesta::serialization
