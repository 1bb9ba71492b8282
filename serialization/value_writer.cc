// Writing: a pickle of protocol 2 with the opcodes that torch.load(weights_only=True) knows, then the zip
// archive. Storages are known by their address.

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/quantized/QTensorImpl.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
#include "serialization/pickle_writer.h"
#include "serialization/tensor_builder.h"
#include "serialization/value_file.h"
#include "serialization/zip_writer.h"

namespace vesta::serialization {
namespace {

using c10::IValue;

constexpr int kMaxDepth = 256;
constexpr std::string_view kFormatVersion = "3\n";

class ValuePickler {
 public:
  absl::StatusOr<std::string> write(const IValue& value) {
    VESTA_RETURN_IF_ERROR(put(value, 0));
    return std::move(pickle_).finish();
  }
  // In the order of their keys, "0", "1", ...
  const std::vector<c10::Storage>& storages() const { return storages_; }

 private:
  absl::Status put(const IValue& value, int depth) {
    if (depth > kMaxDepth) return absl::InvalidArgumentError("a value that nests deeper than 256 cannot be written");
    if (value.isNone())
      pickle_.none();
    else if (value.isBool())
      pickle_.boolean(value.toBool());
    else if (value.isInt())
      pickle_.integer(value.toInt());
    else if (value.isDouble())
      pickle_.real(value.toDouble());
    else if (value.isString())
      return pickle_.text(value.toStringRef());
    else if (value.isTensor())
      return put_tensor(value.toTensor());
    else if (value.isTuple())
      return put_tuple(value.toTupleRef().elements().asArrayRef(), depth);
    else if (value.isList())
      return put_list(value.toListRef(), depth);
    else if (value.isGenericDict())
      return put_dict(value.toGenericDict(), depth);
    else if (value.isComplexDouble())
      put_complex(value.toComplexDouble());
    else if (value.isDevice())
      return put_device(value.toDevice());
    else
      return absl::InvalidArgumentError(
          absl::StrFormat("a value of kind %s cannot be written to such a file", value.tagKind()));
    return absl::OkStatus();
  }

  void put_complex(c10::complex<double> value) {
    pickle_.global("builtins", "complex");
    pickle_.real(value.real());
    pickle_.real(value.imag());
    pickle_.tuple(2);
    pickle_.reduce();
  }

  absl::Status put_device(const c10::Device& device) {
    pickle_.global("torch", "device");
    VESTA_RETURN_IF_ERROR(pickle_.text(device.str()));
    pickle_.tuple(1);
    pickle_.reduce();
    return absl::OkStatus();
  }

  absl::Status put_tuple(c10::ArrayRef<IValue> elements, int depth) {
    pickle_.mark();
    for (const IValue& element : elements) VESTA_RETURN_IF_ERROR(put(element, depth + 1));
    pickle_.tuple();
    return absl::OkStatus();
  }

  absl::Status put_list(c10::ArrayRef<IValue> elements, int depth) {
    pickle_.empty_list();
    pickle_.mark();
    for (const IValue& element : elements) VESTA_RETURN_IF_ERROR(put(element, depth + 1));
    pickle_.appends();
    return absl::OkStatus();
  }

  absl::Status put_dict(const c10::impl::GenericDict& dict, int depth) {
    pickle_.empty_dict();
    pickle_.mark();
    for (const auto& item : dict) {
      VESTA_RETURN_IF_ERROR(put(item.key(), depth + 1));
      VESTA_RETURN_IF_ERROR(put(item.value(), depth + 1));
    }
    pickle_.set_items();
    return absl::OkStatus();
  }

  void put_ints(c10::IntArrayRef values) {
    pickle_.mark();
    for (const int64_t value : values) pickle_.integer(value);
    pickle_.tuple();
  }

  absl::Status put_storage(const c10::Storage& storage, c10::ScalarType type) {
    const std::string_view class_name = storage_class_name(type);
    if (class_name.empty()) {
      return absl::InvalidArgumentError(absl::StrFormat("tensors of %s cannot be written", c10::toString(type)));
    }
    const auto [found, fresh] = keys_.try_emplace(storage.unsafeGetStorageImpl(), storages_.size());
    if (fresh) storages_.push_back(storage);
    pickle_.mark();
    VESTA_RETURN_IF_ERROR(pickle_.text("storage"));
    pickle_.global("torch", class_name);
    VESTA_RETURN_IF_ERROR(pickle_.text(absl::StrCat(found->second)));
    VESTA_RETURN_IF_ERROR(pickle_.text("cpu"));
    pickle_.integer(static_cast<int64_t>(storage.nbytes() / c10::elementSize(type)));
    pickle_.tuple();
    pickle_.persistent_id();
    return absl::OkStatus();
  }

