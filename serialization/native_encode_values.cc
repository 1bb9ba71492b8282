// Values are numbered behind their parts. What has an identity (tensors, lists, dicts, objects) is written once; plain
// values that are equal share a number, too.

#include <cstring>

#include <ATen/core/enum_type.h>
#include <ATen/quantized/QTensorImpl.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ir/support/status.h"
#include "ir/value_type.h"
#include "serialization/native_encoder.h"
#include "serialization/native_layouts.h"
#include "serialization/tensor_builder.h"
#include "serialization/tensor_pickler.h"
#include "serialization/torch_values.h"
#include "serialization/utf8.h"

namespace vesta::serialization {

using c10::IValue;
using native::ValueKind;

std::string NativeEncoder::path() const { return path_.empty() ? "the value" : absl::StrJoin(path_, "."); }

absl::StatusOr<uint32_t> NativeEncoder::value(const IValue& value) {
  if (depth_ > kMaxValueDepth) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' cannot be written: values nest deeper than %d there", path(), kMaxValueDepth));
  }
  const bool has_identity =
      (value.isTensor() && value.toTensor().defined()) || value.isList() || value.isGenericDict() || value.isObject();
  if (has_identity) return shared_value(value);
  ++depth_;
  const absl::Cleanup leave = [this] { --depth_; };
  auto out = std::make_unique<native::ValueT>();
  VESTA_RETURN_IF_ERROR(fill(*out, value));
  uint64_t bits[2];
  std::memcpy(&bits[0], &out->real, sizeof(double));
  std::memcpy(&bits[1], &out->imaginary, sizeof(double));
  const std::string content = absl::StrCat(static_cast<int>(out->kind), ";", out->integer, ";", bits[0], ";", bits[1],
                                           ";", out->type_ref, ";", absl::StrJoin(out->elements, ","), ";", out->text);
  const auto [found, added] = scalars_.try_emplace(content, static_cast<uint32_t>(out_.values.size()));
  if (added) out_.values.push_back(std::move(out));
  return found->second;
}

absl::StatusOr<uint32_t> NativeEncoder::shared_value(const IValue& value) {
  const void* key = value.internalToPointer();
  if (const auto known = shared_.find(key); known != shared_.end()) return known->second;
  if (!open_.insert(key).second) {
    return absl::InvalidArgumentError(absl::StrFormat("'%s' cannot be written: it holds itself", path()));
  }
  ++depth_;
  auto out = std::make_unique<native::ValueT>();
  const absl::Status status = fill(*out, value);
  --depth_;
  open_.erase(key);
  VESTA_RETURN_IF_ERROR(status);
  const auto number = static_cast<uint32_t>(out_.values.size());
  out_.values.push_back(std::move(out));
  shared_.emplace(key, number);
  kept_.push_back(value);
  return number;
}

absl::Status NativeEncoder::elements(std::vector<uint32_t>& out, c10::ArrayRef<IValue> values) {
  for (const IValue& element : values) {
    VESTA_ASSIGN_OR_RETURN(out.emplace_back(), value(element));
  }
  return absl::OkStatus();
}

absl::Status NativeEncoder::fill(native::ValueT& out, const IValue& value) {
  const auto of_type = [&](const c10::TypePtr& type) -> absl::Status {
    VESTA_ASSIGN_OR_RETURN(const uint32_t number, this->type(type));
    out.type_ref = number + 1;
    return absl::OkStatus();
  };
  if (value.isNone()) {
    out.kind = ValueKind::None;
  } else if (value.isBool()) {
    out.kind = ValueKind::Bool;
    out.integer = value.toBool() ? 1 : 0;
  } else if (value.isInt()) {
    out.kind = ValueKind::Int;
    out.integer = value.toInt();
  } else if (value.isDouble()) {
    out.kind = ValueKind::Float;
    out.real = value.toDouble();
  } else if (value.isComplexDouble()) {
    out.kind = ValueKind::Complex;
    out.real = value.toComplexDouble().real();
    out.imaginary = value.toComplexDouble().imag();
  } else if (value.isString()) {
    out.kind = ValueKind::String;
    out.text = value.toStringRef();
  } else if (value.isDevice()) {
    out.kind = ValueKind::Device;
    out.text = value.toDevice().str();
  } else if (value.isTensor()) {
    out.kind = value.toTensor().defined() ? ValueKind::Tensor : ValueKind::UndefinedTensor;
    if (!value.toTensor().defined()) return absl::OkStatus();
    VESTA_ASSIGN_OR_RETURN(out.integer, tensor(value.toTensor()));
  } else if (value.isEnum()) {
    out.kind = ValueKind::Enum;
    out.text = value.toEnumHolder()->name();
    return of_type(value.toEnumHolder()->type());
  } else if (value.isTuple()) {
    out.kind = ValueKind::Tuple;
    // A plain tuple's type is made of its elements'.
    const auto type = ir::type_of(value)->expect<c10::TupleType>();
    if (type->schema() != nullptr) VESTA_RETURN_IF_ERROR(of_type(type));
    return elements(out.elements, value.toTupleRef().elements().asArrayRef());
  } else if (value.isList()) {
    out.kind = ValueKind::List;
    VESTA_RETURN_IF_ERROR(of_type(c10::ListType::create(value.toList().elementType())));
    return elements(out.elements, value.toListRef());
  } else if (value.isGenericDict()) {
    out.kind = ValueKind::Dict;
    const auto dict = value.toGenericDict();
    VESTA_RETURN_IF_ERROR(of_type(c10::DictType::create(dict.keyType(), dict.valueType())));
    for (const auto& item : dict) VESTA_RETURN_IF_ERROR(elements(out.elements, {item.key(), item.value()}));
  } else if (value.isObject()) {
    return fill_object(out, value);
  } else {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' cannot be written: a file holds no value of kind %s", path(), value.tagKind()));
  }
  return absl::OkStatus();
}

