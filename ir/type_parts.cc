#include "ir/type_parts.h"

#include <ATen/core/function_schema.h>

namespace vesta::ir {
namespace {

// Takes the type's parts from `left`; false: there are more.
bool count(const c10::Type& type, int64_t& left) {
  if (--left < 0) return false;
  if (type.kind() == c10::TypeKind::ClassType || type.kind() == c10::TypeKind::EnumType) return true;
  if (const auto* interface_type = type.castRaw<c10::InterfaceType>()) {
    for (const c10::FunctionSchema& method : interface_type->methods()) {
      for (const c10::Argument& argument : method.arguments()) {
        // The object itself.
        if (argument.type().get() != &type && !count(*argument.type(), left)) return false;
      }
      for (const c10::Argument& result : method.returns()) {
        if (!count(*result.type(), left)) return false;
      }
    }
    return true;
  }
  for (const c10::TypePtr& part : type.containedTypes()) {
    if (!count(*part, left)) return false;
  }
  return true;
}

}  // namespace

bool is_too_large(const c10::Type& type) {
  int64_t left = kMostTypeParts;
  return !count(type, left);
}

}  // namespace vesta::ir
