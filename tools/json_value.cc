#include "tools/json_value.h"

#include <cmath>
#include <utility>
#include <vector>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/function_schema.h>
#include <vesta/value.h>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "serialization/tensor_builder.h"

namespace vesta::tools {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kMaxDepth = 64;

std::string shortened(const json& value) {
  std::string text = value.dump();
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return text;
}

absl::Status does_not_fit(const json& value, const c10::TypePtr& type) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", type->annotation_str(), ", got ", shortened(value)));
}

// --- To tensors.

struct Elements {
  std::vector<int64_t> sizes;
  std::vector<json> numbers;  // in row-major order
};

absl::Status flatten(const json& value, size_t depth, Elements& into) {
  if (depth > kMaxDepth) return absl::InvalidArgumentError("arrays nest too deep for a tensor");
  if (!value.is_array()) {
    if (!value.is_number() && !value.is_boolean()) {
      return absl::InvalidArgumentError(absl::StrCat("expected a number for a tensor, got ", shortened(value)));
    }
    if (depth != into.sizes.size()) return absl::InvalidArgumentError("the rows of a tensor differ in depth");
    into.numbers.push_back(value);
    return absl::OkStatus();
  }
  if (depth == into.sizes.size() && into.numbers.empty()) {
    into.sizes.push_back(static_cast<int64_t>(value.size()));
  } else if (depth >= into.sizes.size() || into.sizes[depth] != static_cast<int64_t>(value.size())) {
    return absl::InvalidArgumentError("the rows of a tensor differ in length");
  }
  for (const json& item : value) VESTA_RETURN_IF_ERROR(flatten(item, depth + 1, into));
  return absl::OkStatus();
}

c10::ScalarType element_type(const std::vector<json>& numbers) {
  bool all_bool = !numbers.empty();
  bool all_int = !numbers.empty();
  for (const json& number : numbers) {
    all_bool = all_bool && number.is_boolean();
    all_int = all_int && number.is_number_integer();
  }
  return all_bool ? c10::kBool : all_int ? c10::kLong : c10::kFloat;
}

template <class T>
void store(const std::vector<json>& numbers, const at::Tensor& tensor) {
  T* data = tensor.mutable_data_ptr<T>();
  for (const json& number : numbers) {
    *data++ = number.is_boolean() ? static_cast<T>(number.get<bool>()) : static_cast<T>(number.get<double>());
  }
}

absl::StatusOr<c10::IValue> to_tensor(const json& value, const c10::TypePtr&) {
  Elements elements;
  VESTA_RETURN_IF_ERROR(flatten(value, 0, elements));
  const c10::ScalarType type = element_type(elements.numbers);
  VESTA_ASSIGN_OR_RETURN(const at::Tensor tensor, serialization::make_contiguous_tensor(type, elements.sizes));
  if (type == c10::kBool) {
    store<bool>(elements.numbers, tensor);
  } else if (type == c10::kLong) {
    int64_t* data = tensor.mutable_data_ptr<int64_t>();  // not through double, which does not hold them all
    for (const json& number : elements.numbers) *data++ = number.get<int64_t>();
  } else {
    store<float>(elements.numbers, tensor);
  }
  return c10::IValue(tensor);
}

// --- To other values.

absl::StatusOr<c10::IValue> to_list(const json& value, const c10::TypePtr& type) {
  if (!value.is_array()) return does_not_fit(value, type);
  const c10::TypePtr element = type->containedType(0);
  c10::impl::GenericList list(element);
  for (const json& item : value) {
    VESTA_ASSIGN_OR_RETURN(c10::IValue converted, value_of_json(item, element));
    list.push_back(std::move(converted));
  }
  return c10::IValue(list);
}

absl::StatusOr<c10::IValue> to_dict(const json& value, const c10::TypePtr& type) {
  if (!value.is_object()) return does_not_fit(value, type);
  const c10::TypePtr key_type = type->containedType(0);
  c10::impl::GenericDict dict(key_type, type->containedType(1));
  for (const auto& [name, item] : value.items()) {
    // JSON's keys are strings; those of other types are written as JSON in them.
    const json key = key_type->kind() == c10::TypeKind::StringType
                         ? json(name)
                         : json::parse(name, nullptr, /*allow_exceptions=*/false);
    if (key.is_discarded()) return does_not_fit(json(name), key_type);
    VESTA_ASSIGN_OR_RETURN(c10::IValue converted_key, value_of_json(key, key_type));
    VESTA_ASSIGN_OR_RETURN(c10::IValue converted, value_of_json(item, type->containedType(1)));
    dict.insert_or_assign(std::move(converted_key), std::move(converted));
  }
  return c10::IValue(dict);
}

