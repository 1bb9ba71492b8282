// Tensors are made of c10's TensorImpl directly: no operator runs, but for sparse layouts, whose
// constructors are called through the dispatcher after their indices were checked here (the
// operators' own checks are off by default).

#include "serialization/tensor_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/quantized/QTensorImpl.h>
#include <ATen/quantized/Quantizer.h>
#include <c10/core/CPUAllocator.h>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/pickle_reader.h"
#include "serialization/sparse_checks.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;
using c10::ScalarType;
using Arguments = c10::ArrayRef<IValue>;

struct NamedScalarType {
  std::string_view storage_class;
  std::string_view name;
  std::string_view short_name;
  ScalarType type;
};

constexpr std::array kScalarTypes = {
    NamedScalarType{"FloatStorage", "float32", "float", ScalarType::Float},
    NamedScalarType{"DoubleStorage", "float64", "double", ScalarType::Double},
    NamedScalarType{"HalfStorage", "float16", "half", ScalarType::Half},
    NamedScalarType{"BFloat16Storage", "bfloat16", "", ScalarType::BFloat16},
    NamedScalarType{"LongStorage", "int64", "long", ScalarType::Long},
    NamedScalarType{"IntStorage", "int32", "int", ScalarType::Int},
    NamedScalarType{"ShortStorage", "int16", "short", ScalarType::Short},
    NamedScalarType{"CharStorage", "int8", "", ScalarType::Char},
    NamedScalarType{"ByteStorage", "uint8", "", ScalarType::Byte},
    NamedScalarType{"BoolStorage", "bool", "", ScalarType::Bool},
    NamedScalarType{"ComplexFloatStorage", "complex64", "cfloat", ScalarType::ComplexFloat},
    NamedScalarType{"ComplexDoubleStorage", "complex128", "cdouble", ScalarType::ComplexDouble},
    NamedScalarType{"ComplexHalfStorage", "complex32", "chalf", ScalarType::ComplexHalf},
    NamedScalarType{"QInt8Storage", "qint8", "", ScalarType::QInt8},
    NamedScalarType{"QUInt8Storage", "quint8", "", ScalarType::QUInt8},
    NamedScalarType{"QInt32Storage", "qint32", "", ScalarType::QInt32},
    NamedScalarType{"QUInt4x2Storage", "quint4x2", "", ScalarType::QUInt4x2},
    NamedScalarType{"QUInt2x4Storage", "quint2x4", "", ScalarType::QUInt2x4},
    NamedScalarType{"UInt16Storage", "uint16", "", ScalarType::UInt16},
    NamedScalarType{"UInt32Storage", "uint32", "", ScalarType::UInt32},
    NamedScalarType{"UInt64Storage", "uint64", "", ScalarType::UInt64},
    NamedScalarType{"Float8_e4m3fnStorage", "float8_e4m3fn", "", ScalarType::Float8_e4m3fn},
    NamedScalarType{"Float8_e5m2Storage", "float8_e5m2", "", ScalarType::Float8_e5m2},
    NamedScalarType{"Float8_e4m3fnuzStorage", "float8_e4m3fnuz", "", ScalarType::Float8_e4m3fnuz},
    NamedScalarType{"Float8_e5m2fnuzStorage", "float8_e5m2fnuz", "", ScalarType::Float8_e5m2fnuz},
    NamedScalarType{"Float8_e8m0fnuStorage", "float8_e8m0fnu", "", ScalarType::Float8_e8m0fnu},
    NamedScalarType{"", "float4_e2m1fn_x2", "", ScalarType::Float4_e2m1fn_x2},
    NamedScalarType{"", "bits8", "", ScalarType::Bits8},
    NamedScalarType{"", "bits16", "", ScalarType::Bits16},
    NamedScalarType{"", "bits1x8", "", ScalarType::Bits1x8},
    NamedScalarType{"", "bits2x4", "", ScalarType::Bits2x4},
    NamedScalarType{"", "bits4x2", "", ScalarType::Bits4x2},
};

bool is_scalar_type(int64_t number) {
  return std::any_of(kScalarTypes.begin(), kScalarTypes.end(),
                     [&](const NamedScalarType& row) { return static_cast<int64_t>(row.type) == number; });
}

absl::Status wrong_arguments(std::string_view function, std::string_view expected) {
  return absl::DataLossError(
      absl::StrFormat("'torch._utils.%s' takes %s", std::string(function), std::string(expected)));
}

