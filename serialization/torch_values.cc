// Globals are rows of a table: module, name, and the function that gives meaning to a call of it.

#include "serialization/torch_values.h"

#include <array>

#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using namespace std::string_view_literals;
using c10::IValue;
using Arguments = c10::ArrayRef<IValue>;
using Kind = PickleObject::Kind;
using Result = absl::StatusOr<IValue>;

absl::Status wrong_arguments(std::string_view function, std::string_view expected) {
  return absl::DataLossError(absl::StrFormat("'%s' takes %s", function, expected));
}

Result make_device(TensorBuilder&, Arguments a) {
  // ('cuda:0',) or ('cuda', 0)
  if (a.empty() || a.size() > 2 || !a[0].isString() || (a.size() == 2 && !a[1].isInt())) {
    return wrong_arguments("torch.device", "a string and at most an int");
  }
  try {
    c10::Device device(a[0].toStringRef());
    if (a.size() == 2) {
      if (a[1].toInt() < 0 || a[1].toInt() > std::numeric_limits<c10::DeviceIndex>::max()) {
        return wrong_arguments("torch.device", "an index from 0 to 127");
      }
      device.set_index(static_cast<c10::DeviceIndex>(a[1].toInt()));
    }
    return IValue(device);
  } catch (const std::exception&) {
    return absl::DataLossError(absl::StrFormat("'%s' is no device", printable(a[0].toStringRef())));
  }
}

Result make_layout(TensorBuilder&, Arguments a) {
  static constexpr std::array kLayouts = {std::pair{"torch.strided"sv, c10::kStrided},
                                          std::pair{"torch.sparse_coo"sv, c10::kSparse},
                                          std::pair{"torch.sparse_csr"sv, c10::kSparseCsr}};
  for (const auto& [name, layout] : kLayouts) {
    if (a.size() == 1 && a[0].isString() && a[0].toStringRef() == name) return IValue(static_cast<int64_t>(layout));
  }
  return wrong_arguments("torch.serialization._get_layout", "the name of a layout: strided, sparse_coo or sparse_csr");
}

Result make_complex(TensorBuilder&, Arguments a) {
  if (a.size() != 2 || !a[0].isDouble() || !a[1].isDouble()) return wrong_arguments("complex", "two floats");
  return IValue(c10::complex<double>(a[0].toDouble(), a[1].toDouble()));
}

Result make_size(TensorBuilder&, Arguments a) {
  if (a.size() != 1 || !(a[0].isTuple() || a[0].isList())) return wrong_arguments("torch.Size", "a tuple of ints");
  const std::vector<IValue> sizes = a[0].isTuple() ? a[0].toTupleRef().elements().vec() : a[0].toListRef().vec();
  for (const IValue& size : sizes) {
    if (!size.isInt()) return wrong_arguments("torch.Size", "a tuple of ints");
  }
  return IValue(c10::ivalue::Tuple::create(sizes));
}

Result make_ordered_dict(TensorBuilder&, Arguments a) {
  c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
  // Python 2 wrote the items as a list of pairs.
  if (a.size() > 1 || (a.size() == 1 && !a[0].isList())) {
    return wrong_arguments("collections.OrderedDict", "nothing or a list of pairs");
  }
  if (a.size() == 1) {
    for (const IValue& pair : a[0].toListRef()) {
      const bool tuple = pair.isTuple() && pair.toTupleRef().size() == 2;
      const bool list = pair.isList() && pair.toListRef().size() == 2;
      if (!tuple && !list) return wrong_arguments("collections.OrderedDict", "a list of pairs");
      const IValue key = tuple ? pair.toTupleRef().elements()[0] : pair.toListRef()[0];
      if (!key.isString() && !key.isInt()) return wrong_arguments("collections.OrderedDict", "keys of str or int");
      dict.insert_or_assign(key, tuple ? pair.toTupleRef().elements()[1] : pair.toListRef()[1]);
    }
  }
  return IValue(std::move(dict));
}

template <Result (TensorBuilder::*Method)(Arguments)>
Result with_builder(TensorBuilder& tensors, Arguments a) {
  return (tensors.*Method)(a);
}

struct CommonGlobal {
  std::string_view module;
  std::string_view name;
  Result (*call)(TensorBuilder&, Arguments);
};

