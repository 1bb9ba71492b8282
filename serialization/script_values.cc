// TorchScript's own globals. An object is written as class, NEWOBJ, state, BUILD, and comes to life with
// BUILD: NEWOBJ gives a PickleObject of kind kObject that only BUILD takes. So there is never a
// half-made object in sight of `__setstate__` or of another object.

#include <ATen/core/enum_type.h>
#include <ATen/core/function.h>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/conform.h"
#include "serialization/custom_state.h"
#include "serialization/torch_values.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;
using c10::TypeKind;
using c10::TypePtr;
using Arguments = c10::ArrayRef<IValue>;
using Kind = PickleObject::Kind;

constexpr std::string_view kSetState = "__setstate__";

TypePtr list_element_of(std::string_view builder) {
  if (builder == "build_intlist") return c10::IntType::get();
  if (builder == "build_doublelist") return c10::FloatType::get();
  if (builder == "build_boollist") return c10::BoolType::get();
  if (builder == "build_tensorlist") return c10::TensorType::get();
  return nullptr;
}

Arguments arguments_of(const IValue& tuple) {
  return tuple.isTuple() ? tuple.toTupleRef().elements().asArrayRef() : Arguments();
}

bool equal_plain(const IValue& a, const IValue& b) {
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
  if (a.isString() && b.isString()) return a.toStringRef() == b.toStringRef();
  return a.isDouble() && b.isDouble() && a.toDouble() == b.toDouble();
}

absl::StatusOr<IValue> enum_value(const c10::EnumTypePtr& type, const IValue& argument) {
  // The value itself, or a tuple of it.
  const IValue value = argument.isTuple() && argument.toTupleRef().size() == 1 ? arguments_of(argument)[0] : argument;
  for (const auto& [name, member] : type->enumNamesValues()) {
    if (equal_plain(member, value)) return IValue(c10::make_intrusive<c10::ivalue::EnumHolder>(type, name, member));
  }
  return absl::DataLossError(absl::StrFormat("enum '%s' has no member with the value in the file",
                                             type->qualifiedClassName().qualifiedName()));
}

}  // namespace

absl::StatusOr<IValue> ScriptHandler::global(std::string_view module, std::string_view name) {
  if (absl::StartsWith(absl::string_view(module.data(), module.size()), "torch.distributed")) {
    return absl::UnimplementedError(absl::StrFormat(
        "the file holds a remote reference ('%s.%s'), which has a meaning only in the process group that made it",
        printable(module), printable(name)));
  }
  return TorchHandler::global(module, name);
}

absl::StatusOr<TypePtr> ScriptHandler::type_of(const PickleObject& global) {
  const std::string name = global.qualified_name();
  if (const auto found = types_.find(name); found != types_.end()) return found->second;
  if (!name.starts_with("__torch__.") || !context_.find_type) return refuse(global);
  VESTA_ASSIGN_OR_RETURN(TypePtr type, context_.find_type(name));
  types_.emplace(name, type);
  return type;
}

absl::StatusOr<IValue> ScriptHandler::typed_list(Arguments arguments, const TypePtr& element) {
  if (arguments.size() != 1 || !arguments[0].isList()) return absl::DataLossError("a typed list is built from a list");
  IValue list = arguments[0];
  VESTA_RETURN_IF_ERROR(conform(list, c10::ListType::create(element), "a list", limits_));
  return list;
}

absl::StatusOr<IValue> ScriptHandler::restore_type_tag(Arguments arguments) {
  if (arguments.size() != 2 || !arguments[1].isString()) {
    return absl::DataLossError("'torch.jit._pickle.restore_type_tag' takes a value and the text of its type");
  }
  const std::string& text = arguments[1].toStringRef();
  auto found = tags_.find(text);
  if (found == tags_.end()) {
    if (!context_.parse_type) return absl::DataLossError("a type tag where no types are known");
    VESTA_ASSIGN_OR_RETURN(TypePtr type, context_.parse_type(text));
    found = tags_.emplace(text, std::move(type)).first;
  }
  IValue value = arguments[0];
  VESTA_RETURN_IF_ERROR(conform(value, found->second, "a value with a type tag", limits_));
  return value;
}