absl::StatusOr<std::vector<int64_t>> int_list(const IValue& value, std::string_view what) {
  std::vector<int64_t> result;
  const auto add = [&](const IValue& element) {
    if (element.isInt()) result.push_back(element.toInt());
    return element.isInt();
  };
  bool fine = value.isTuple() || value.isList();
  if (value.isTuple()) {
    for (const IValue& element : value.toTupleRef().elements()) fine = fine && add(element);
  } else if (value.isList()) {
    for (const IValue& element : value.toListRef()) fine = fine && add(element);
  }
  if (fine) return result;
  return absl::DataLossError(absl::StrFormat("the %s of a tensor are no tuple of ints", std::string(what)));
}

struct TypedStorage {
  c10::Storage storage;
  ScalarType type;
};

std::optional<TypedStorage> typed_storage(const IValue& value) {
  const PickleObject* object = PickleObject::from(value);
  if (object == nullptr || object->kind != PickleObject::Kind::kStorage) return std::nullopt;
  return TypedStorage{object->items.at(0).toStorage(), static_cast<ScalarType>(object->number)};
}

// The number of bytes that a view covers from the storage's start; nullopt where 64 bits are not enough.
std::optional<uint64_t> covered_bytes(size_t item_size, const std::vector<int64_t>& sizes,
                                      const std::vector<int64_t>& strides, int64_t offset) {
  int64_t last = offset;
  int64_t count = 1;
  bool overflow = false;
  for (const int64_t size : sizes) overflow = overflow || __builtin_mul_overflow(count, size, &count);
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) {
    // An empty view touches nothing, but its offset is kept and must be a place in the storage.
    last = offset - 1;
    overflow = false;
  } else {
    for (size_t i = 0; i < sizes.size(); ++i) {
      int64_t extent = 0;
      overflow = overflow || __builtin_mul_overflow(sizes[i] - 1, strides[i], &extent) ||
                 __builtin_add_overflow(last, extent, &last);
    }
  }
  int64_t bytes = 0;
  overflow = overflow || __builtin_add_overflow(last, 1, &last) ||
             __builtin_mul_overflow(last, static_cast<int64_t>(item_size), &bytes);
  // The count in bytes is computed by ATen too.
  overflow = overflow || __builtin_mul_overflow(count, static_cast<int64_t>(item_size), &count);
  if (overflow) return std::nullopt;
  return static_cast<uint64_t>(bytes);
}

absl::Status check_geometry(const c10::Storage& storage, size_t item_size, const std::vector<int64_t>& sizes,
                            const std::vector<int64_t>& strides, int64_t offset) {
  const auto negative = [](int64_t v) { return v < 0; };
  if (sizes.size() != strides.size()) {
    return absl::DataLossError(absl::StrFormat("a tensor has %d sizes and %d strides", sizes.size(), strides.size()));
  }
  if (offset < 0 || std::any_of(sizes.begin(), sizes.end(), negative) ||
      std::any_of(strides.begin(), strides.end(), negative)) {
    return absl::DataLossError("a tensor's offset, sizes and strides must not be negative");
  }
  const std::optional<uint64_t> bytes = covered_bytes(item_size, sizes, strides, offset);
  if (!bytes) return absl::DataLossError("a tensor's sizes, strides and offset do not fit 64 bits");
  if (*bytes > storage.nbytes()) {
    return absl::DataLossError(
        absl::StrFormat("a tensor reaches to byte %d of a storage of %d bytes", *bytes, storage.nbytes()));
  }
  return absl::OkStatus();
}

// Elements smaller than a byte lie in rows of whole bytes, one behind the other: a storage has no way to say that a
// view begins inside a byte, nor does torch read one right.
absl::Status check_packed_geometry(const c10::Storage& storage, ScalarType type, const std::vector<int64_t>& sizes,
                                   const std::vector<int64_t>& strides, int64_t offset) {
  const auto negative = [](int64_t v) { return v < 0; };
  if (sizes.size() != strides.size() || std::any_of(sizes.begin(), sizes.end(), negative)) {
    return check_geometry(storage, 1, sizes, strides, offset);
  }
  const int64_t per_byte = type == ScalarType::QUInt4x2 ? 2 : 4;
  std::vector<int64_t> bytes = sizes;
  if (!bytes.empty()) bytes.back() = bytes.back() / per_byte + (bytes.back() % per_byte != 0);
  int64_t expected = 1;
  bool contiguous = offset == 0;
  for (size_t d = sizes.size(); d-- > 0 && contiguous;) {
    contiguous = (sizes[d] == 1 || strides[d] == expected) &&
                 !__builtin_mul_overflow(expected, std::max<int64_t>(sizes[d], 1), &expected);
  }
  if (!contiguous) {
    return absl::UnimplementedError(absl::StrFormat("a tensor of %s is read only if it is contiguous and no view",
                                                    std::string(scalar_type_name(type))));
  }
  std::vector<int64_t> byte_strides(bytes.size(), 1);
  for (size_t d = bytes.size(); d-- > 1;) byte_strides[d - 1] = byte_strides[d] * std::max<int64_t>(bytes[d], 1);
  return check_geometry(storage, 1, bytes, byte_strides, 0);
}

