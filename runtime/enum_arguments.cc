#include "runtime/enum_arguments.h"

#include <ATen/core/jit_type.h>
#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/QScheme.h>
#include <c10/core/ScalarType.h>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"

namespace vesta::runtime {
namespace {

struct Enumeration {
  c10::TypeKind kind;
  std::string_view name;
  int64_t members;
};

constexpr Enumeration kEnumerations[] = {
    {c10::TypeKind::ScalarTypeType, "dtype", static_cast<int64_t>(c10::ScalarType::NumOptions)},
    {c10::TypeKind::LayoutType, "layout", static_cast<int64_t>(c10::Layout::NumOptions)},
    {c10::TypeKind::MemoryFormatType, "memory format", static_cast<int64_t>(c10::MemoryFormat::NumOptions)},
    {c10::TypeKind::QSchemeType, "quantization scheme", c10::COMPILE_TIME_NUM_QSCHEMES},
};

const Enumeration* find(c10::TypeKind kind) {
  for (const Enumeration& row : kEnumerations) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

}  // namespace

std::vector<EnumArgument> enum_arguments(const c10::FunctionSchema& schema) {
  std::vector<EnumArgument> result;
  for (uint32_t i = 0; i < schema.arguments().size(); ++i) {
    // The type as declared: the type that programs see is int.
    c10::TypePtr type = schema.arguments()[i].real_type();
    if (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
    if (find(type->kind()) != nullptr) result.push_back({i, type->kind()});
  }
  return result;
}

absl::Status check_enum_value(c10::TypeKind kind, const c10::IValue& value) {
  if (!value.isInt()) return absl::OkStatus();
  const Enumeration& row = *find(kind);
  const int64_t number = value.toInt();
  const bool undefined =
      kind == c10::TypeKind::ScalarTypeType && number == static_cast<int64_t>(c10::ScalarType::Undefined);
  if (number >= 0 && number < row.members && !undefined) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(number, " is no ", std::string(row.name)));
}

absl::Status check_enum_arguments(const c10::FunctionSchema& schema, std::span<const EnumArgument> expected,
                                  std::span<const c10::IValue> arguments) {
  for (const EnumArgument& argument : expected) {
    const absl::Status status = check_enum_value(argument.kind, arguments[argument.position]);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("argument '", schema.arguments()[argument.position].name(),
                                                     "' of '", schema.name(), "': ", std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

}  // namespace vesta::runtime
