// The forms are those of torch's own writer: objects are class, NEWOBJ, state, BUILD; lists and dicts are calls that
// name their element types.

#include "serialization/script_pickler.h"

#include <array>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ir/support/status.h"
#include "serialization/torch_values.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;

// The reader's own bound, with room for what surrounds a value.
constexpr int kMaxDepth = 200;
constexpr std::string_view kPickleModule = "torch.jit._pickle";

std::string_view list_builder(const c10::Type& element) {
  switch (element.kind()) {
    case c10::TypeKind::IntType:
      return "build_intlist";
    case c10::TypeKind::FloatType:
      return "build_doublelist";
    case c10::TypeKind::BoolType:
      return "build_boollist";
    case c10::TypeKind::TensorType:
      return "build_tensorlist";
    default:
      return {};
  }
}

}  // namespace

std::string ScriptPickler::path() const { return path_.empty() ? "the value" : absl::StrJoin(path_, "."); }

absl::StatusOr<std::string> ScriptPickler::write(const IValue& value) && {
  VESTA_RETURN_IF_ERROR(put(value));
  return std::move(pickle_).finish();
}

absl::Status ScriptPickler::put(const IValue& value) {
  if (depth_ > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' cannot be written: values nest deeper than %d there", path(), kMaxDepth));
  }
  if (value.isNone()) {
    pickle_.none();
  } else if (value.isBool()) {
    pickle_.boolean(value.toBool());
  } else if (value.isInt()) {
    pickle_.integer(value.toInt());
  } else if (value.isDouble()) {
    pickle_.real(value.toDouble());
  } else if (value.isString()) {
    return pickle_.text(value.toStringRef());
  } else if (value.isComplexDouble()) {
    pickle_.global("builtins", "complex");
    pickle_.real(value.toComplexDouble().real());
    pickle_.real(value.toComplexDouble().imag());
    pickle_.tuple(2);
    pickle_.reduce();
  } else if (value.isDevice()) {
    pickle_.global("torch", "device");
    VESTA_RETURN_IF_ERROR(pickle_.text(value.toDevice().str()));
    pickle_.tuple(1);
    pickle_.reduce();
  } else if (value.isEnum()) {
    return put_enum(*value.toEnumHolder());
  } else if (value.isTuple()) {
    ++depth_;
    absl::Status status = put_tuple(value.toTupleRef().elements().asArrayRef());
    --depth_;
    return status;
  } else if (value.isTensor() && !value.toTensor().defined()) {
    pickle_.none();
  } else if (value.isTensor() || value.isList() || value.isGenericDict() || value.isObject()) {
    ++depth_;
    absl::Status status = put_shared(value);
    --depth_;
    return status;
  } else {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' cannot be written: an archive holds no value of kind %s", path(), value.tagKind()));
  }
  return absl::OkStatus();
}

absl::Status ScriptPickler::put_shared(const IValue& value) {
  const void* key = value.internalToPointer();
  if (const auto found = written_.find(key); found != written_.end()) {
    pickle_.get(found->second);
    return absl::OkStatus();
  }
  if (!open_.insert(key).second) {
    return absl::InvalidArgumentError(absl::StrFormat("'%s' cannot be written: it holds itself", path()));
  }
  absl::Status status;
  if (value.isTensor()) {
    status = tensors_.put(pickle_, value.toTensor());
    if (!status.ok()) status = absl::Status(status.code(), absl::StrFormat("'%s': %s", path(), status.message()));
  } else if (value.isList()) {
    status = put_list(value);
  } else if (value.isGenericDict()) {
    status = put_dict(value);
  } else {
    status = put_object(value);
  }
  open_.erase(key);
  VESTA_RETURN_IF_ERROR(status);
  written_.emplace(key, pickle_.memoize());
  return absl::OkStatus();
}