void swap_elements(char* data, size_t size, size_t element_size) {
  for (size_t i = 0; i + element_size <= size; i += element_size) std::reverse(data + i, data + i + element_size);
}

void release_owner(void* context) { delete static_cast<SharedBytes*>(context); }

c10::Storage storage_over(const char* data, size_t size, SharedBytes owner) {
  c10::DataPtr pointer(const_cast<char*>(data), new SharedBytes(std::move(owner)), &release_owner,
                       c10::Device(c10::DeviceType::CPU));
  return c10::Storage(c10::Storage::use_byte_size_t(), size, std::move(pointer), /*allocator=*/nullptr,
                      /*resizable=*/false);
}

void release_storage(void* context) { delete static_cast<c10::Storage*>(context); }

// A part of another storage, which it keeps.
c10::Storage storage_within(const c10::Storage& root, size_t offset, size_t size) {
  char* data = static_cast<char*>(const_cast<void*>(root.data())) + offset;
  c10::DataPtr pointer(data, new c10::Storage(root), &release_storage, c10::Device(c10::DeviceType::CPU));
  return c10::Storage(c10::Storage::use_byte_size_t(), size, std::move(pointer), /*allocator=*/nullptr,
                      /*resizable=*/false);
}

// c10 and ATen report by exceptions; `f` may call them, and its exception becomes a status.
template <typename F>
auto guarded(F f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::exception& error) {
    std::string_view text = error.what();
    return absl::DataLossError(std::string(text.substr(0, text.find('\n'))));
  }
}

absl::Status set_requires_grad(at::Tensor& tensor, const IValue& value) {
  if (!value.isBool()) return absl::DataLossError("a tensor's requires_grad is no bool");
  if (!value.toBool()) return absl::OkStatus();
  if (!c10::isFloatingType(tensor.scalar_type()) && !c10::isComplexType(tensor.scalar_type())) {
    return absl::DataLossError(
        absl::StrFormat("a tensor of %s cannot require grad", c10::toString(tensor.scalar_type())));
  }
  return guarded([&]() -> absl::Status {
    tensor.set_requires_grad(true);
    return absl::OkStatus();
  });
}

absl::StatusOr<at::Tensor> tensor_of_list(const IValue& value, ScalarType type) {
  if (value.isTensor()) return value.toTensor();
  if (!value.isList()) return absl::DataLossError("scales and zero points are tensors or lists");
  const auto list = value.toListRef();
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, make_contiguous_tensor(type, {static_cast<int64_t>(list.size())}));
  for (size_t i = 0; i < list.size(); ++i) {
    if (type == ScalarType::Double && list[i].isDouble()) {
      static_cast<double*>(tensor.mutable_data_ptr())[i] = list[i].toDouble();
    } else if (type == ScalarType::Long && list[i].isInt()) {
      static_cast<int64_t*>(tensor.mutable_data_ptr())[i] = list[i].toInt();
    } else {
      return absl::DataLossError("scales are floats and zero points ints");
    }
  }
  return tensor;
}

bool is_global(const IValue& value, std::string_view name) {
  const PickleObject* object = PickleObject::from(value);
  return object != nullptr && object->kind == PickleObject::Kind::kGlobal && object->module == "torch" &&
         object->name == name;
}