  absl::Status put_quantizer(const at::Tensor& tensor) {
    const at::QuantizerPtr quantizer = at::get_qtensorimpl(tensor)->quantizer();
    if (quantizer->qscheme() == at::kPerTensorAffine) {
      const auto& affine = static_cast<const at::PerTensorAffineQuantizer&>(*quantizer);
      pickle_.mark();
      pickle_.global("torch", "per_tensor_affine");
      pickle_.real(affine.scale());
      pickle_.integer(affine.zero_point());
      pickle_.tuple();
      return absl::OkStatus();
    }
    if (quantizer->qscheme() != at::kPerChannelAffine && quantizer->qscheme() != at::kPerChannelAffineFloatQParams) {
      return absl::InvalidArgumentError("a quantized tensor of this scheme cannot be written");
    }
    const auto& affine = static_cast<const at::PerChannelAffineQuantizer&>(*quantizer);
    pickle_.mark();
    pickle_.global("torch", quantizer->qscheme() == at::kPerChannelAffine ? "per_channel_affine"
                                                                          : "per_channel_affine_float_qparams");
    VESTA_RETURN_IF_ERROR(put_tensor(affine.scales()));
    VESTA_RETURN_IF_ERROR(put_tensor(affine.zero_points()));
    pickle_.integer(affine.axis());
    pickle_.tuple();
    return absl::OkStatus();
  }

  absl::Status put_tensor(const at::Tensor& tensor) {
    if (!tensor.defined()) {
      pickle_.none();
      return absl::OkStatus();
    }
    if (!tensor.device().is_cpu() || tensor.layout() != c10::kStrided || !tensor.has_storage()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("a tensor of device '%s' and layout %s cannot be written: only dense "
                          "tensors on the CPU",
                          tensor.device().str(), layout_name(tensor)));
    }
    const bool quantized = tensor.is_quantized();
    pickle_.global("torch._utils", quantized ? "_rebuild_qtensor" : "_rebuild_tensor_v2");
    pickle_.mark();
    VESTA_RETURN_IF_ERROR(put_storage(tensor.storage(), tensor.scalar_type()));
    pickle_.integer(tensor.storage_offset());
    put_ints(tensor.sizes());
    put_ints(tensor.strides());
    if (quantized) VESTA_RETURN_IF_ERROR(put_quantizer(tensor));
    // What a program gives out is a leaf again once it is read.
    pickle_.boolean(tensor.requires_grad());
    pickle_.global("collections", "OrderedDict");
    pickle_.empty_tuple();
    pickle_.reduce();
    if (tensor.is_conj() || tensor.is_neg()) {
      pickle_.empty_dict();
      pickle_.mark();
      for (const auto& [name, set] : {std::pair{"conj", tensor.is_conj()}, std::pair{"neg", tensor.is_neg()}}) {
        if (!set) continue;
        VESTA_RETURN_IF_ERROR(pickle_.text(name));
        pickle_.boolean(true);
      }
      pickle_.set_items();
    }
    pickle_.tuple();
    pickle_.reduce();
    return absl::OkStatus();
  }

  static std::string layout_name(const at::Tensor& tensor) {
    std::ostringstream text;
    text << tensor.layout();
    return text.str();
  }

  PickleWriter pickle_;
  std::vector<c10::Storage> storages_;
  absl::flat_hash_map<const c10::StorageImpl*, size_t> keys_;
};

absl::Status write_archive(const IValue& value, const ZipWriter::Sink& sink) {
  ValuePickler pickler;
  VESTA_ASSIGN_OR_RETURN(const std::string pickle, pickler.write(value));
  ZipWriter zip(sink);
  VESTA_RETURN_IF_ERROR(zip.add("archive/data.pkl", pickle));
  VESTA_RETURN_IF_ERROR(zip.add("archive/byteorder", "little"));
  for (size_t i = 0; i < pickler.storages().size(); ++i) {
    const c10::Storage& storage = pickler.storages()[i];
    VESTA_RETURN_IF_ERROR(
        zip.add(absl::StrCat("archive/data/", i), {static_cast<const char*>(storage.data()), storage.nbytes()}));
  }
  VESTA_RETURN_IF_ERROR(zip.add("archive/version", kFormatVersion));
  return zip.finish();
}

}  // namespace

absl::Status write_value(const IValue& value, const std::string& path) {
  VESTA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  VESTA_RETURN_IF_ERROR(write_archive(value, [&file](std::string_view bytes) { return file.write(bytes); }));
  return file.commit();
}

absl::StatusOr<std::string> write_value(const IValue& value) {
  std::string result;
  VESTA_RETURN_IF_ERROR(write_archive(value, [&result](std::string_view bytes) {
    result += bytes;
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace vesta::serialization
