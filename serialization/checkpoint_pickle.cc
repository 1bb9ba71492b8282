// Two steps. The pickle machine, with CheckpointHandler, makes IValues: tensors are built at once (their functions are
// the common ones of torch_values.cc), every other call or object is a PickleObject of kind kObject whose items are its
// arguments, elements, entries and state. Only when the pickle has ended, and every object has its state, is that
// turned into PyValues: what a class means (OrderedDict, numpy.ndarray, Parameter) is a row of a table here.

#include "serialization/checkpoint_pickle.h"

#include <algorithm>
#include <array>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/checkpoint_arrays.h"
#include "serialization/utf8.h"

namespace vesta::serialization {

using c10::IValue;
using Kind = PickleObject::Kind;

namespace {

// A kObject's number: how it was made.
enum Making : int64_t { kNew, kCall, kPlainDict };

IValue any_list() { return c10::impl::GenericList(c10::AnyType::get()); }

c10::intrusive_ptr<PickleObject> make_object(Making making, std::string module, std::string name) {
  auto object = c10::make_intrusive<PickleObject>(Kind::kObject);
  object->number = making;
  object->module = std::move(module);
  object->name = std::move(name);
  object->items.resize(kParts);
  return object;
}

const PickleObject* as_global(const IValue& value) {
  const PickleObject* object = PickleObject::from(value);
  return object != nullptr && object->kind == Kind::kGlobal ? object : nullptr;
}

struct NamedLayout {
  std::string_view name;
  c10::Layout layout;
};
constexpr std::array kLayouts = {
    NamedLayout{"strided", c10::Layout::Strided},      NamedLayout{"sparse_coo", c10::Layout::Sparse},
    NamedLayout{"sparse_csr", c10::Layout::SparseCsr}, NamedLayout{"sparse_csc", c10::Layout::SparseCsc},
    NamedLayout{"sparse_bsr", c10::Layout::SparseBsr}, NamedLayout{"sparse_bsc", c10::Layout::SparseBsc},
};

std::optional<c10::Layout> layout_named(std::string_view name) {
  if (name.starts_with("torch.")) name.remove_prefix(6);
  for (const NamedLayout& row : kLayouts) {
    if (row.name == name) return row.layout;
  }
  return std::nullopt;
}

// Arguments of the functions that build tensors have dtypes and layouts as numbers, sizes as tuples.
IValue plain_argument(const IValue& value, int depth) {
  if (const PickleObject* global = as_global(value); global != nullptr && global->module == "torch") {
    if (const auto type = scalar_type_named(global->name)) return IValue(static_cast<int64_t>(*type));
    if (const auto layout = layout_named(global->name)) return IValue(static_cast<int64_t>(*layout));
    return value;
  }
  if (value.isTuple() && depth > 0) {
    std::vector<IValue> elements;
    for (const IValue& element : elements_of(value)) elements.push_back(plain_argument(element, depth - 1));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  const PickleObject* object = as_object(value);
  if (object == nullptr) return value;
  const auto arguments = elements_of(object->items[kArguments]);
  if (object->module == "torch" && object->name == "Size" && arguments.size() == 1) return arguments[0];
  if (object->module == "torch.serialization" && object->name == "_get_layout" && arguments.size() == 1 &&
      arguments[0].isString()) {
    if (const auto layout = layout_named(arguments[0].toStringRef())) return IValue(static_cast<int64_t>(*layout));
  }
  if (object->number != kPlainDict) return value;
  // Metadata of a tensor: names and bools.
  c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
  const auto entries = elements_of(object->items[kEntries]);
  for (size_t i = 0; i + 1 < entries.size(); i += 2) {
    if (!entries[i].isString()) return value;
    dict.insert_or_assign(entries[i], entries[i + 1]);
  }
  return dict;
}

bool is_builder(const PickleObject& global) {
  static constexpr std::array<std::string_view, 8> kNames = {"_rebuild_tensor",
                                                             "_rebuild_tensor_v2",
                                                             "_rebuild_tensor_v3",
                                                             "_rebuild_qtensor",
                                                             "_rebuild_sparse_tensor",
                                                             "_rebuild_parameter",
                                                             "_rebuild_parameter_with_state",
                                                             "_rebuild_meta_tensor_no_storage"};
  return global.module == "torch._utils" && std::find(kNames.begin(), kNames.end(), global.name) != kNames.end();
}

}  // namespace

// ---- the handler

IValue CheckpointHandler::empty_dict() { return PickleObject::wrap(make_object(kPlainDict, "builtins", "dict")); }

absl::StatusOr<IValue> CheckpointHandler::global(std::string_view module, std::string_view name) {
  // Python 2's name for the same.
  return PickleHandler::global(module == "__builtin__" ? "builtins" : module, name);
}

absl::StatusOr<IValue> CheckpointHandler::persistent(const IValue& id) {
  if (persistent_hook) return persistent_hook(id);
  const auto elements = elements_of(id);
  // The legacy stream writes a module's class with its source: ('module', class, file, text).
  if (id.isTuple() && elements.size() == 4 && elements[0].isString() && elements[0].toStringRef() == "module" &&
      as_global(elements[1]) != nullptr) {
    return elements[1];
  }
  VESTA_ASSIGN_OR_RETURN(IValue storage, tensors().storage(id));
  const std::string& key = elements[2].toStringRef();
  const auto [found, fresh] = keys_.try_emplace(key, storages_.size());
  // A view of a storage is listed as that storage.
  if (fresh) {
    storages_.push_back({key, elements[3].toStringRef(), PickleObject::from(storage)->items.at(0).toStorage()});
  }
  return storage;
}

absl::StatusOr<IValue> CheckpointHandler::reduce(const IValue& callable, IValue arguments) {
  if (!arguments.isTuple()) return absl::DataLossError("the arguments of a call are no tuple");
  const PickleObject* global = as_global(callable);
  if (global == nullptr) {
    // The result of another call: never made, so this one cannot be either.
    const PickleObject* object = as_object(callable);
    if (object == nullptr) {
      return absl::DataLossError(
          absl::StrCat("what is called is neither a global nor an object but ", callable.tagKind()));
    }
    auto made = make_object(kCall, "", absl::StrCat("<result of ", object->qualified_name(), ">"));
    made->items[kArguments] = c10::ivalue::Tuple::create({callable, std::move(arguments)});
    return PickleObject::wrap(std::move(made));
  }
  const auto elements = elements_of(arguments);
  if (global->module == "torch._tensor" && global->name == "_rebuild_from_type_v2" && elements.size() == 4) {
    // (function, class of the tensor, arguments, Python attributes)
    const PickleObject* inner = as_global(elements[0]);
    const PickleObject* type = as_global(elements[1]);
    if (inner != nullptr && is_builder(*inner) && type != nullptr) {
      VESTA_ASSIGN_OR_RETURN(IValue tensor, reduce(elements[0], elements[2]));
      note(tensor, type->qualified_name(), elements[3]);
      return tensor;
    }
  }
  const bool wraps_tensor =
      !absl::StartsWith(global->name, "_rebuild_parameter") || (!elements.empty() && elements[0].isTensor());
  if (is_builder(*global) && arguments.isTuple() && wraps_tensor) {
    VESTA_ASSIGN_OR_RETURN(IValue tensor, TorchHandler::reduce(callable, plain_argument(arguments, 3)));
    if (absl::StartsWith(global->name, "_rebuild_parameter")) {
      note(tensor, "torch.nn.parameter.Parameter", elements.size() > 3 ? elements[3] : IValue());
    }
    return tensor;
  }
  auto made = make_object(kCall, global->module, global->name);
  made->items[kArguments] = std::move(arguments);
  return PickleObject::wrap(std::move(made));
}

absl::StatusOr<IValue> CheckpointHandler::new_object(const IValue& type, IValue arguments, IValue keyword_arguments) {
  if (!arguments.isTuple()) return absl::DataLossError("the arguments of a new object are no tuple");
  const PickleObject* global = as_global(type);
  std::string module = global != nullptr ? global->module : "";
  std::string name = global != nullptr ? global->name : "";
  if (global == nullptr) {
    const PickleObject* object = as_object(type);
    if (object == nullptr) return absl::DataLossError("an object of something that is no class");
    name = absl::StrCat("<result of ", object->qualified_name(), ">");
  }
  auto made = make_object(kNew, std::move(module), std::move(name));
  made->items[kArguments] = std::move(arguments);
  made->items[kKeywords] = std::move(keyword_arguments);
  return PickleObject::wrap(std::move(made));
}

absl::StatusOr<IValue> CheckpointHandler::build(IValue object, IValue state) {
  if (object.isTensor()) {
    note(object, "", std::move(state));
    return object;
  }
  PickleObject* target = as_object(object);
  if (target == nullptr || target->number == kPlainDict) {
    return TorchHandler::build(std::move(object), std::move(state));
  }
  // A tensor as torch 0.1 wrote it: its class, then (storage, offset, sizes, strides).
  const auto parts = elements_of(state);
  if (target->number == kNew && absl::EndsWith(target->name, "Tensor") && state.isTuple() && parts.size() == 4 &&
      PickleObject::from(parts[0]) != nullptr && PickleObject::from(parts[0])->kind == Kind::kStorage) {
    return tensors().rebuild_tensor(parts);
  }
  target->items[kState] = std::move(state);
  return object;
}

absl::Status CheckpointHandler::append(const IValue& target, IValue value) {
  PickleObject* object = as_object(target);
  if (object == nullptr || object->number == kPlainDict) return TorchHandler::append(target, std::move(value));
  if (object->items[kElements].isNone()) object->items[kElements] = any_list();
  object->items[kElements].toList().push_back(std::move(value));
  return absl::OkStatus();
}

absl::Status CheckpointHandler::set_item(const IValue& target, IValue key, IValue value) {
  PickleObject* object = as_object(target);
  if (object == nullptr) return TorchHandler::set_item(target, std::move(key), std::move(value));
  if (object->items[kEntries].isNone()) object->items[kEntries] = any_list();
  c10::List<IValue> entries = object->items[kEntries].toList();
  entries.push_back(std::move(key));
  entries.push_back(std::move(value));
  return absl::OkStatus();
}

void CheckpointHandler::note(const IValue& tensor, std::string class_name, IValue attributes) {
  if (!tensor.isTensor()) return;
  TensorNote& note = notes_[tensor.toTensor().unsafeGetTensorImpl()];
  if (!class_name.empty()) note.class_name = std::move(class_name);
  if (!attributes.isNone()) note.attributes = std::move(attributes);
}

const CheckpointHandler::TensorNote* CheckpointHandler::note_of(const at::Tensor& tensor) const {
  const auto found = notes_.find(tensor.unsafeGetTensorImpl());
  return found == notes_.end() ? nullptr : &found->second;
}

// ---- from IValues to PyValues

namespace {

class Converter {
 public:
  Converter(const CheckpointHandler& handler, const CheckpointValueOptions& options)
      : handler_(handler), options_(options) {}