absl::StatusOr<at::QuantizerPtr> make_quantizer(const IValue& parameters, ScalarType type,
                                                const std::vector<int64_t>& sizes) {
  if (!parameters.isTuple() || parameters.toTupleRef().size() < 3) {
    return absl::DataLossError("the quantizer is no tuple of its kind and parameters");
  }
  const auto& p = parameters.toTupleRef().elements();
  if (is_global(p[0], "per_tensor_affine")) {
    if (!p[1].isDouble() || !p[2].isInt())
      return absl::DataLossError("a quantizer takes a float scale and an int zero point");
    return guarded([&]() -> absl::StatusOr<at::QuantizerPtr> {
      return at::make_per_tensor_affine_quantizer(p[1].toDouble(), p[2].toInt(), type);
    });
  }
  const bool float_parameters = is_global(p[0], "per_channel_affine_float_qparams");
  if (!float_parameters && !is_global(p[0], "per_channel_affine")) {
    return absl::DataLossError(
        "the quantizer's kind is none of 'per_tensor_affine', 'per_channel_affine' and "
        "'per_channel_affine_float_qparams'");
  }
  VESTA_ASSIGN_OR_RETURN(const at::Tensor scales, tensor_of_list(p[1], ScalarType::Double));
  VESTA_ASSIGN_OR_RETURN(const at::Tensor zero_points, tensor_of_list(p[2], ScalarType::Long));
  if (p.size() < 4 || !p[3].isInt()) return absl::DataLossError("a quantizer per channel takes an int axis");
  const int64_t axis = p[3].toInt();
  if (axis < 0 || axis >= static_cast<int64_t>(sizes.size())) {
    return absl::DataLossError(
        absl::StrFormat("the quantizer's axis %d is none of the tensor's %d", axis, sizes.size()));
  }
  const int64_t channels = sizes[static_cast<size_t>(axis)];
  const auto fits = [&](const at::Tensor& t) {
    return t.defined() && t.dim() == 1 && t.size(0) == channels && !t.is_quantized() && !t.is_sparse() &&
           (c10::isFloatingType(t.scalar_type()) || c10::isIntegralType(t.scalar_type(), false));
  };
  if (!fits(scales) || !fits(zero_points)) {
    return absl::DataLossError(absl::StrFormat("the quantizer needs %d scales and zero points", channels));
  }
  return guarded([&]() -> absl::StatusOr<at::QuantizerPtr> {
    return at::make_per_channel_affine_quantizer(scales, zero_points, axis, type);
  });
}

// Calls an operator of the dispatcher with positional arguments; the rest take their defaults.
absl::StatusOr<at::Tensor> call_operator(const char* name, std::vector<IValue> stack) {
  return guarded([&]() -> absl::StatusOr<at::Tensor> {
    const auto found = c10::Dispatcher::singleton().findSchema({name, ""});
    if (!found.has_value()) return absl::UnimplementedError(absl::StrCat("this libtorch has no operator '", name, "'"));
    const auto& arguments = found->schema().arguments();
    for (size_t i = stack.size(); i < arguments.size(); ++i) {
      stack.push_back(arguments[i].default_value().value_or(IValue()));
    }
    found->callBoxed(stack);
    return stack.at(0).toTensor();
  });
}

SharedBytes empty_bytes() {
  static const SharedBytes kEmpty = borrow_bytes({}, /*writable=*/false);
  return kEmpty;
}

IValue sparse_options_stack(const at::Tensor& values) { return IValue(static_cast<int64_t>(values.scalar_type())); }

}  // namespace

std::optional<ScalarType> storage_scalar_type(std::string_view class_name) {
  if (class_name == "UntypedStorage") return ScalarType::Byte;
  if (class_name.empty()) return std::nullopt;
  for (const NamedScalarType& row : kScalarTypes) {
    if (row.storage_class == class_name) return row.type;
  }
  return std::nullopt;
}

std::string_view storage_class_name(ScalarType type) {
  for (const NamedScalarType& row : kScalarTypes) {
    if (row.type == type) return row.storage_class;
  }
  return {};
}

std::string_view scalar_type_name(ScalarType type) {
  for (const NamedScalarType& row : kScalarTypes) {
    if (row.type == type) return row.name;
  }
  return "unknown";
}

std::optional<ScalarType> scalar_type_named(std::string_view name) {
  for (const NamedScalarType& row : kScalarTypes) {
    if (row.name == name || (!row.short_name.empty() && row.short_name == name)) return row.type;
  }
  return std::nullopt;
}

absl::StatusOr<c10::Storage> make_storage(const StorageBytes& source, size_t element_size, bool swap_bytes,
                                          size_t alignment) {
  const bool aligned = reinterpret_cast<uintptr_t>(source.contents.data()) % alignment == 0;
  const bool swap = swap_bytes && element_size > 1;
  if (aligned && !swap && source.owner->writable()) {
    return storage_over(source.contents.data(), source.contents.size(), source.owner);
  }
  VESTA_ASSIGN_OR_RETURN(auto copy, OwnedBytes::allocate(source.contents.size()));
  if (copy->size() > 0) std::memcpy(copy->mutable_data(), source.contents.data(), copy->size());
  if (swap) swap_elements(copy->mutable_data(), copy->size(), element_size);
  const char* data = copy->data();
  const size_t size = copy->size();
  return storage_over(data, size, std::move(copy));
}