absl::StatusOr<IValue> ScriptHandler::reduce_other(PickleObject& callable, IValue arguments) {
  // __main__.IntList and TensorID are the names of 1.0's successors in development builds; files of
  // released versions have the ones of torch.jit._pickle.
  if (callable.module == "torch.jit._pickle") {
    if (!arguments.isTuple()) return absl::DataLossError("the arguments are no tuple");
    if (const TypePtr element = list_element_of(callable.name)) return typed_list(arguments_of(arguments), element);
    if (callable.name == "restore_type_tag") return restore_type_tag(arguments_of(arguments));
    if (callable.name == "build_tensor_from_id") {
      const Arguments a = arguments_of(arguments);
      const auto& table = context_.tensor_table;
      if (a.size() != 1 || !a[0].isInt() || a[0].toInt() < 0 || a[0].toInt() >= static_cast<int64_t>(table.size())) {
        return absl::DataLossError(absl::StrFormat("no tensor of that number; the archive lists %d", table.size()));
      }
      return IValue(table[static_cast<size_t>(a[0].toInt())]);
    }
    return refuse(callable);
  }
  VESTA_ASSIGN_OR_RETURN(const TypePtr type, type_of(callable));
  if (const auto enum_type = type->cast<c10::EnumType>()) return enum_value(enum_type, arguments);
  if (type->kind() == TypeKind::TupleType && arguments.isTuple()) {
    IValue tuple = std::move(arguments);
    VESTA_RETURN_IF_ERROR(conform(tuple, type, absl::StrCat("'", callable.qualified_name(), "'"), limits_));
    return tuple;
  }
  return absl::DataLossError(absl::StrFormat("'%s' is called like a function", printable(callable.qualified_name())));
}

absl::StatusOr<IValue> ScriptHandler::new_object(const IValue& type, IValue arguments, IValue keyword_arguments) {
  const PickleObject* global = PickleObject::from(type);
  if (global == nullptr || global->kind != Kind::kGlobal) {
    return absl::DataLossError("an object of something that is no class");
  }
  VESTA_ASSIGN_OR_RETURN(const TypePtr found, type_of(*global));
  if (found->kind() != TypeKind::ClassType) {
    return absl::DataLossError(absl::StrFormat("'%s' is no class", printable(global->qualified_name())));
  }
  if (!arguments_of(arguments).empty() || !keyword_arguments.isNone()) {
    return absl::DataLossError("a TorchScript object is made without arguments");
  }
  auto object = c10::make_intrusive<PickleObject>(Kind::kObject);
  object->module = global->module;
  object->name = global->name;
  return PickleObject::wrap(std::move(object));
}

absl::StatusOr<IValue> ScriptHandler::build(IValue object, IValue state) {
  const PickleObject* made = PickleObject::from(object);
  if (made == nullptr || made->kind != Kind::kObject) return TorchHandler::build(std::move(object), std::move(state));
  VESTA_ASSIGN_OR_RETURN(const TypePtr type, type_of(*made));
  const c10::ClassTypePtr class_type = type->expect<c10::ClassType>();
  if (class_type->findMethod(std::string(kSetState)) != nullptr)
    return object_from_state(class_type, std::move(state), context_, limits_);
  return build_from_attributes(class_type, state);
}

absl::StatusOr<IValue> ScriptHandler::build_from_attributes(const c10::ClassTypePtr& type, const IValue& state) {
  const std::string name = type->name()->qualifiedName();
  if (is_custom_class(*type)) {
    return absl::UnimplementedError(
        absl::StrFormat("custom class '%s' cannot be read from a file: it has no "
                        "'__setstate__'",
                        name));
  }
  if (!state.isGenericDict()) {
    return absl::DataLossError(absl::StrFormat("the state of '%s' is no dict of attributes", name));
  }
  const auto attributes = state.toGenericDict();
  const size_t slots = type->numAttributes();
  auto object = c10::ivalue::Object::create(c10::StrongTypePtr(context_.unit, type), slots);
  for (size_t i = 0; i < slots; ++i) {
    const std::string& attribute = type->getAttributeName(i);
    const auto found = attributes.find(IValue(attribute));
    if (found == attributes.end()) {
      return absl::DataLossError(absl::StrFormat("'%s' has no value for its attribute '%s'", name, attribute));
    }
    IValue value = found->value();
    VESTA_RETURN_IF_ERROR(
        conform(value, type->getAttribute(i), absl::StrFormat("attribute '%s' of '%s'", attribute, name), limits_));
    object->setSlot(i, std::move(value));
  }
  return IValue(std::move(object));
}

