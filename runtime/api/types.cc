#include <vesta/types.h>

#include <utility>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <vesta/value.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/printer.h"
#include "ir/support/status.h"
#include "runtime/api/arguments.h"
#include "runtime/api/call.h"
#include "runtime/api/context.h"

namespace vesta {
namespace {

using internal::as_absl;

std::string qualified_name(const c10::NamedType& type) { return type.name()->qualifiedName(); }

c10::IValue enum_holder(const c10::EnumTypePtr& type, const c10::EnumNameValue& member) {
  return c10::IValue(c10::make_intrusive<c10::ivalue::EnumHolder>(type, member.first, member.second));
}

bool equal_plain(const c10::IValue& a, const c10::IValue& b) {
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
  if (a.isDouble() && b.isDouble()) return a.toDouble() == b.toDouble();
  if (a.isString() && b.isString()) return a.toStringRef() == b.toStringRef();
  return false;
}

absl::StatusOr<c10::IValue> enum_of_value(const c10::EnumTypePtr& type, std::vector<c10::IValue> args,
                                          const Kwargs& kwargs) {
  if (args.size() != 1 || !kwargs.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("'", type->annotation_str(), "' takes the value of a member"));
  }
  const std::string why = internal::convert(args[0], type->getValueType());
  std::vector<std::string> have;
  for (const c10::EnumNameValue& member : type->enumNamesValues()) {
    if (why.empty() && equal_plain(member.second, args[0])) return enum_holder(type, member);
    have.push_back(ir::print_constant(member.second));
  }
  return absl::InvalidArgumentError(absl::StrCat("'", type->annotation_str(), "' has no member of value ",
                                                 format_value(args[0]),
                                                 "; its values are: ", absl::StrJoin(have, ", ")));
}

absl::StatusOr<c10::IValue> object_of(const c10::ClassTypePtr& type, const internal::Context& context,
                                      std::vector<c10::IValue> args, const Kwargs& kwargs, const CallOptions& options) {
  auto object =
      c10::ivalue::Object::create(c10::StrongTypePtr(context.program->compilation_unit(), type), type->numAttributes());
  const torch::jit::Function* init = type->findMethod("__init__");
  if (init == nullptr) {
    if (args.empty() && kwargs.empty()) return c10::IValue(std::move(object));
    return absl::InvalidArgumentError(
        absl::StrCat("'", type->annotation_str(), "' has no '__init__' and takes no arguments"));
  }
  const ir::Function& function = *ir::Function::from(init);
  VESTA_ASSIGN_OR_RETURN(args, internal::bind_arguments(function.schema(), 1, std::move(args), kwargs));
  args.insert(args.begin(), object);
  VESTA_RETURN_IF_ERROR(internal::call(function, args, options).status());
  return c10::IValue(std::move(object));
}

}  // namespace

std::vector<std::string> Types::names() const {
  std::vector<std::string> result;
  for (const c10::NamedTypePtr& type : context_->program->types()) result.push_back(qualified_name(*type));
  return result;
}

absl::StatusOr<c10::NamedTypePtr> Types::find(std::string_view name) const {
  if (c10::NamedTypePtr exact = context_->program->find_type(name)) return exact;
  std::vector<c10::NamedTypePtr> found;
  const std::string ending = absl::StrCat(".", as_absl(name));
  for (const c10::NamedTypePtr& type : context_->program->types()) {
    if (absl::EndsWith(qualified_name(*type), ending)) found.push_back(type);
  }
  if (found.size() == 1) return found[0];
  std::vector<std::string> have;
  for (const c10::NamedTypePtr& type : found) have.push_back(qualified_name(*type));
  if (!found.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "'", as_absl(name), "' is the end of several types' names: ", absl::StrJoin(have, ", "), "; give one in full"));
  }
  have = names();
  return absl::NotFoundError(
      absl::StrCat("no type '", as_absl(name), "'; there are: ", have.empty() ? "none" : absl::StrJoin(have, ", ")));
}

absl::StatusOr<c10::IValue> Types::make(std::string_view name, std::vector<c10::IValue> args, const Kwargs& kwargs,
                                        const CallOptions& options) const {
  VESTA_ASSIGN_OR_RETURN(const c10::NamedTypePtr type, find(name));
  if (auto enum_type = type->cast<c10::EnumType>()) return enum_of_value(enum_type, std::move(args), kwargs);
  if (auto tuple = type->cast<c10::TupleType>(); tuple && tuple->schema() != nullptr) {
    VESTA_ASSIGN_OR_RETURN(args, internal::bind_arguments(*tuple->schema(), 0, std::move(args), kwargs));
    return c10::IValue(c10::ivalue::Tuple::createNamed(std::move(args), tuple));
  }
  if (auto object = type->cast<c10::ClassType>(); object && !object->is_module()) {
    return object_of(object, *context_, std::move(args), kwargs, options);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", qualified_name(*type), "' is no class, NamedTuple or enum, of which values can be made"));
}

absl::StatusOr<c10::IValue> Types::enum_value(std::string_view name, std::string_view member) const {
  VESTA_ASSIGN_OR_RETURN(const c10::NamedTypePtr type, find(name));
  const auto enum_type = type->cast<c10::EnumType>();
  if (enum_type == nullptr) return absl::InvalidArgumentError(absl::StrCat("'", qualified_name(*type), "' is no enum"));
  std::vector<std::string> have;
  for (const c10::EnumNameValue& candidate : enum_type->enumNamesValues()) {
    if (candidate.first == member) return enum_holder(enum_type, candidate);
    have.push_back(candidate.first);
  }
  return absl::NotFoundError(absl::StrCat("'", qualified_name(*type), "' has no member '", as_absl(member),
                                          "'; there are: ", absl::StrJoin(have, ", ")));
}

Types Unit::types() const { return internal::Access::types(context_); }
Types Module::types() const { return internal::Access::types(context_); }

}  // namespace vesta