absl::StatusOr<at::Tensor> make_strided_tensor(const c10::Storage& storage, ScalarType type,
                                               const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                                               int64_t offset) {
  VESTA_RETURN_IF_ERROR(check_geometry(storage, c10::elementSize(type), sizes, strides, offset));
  return guarded([&]() -> absl::StatusOr<at::Tensor> {
    at::Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(
        c10::Storage(storage), c10::DispatchKeySet(c10::DispatchKey::CPU), c10::scalarTypeToTypeMeta(type));
    tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides, offset);
    return tensor;
  });
}

absl::StatusOr<at::Tensor> make_contiguous_tensor(ScalarType type, const std::vector<int64_t>& sizes) {
  std::vector<int64_t> strides(sizes.size());
  int64_t count = 1;
  bool overflow = false;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = count;
    overflow = overflow || sizes[i] < 0 || __builtin_mul_overflow(count, std::max<int64_t>(sizes[i], 1), &count);
  }
  overflow = overflow || __builtin_mul_overflow(count, static_cast<int64_t>(c10::elementSize(type)), &count);
  if (overflow) return absl::DataLossError("a tensor's sizes are negative or do not fit 64 bits");
  return guarded([&]() -> absl::StatusOr<at::Tensor> {
    c10::DataPtr data = c10::GetCPUAllocator()->allocate(static_cast<size_t>(count));
    const c10::Storage storage(c10::Storage::use_byte_size_t(), static_cast<size_t>(count), std::move(data),
                               c10::GetCPUAllocator(), /*resizable=*/true);
    return make_strided_tensor(storage, type, sizes, strides, 0);
  });
}

absl::Status TensorBuilder::count_tensor() {
  if (++tensors_ <= options_.limits.tensors) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat("the limit 'tensors' is %d", options_.limits.tensors));
}

absl::StatusOr<c10::Storage> TensorBuilder::read_storage(const std::string& key, ScalarType type, int64_t bytes) {
  const auto item_size = static_cast<int64_t>(c10::elementSize(type));
  // The record of an empty storage need not be there.
  StorageBytes record{{}, empty_bytes()};
  if (bytes > 0) {
    VESTA_ASSIGN_OR_RETURN(record, read_record_(key, static_cast<uint64_t>(bytes)));
  }
  if (static_cast<int64_t>(record.contents.size()) != bytes) {
    return absl::DataLossError(absl::StrFormat("the record of storage '%s' has %d bytes, %d elements of %s take %d",
                                               printable(key), record.contents.size(), bytes / item_size,
                                               c10::toString(type), bytes));
  }
  // A bool of another value than 0 and 1 is undefined behaviour in every kernel that reads it.
  const auto no_bool = [](char byte) { return static_cast<uint8_t>(byte) > 1; };
  if (type == ScalarType::Bool && !options_.metadata_only &&
      std::any_of(record.contents.begin(), record.contents.end(), no_bool)) {
    return absl::DataLossError(
        absl::StrFormat("the record of storage '%s' has bools other than 0 and 1", printable(key)));
  }
  if (options_.metadata_only) return storage_over(record.contents.data(), record.contents.size(), record.owner);
  const int64_t swapped_unit = c10::isComplexType(type) ? item_size / 2 : item_size;
  return make_storage(record, static_cast<size_t>(swapped_unit), options_.big_endian);
}