constexpr std::array kCommonGlobals = {
    CommonGlobal{"torch._utils", "_rebuild_tensor", &with_builder<&TensorBuilder::rebuild_tensor>},
    CommonGlobal{"torch._utils", "_rebuild_tensor_v2", &with_builder<&TensorBuilder::rebuild_tensor>},
    CommonGlobal{"torch._utils", "_rebuild_tensor_v3", &with_builder<&TensorBuilder::rebuild_tensor>},
    CommonGlobal{"torch._utils", "_rebuild_qtensor", &with_builder<&TensorBuilder::rebuild_qtensor>},
    CommonGlobal{"torch._utils", "_rebuild_sparse_tensor", &with_builder<&TensorBuilder::rebuild_sparse_tensor>},
    CommonGlobal{"torch._utils", "_rebuild_parameter", &with_builder<&TensorBuilder::rebuild_parameter>},
    CommonGlobal{"torch._utils", "_rebuild_parameter_with_state", &with_builder<&TensorBuilder::rebuild_parameter>},
    CommonGlobal{"torch._utils", "_rebuild_meta_tensor_no_storage", &with_builder<&TensorBuilder::rebuild_meta_tensor>},
    CommonGlobal{"torch", "device", &make_device},
    CommonGlobal{"torch", "Size", &make_size},
    CommonGlobal{"torch.serialization", "_get_layout", &make_layout},
    CommonGlobal{"builtins", "complex", &make_complex},
    CommonGlobal{"__builtin__", "complex", &make_complex},
    CommonGlobal{"collections", "OrderedDict", &make_ordered_dict},
};

PickleObject* as_global(const IValue& value) {
  PickleObject* object = PickleObject::from(value);
  return object != nullptr && object->kind == Kind::kGlobal ? object : nullptr;
}

bool is_global(const IValue& value, std::string_view module, std::string_view name) {
  const PickleObject* object = as_global(value);
  return object != nullptr && object->module == module && object->name == name;
}

}  // namespace

absl::Status TorchHandler::refuse(const PickleObject& global) {
  return absl::UnimplementedError(
      absl::StrFormat("the file refers to '%s', which is nothing that this reader builds; nothing was executed",
                      printable(global.qualified_name())));
}

absl::StatusOr<IValue> TorchHandler::global(std::string_view module, std::string_view name) {
  // dtypes are ints in TorchScript, and so are they here.
  if (module == "torch") {
    if (const auto type = scalar_type_named(name)) return IValue(static_cast<int64_t>(*type));
  }
  return PickleHandler::global(module, name);
}

absl::StatusOr<IValue> TorchHandler::reduce(const IValue& callable, IValue arguments) {
  PickleObject* global = as_global(callable);
  if (global == nullptr) {
    return absl::DataLossError(absl::StrCat("what is called is no global but ", callable.tagKind()));
  }
  for (const CommonGlobal& row : kCommonGlobals) {
    if (row.name != global->name || row.module != global->module) continue;
    if (!arguments.isTuple()) return absl::DataLossError("the arguments are no tuple");
    return row.call(tensors_, arguments.toTupleRef().elements().asArrayRef());
  }
  // (function, class of the tensor, arguments, Python attributes): a tensor with attributes.
  if (is_global(callable, "torch._tensor", "_rebuild_from_type_v2")) {
    const bool fine = arguments.isTuple() && arguments.toTupleRef().size() == 4 &&
                      as_global(arguments.toTupleRef().elements()[0]) != nullptr;
    if (!fine || is_global(arguments.toTupleRef().elements()[0], "torch._tensor", "_rebuild_from_type_v2")) {
      return wrong_arguments("torch._tensor._rebuild_from_type_v2", "a function, a class, arguments, attributes");
    }
    const auto& elements = arguments.toTupleRef().elements();
    return reduce(elements[0], elements[2]);
  }
  return reduce_other(*global, std::move(arguments));
}

absl::StatusOr<IValue> TorchHandler::reduce_other(PickleObject& callable, IValue) { return refuse(callable); }

absl::StatusOr<IValue> TorchHandler::new_object(const IValue& type, IValue, IValue) {
  const PickleObject* global = as_global(type);
  return global != nullptr ? refuse(*global) : absl::DataLossError("an object of something that is no class");
}

absl::StatusOr<IValue> TorchHandler::build(IValue object, IValue) {
  return absl::DataLossError(absl::StrCat("a state for a value of kind ", object.tagKind()));
}

}  // namespace vesta::serialization