absl::Status NativeEncoder::fill_object(native::ValueT& out, const IValue& value) {
  const c10::ivalue::Object& object = value.toObjectRef();
  const std::shared_ptr<c10::ClassType> type = object.type();
  VESTA_ASSIGN_OR_RETURN(const std::optional<IValue> state, written_state(value, run_, path()));
  VESTA_ASSIGN_OR_RETURN(const uint32_t number, this->type(type));
  out.type_ref = number + 1;
  if (state.has_value()) {
    out.kind = ValueKind::StatefulObject;
    kept_.push_back(*state);
    return elements(out.elements, {*state});
  }
  out.kind = ValueKind::Object;
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    path_.push_back(type->getAttributeName(i));
    // A class may have grown since the object was made.
    VESTA_RETURN_IF_ERROR(elements(out.elements, {i < object.slots().size() ? object.getSlot(i) : IValue()}));
    path_.pop_back();
  }
  return absl::OkStatus();
}

uint32_t NativeEncoder::storage(const c10::Storage& storage) {
  const auto [found, added] =
      storage_numbers_.try_emplace(storage.unsafeGetStorageImpl(), static_cast<uint32_t>(storages_.size()));
  if (added) {
    storages_.push_back(storage);
    out_.storages.emplace_back(0, storage.nbytes(), 0);
  }
  return found->second;
}

absl::StatusOr<uint32_t> NativeEncoder::tensor(const at::Tensor& tensor) {
  if (const auto known = tensors_.find(tensor.unsafeGetTensorImpl()); known != tensors_.end()) return known->second;
  auto out = std::make_unique<native::TensorT>();
  const bool sparse = is_sparse(tensor);
  if (!tensor.device().is_cpu() || (!sparse && (tensor.layout() != c10::kStrided || !tensor.has_storage()))) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s': a tensor of device '%s' cannot be written: only dense and sparse tensors on the CPU",
                        path(), tensor.device().str()));
  }
  out->dtype = static_cast<uint8_t>(tensor.scalar_type());
  out->sizes = tensor.sizes().vec();
  out->requires_grad = tensor.requires_grad();
  out->layout = native_layout(tensor.layout());
  if (sparse) {
    for (const at::Tensor& part : parts_of(tensor)) {
      VESTA_ASSIGN_OR_RETURN(out->parts.emplace_back(), this->tensor(part));
    }
  } else {
    VESTA_RETURN_IF_ERROR(fill_dense(*out, tensor));
  }
  const auto number = static_cast<uint32_t>(out_.tensors.size());
  out_.tensors.push_back(std::move(out));
  tensors_.emplace(tensor.unsafeGetTensorImpl(), number);
  kept_tensors_.push_back(tensor);
  return number;
}

absl::Status NativeEncoder::fill_dense(native::TensorT& out, const at::Tensor& tensor) {
  if (storage_class_name(tensor.scalar_type()).empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s': tensors of %s cannot be written", path(), c10::toString(tensor.scalar_type())));
  }
  out.storage = storage(tensor.storage());
  out.strides = tensor.strides().vec();
  out.offset = tensor.storage_offset();
  out.conjugate = tensor.is_conj();
  out.negative = tensor.is_neg();
  return tensor.is_quantized() ? fill_quantizer(out, tensor) : absl::OkStatus();
}

absl::Status NativeEncoder::fill_quantizer(native::TensorT& out, const at::Tensor& tensor) {
  const at::QuantizerPtr quantizer = at::get_qtensorimpl(tensor)->quantizer();
  if (quantizer->qscheme() == at::kPerTensorAffine) {
    const auto& affine = static_cast<const at::PerTensorAffineQuantizer&>(*quantizer);
    out.quantization = native::Quantization::PerTensorAffine;
    out.scale = affine.scale();
    out.zero_point = affine.zero_point();
    return absl::OkStatus();
  }
  if (quantizer->qscheme() != at::kPerChannelAffine && quantizer->qscheme() != at::kPerChannelAffineFloatQParams) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s': a quantized tensor of this scheme cannot be written", path()));
  }
  const auto& affine = static_cast<const at::PerChannelAffineQuantizer&>(*quantizer);
  out.quantization = quantizer->qscheme() == at::kPerChannelAffine ? native::Quantization::PerChannelAffine
                                                                   : native::Quantization::PerChannelAffineFloatParams;
  out.axis = affine.axis();
  for (const at::Tensor& part : {affine.scales(), affine.zero_points()}) {
    VESTA_ASSIGN_OR_RETURN(out.parts.emplace_back(), this->tensor(part));
  }
  return absl::OkStatus();
}

}  // namespace vesta::serialization