absl::StatusOr<IValue> TensorBuilder::storage(const IValue& persistent_id) {
  const auto malformed = [] {
    return absl::DataLossError("a persistent id is not ('storage', class, key, location, count)");
  };
  if (!persistent_id.isTuple()) return malformed();
  const c10::ArrayRef<IValue> id = persistent_id.toTupleRef().elements().asArrayRef();
  // The legacy stream appends a view's metadata, (key, offset, count) or None.
  if (id.size() < 5 || id.size() > 6 || (id.size() == 6 && !id[5].isNone() && !id[5].isTuple())) return malformed();
  const PickleObject* storage_class = PickleObject::from(id[1]);
  if (!id[0].isString() || id[0].toStringRef() != "storage" || storage_class == nullptr || !id[2].isString() ||
      !id[3].isString() || !id[4].isInt()) {
    return malformed();
  }
  const std::optional<ScalarType> type = storage_scalar_type(storage_class->name);
  if (storage_class->kind != PickleObject::Kind::kGlobal || !type) {
    return absl::UnimplementedError(
        absl::StrFormat("storages of class '%s' are not read", printable(storage_class->qualified_name())));
  }
  const std::string key = id[2].toStringRef();
  const std::string& location = id[3].toStringRef();
  if (location != "cpu" && !options_.map_to_cpu) {
    return absl::FailedPreconditionError(
        absl::StrFormat("storage '%s' was saved on device '%s'; load the file with device 'cpu' to have it there",
                        printable(key), printable(location)));
  }
  int64_t bytes = 0;
  const size_t item_size = c10::elementSize(*type);
  if (id[4].toInt() < 0 || __builtin_mul_overflow(id[4].toInt(), static_cast<int64_t>(item_size), &bytes)) {
    return absl::DataLossError(absl::StrFormat("storage '%s' cannot have %d elements", printable(key), id[4].toInt()));
  }
  auto found = storages_.find(key);
  if (found == storages_.end()) {
    VESTA_ASSIGN_OR_RETURN(c10::Storage read, read_storage(key, *type, bytes));
    found = storages_.emplace(key, std::move(read)).first;
  }
  if (static_cast<int64_t>(found->second.nbytes()) != bytes) {
    return absl::DataLossError(absl::StrFormat("storage '%s' has %d bytes here and %d elsewhere", printable(key), bytes,
                                               found->second.nbytes()));
  }
  c10::Storage storage = found->second;
  if (id.size() == 6 && id[5].isTuple()) {
    VESTA_ASSIGN_OR_RETURN(storage, storage_view(storage, item_size, id[5].toTupleRef().elements().asArrayRef()));
  }
  IValue result = wrap_storage(std::move(storage), *type);
  PickleObject::from(result)->name = storage_class->name;
  return result;
}

IValue TensorBuilder::wrap_storage(c10::Storage storage, ScalarType type) {
  auto object = c10::make_intrusive<PickleObject>(PickleObject::Kind::kStorage);
  object->number = static_cast<int64_t>(type);
  object->items.emplace_back(std::move(storage));
  return PickleObject::wrap(std::move(object));
}

absl::StatusOr<c10::Storage> TensorBuilder::storage_view(const c10::Storage& root, size_t item_size, Arguments view) {
  // (key, offset, count), in elements of the root's type
  if (view.size() != 3 || !view[0].isString() || !view[1].isInt() || !view[2].isInt()) {
    return absl::DataLossError("a storage's view is not (key, offset, count)");
  }
  return view_of_storage(root, item_size, view[0].toStringRef(), view[1].toInt(), view[2].toInt());
}

absl::StatusOr<c10::Storage> TensorBuilder::view_of_storage(const c10::Storage& root, size_t item_size,
                                                            const std::string& key, int64_t offset, int64_t count) {
  if (const auto found = views_.find(key); found != views_.end()) return found->second;
  int64_t first = 0;
  int64_t size = 0;
  int64_t end = 0;
  if (offset < 0 || count < 0 || __builtin_mul_overflow(offset, static_cast<int64_t>(item_size), &first) ||
      __builtin_mul_overflow(count, static_cast<int64_t>(item_size), &size) ||
      __builtin_add_overflow(first, size, &end) || end > static_cast<int64_t>(root.nbytes())) {
    return absl::DataLossError(
        absl::StrFormat("the view '%s' leaves its storage of %d bytes", printable(key), root.nbytes()));
  }
  c10::Storage view = storage_within(root, static_cast<size_t>(first), static_cast<size_t>(size));
  views_.emplace(key, view);
  return view;
}