  absl::StatusOr<PyValue> convert(const IValue& value, const std::string& path) {
    if (value.isNone()) return PyValue();
    if (value.isBool()) return PyValue(value.toBool());
    if (value.isInt()) return PyValue(value.toInt());
    if (value.isDouble()) return PyValue(value.toDouble());
    if (value.isString()) return PyValue(value.toStringRef());
    if (value.isComplexDouble()) return PyValue(value.toComplexDouble());
    if (value.isDevice()) return PyValue(value.toDevice());
    if (value.isTensor() && !value.toTensor().defined()) return PyValue();
    const void* identity =
        value.isTensor() ? static_cast<const void*>(value.toTensor().unsafeGetTensorImpl()) : value.internalToPointer();
    if (const auto found = made_.find(identity); found != made_.end()) return found->second;
    if (!open_.insert(identity).second) return PyValue::global("", absl::StrCat("<the object that holds this>"));
    if (++depth_ > options_.limits.pickle_depth) {
      return absl::ResourceExhaustedError(absl::StrFormat("'%s' nests deeper than the limit 'pickle_depth', %d",
                                                          printable(path), options_.limits.pickle_depth));
    }
    absl::StatusOr<PyValue> result = container(value, path);
    --depth_;
    open_.erase(identity);
    if (result.ok()) made_.emplace(identity, *result);
    return result;
  }

