// A value's parts have smaller numbers, so there are no circles; recursion is bounded all the same, by depth. Tensors
// are built by the same functions as those of pickles, which check every size and offset.

#include <ATen/core/enum_type.h>

#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/conform.h"
#include "serialization/crc32.h"
#include "serialization/custom_state.h"
#include "serialization/native_decoder.h"
#include "serialization/native_layouts.h"
#include "serialization/pickle_reader.h"
#include "serialization/utf8.h"

namespace vesta::serialization {

using c10::IValue;
using c10::TypePtr;
using native::ValueKind;

namespace {

constexpr int kMaxDepth = 256;

IValue int_tuple(const flatbuffers::Vector<int64_t>* values) {
  std::vector<IValue> elements;
  for (const int64_t value : ints(values)) elements.emplace_back(value);
  return c10::ivalue::Tuple::create(std::move(elements));
}

}  // namespace

absl::StatusOr<IValue> NativeDecoder::value(uint32_t number) {
  if (number >= values_.size()) return damaged(absl::StrFormat("there is no value %d", number));
  if (values_made_[number] != 0) return values_[number];
  if (value_depth_ >= kMaxDepth) return damaged("values nest too deep");
  ++value_depth_;
  absl::StatusOr<IValue> made = make_value(*in_.values()->Get(number), number);
  --value_depth_;
  if (!made.ok()) return made;
  values_[number] = *std::move(made);
  values_made_[number] = 1;
  return values_[number];
}

absl::StatusOr<IValue> NativeDecoder::make_value(const native::Value& in, uint32_t number) {
  switch (in.kind()) {
    case ValueKind::None:
      return IValue();
    case ValueKind::Bool:
      return IValue(in.integer() != 0);
    case ValueKind::Int:
      return IValue(in.integer());
    case ValueKind::Float:
      return IValue(in.real());
    case ValueKind::Complex:
      return IValue(c10::complex<double>(in.real(), in.imaginary()));
    case ValueKind::String:
      return IValue(string_of(in.text()));
    case ValueKind::Device:
      return IValue(c10::Device(string_of(in.text())));
    case ValueKind::Tensor: {
      if (in.integer() < 0 || in.integer() > UINT32_MAX) return damaged("a value's tensor has no such number");
      VESTA_ASSIGN_OR_RETURN(at::Tensor held, tensor(static_cast<uint32_t>(in.integer())));
      return IValue(std::move(held));
    }
    case ValueKind::UndefinedTensor:
      return IValue(at::Tensor());
    case ValueKind::Enum:
      return make_enum(in);
    default:
      break;
  }
  std::vector<IValue> elements;
  for (uint32_t i = 0; i < size_of(in.elements()); ++i) {
    const uint32_t element = in.elements()->Get(i);
    if (element >= number) return damaged("a value holds one that comes behind it");
    VESTA_ASSIGN_OR_RETURN(IValue held, value(element));
    elements.push_back(std::move(held));
  }
  if (in.kind() == ValueKind::Object || in.kind() == ValueKind::StatefulObject) {
    return make_object(in, std::move(elements));
  }
  return make_container(in, std::move(elements));
}

absl::StatusOr<IValue> NativeDecoder::make_container(const native::Value& in, std::vector<IValue> elements) {
  if (in.kind() == ValueKind::Tuple && in.type_ref() == 0)
    return IValue(c10::ivalue::Tuple::create(std::move(elements)));
  if (in.type_ref() == 0) return damaged("a container has no type");
  VESTA_ASSIGN_OR_RETURN(const TypePtr declared, type(in.type_ref() - 1));
  IValue made;
  if (in.kind() == ValueKind::Tuple && declared->kind() == c10::TypeKind::TupleType) {
    made = c10::ivalue::Tuple::create(std::move(elements));
    // Gives it the name, too.
    VESTA_RETURN_IF_ERROR(conform(made, declared, "a tuple", options_.limits));
    if (made.toTupleRef().type<c10::TupleType>() != declared) {
      made = c10::ivalue::Tuple::createNamed(made.toTupleRef().elements().vec(), declared->cast<c10::TupleType>());
    }
    return made;
  }
  if (in.kind() == ValueKind::List && declared->kind() == c10::TypeKind::ListType) {
    c10::impl::GenericList list(declared->castRaw<c10::ListType>()->getElementType());
    list.reserve(elements.size());
    for (IValue& element : elements) list.push_back(std::move(element));
    made = std::move(list);
  } else if (in.kind() == ValueKind::Dict && declared->kind() == c10::TypeKind::DictType && elements.size() % 2 == 0) {
    const auto* type = declared->castRaw<c10::DictType>();
    c10::impl::GenericDict dict(type->getKeyType(), type->getValueType());
    for (size_t i = 0; i < elements.size(); i += 2) {
      // Before it is hashed.
      VESTA_RETURN_IF_ERROR(conform(elements[i], type->getKeyType(), "a key", options_.limits));
      dict.insert(std::move(elements[i]), std::move(elements[i + 1]));
    }
    made = std::move(dict);
  } else {
    return damaged("a container's type is of another kind");
  }
  VESTA_RETURN_IF_ERROR(conform(made, declared, "a container", options_.limits));
  return made;
}

absl::StatusOr<IValue> NativeDecoder::make_object(const native::Value& in, std::vector<IValue> elements) {
  if (!classes_are_filled_) return damaged("an object stands where a constant of a class is");
  if (in.type_ref() == 0) return damaged("an object has no class");
  VESTA_ASSIGN_OR_RETURN(const c10::ClassTypePtr declared, class_type(in.type_ref() - 1));
  const std::string name = printable(declared->name()->qualifiedName());
  if (in.kind() == ValueKind::StatefulObject) {
    if (elements.size() != 1 || declared->findMethod("__setstate__") == nullptr) {
      return damaged(absl::StrFormat("an object of '%s' has no state", name));
    }
    return object_from_state(declared, std::move(elements[0]), context_, options_.limits);
  }
  if (is_custom_class(*declared) || elements.size() != declared->numAttributes()) {
    return damaged(absl::StrFormat("an object of '%s' has %d attributes", name, elements.size()));
  }
  auto object = c10::ivalue::Object::create(c10::StrongTypePtr(context_.unit, declared), elements.size());
  for (size_t i = 0; i < elements.size(); ++i) {
    const auto where = [&] { return absl::StrFormat("attribute '%s' of '%s'", declared->getAttributeName(i), name); };
    // Most are tensors where tensors are declared.
    if (!elements[i].isTensor() || declared->getAttribute(i)->kind() != c10::TypeKind::TensorType) {
      VESTA_RETURN_IF_ERROR(conform(elements[i], declared->getAttribute(i), where(), options_.limits));
    }
    object->setSlot(i, std::move(elements[i]));
  }
  return IValue(std::move(object));
}

absl::StatusOr<IValue> NativeDecoder::make_enum(const native::Value& in) {
  if (in.type_ref() == 0) return damaged("an enum's member has no type");
  VESTA_ASSIGN_OR_RETURN(const TypePtr declared, type(in.type_ref() - 1));
  const auto enumeration = declared->cast<c10::EnumType>();
  if (enumeration != nullptr) {
    for (const auto& [name, member] : enumeration->enumNamesValues()) {
      if (name == text_of(in.text())) {
        return IValue(c10::make_intrusive<c10::ivalue::EnumHolder>(enumeration, name, member));
      }
    }
  }
  return damaged(absl::StrFormat("there is no member '%s' of an enum", printable(text_of(in.text()))));
}

// Storages lie behind the program, in their order and aligned; nothing else is in the file.
absl::Status NativeDecoder::check_storages() {
  // flatbuffers' verifier looks at the vector's own place alone.
  if (!storages_.empty() && reinterpret_cast<uintptr_t>(in_.storages()->Get(0)) % alignof(native::Storage) != 0) {
    return damaged("the places of its weights are not aligned");
  }
  const char* const begin = file_->data();
  uint64_t end = kNativeAlignment + program_size_;
  for (uint32_t i = 0; i < storages_.size(); ++i) {
    const native::Storage& in = *in_.storages()->Get(i);
    const uint64_t expected = (end + kNativeAlignment - 1) / kNativeAlignment * kNativeAlignment;
    if (in.offset() != expected || in.size() > file_->size() || in.offset() > file_->size() - in.size()) {
      return damaged(absl::StrFormat("weights %d do not lie where they have to", i));
    }
    end = in.offset() + in.size();
    if (options_.trust_weights) continue;
    if (crc32_of({begin + in.offset(), in.size()}) != in.crc32()) {
      return absl::DataLossError(
          absl::StrFormat("the checksum of the weights at byte %d is wrong: the file is damaged", in.offset()));
    }
  }
  return end == file_->size() ? absl::OkStatus() : damaged("bytes follow the last weights");
}

absl::StatusOr<c10::Storage> NativeDecoder::storage(uint32_t number) {
  if (number >= storages_.size()) return damaged(absl::StrFormat("there are no weights %d", number));
  if (storages_made_[number] == 0) {
    const native::Storage& in = *in_.storages()->Get(number);
    VESTA_ASSIGN_OR_RETURN(storages_[number],
                           make_storage({{file_->data() + in.offset(), in.size()}, file_}, 1, false));
    storages_made_[number] = 1;
  }
  return storages_[number];
}

absl::StatusOr<at::Tensor> NativeDecoder::tensor(uint32_t number) {
  if (number >= tensors_.size()) return damaged(absl::StrFormat("there is no tensor %d", number));
  if (!tensors_[number].defined()) {
    if (tensor_depth_ >= kMaxDepth) return damaged("tensors nest too deep");
    ++tensor_depth_;
    absl::StatusOr<at::Tensor> made = make_tensor(*in_.tensors()->Get(number), number);
    --tensor_depth_;
    if (!made.ok()) return made;
    tensors_[number] = *std::move(made);
  }
  return tensors_[number];
}

absl::StatusOr<at::Tensor> NativeDecoder::make_tensor(const native::Tensor& in, uint32_t number) {
  if (static_cast<int64_t>(size_of(in.sizes())) > options_.limits.tensor_rank) {
    return absl::ResourceExhaustedError(absl::StrFormat("a tensor of %d dimensions; the limit 'tensor_rank' is %d",
                                                        size_of(in.sizes()), options_.limits.tensor_rank));
  }
  const auto dtype = static_cast<c10::ScalarType>(in.dtype());
  if (in.dtype() >= static_cast<uint8_t>(c10::ScalarType::NumOptions) || storage_class_name(dtype).empty()) {
    return damaged("a tensor's dtype is none");
  }
  at::Tensor made;
  if (in.layout() != native::Layout::Strided) {
    VESTA_ASSIGN_OR_RETURN(made, make_sparse(in, number));
  } else {
    VESTA_ASSIGN_OR_RETURN(c10::Storage held, storage(in.storage()));
    if (size_of(in.sizes()) != size_of(in.strides())) return damaged("a tensor has not as many strides as sizes");
    if (in.quantization() != native::Quantization::None) {
      VESTA_ASSIGN_OR_RETURN(made, make_quantized(in, number, TensorBuilder::wrap_storage(std::move(held), dtype)));
    } else {
      if (c10::isQIntType(dtype)) return damaged("a quantized tensor has no quantizer");
      VESTA_ASSIGN_OR_RETURN(made, make_strided_tensor(held, dtype, ints(in.sizes()), ints(in.strides()), in.offset()));
    }
  }
  if (in.conjugate() && !made.is_complex()) return damaged("a tensor that is not complex is marked as a conjugate");
  if (in.conjugate()) made.unsafeGetTensorImpl()->_set_conj(true);
  if (in.negative()) made.unsafeGetTensorImpl()->_set_neg(true);
  if (in.requires_grad()) made.set_requires_grad(true);
  return made;
}

absl::StatusOr<std::vector<at::Tensor>> NativeDecoder::parts(const native::Tensor& in, uint32_t number, size_t count) {
  if (size_of(in.parts()) != count) return damaged("a tensor has not as many parts as its kind");
  std::vector<at::Tensor> result;
  for (uint32_t i = 0; i < count; ++i) {
    if (in.parts()->Get(i) >= number) return damaged("a tensor is made of one that comes behind it");
    VESTA_ASSIGN_OR_RETURN(result.emplace_back(), tensor(in.parts()->Get(i)));
  }
  return result;
}

absl::StatusOr<at::Tensor> NativeDecoder::make_quantized(const native::Tensor& in, uint32_t number, IValue storage) {
  const auto global = [](std::string_view name) {
    auto object = c10::make_intrusive<PickleObject>(PickleObject::Kind::kGlobal);
    object->module = "torch";
    object->name = name;
    return PickleObject::wrap(std::move(object));
  };
  std::vector<IValue> quantizer;
  if (in.quantization() == native::Quantization::PerTensorAffine) {
    quantizer = {global("per_tensor_affine"), in.scale(), in.zero_point()};
  } else {
    const bool real = in.quantization() == native::Quantization::PerChannelAffineFloatParams;
    if (!real && in.quantization() != native::Quantization::PerChannelAffine) {
      return damaged("a tensor is quantized in no known way");
    }
    VESTA_ASSIGN_OR_RETURN(const std::vector<at::Tensor> held, parts(in, number, 2));
    quantizer = {global(real ? "per_channel_affine_float_qparams" : "per_channel_affine"), held[0], held[1], in.axis()};
  }
  const std::vector<IValue> arguments = {std::move(storage), in.offset(), int_tuple(in.sizes()),
                                         int_tuple(in.strides()), c10::ivalue::Tuple::create(std::move(quantizer))};
  VESTA_ASSIGN_OR_RETURN(const IValue made, tensor_builder_.rebuild_qtensor(arguments));
  return made.toTensor();
}

absl::StatusOr<at::Tensor> NativeDecoder::make_sparse(const native::Tensor& in, uint32_t number) {
  for (const auto& [layout, ours] : kNativeLayouts) {
    if (ours != in.layout()) continue;
    VESTA_ASSIGN_OR_RETURN(const std::vector<at::Tensor> held,
                           parts(in, number, layout == c10::Layout::Sparse ? 2 : 3));
    std::vector<IValue> arguments = {static_cast<int64_t>(layout), int_tuple(in.sizes()), false};
    for (const at::Tensor& part : held) arguments.emplace_back(part);
    VESTA_ASSIGN_OR_RETURN(const IValue made, tensor_builder_.rebuild_sparse_tensor(arguments));
    return made.toTensor();
  }
  return damaged("a tensor is of no known layout");
}

}  // namespace vesta::serialization