absl::StatusOr<IValue> TensorBuilder::rebuild_tensor(Arguments a) {
  // (storage, offset, sizes, strides[, requires_grad, backward hooks[, metadata or dtype[, metadata]]])
  VESTA_RETURN_IF_ERROR(count_tensor());
  const std::optional<TypedStorage> typed = a.size() < 4 ? std::nullopt : typed_storage(a[0]);
  if (!typed || !a[1].isInt()) return wrong_arguments("_rebuild_tensor_v2", "a storage, an int offset, sizes, strides");
  VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, int_list(a[2], "sizes"));
  VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, int_list(a[3], "strides"));
  if (static_cast<int64_t>(sizes.size()) > options_.limits.tensor_rank) {
    return absl::ResourceExhaustedError(absl::StrFormat("a tensor of %d dimensions; the limit 'tensor_rank' is %d",
                                                        sizes.size(), options_.limits.tensor_rank));
  }
  // _rebuild_tensor_v3 names the dtype, because its storage is untyped.
  // _rebuild_tensor_v3 may have a dict of metadata behind the dtype.
  const size_t metadata = a.size() > 7 && a[6].isInt() ? 7 : 6;
  const bool names_type = a.size() > 6 && a[6].isInt();
  if (names_type && !is_scalar_type(a[6].toInt())) return absl::DataLossError("a tensor's dtype is none");
  const ScalarType type = names_type ? static_cast<ScalarType>(a[6].toInt()) : typed->type;
  if (c10::isQIntType(type)) return absl::DataLossError("a quantized storage under a tensor without quantizer");
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, make_strided_tensor(typed->storage, type, sizes, strides, a[1].toInt()));
  if (a.size() > 4) VESTA_RETURN_IF_ERROR(set_requires_grad(tensor, a[4]));
  if (a.size() > metadata && a[metadata].isGenericDict()) {
    // Conjugate and negative views are marked, not computed.
    for (const auto& item : a[metadata].toGenericDict()) {
      const std::string key = item.key().isString() ? item.key().toStringRef() : "";
      if ((key != "conj" && key != "neg") || !item.value().isBool()) {
        return absl::UnimplementedError(absl::StrFormat("a tensor's metadata '%s' is not read", printable(key)));
      }
      if (key == "conj" && item.value().toBool() && !c10::isComplexType(type)) {
        return absl::DataLossError("a tensor that is not complex is marked as a conjugate");
      }
      if (key == "conj") tensor.unsafeGetTensorImpl()->_set_conj(item.value().toBool());
      if (key == "neg") tensor.unsafeGetTensorImpl()->_set_neg(item.value().toBool());
    }
  }
  return IValue(std::move(tensor));
}

absl::StatusOr<IValue> TensorBuilder::rebuild_qtensor(Arguments a) {
  // (storage, offset, sizes, strides, quantizer parameters[, requires_grad, backward hooks])
  VESTA_RETURN_IF_ERROR(count_tensor());
  const std::optional<TypedStorage> typed = a.size() < 5 ? std::nullopt : typed_storage(a[0]);
  if (!typed || !a[1].isInt()) {
    return wrong_arguments("_rebuild_qtensor", "a storage, an int offset, sizes, strides, a quantizer");
  }
  if (!c10::isQIntType(typed->type)) return absl::DataLossError("a quantized tensor over a storage that is not");
  VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, int_list(a[2], "sizes"));
  VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, int_list(a[3], "strides"));
  if (static_cast<int64_t>(sizes.size()) > options_.limits.tensor_rank) {
    return absl::ResourceExhaustedError("a tensor has more dimensions than the limit 'tensor_rank'");
  }
  const bool packed = typed->type == ScalarType::QUInt4x2 || typed->type == ScalarType::QUInt2x4;
  if (!packed) {
    VESTA_RETURN_IF_ERROR(check_geometry(typed->storage, c10::elementSize(typed->type), sizes, strides, a[1].toInt()));
  } else {
    VESTA_RETURN_IF_ERROR(check_packed_geometry(typed->storage, typed->type, sizes, strides, a[1].toInt()));
  }
  VESTA_ASSIGN_OR_RETURN(at::QuantizerPtr quantizer, make_quantizer(a[4], typed->type, sizes));
  return guarded([&]() -> absl::StatusOr<IValue> {
    at::Tensor tensor = at::detail::make_tensor<at::QTensorImpl>(
        c10::Storage(typed->storage), c10::DispatchKeySet(c10::DispatchKey::QuantizedCPU),
        c10::scalarTypeToTypeMeta(typed->type), std::move(quantizer));
    tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides, a[1].toInt());
    return IValue(std::move(tensor));
  });
}

