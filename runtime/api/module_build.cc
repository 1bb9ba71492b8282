// Modules from C++. A class belongs to the module's own program; a registered child's program lives as long as the
// child's object, which holds it.

#include <vesta/module.h>
#include <vesta/value.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "frontend/compile.h"
#include "ir/support/status.h"
#include "ir/type_cycles.h"
#include "ir/value_type.h"
#include "runtime/api/arguments.h"
#include "runtime/api/call.h"
#include "runtime/api/context.h"
#include "runtime/api/live_methods.h"

namespace vesta {

using internal::as_absl;

namespace {

// "my.net-2" -> "__torch__.my.net_2": what a class can be called.
std::string class_name(std::string_view wanted) {
  std::string name = "__torch__";
  for (const absl::string_view part : absl::StrSplit(as_absl(wanted), '.')) {
    name += '.';
    const size_t begin = name.size();
    for (const char c : part) name += absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '_';
    if (begin == name.size() || absl::ascii_isdigit(static_cast<unsigned char>(name[begin]))) name.insert(begin, "_");
  }
  return name;
}

bool is_identifier(std::string_view name) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return true;
}

// The program that a class belongs to; null if it is gone.
std::shared_ptr<ir::Program> program_of(c10::ClassType& type) {
  // The unit of a class of ours points to its Program, whatever its static type says (see ir/program.h).
  auto* program = reinterpret_cast<ir::Program*>(type.compilation_unit().get());
  return program == nullptr ? nullptr : program->shared_from_this();
}

enum class Kind { kPlain, kParameter, kBuffer };

absl::Status add_attribute(const Module& module, std::string_view name, const c10::TypePtr& type, c10::IValue value,
                           Kind kind) {
  if (module.is_frozen()) {
    return absl::FailedPreconditionError(absl::StrCat("'", as_absl(name), "' cannot be added: the module is frozen"));
  }
  if (!is_identifier(name)) {
    return absl::InvalidArgumentError(absl::StrCat("'", as_absl(name), "' is no name for an attribute"));
  }
  const std::string why = internal::convert(value, type);
  if (!why.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute '", as_absl(name), "' takes ", internal::annotation(type), ", ", why));
  }
  const internal::ObjectPtr& object = internal::Access::object(module);
  const std::shared_ptr<c10::ClassType> owner = object->type();
  const std::string key(name);
  if (owner->hasMethod(key) || owner->hasConstant(key)) {
    return absl::FailedPreconditionError(absl::StrCat("'", key, "' is a ",
                                                      owner->hasMethod(key) ? "method" : "constant", " of '",
                                                      owner->annotation_str(), "' already"));
  }
  std::optional<size_t> index = owner->findAttributeSlot(key);
  if (!index.has_value()) {
    if (ir::leads_to(*type, *owner)) {
      return absl::InvalidArgumentError(absl::StrCat("attribute '", key, "' would hold objects of '",
                                                     owner->annotation_str(), "', the class of its own module"));
    }
    index = owner->addAttribute(key, type, kind == Kind::kParameter, kind == Kind::kBuffer);
  } else if (*owner->getAttribute(*index) != *type || owner->is_parameter(*index) != (kind == Kind::kParameter) ||
             owner->is_buffer(*index) != (kind == Kind::kBuffer)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", key, "' is an attribute of another kind already: ", internal::annotation(owner->getAttribute(*index))));
  }
  object->setSlot(*index, std::move(value));
  return absl::OkStatus();
}

// Lists and dicts without elements, and None, do not tell their type.
bool tells_type(const c10::IValue& value) {
  if (value.isNone()) return false;
  if (value.isList()) return value.toList().elementType()->kind() != c10::TypeKind::AnyType;
  if (value.isGenericDict()) return value.toGenericDict().valueType()->kind() != c10::TypeKind::AnyType;
  return true;
}

void remove_methods(c10::ClassType& type, size_t keep) {
  while (type.methods().size() > keep) type.unsafeRemoveMethod(type.methods().back()->name());
}

}  // namespace

Module::Module(std::string_view name) {
  auto context = std::make_shared<internal::Context>();
  context->program = ir::Program::create();
  internal::prepare(*context->program);
  const c10::ClassTypePtr type =
      context->program->create_class(c10::QualifiedName(class_name(name)), /*is_module=*/true);
  object_ = c10::ivalue::Object::create(c10::StrongTypePtr(context->program->compilation_unit(), type), 0);
  context->live_methods = internal::LiveMethods::create(object_, {}).value();
  context_ = std::move(context);
}

absl::Status Module::register_parameter(std::string_view name, at::Tensor value) {
  return add_attribute(*this, name, c10::TensorType::get(), std::move(value), Kind::kParameter);
}

absl::Status Module::register_buffer(std::string_view name, at::Tensor value) {
  return add_attribute(*this, name, c10::TensorType::get(), std::move(value), Kind::kBuffer);
}

absl::Status Module::register_attribute(std::string_view name, const c10::TypePtr& type, c10::IValue value) {
  return add_attribute(*this, name, type, std::move(value), Kind::kPlain);
}

absl::Status Module::register_attribute(std::string_view name, c10::IValue value) {
  if (!tells_type(value)) {
    return absl::InvalidArgumentError(absl::StrCat("attribute '", as_absl(name), "': ", vesta::type_name(value),
                                                   " does not tell the attribute's type; name it"));
  }
  // A tensor's own type knows its shape, which an attribute's type must not.
  const c10::TypePtr type =
      value.isTensor() ? c10::TypePtr(c10::TensorType::get()) : c10::unshapedType(ir::type_of(value));
  return add_attribute(*this, name, type, std::move(value), Kind::kPlain);
}

absl::Status Module::register_module(std::string_view name, const Module& module) {
  if (module.object_ == object_) return absl::InvalidArgumentError("a module cannot be its own child");
  return add_attribute(*this, name, module.object_->type(), module.value(), Kind::kPlain);
}

absl::Status Module::define(std::string_view source, const CompileOptions& options) {
  if (context_->frozen) return absl::FailedPreconditionError("methods cannot be defined: the module is frozen");
  const std::shared_ptr<c10::ClassType> type = object_->type();
  const std::shared_ptr<ir::Program> program = program_of(*type);
  if (program == nullptr) return absl::FailedPreconditionError("the module's program is gone");
  auto text = std::make_shared<support::Source>();
  text->text = std::string(source);
  text->filename = options.filename;
  frontend::CompileOptions compile_options;
  compile_options.limits = options.limits;
  const size_t before = type->methods().size();
  absl::Status status = frontend::compile_methods(std::move(text), type, program, compile_options);
  if (!status.ok()) remove_methods(*type, before);
  return status;
}

}  // namespace vesta