absl::Status ScriptPickler::put_tuple(c10::ArrayRef<IValue> elements) {
  if (elements.empty()) {
    pickle_.empty_tuple();
    return absl::OkStatus();
  }
  if (elements.size() > 3) pickle_.mark();
  for (const IValue& element : elements) VESTA_RETURN_IF_ERROR(put(element));
  if (elements.size() > 3) {
    pickle_.tuple();
  } else {
    pickle_.tuple(static_cast<int>(elements.size()));
  }
  return absl::OkStatus();
}

absl::Status ScriptPickler::tagged(const std::function<absl::Status()>& contents, const c10::Type& type) {
  pickle_.global(kPickleModule, "restore_type_tag");
  VESTA_RETURN_IF_ERROR(contents());
  VESTA_RETURN_IF_ERROR(pickle_.shared_text(names_.annotation(type)));
  pickle_.tuple(2);
  pickle_.reduce();
  return absl::OkStatus();
}

absl::Status ScriptPickler::put_list(const IValue& value) {
  const auto elements = [&]() -> absl::Status {
    pickle_.empty_list();
    pickle_.mark();
    for (const IValue& element : value.toListRef()) VESTA_RETURN_IF_ERROR(put(element));
    pickle_.appends();
    return absl::OkStatus();
  };
  const c10::TypePtr element = value.toList().elementType();
  const std::string_view builder = list_builder(*element);
  if (builder.empty()) return tagged(elements, *c10::ListType::create(element));
  pickle_.global(kPickleModule, builder);
  VESTA_RETURN_IF_ERROR(elements());
  pickle_.tuple(1);
  pickle_.reduce();
  return absl::OkStatus();
}

absl::Status ScriptPickler::put_dict(const IValue& value) {
  const auto dict = value.toGenericDict();
  const auto items = [&]() -> absl::Status {
    pickle_.empty_dict();
    pickle_.mark();
    for (const auto& item : dict) {
      VESTA_RETURN_IF_ERROR(put(item.key()));
      VESTA_RETURN_IF_ERROR(put(item.value()));
    }
    pickle_.set_items();
    return absl::OkStatus();
  };
  return tagged(items, *c10::DictType::create(dict.keyType(), dict.valueType()));
}

void ScriptPickler::put_class(const std::string& qualified_name) {
  const size_t dot = qualified_name.rfind('.');
  pickle_.global(std::string_view(qualified_name).substr(0, dot), std::string_view(qualified_name).substr(dot + 1));
}

absl::Status ScriptPickler::put_enum(const c10::ivalue::EnumHolder& value) {
  put_class(names_.type_name(value.type()));
  VESTA_RETURN_IF_ERROR(put(value.value()));
  pickle_.reduce();  // of the value, not of a tuple: so torch's reader has it
  return absl::OkStatus();
}

absl::Status ScriptPickler::put_object(const IValue& value) {
  const c10::ivalue::Object& object = value.toObjectRef();
  const std::shared_ptr<c10::ClassType> type = object.type();
  VESTA_ASSIGN_OR_RETURN(const std::optional<IValue> state, written_state(value, names_.run, path()));
  put_class(names_.type_name(type));
  pickle_.empty_tuple();
  pickle_.new_object();
  if (state.has_value()) {
    kept_.push_back(*state);
    VESTA_RETURN_IF_ERROR(put(*state));
  } else {
    pickle_.empty_dict();
    pickle_.mark();
    for (size_t i = 0; i < type->numAttributes(); ++i) {
      const std::string& name = type->getAttributeName(i);
      path_.push_back(name);
      VESTA_RETURN_IF_ERROR(pickle_.shared_text(name));
      // A class may have grown since the object was made.
      VESTA_RETURN_IF_ERROR(put(i < object.slots().size() ? object.getSlot(i) : IValue()));
      path_.pop_back();
    }
    pickle_.set_items();
  }
  pickle_.build();
  return absl::OkStatus();
}

}  // namespace vesta::serialization