absl::StatusOr<IValue> TensorBuilder::rebuild_sparse_tensor(Arguments a) {
  VESTA_RETURN_IF_ERROR(count_tensor());
  const auto malformed = [] {
    return wrong_arguments("_rebuild_sparse_tensor", "a layout, sizes, and tensors of indices and values");
  };
  if (a.size() < 2) return malformed();
  // Python: (layout, (indices, values, sizes[, is_coalesced])) or (layout, (rows, columns, values, sizes)).
  // C++:    (layout, sizes, requires_grad, index tensors..., values, backward hooks).
  std::vector<at::Tensor> tensors;
  IValue sizes_value;
  IValue requires_grad(false);
  IValue coalesced;
  bool compressed = false;
  const auto take = [&](const IValue& value) {
    if (value.isTensor())
      tensors.push_back(value.toTensor());
    else if (value.isTuple() || value.isList())
      sizes_value = value;
    else if (value.isBool())
      coalesced = value;
  };
  if (!a[0].isInt()) return malformed();
  const auto layout =
      std::find_if(kCompressedLayouts.begin(), kCompressedLayouts.end(),
                   [&](const CompressedLayout& row) { return a[0].toInt() == static_cast<int64_t>(row.layout); });
  compressed = layout != kCompressedLayouts.end();
  if (!compressed && a[0].toInt() != static_cast<int64_t>(c10::kSparse)) {
    return absl::UnimplementedError("sparse tensors are read in the layouts COO, CSR, CSC, BSR and BSC");
  }
  if (a.size() == 2 && a[1].isTuple()) {
    for (const IValue& value : a[1].toTupleRef().elements()) take(value);
  } else {
    if (a.size() < 4) return malformed();
    requires_grad = a[2];
    // What follows the tensors (backward hooks, an empty dict) is no tuple.
    for (size_t i = 1; i < a.size(); ++i) take(a[i]);
    coalesced = IValue();
  }
  if (tensors.size() != (compressed ? 3u : 2u)) return malformed();
  VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, int_list(sizes_value, "sizes"));
  const auto negative = [](int64_t v) { return v < 0; };
  if (static_cast<int64_t>(sizes.size()) > options_.limits.tensor_rank ||
      std::any_of(sizes.begin(), sizes.end(), negative)) {
    return absl::DataLossError("a sparse tensor's sizes are negative or too many");
  }
  if (!options_.metadata_only) {
    VESTA_RETURN_IF_ERROR(compressed ? check_compressed(*layout, tensors[0], tensors[1], tensors[2], sizes)
                                     : check_coo(tensors[0], tensors[1], sizes));
    if (coalesced.isBool() && coalesced.toBool()) VESTA_RETURN_IF_ERROR(check_coalesced(tensors[0]));
  }
  std::vector<IValue> stack(tensors.begin(), tensors.end());
  for (IValue option : {IValue(sizes), sparse_options_stack(tensors.back()), IValue(a[0].toInt()),
                        IValue(c10::Device(c10::kCPU)), IValue(false)}) {
    stack.push_back(std::move(option));
  }
  if (!compressed && coalesced.isBool()) stack.push_back(coalesced);
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, call_operator(compressed ? "aten::_sparse_compressed_tensor_unsafe"
                                                                     : "aten::_sparse_coo_tensor_unsafe",
                                                          std::move(stack)));
  VESTA_RETURN_IF_ERROR(set_requires_grad(tensor, requires_grad));
  return IValue(std::move(tensor));
}

absl::StatusOr<IValue> TensorBuilder::rebuild_meta_tensor(Arguments a) {
  // (dtype, sizes, strides, requires_grad)
  VESTA_RETURN_IF_ERROR(count_tensor());
  if (a.size() != 4 || !a[0].isInt() || !is_scalar_type(a[0].toInt())) {
    return wrong_arguments("_rebuild_meta_tensor_no_storage", "a dtype, sizes, strides, a bool");
  }
  VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, int_list(a[1], "sizes"));
  VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, int_list(a[2], "strides"));
  const auto negative = [](int64_t v) { return v < 0; };
  if (static_cast<int64_t>(sizes.size()) > options_.limits.tensor_rank || sizes.size() != strides.size() ||
      std::any_of(sizes.begin(), sizes.end(), negative) || std::any_of(strides.begin(), strides.end(), negative) ||
      !covered_bytes(c10::elementSize(static_cast<ScalarType>(a[0].toInt())), sizes, strides, 0)) {
    return absl::DataLossError("a tensor's sizes and strides do not belong together or do not fit 64 bits");
  }
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor,
                         call_operator("aten::empty_strided", {IValue(sizes), IValue(strides), a[0],
                                                               IValue(static_cast<int64_t>(c10::kStrided)),
                                                               IValue(c10::Device(c10::kMeta)), IValue(false)}));
  VESTA_RETURN_IF_ERROR(set_requires_grad(tensor, a[3]));
  return IValue(std::move(tensor));
}

absl::StatusOr<IValue> TensorBuilder::rebuild_parameter(Arguments a) {
  // (data, requires_grad, backward hooks)
  if (a.size() < 2 || !a[0].isTensor() || !a[0].toTensor().defined()) {
    return wrong_arguments("_rebuild_parameter", "a tensor and a bool");
  }
  at::Tensor tensor = a[0].toTensor();
  VESTA_RETURN_IF_ERROR(set_requires_grad(tensor, a[1]));
  return IValue(std::move(tensor));
}

}  // namespace vesta::serialization
