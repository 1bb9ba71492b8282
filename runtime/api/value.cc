// Names of types for messages, and access to the parts of a value by name or index.

#include <vesta/value.h>

#include <algorithm>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/value_type.h"

namespace vesta {
namespace {

absl::string_view as_absl(std::string_view text) { return {text.data(), text.size()}; }

// The fields' names of a NamedTuple, else null.
std::shared_ptr<c10::FunctionSchema> named_tuple_schema(const c10::IValue& value) {
  if (!value.isTuple()) return nullptr;
  return ir::type_of(value)->expect<c10::TupleType>()->schema();
}

absl::Status no_field(std::string_view what, std::string_view name, const std::vector<std::string>& have) {
  return absl::InvalidArgumentError(absl::StrCat(as_absl(what), " has no '", as_absl(name),
                                                 "'; it has: ", have.empty() ? "nothing" : absl::StrJoin(have, ", ")));
}

absl::StatusOr<c10::IValue> tuple_field(const c10::IValue& value, const c10::FunctionSchema& schema,
                                        std::string_view name) {
  std::vector<std::string> have;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    have.push_back(schema.arguments()[i].name());
    if (have.back() == name) return value.toTupleRef().elements()[i];
  }
  return no_field(type_name(value), name, have);
}

absl::StatusOr<c10::IValue> object_field(const c10::IValue& value, std::string_view name) {
  const c10::ivalue::Object& object = value.toObjectRef();
  const std::shared_ptr<c10::ClassType> type = object.type();
  std::vector<std::string> have;
  for (size_t i = 0; i < std::min(type->numAttributes(), object.slots().size()); ++i) {
    have.push_back(type->getAttributeName(i));
    if (have.back() == name) return object.getSlot(i);
  }
  return no_field(type_name(value), name, have);
}

absl::StatusOr<c10::IValue> dict_field(const c10::IValue& value, std::string_view name) {
  std::vector<std::string> have;
  for (const auto& entry : value.toGenericDict()) {
    if (!entry.key().isString()) continue;
    have.push_back(entry.key().toStringRef());
    if (have.back() == name) return entry.value();
  }
  if (have.size() > 20) have.resize(20);
  return no_field("the dict", name, have);
}

}  // namespace

std::string type_name(const c10::IValue& value) {
  if (value.isNone()) return "None";
  if (const auto schema = named_tuple_schema(value)) {
    return absl::StrCat("NamedTuple ", ir::type_of(value)->expect<c10::TupleType>()->annotation_str());
  }
  if (value.isObject()) return absl::StrCat("object ", value.toObjectRef().type()->annotation_str());
  if (value.isTensor()) return "Tensor";
  if (value.isEnum()) return absl::StrCat("enum ", value.toEnumHolder()->qualifiedClassName());
  if (value.isCapsule()) return "custom object";
  return ir::type_of(value)->annotation_str();
}

absl::StatusOr<c10::IValue> field(const c10::IValue& value, std::string_view name) {
  if (const auto schema = named_tuple_schema(value)) return tuple_field(value, *schema, name);
  if (value.isObject()) return object_field(value, name);
  if (value.isGenericDict()) return dict_field(value, name);
  return absl::InvalidArgumentError(
      absl::StrCat("expected a NamedTuple, an object or a dict with '", as_absl(name), "', got ", type_name(value)));
}

namespace internal {

absl::Status wrong_type(std::string_view expected, const c10::IValue& value) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", as_absl(expected), ", got ", type_name(value)));
}

absl::Status in_element(size_t index, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("element ", index, ": ", status.message()));
}

std::optional<std::vector<c10::IValue>> elements(const c10::IValue& value) {
  if (value.isList()) {
    const c10::ArrayRef<c10::IValue> items = value.toListRef();
    return std::vector<c10::IValue>(items.begin(), items.end());
  }
  if (value.isTuple()) {
    const auto& items = value.toTupleRef().elements();
    return std::vector<c10::IValue>(items.begin(), items.end());
  }
  return std::nullopt;
}

}  // namespace internal
}  // namespace vesta