absl::StatusOr<c10::IValue> to_tuple(const json& value, const c10::TypePtr& type) {
  const auto tuple = type->expect<c10::TupleType>();
  const auto schema = tuple->schema();
  std::vector<c10::IValue> items;
  for (size_t i = 0; i < tuple->elements().size(); ++i) {
    const json* item = nullptr;
    if (value.is_array() && value.size() == tuple->elements().size()) {
      item = &value[i];
    } else if (schema != nullptr && value.is_object()) {
      const auto it = value.find(schema->arguments()[i].name());
      if (it != value.end()) item = &*it;
    }
    if (item == nullptr) return does_not_fit(value, type);
    VESTA_ASSIGN_OR_RETURN(c10::IValue converted, value_of_json(*item, tuple->elements()[i]));
    items.push_back(std::move(converted));
  }
  if (schema != nullptr) return c10::IValue(c10::ivalue::Tuple::createNamed(std::move(items), tuple));
  return c10::IValue(c10::ivalue::Tuple::create(std::move(items)));
}

absl::StatusOr<c10::IValue> to_union(const json& value, const c10::TypePtr& type) {
  if (value.is_null()) return c10::IValue();
  absl::Status last = does_not_fit(value, type);
  for (const c10::TypePtr& member : type->expect<c10::UnionType>()->containedTypes()) {
    if (member->kind() == c10::TypeKind::NoneType) continue;
    absl::StatusOr<c10::IValue> converted = value_of_json(value, member);
    if (converted.ok()) return converted;
    last = converted.status();
  }
  return last;
}

// What the JSON itself suggests.
absl::StatusOr<c10::IValue> to_any(const json& value, const c10::TypePtr& type) {
  if (value.is_null()) return c10::IValue();
  if (value.is_boolean()) return c10::IValue(value.get<bool>());
  if (value.is_number_integer()) return c10::IValue(value.get<int64_t>());
  if (value.is_number()) return c10::IValue(value.get<double>());
  if (value.is_string()) return c10::IValue(value.get<std::string>());
  if (value.is_array()) return to_list(value, c10::ListType::create(type));
  return to_dict(value, c10::DictType::create(c10::StringType::get(), type));
}

absl::StatusOr<c10::IValue> to_plain(const json& value, const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::IntType:
      if (value.is_number_integer()) return c10::IValue(value.get<int64_t>());
      break;
    case c10::TypeKind::FloatType:
      if (value.is_number()) return c10::IValue(value.get<double>());
      break;
    case c10::TypeKind::NumberType:
      if (value.is_number()) return to_any(value, type);
      break;
    case c10::TypeKind::BoolType:
      if (value.is_boolean()) return c10::IValue(value.get<bool>());
      break;
    case c10::TypeKind::StringType:
      if (value.is_string()) return c10::IValue(value.get<std::string>());
      break;
    case c10::TypeKind::NoneType:
      if (value.is_null()) return c10::IValue();
      break;
    case c10::TypeKind::DeviceObjType:
      if (value.is_string()) return c10::IValue(c10::Device(value.get<std::string>()));
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("a value of type ", type->annotation_str(), " cannot be given as JSON"));
  }
  return does_not_fit(value, type);
}

// --- From values.

ordered_json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

// The sub-tensor at `index`, element by element.
ordered_json tensor_rows(const at::Tensor& tensor) {
  if (tensor.dim() > 0) {
    ordered_json rows = ordered_json::array();
    for (int64_t i = 0; i < tensor.size(0); ++i) rows.push_back(tensor_rows(tensor.select(0, i)));
    return rows;
  }
  const c10::Scalar scalar = tensor.item();
  if (scalar.isBoolean()) return scalar.toBool();
  if (scalar.isIntegral(false)) return scalar.toLong();
  if (scalar.isComplex()) {
    const c10::complex<double> value = scalar.toComplexDouble();
    return ordered_json::array({number(value.real()), number(value.imag())});
  }
  // A float32 is written with the digits that it has, not with those of its double.
  if (tensor.scalar_type() == c10::kFloat) {
    const double exact = scalar.toDouble();
    return std::isfinite(exact) ? ordered_json(std::stod(absl::StrCat(static_cast<float>(exact)))) : number(exact);
  }
  return number(scalar.toDouble());
}