 private:
  using Values = std::vector<PyValue>;
  using Result = absl::StatusOr<PyValue>;

  static std::string below(const std::string& path, std::string_view step) { return internal::py_path(path, step); }

  absl::StatusOr<Values> all(c10::ArrayRef<IValue> values, const std::string& path) {
    Values result;
    result.reserve(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      VESTA_ASSIGN_OR_RETURN(PyValue value, convert(values[i], below(path, absl::StrCat(i))));
      result.push_back(std::move(value));
    }
    return result;
  }

  absl::Status fill_entries(PyValue& dict, c10::ArrayRef<IValue> entries, const std::string& path) {
    for (size_t i = 0; i + 1 < entries.size(); i += 2) {
      VESTA_RETURN_IF_ERROR(fill_entry(dict, entries[i], entries[i + 1], path));
    }
    return absl::OkStatus();
  }

  absl::Status fill_entry(PyValue& dict, const IValue& key, const IValue& value, const std::string& path) {
    VESTA_ASSIGN_OR_RETURN(PyValue made_key, convert(key, path));
    const std::string step = made_key.kind() == PyValue::Kind::kString ? made_key.text() : made_key.summary();
    VESTA_ASSIGN_OR_RETURN(PyValue made, convert(value, below(path, step)));
    return dict.set(std::move(made_key), std::move(made));
  }