absl::StatusOr<IValue> object_from_state(const c10::ClassTypePtr& type, IValue state, const ScriptContext& context,
                                         const Limits& limits) {
  const std::string name = type->name()->qualifiedName();
  const auto& schema = type->findMethod(std::string(kSetState))->getSchema();
  if (schema.arguments().size() != 2) {
    return absl::DataLossError(absl::StrFormat("'__setstate__' of '%s' does not take one state", name));
  }
  VESTA_RETURN_IF_ERROR(
      conform(state, schema.arguments()[1].type(), absl::StrFormat("the state of '%s'", name), limits));
  const bool custom = is_custom_class(*type);
  const size_t slots = custom ? 1 : type->numAttributes();
  auto object = c10::ivalue::Object::create(c10::StrongTypePtr(custom ? nullptr : context.unit, type), slots);
  const IValue result(object);
  if (!context.set_state) return result;
  VESTA_RETURN_IF_ERROR(context.set_state(result, type, std::move(state)));
  if (custom) {
    if (object->getSlot(0).isCapsule()) return result;
    return absl::DataLossError(absl::StrFormat("'__setstate__' of '%s' made nothing", name));
  }
  for (size_t i = 0; i < slots; ++i) {
    IValue value = object->getSlot(i);
    VESTA_RETURN_IF_ERROR(conform(
        value, type->getAttribute(i),
        absl::StrFormat("attribute '%s' that '__setstate__' of '%s' leaves", type->getAttributeName(i), name), limits));
  }
  return result;
}

absl::StatusOr<std::optional<IValue>> written_state(const IValue& object, const RunMethod& run,
                                                    const std::string& path) {
  const std::shared_ptr<c10::ClassType> type = object.toObjectRef().type();
  torch::jit::Function* method = type->findMethod("__getstate__");
  const bool custom = is_custom_class(*type);
  if (custom && method == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' cannot be written: '%s' has no '__getstate__'", path, type->name()->qualifiedName()));
  }
  if (method == nullptr || (!custom && type->findMethod(std::string(kSetState)) == nullptr)) return std::nullopt;
  ir::Stack stack{object};
  if (custom) {
    try {  // The methods of a registered class are C++ and throw.
      method->run(stack);
    } catch (const std::exception& error) {
      const std::string_view text = error.what();
      return absl::InvalidArgumentError(absl::StrFormat("'%s': '__getstate__' of '%s' fails: %s", path,
                                                        object.toObjectRef().name(),
                                                        printable(text.substr(0, text.find('\n')))));
    }
  } else if (run) {
    VESTA_RETURN_IF_ERROR(run(*ir::Function::from(method), stack));
  } else {
    return absl::FailedPreconditionError(absl::StrFormat("'%s' has a '__getstate__', which nothing runs here", path));
  }
  if (stack.size() != 1) return absl::InternalError("'__getstate__' has left no single value");
  return stack[0];
}

absl::StatusOr<IValue> read_script_pickle(std::string_view bytes, std::string_view name, TensorBuilder& tensors,
                                          const ScriptContext& context, const PickleOptions& options) {
  ScriptHandler handler(tensors, context, options.limits);
  VESTA_ASSIGN_OR_RETURN(PickleResult result, read_pickle(bytes, name, handler, options));
  if (result.size != bytes.size()) {
    return absl::DataLossError(absl::StrFormat("%s: %d bytes follow the end of the pickle at byte %d", name,
                                               bytes.size() - result.size, result.size));
  }
  if (result.holds_pickle_objects) {
    return absl::DataLossError(
        absl::StrFormat("%s: the value holds something that is no TorchScript value (a class, a storage, bytes, a set "
                        "or an unfinished object)",
                        name));
  }
  return std::move(result.value);
}

}  // namespace vesta::serialization