absl::StatusOr<ordered_json> fields(const std::vector<std::string>& names, const std::vector<c10::IValue>& values) {
  ordered_json result = ordered_json::object();
  for (size_t i = 0; i < names.size(); ++i) {
    VESTA_ASSIGN_OR_RETURN(result[names[i]], json_of_value(values[i]));
  }
  return result;
}

absl::StatusOr<ordered_json> from_sequence(const c10::IValue& value) {
  std::vector<c10::IValue> items;
  std::vector<std::string> names;
  if (value.isList()) {
    items = value.toListRef().vec();
  } else {
    items.assign(value.toTupleRef().elements().begin(), value.toTupleRef().elements().end());
    if (const auto schema = value.type()->expect<c10::TupleType>()->schema()) {
      for (const c10::Argument& argument : schema->arguments()) names.push_back(argument.name());
    }
  }
  if (!names.empty()) return fields(names, items);
  ordered_json result = ordered_json::array();
  for (const c10::IValue& item : items) {
    VESTA_ASSIGN_OR_RETURN(ordered_json converted, json_of_value(item));
    result.push_back(std::move(converted));
  }
  return result;
}

absl::StatusOr<ordered_json> from_dict(const c10::IValue& value) {
  ordered_json result = ordered_json::object();
  for (const auto& entry : value.toGenericDict()) {
    VESTA_ASSIGN_OR_RETURN(const ordered_json key, json_of_value(entry.key()));
    VESTA_ASSIGN_OR_RETURN(result[key.is_string() ? key.get<std::string>() : key.dump()], json_of_value(entry.value()));
  }
  return result;
}

absl::StatusOr<ordered_json> from_object(const c10::IValue& value) {
  const c10::ivalue::Object& object = value.toObjectRef();
  std::vector<std::string> names;
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < std::min(object.type()->numAttributes(), object.slots().size()); ++i) {
    names.push_back(object.type()->getAttributeName(i));
    values.push_back(object.getSlot(i));
  }
  return fields(names, values);
}

}  // namespace

absl::StatusOr<c10::IValue> value_of_json(const json& value, const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::AnyType:
      return to_any(value, type);
    case c10::TypeKind::TensorType:
      return to_tensor(value, type);
    case c10::TypeKind::ListType:
      return to_list(value, type);
    case c10::TypeKind::DictType:
      return to_dict(value, type);
    case c10::TypeKind::TupleType:
      return to_tuple(value, type);
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::UnionType:
      return to_union(value, type);
    default:
      return to_plain(value, type);
  }
}

absl::StatusOr<ordered_json> json_of_value(const c10::IValue& value) {
  if (value.isNone()) return ordered_json(nullptr);
  if (value.isBool()) return ordered_json(value.toBool());
  if (value.isInt()) return ordered_json(value.toInt());
  if (value.isDouble()) return number(value.toDouble());
  if (value.isComplexDouble()) {
    return ordered_json::array({number(value.toComplexDouble().real()), number(value.toComplexDouble().imag())});
  }
  if (value.isString()) return ordered_json(value.toStringRef());
  if (value.isDevice()) return ordered_json(value.toDevice().str());
  if (value.isEnum()) return ordered_json(value.toEnumHolder()->name());
  if (value.isTensor()) {
    at::Tensor tensor = value.toTensor();
    if (!tensor.defined()) return ordered_json(nullptr);
    tensor = tensor.detach();
    if (tensor.is_quantized()) tensor = tensor.dequantize();
    return tensor_rows(tensor.cpu());
  }
  if (value.isList() || value.isTuple()) return from_sequence(value);
  if (value.isGenericDict()) return from_dict(value);
  if (value.isObject() && !value.toObjectRef().type()->is_module()) return from_object(value);
  return absl::InvalidArgumentError(absl::StrCat("a value of type ", vesta::type_name(value), " has no form in JSON"));
}

}  // namespace vesta::tools