  // A state of named fields (a dict, or a tuple of one and of __slots__) becomes attributes.
  absl::Status fill_attributes(PyValue& object, const IValue& state, const std::string& path) {
    if (state.isNone()) return absl::OkStatus();
    const PickleObject* fields = as_object(state);
    if (fields != nullptr && (fields->number == kPlainDict || fields->name == "OrderedDict")) {
      const auto entries = elements_of(fields->items[kEntries]);
      for (size_t i = 0; i + 1 < entries.size(); i += 2) {
        VESTA_ASSIGN_OR_RETURN(PyValue key, convert(entries[i], path));
        VESTA_ASSIGN_OR_RETURN(PyValue value, convert(entries[i + 1], below(path, key.text())));
        object.body()->attributes.emplace_back(std::move(key), std::move(value));
      }
      return absl::OkStatus();
    }
    const auto both = elements_of(state);
    const auto is_fields = [](const IValue& part) {
      return part.isNone() || (as_object(part) != nullptr && as_object(part)->number == kPlainDict);
    };
    if (state.isTuple() && both.size() == 2 && is_fields(both[0]) && is_fields(both[1])) {
      VESTA_RETURN_IF_ERROR(fill_attributes(object, both[0], path));
      return fill_attributes(object, both[1], path);
    }
    VESTA_ASSIGN_OR_RETURN(PyValue value, convert(state, below(path, "__setstate__")));
    object.body()->attributes.emplace_back(PyValue("__setstate__"), std::move(value));
    return absl::OkStatus();
  }

