// Led by the type, so that `[]` has an element type and `"cpu"` may be a device. Where the type leaves it open
// (Scalar, Any, a union) the text decides among plain values.

#include "ir/constant_reader.h"

#include <optional>
#include <string>
#include <utility>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/enum_type.h>
#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"

namespace vesta::ir {

bool can_be_dict_key(const c10::IValue& value) {
  return value.isInt() || value.isBool() || value.isDouble() || value.isComplexDouble() || value.isString() ||
         value.isTensor() || value.isDevice();
}

absl::StatusOr<c10::IValue> ConstantReader::read(const c10::TypePtr& type) {
  text_.skip_blanks();
  const size_t begin = text_.position();
  if (attempts_left_ == 0) return text_.expected("a constant of a simpler type");
  --attempts_left_;
  VESTA_ASSIGN_OR_RETURN(c10::IValue value, read_kind(type));
  if (value.isTensor() && type->kind() == c10::TypeKind::TensorType) return value;  // its shape may be declared
  if (!value.isTensor() && value.type()->isSubtypeOf(*type)) return value;
  if (value.isTensor() && c10::TensorType::get()->isSubtypeOf(*type)) return value;
  return support::error_at(text_.range_from(begin),
                           absl::StrCat("this constant is of type '", value.isTensor() ? "Tensor" : value.type()->str(),
                                        "', expected '", type->str(), "'"));
}

absl::StatusOr<c10::IValue> ConstantReader::read_kind(const c10::TypePtr& type) {
  if (text_.peek("None")) {
    text_.take("None");
    return c10::IValue();
  }
  switch (type->kind()) {
    case c10::TypeKind::OptionalType:
      return read(type->castRaw<c10::OptionalType>()->getElementType());
    case c10::TypeKind::UnionType:
      return read_member(*type->castRaw<c10::UnionType>());
    case c10::TypeKind::ListType:
      return read_list(*type->castRaw<c10::ListType>());
    case c10::TypeKind::TupleType:
      return read_tuple(type->cast<c10::TupleType>());
    case c10::TypeKind::DictType:
      return read_dict(*type->castRaw<c10::DictType>());
    case c10::TypeKind::EnumType:
      return read_enum(type);
    case c10::TypeKind::DeviceObjType:
      return read_device();
    case c10::TypeKind::ComplexType:
      return read_complex();
    case c10::TypeKind::TensorType:
      return read_tensor();
    default:
      return read_plain();
  }
}

absl::StatusOr<c10::IValue> ConstantReader::read_plain() {
  if (text_.take("True")) return c10::IValue(true);
  if (text_.take("False")) return c10::IValue(false);
  if (text_.peek("<Tensor")) return read_tensor();
  if (text_.peek("(")) return read_complex();
  if (text_.peek("\"")) {
    VESTA_ASSIGN_OR_RETURN(std::string value, text_.quoted());
    return c10::IValue(std::move(value));
  }
  return read_number();
}

absl::StatusOr<c10::IValue> ConstantReader::read_number() {
  text_.skip_blanks();
  const size_t begin = text_.position();
  std::string word(text_.word(".+-"));
  const bool is_float = word.find_first_of(".enN") != std::string::npos;  // 1. 1e5 inf nan
  int64_t integer = 0;
  double number = 0;
  if (!is_float && absl::SimpleAtoi(word, &integer)) return c10::IValue(integer);
  if (is_float && absl::SimpleAtod(word, &number)) return c10::IValue(number);
  text_.set_position(begin);
  return text_.expected("a constant");
}

absl::StatusOr<c10::IValue> ConstantReader::read_device() {
  const size_t begin = text_.position();
  VESTA_ASSIGN_OR_RETURN(const std::string name, text_.quoted());
  try {
    return c10::IValue(c10::Device(name));
  } catch (const c10::Error&) {
    return support::error_at(text_.range_from(begin), "this is not a device");
  }
}

// (1., -2.j)
absl::StatusOr<c10::IValue> ConstantReader::read_complex() {
  double parts[2] = {0, 0};
  VESTA_RETURN_IF_ERROR(text_.expect("("));
  for (int i = 0; i < 2; ++i) {
    if (i == 1) VESTA_RETURN_IF_ERROR(text_.expect(","));
    text_.skip_blanks();
    const size_t begin = text_.position();
    std::string word(text_.word(".+-"));
    if (i == 1 && !word.empty() && word.back() == 'j') word.pop_back();
    if (absl::SimpleAtod(word, &parts[i])) continue;
    text_.set_position(begin);
    return text_.expected("a part of a complex number");
  }
  VESTA_RETURN_IF_ERROR(text_.expect(")"));
  return c10::IValue(c10::complex<double>(parts[0], parts[1]));
}

// <Tensor Float[2, 3]>
absl::StatusOr<c10::IValue> ConstantReader::read_tensor() {
  const size_t begin = text_.position();
  VESTA_RETURN_IF_ERROR(text_.expect("<Tensor"));
  const std::string_view name = text_.word();
  std::optional<c10::ScalarType> type;
  for (int8_t i = 0; i < static_cast<int8_t>(c10::ScalarType::NumOptions); ++i) {
    if (name == c10::toString(static_cast<c10::ScalarType>(i))) type = static_cast<c10::ScalarType>(i);
  }
  if (name == "undefined") {
    VESTA_RETURN_IF_ERROR(text_.expect(">"));
    return c10::IValue(at::Tensor());
  }
  if (!type.has_value()) return text_.expected("a tensor's dtype before here");
  std::vector<int64_t> sizes;
  VESTA_RETURN_IF_ERROR(text_.expect("["));
  while (!text_.take("]")) {
    if (!sizes.empty()) VESTA_RETURN_IF_ERROR(text_.expect(","));
    VESTA_ASSIGN_OR_RETURN(const int64_t size, text_.integer());
    sizes.push_back(size);
  }
  VESTA_RETURN_IF_ERROR(text_.expect(">"));
  if (!make_tensor_) {
    return support::error_at(text_.range_from(begin), "a tensor's values are not part of a graph's text");
  }
  return c10::IValue(make_tensor_(*type, sizes));
}

absl::StatusOr<c10::IValue> ConstantReader::read_list(const c10::ListType& type) {
  c10::impl::GenericList list(type.getElementType());
  VESTA_RETURN_IF_ERROR(text_.expect("["));
  while (!text_.take("]")) {
    if (!list.empty()) VESTA_RETURN_IF_ERROR(text_.expect(","));
    VESTA_ASSIGN_OR_RETURN(c10::IValue value, read(type.getElementType()));
    list.push_back(std::move(value));
  }
  return c10::IValue(std::move(list));
}

absl::StatusOr<c10::IValue> ConstantReader::read_tuple(const c10::TupleTypePtr& type) {
  std::vector<c10::IValue> elements;
  VESTA_RETURN_IF_ERROR(text_.expect("("));
  for (size_t i = 0; i < type->elements().size(); ++i) {
    if (i > 0) VESTA_RETURN_IF_ERROR(text_.expect(","));
    VESTA_ASSIGN_OR_RETURN(c10::IValue value, read(type->elements()[i]));
    elements.push_back(std::move(value));
  }
  VESTA_RETURN_IF_ERROR(text_.expect(")"));
  if (type->schema() != nullptr) return c10::IValue(c10::ivalue::Tuple::createNamed(std::move(elements), type));
  return c10::IValue(c10::ivalue::Tuple::create(std::move(elements)));
}

absl::StatusOr<c10::IValue> ConstantReader::read_dict(const c10::DictType& type) {
  c10::impl::GenericDict dict(type.getKeyType(), type.getValueType());
  VESTA_RETURN_IF_ERROR(text_.expect("{"));
  while (!text_.take("}")) {
    if (!dict.empty()) VESTA_RETURN_IF_ERROR(text_.expect(","));
    text_.skip_blanks();
    const size_t begin = text_.position();
    VESTA_ASSIGN_OR_RETURN(c10::IValue key, read(type.getKeyType()));
    if (!can_be_dict_key(key))
      return support::error_at(text_.range_from(begin), "this constant cannot be a dict's key");
    VESTA_RETURN_IF_ERROR(text_.expect(":"));
    VESTA_ASSIGN_OR_RETURN(c10::IValue value, read(type.getValueType()));
    dict.insert_or_assign(std::move(key), std::move(value));
  }
  return c10::IValue(std::move(dict));
}

// __torch__.Color.RED
absl::StatusOr<c10::IValue> ConstantReader::read_enum(const c10::TypePtr& type) {
  const auto enum_type = type->cast<c10::EnumType>();
  const std::string prefix = enum_type->qualifiedClassName().qualifiedName() + ".";
  text_.skip_blanks();
  const size_t begin = text_.position();
  const std::string_view name = text_.word(".");
  if (name.starts_with(prefix)) {
    for (const auto& [member, value] : enum_type->enumNamesValues()) {
      if (member != name.substr(prefix.size())) continue;
      return c10::IValue(c10::make_intrusive<c10::ivalue::EnumHolder>(enum_type, member, value));
    }
  }
  text_.set_position(begin);
  return text_.expected(absl::StrCat("a member of '", type->str(), "'"));
}

// The first member of the union that the text is a value of.
absl::StatusOr<c10::IValue> ConstantReader::read_member(const c10::UnionType& type) {
  const size_t begin = text_.position();
  for (const c10::TypePtr& member : type.containedTypes()) {
    absl::StatusOr<c10::IValue> value = read(member);
    if (value.ok()) return value;
    text_.set_position(begin);
  }
  return text_.expected(absl::StrCat("a constant of type '", type.str(), "'"));
}

}  // namespace vesta::ir