  Result container(const IValue& value, const std::string& path) {
    if (value.isTensor()) return tensor(value.toTensor(), path);
    if (value.isList() || value.isTuple()) {
      VESTA_ASSIGN_OR_RETURN(Values items, all(elements_of(value), path));
      return value.isList() ? PyValue::list(std::move(items)) : PyValue::tuple(std::move(items));
    }
    const PickleObject* object = PickleObject::from(value);
    if (object == nullptr) {
      return absl::DataLossError(absl::StrCat("'", printable(path), "' is of kind ", value.tagKind()));
    }
    switch (object->kind) {
      case Kind::kGlobal:
        return global(*object, path);
      case Kind::kBytes:
        return PyValue::bytes(object->bytes);
      case Kind::kBigInt:
        return PyValue::big_int(object->bytes);
      case Kind::kSet: {
        VESTA_ASSIGN_OR_RETURN(Values items, all(object->items, path));
        return PyValue::set(std::move(items));
      }
      case Kind::kStorage:
        return PyValue::storage(object->items.at(0).toStorage(),
                                object->name == "UntypedStorage"
                                    ? std::nullopt
                                    : std::optional(static_cast<c10::ScalarType>(object->number)));
      case Kind::kObject:
        break;
    }
    return known_or_inert(*object, path);
  }

  Result tensor(const at::Tensor& tensor, const std::string& path) {
    PyValue result(tensor);
    if (const CheckpointHandler::TensorNote* note = handler_.note_of(tensor)) {
      if (!note->class_name.empty()) result.body()->class_name = note->class_name;
      VESTA_RETURN_IF_ERROR(fill_attributes(result, note->attributes, path));
    }
    return result;
  }

  Result global(const PickleObject& object, const std::string& path) {
    if (object.module == "torch") {
      if (const auto type = scalar_type_named(object.name)) return PyValue(*type);
      if (const auto layout = layout_named(object.name)) return PyValue(*layout);
    }
    // A class by itself is only a name; what is refused in strict mode is what torch.load(weights_only=True) refuses.
    const bool known = object.module == "torch" || object.module == "builtins" || object.module == "collections" ||
                       absl::StartsWith(object.module, "torch.") || absl::StartsWith(object.module, "numpy");
    if (options_.strict && !known) return refused(object, path, "refers to");
    return PyValue::global(object.module, object.name);
  }

  absl::Status refused(const PickleObject& object, const std::string& path, std::string_view what) {
    return absl::UnimplementedError(
        absl::StrCat(path.empty() ? std::string("the value") : absl::StrCat("'", printable(path), "'"), " ",
                     std::string(what), " '", printable(object.qualified_name()),
                     "', which is no plain value; strict mode refuses it (nothing was executed). Load without 'strict' "
                     "to have it as an "
                     "inert object, or save plain values in Python: model.state_dict() in place of the model"));
  }

  // ---- classes that are known, each a function of this table

  struct Known {
    std::string_view module;
    std::string_view name;
    Result (Converter::*make)(const PickleObject& object, const std::string& path);
  };
  static const std::array<Known, 29> kKnown;

  Result known_or_inert(const PickleObject& object, const std::string& path) {
    if (object.number == kPlainDict) {
      PyValue dict = PyValue::dict();
      VESTA_RETURN_IF_ERROR(fill_entries(dict, elements_of(object.items[kEntries]), path));
      return dict;
    }
    for (const Known& row : kKnown) {
      if (row.name == object.name && row.module == object.module) return (this->*row.make)(object, path);
    }
    if (object.module == "torch.return_types") return return_type(object, path);
    return inert(object, path);
  }

  // A nested tensor stays the call that makes it, (buffer, sizes, strides, offsets): a c10 tensor of this kind throws
  // where it is asked for its sizes, which everything that takes a tensor does. It is a plain value all the same.
  static bool is_nested_tensor(const PickleObject& object) {
    return object.number == kCall && object.module == "torch._utils" && object.name == "_rebuild_nested_tensor";
  }

  Result inert(const PickleObject& object, const std::string& path) {
    if (options_.strict && !is_nested_tensor(object))
      return refused(object, path, object.number == kCall ? "is a call of" : "is an object of class");
    PyValue result = PyValue::object(object.module, object.name);
    result.body()->is_call = object.number == kCall;
    const IValue& arguments = object.items[kArguments];
    if (arguments.isTuple()) {
      VESTA_ASSIGN_OR_RETURN(result.body()->arguments, all(elements_of(arguments), path));
    } else if (!arguments.isNone()) {
      VESTA_ASSIGN_OR_RETURN(PyValue argument, convert(arguments, path));
      result.body()->arguments.push_back(std::move(argument));
    }
    if (!object.items[kKeywords].isNone()) {
      VESTA_ASSIGN_OR_RETURN(PyValue keywords, convert(object.items[kKeywords], path));
      result.body()->arguments.push_back(std::move(keywords));
      result.body()->keyword = true;
    }
    VESTA_ASSIGN_OR_RETURN(result.body()->items, all(elements_of(object.items[kElements]), path));
    VESTA_RETURN_IF_ERROR(fill_entries(result, elements_of(object.items[kEntries]), path));
    VESTA_RETURN_IF_ERROR(fill_attributes(result, object.items[kState], path));
    return result;
  }

  static absl::Status malformed(const PickleObject& object, const std::string& path) {
    return absl::DataLossError(absl::StrCat("'", printable(path), "': what '", printable(object.qualified_name()),
                                            "' is made with makes no such value"));
  }

  static c10::ArrayRef<IValue> arguments_of(const PickleObject& object) {
    return elements_of(object.items[kArguments]);
  }

  Result ordered_dict(const PickleObject& object, const std::string& path) {
    PyValue dict = PyValue::ordered_dict();
    // Python 2 wrote the items as a list of pairs.
    const auto arguments = arguments_of(object);
    if (arguments.size() > 1 || (arguments.size() == 1 && !arguments[0].isList())) return malformed(object, path);
    for (const IValue& pair : arguments.empty() ? c10::ArrayRef<IValue>() : elements_of(arguments[0])) {
      if (elements_of(pair).size() != 2) return malformed(object, path);
      VESTA_RETURN_IF_ERROR(fill_entry(dict, elements_of(pair)[0], elements_of(pair)[1], path));
    }
    return rest_of_dict(object, std::move(dict), path);
  }

  Result rest_of_dict(const PickleObject& object, PyValue dict, const std::string& path) {
    VESTA_RETURN_IF_ERROR(fill_entries(dict, elements_of(object.items[kEntries]), path));
    VESTA_RETURN_IF_ERROR(fill_attributes(dict, object.items[kState], path));
    return dict;
  }

  Result default_dict(const PickleObject& object, const std::string& path) {
    PyValue dict = PyValue::dict({}, "collections.defaultdict");
    const auto arguments = arguments_of(object);
    if (arguments.size() > 1) return malformed(object, path);
    if (arguments.size() == 1) {
      // What makes missing values is never called here, so any name will do, but for a strict reader.
      VESTA_ASSIGN_OR_RETURN(dict.body()->factory, convert(arguments[0], below(path, "default_factory")));
    }
    return rest_of_dict(object, std::move(dict), path);
  }

  Result counter(const PickleObject& object, const std::string& path) {
    PyValue dict = PyValue::dict({}, "collections.Counter");
    const auto arguments = arguments_of(object);
    const PickleObject* counts = arguments.size() == 1 ? as_object(arguments[0]) : nullptr;
    if (arguments.size() > 1 || (arguments.size() == 1 && (counts == nullptr || counts->number != kPlainDict))) {
      return malformed(object, path);
    }
    if (counts != nullptr) VESTA_RETURN_IF_ERROR(fill_entries(dict, elements_of(counts->items[kEntries]), path));
    return rest_of_dict(object, std::move(dict), path);
  }

  Result plain_dict(const PickleObject& object, const std::string& path) {
    if (!arguments_of(object).empty()) return inert(object, path);
    return rest_of_dict(object, PyValue::dict(), path);
  }

  Result set(const PickleObject& object, const std::string& path) {
    const auto arguments = arguments_of(object);
    if (arguments.size() > 1 || (arguments.size() == 1 && !arguments[0].isList() && !arguments[0].isTuple())) {
      return malformed(object, path);
    }
    Values items;
    if (arguments.size() == 1) {
      VESTA_ASSIGN_OR_RETURN(items, all(elements_of(arguments[0]), path));
    }
    return PyValue::set(std::move(items), object.name);
  }

  Result encoded_bytes(const PickleObject& object, const std::string& path) {
    const std::optional<std::string> raw = raw_bytes(object);
    if (!raw) return malformed(object, path);
    return PyValue::bytes(*raw, object.name == "bytearray" ? "bytearray" : "bytes");
  }

  Result size(const PickleObject& object, const std::string& path) {
    const auto arguments = arguments_of(object);
    if (arguments.size() > 1 || (arguments.size() == 1 && !arguments[0].isTuple() && !arguments[0].isList())) {
      return malformed(object, path);
    }
    Values items;
    if (arguments.size() == 1) {
      VESTA_ASSIGN_OR_RETURN(items, all(elements_of(arguments[0]), path));
    }
    return PyValue::tuple(std::move(items), "torch.Size");
  }

  // (values, {}) of a structure sequence.
  Result return_type(const PickleObject& object, const std::string& path) {
    const auto arguments = arguments_of(object);
    if (arguments.empty() || !arguments[0].isTuple()) return inert(object, path);
    VESTA_ASSIGN_OR_RETURN(Values items, all(elements_of(arguments[0]), path));
    return PyValue::tuple(std::move(items), object.qualified_name());
  }

  // Devices, layouts and complex numbers: as the common table of torch's globals makes them.
  Result common(const PickleObject& object, const std::string& path) {
    if (object.name == "_get_layout") {
      const auto arguments = arguments_of(object);
      const auto layout =
          arguments.size() == 1 && arguments[0].isString() ? layout_named(arguments[0].toStringRef()) : std::nullopt;
      return layout ? Result(PyValue(*layout)) : malformed(object, path);
    }
    auto global = c10::make_intrusive<PickleObject>(Kind::kGlobal);
    global->module = object.module;
    global->name = object.name;
    VESTA_ASSIGN_OR_RETURN(const IValue made, const_cast<CheckpointHandler&>(handler_).TorchHandler::reduce(
                                                  PickleObject::wrap(std::move(global)), object.items[kArguments]));
    return convert(made, path);
  }

  // Parameters and Variables as torch wrote them before _rebuild_parameter, and those over tensors of other devices.
  Result parameter(const PickleObject& object, const std::string& path) {
    const auto arguments = arguments_of(object);
    const auto state = elements_of(object.items[kState]);
    const IValue* data = state.size() == 5 ? &state[0] : arguments.empty() ? nullptr : &arguments[0];
    if (data == nullptr) return inert(object, path);
    VESTA_ASSIGN_OR_RETURN(PyValue inner, convert(*data, path));
    if (!inner.is_tensor()) return inert(object, path);
    at::Tensor tensor = inner.tensor();
    // State: (data, grad, hooks, requires_grad, volatile) or (requires_grad, volatile, hooks).
    const IValue* wanted = state.size() == 5 ? &state[3] : state.size() == 3 ? &state[0] : nullptr;
    if (wanted == nullptr && arguments.size() > 1) wanted = &arguments[1];
    const bool requires_grad = wanted != nullptr && wanted->isBool() && wanted->toBool();
    if (requires_grad && (c10::isFloatingType(tensor.scalar_type()) || c10::isComplexType(tensor.scalar_type()))) {
      tensor.set_requires_grad(true);
    }
    return absl::StrContains(object.name, "arameter") ? PyValue::parameter(tensor) : PyValue(tensor);
  }

  Result from_array(const PickleObject& object, const std::string& path) {
    // (array or tensor, dtype, device, requires_grad)
    const auto arguments = arguments_of(object);
    if (arguments.size() != 4) return malformed(object, path);
    VESTA_ASSIGN_OR_RETURN(PyValue data, convert(arguments[0], path));
    if (!data.tensor().defined()) return inert(object, path);
    at::Tensor tensor = data.tensor();
    VESTA_ASSIGN_OR_RETURN(const PyValue dtype, convert(arguments[1], path));
    if (dtype.kind() == PyValue::Kind::kDtype && *dtype.get<c10::ScalarType>() != tensor.scalar_type()) {
      return inert(object, path);
    }
    if (arguments[3].isBool() && arguments[3].toBool() && c10::isFloatingType(tensor.scalar_type())) {
      tensor.set_requires_grad(true);
    }
    return PyValue(tensor);
  }

  Result array(const PickleObject& object, const std::string& path) {
    const ConvertElement element = [&](const IValue& value) { return convert(value, below(path, "<element>")); };
    Result made = make_numpy_value(object, element);
    if (!made.ok()) return support::with_context(made.status(), absl::StrCat("'", printable(path), "'"));
    return made->is_none() ? inert(object, path) : made;
  }

  // By itself a numpy.dtype is a name.
  Result numpy_dtype(const PickleObject& object, const std::string& path) {
    const std::string code = numpy_dtype_code(object);
    return code.empty() ? inert(object, path) : Result(PyValue::global("numpy", absl::StrCat("dtype('", code, "')")));
  }

  const CheckpointHandler& handler_;
  const CheckpointValueOptions& options_;
  absl::flat_hash_map<const void*, PyValue> made_;
  absl::flat_hash_set<const void*> open_;
  int64_t depth_ = 0;
};

using C = Converter;
constexpr std::array<Converter::Known, 29> Converter::kKnown = {{
    {"collections", "OrderedDict", &C::ordered_dict},
    {"collections", "defaultdict", &C::default_dict},
    {"collections", "Counter", &C::counter},
    {"builtins", "dict", &C::plain_dict},
    {"builtins", "set", &C::set},
    {"builtins", "frozenset", &C::set},
    {"builtins", "complex", &C::common},
    {"builtins", "bytes", &C::encoded_bytes},
    {"builtins", "bytearray", &C::encoded_bytes},
    {"_codecs", "encode", &C::encoded_bytes},
    {"torch", "Size", &C::size},
    {"torch", "device", &C::common},
    {"torch.serialization", "_get_layout", &C::common},
    {"torch._utils", "_rebuild_parameter", &C::parameter},
    {"torch._utils", "_rebuild_parameter_with_state", &C::parameter},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", &C::from_array},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", &C::from_array},
    {"torch._utils", "_rebuild_xla_tensor", &C::from_array},
    {"torch.nn.parameter", "Parameter", &C::parameter},
    {"torch.nn", "Parameter", &C::parameter},
    {"torch.autograd.variable", "Variable", &C::parameter},
    {"numpy.core.multiarray", "_reconstruct", &C::array},
    {"numpy._core.multiarray", "_reconstruct", &C::array},
    {"numpy.core.multiarray", "scalar", &C::array},
    {"numpy._core.multiarray", "scalar", &C::array},
    {"numpy.core.numeric", "_frombuffer", &C::array},
    {"numpy._core.numeric", "_frombuffer", &C::array},
    {"numpy", "dtype", &C::numpy_dtype},
    {"numpy", "ndarray", &C::array},
}};

}  // namespace

absl::StatusOr<PyValue> read_checkpoint_pickle(std::string_view bytes, std::string_view name,
                                               CheckpointHandler& handler, const CheckpointValueOptions& options,
                                               size_t* size) {
  PickleOptions pickle_options;
  pickle_options.limits = options.limits;
  // An object of Python is up to three containers deep here.
  pickle_options.limits.pickle_depth = options.limits.pickle_depth * 3;
  pickle_options.allow_cycles = true;
  VESTA_ASSIGN_OR_RETURN(const PickleResult result, read_pickle(bytes, name, handler, pickle_options));
  if (size != nullptr) *size = result.size;
  absl::StatusOr<PyValue> value = Converter(handler, options).convert(result.value, "");
  if (!value.ok()) return support::with_context(value.status(), std::string(name));
  return value;
}

}  // namespace vesta::serialization
