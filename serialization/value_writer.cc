// Writing: a pickle of protocol 2 with the opcodes that torch.load(weights_only=True) knows, then the zip
// archive. Globals and storage classes are memoized, storages by their address.

#include <bit>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/quantized/QTensorImpl.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
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
  absl::Status write(const IValue& value) {
    out_ += "\x80\x02";
    VESTA_RETURN_IF_ERROR(put(value, 0));
    out_ += '.';
    return absl::OkStatus();
  }

  const std::string& pickle() const { return out_; }
  // In the order of their keys, "0", "1", ...
  const std::vector<c10::Storage>& storages() const { return storages_; }

 private:
  absl::Status put(const IValue& value, int depth) {
    if (depth > kMaxDepth) return absl::InvalidArgumentError("a value that nests deeper than 256 cannot be written");
    if (value.isNone())
      out_ += 'N';
    else if (value.isBool())
      out_ += value.toBool() ? '\x88' : '\x89';
    else if (value.isInt())
      put_int(value.toInt());
    else if (value.isDouble())
      put_float(value.toDouble());
    else if (value.isString())
      return put_string(value.toStringRef());
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

  void little(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) out_ += static_cast<char>(value >> (8 * i) & 0xff);
  }

  void put_int(int64_t value) {
    if (value >= 0 && value < 256) {
      out_ += 'K';
      little(static_cast<uint64_t>(value), 1);
    } else if (value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max()) {
      out_ += 'J';
      little(static_cast<uint64_t>(value), 4);
    } else {
      out_ += "\x8a\x08";
      little(static_cast<uint64_t>(value), 8);
    }
  }

  void put_float(double value) {
    out_ += 'G';
    little(__builtin_bswap64(std::bit_cast<uint64_t>(value)), 8);
  }

  absl::Status put_string(std::string_view text) {
    if (text.size() > std::numeric_limits<uint32_t>::max()) {
      return absl::InvalidArgumentError("a string of 4 GiB or more cannot be written");
    }
    out_ += 'X';
    little(text.size(), 4);
    out_ += text;
    return absl::OkStatus();
  }

  void put_global(std::string_view module, std::string_view name) {
    const std::string key = absl::StrCat(std::string(module), "\n", std::string(name), "\n");
    const auto [found, fresh] = globals_.try_emplace(key, static_cast<uint32_t>(globals_.size()));
    if (!fresh) {
      out_ += 'h';
      little(found->second, 1);
      return;
    }
    // There are fewer than 256 different globals in the tables of this file.
    absl::StrAppend(&out_, "c", key, "q");
    little(found->second, 1);
  }

  void put_complex(c10::complex<double> value) {
    put_global("builtins", "complex");
    put_float(value.real());
    put_float(value.imag());
    out_ += "\x86R";
  }

  absl::Status put_device(const c10::Device& device) {
    put_global("torch", "device");
    VESTA_RETURN_IF_ERROR(put_string(device.str()));
    out_ += "\x85R";
    return absl::OkStatus();
  }

  absl::Status put_tuple(c10::ArrayRef<IValue> elements, int depth) {
    out_ += '(';
    for (const IValue& element : elements) VESTA_RETURN_IF_ERROR(put(element, depth + 1));
    out_ += 't';
    return absl::OkStatus();
  }

  absl::Status put_list(c10::ArrayRef<IValue> elements, int depth) {
    out_ += "](";
    for (const IValue& element : elements) VESTA_RETURN_IF_ERROR(put(element, depth + 1));
    out_ += 'e';
    return absl::OkStatus();
  }

  absl::Status put_dict(const c10::impl::GenericDict& dict, int depth) {
    out_ += "}(";
    for (const auto& item : dict) {
      VESTA_RETURN_IF_ERROR(put(item.key(), depth + 1));
      VESTA_RETURN_IF_ERROR(put(item.value(), depth + 1));
    }
    out_ += 'u';
    return absl::OkStatus();
  }

  void put_ints(c10::IntArrayRef values) {
    out_ += '(';
    for (const int64_t value : values) put_int(value);
    out_ += 't';
  }

  absl::Status put_storage(const c10::Storage& storage, c10::ScalarType type) {
    const std::string_view class_name = storage_class_name(type);
    if (class_name.empty()) {
      return absl::InvalidArgumentError(absl::StrFormat("tensors of %s cannot be written", c10::toString(type)));
    }
    const auto [found, fresh] = keys_.try_emplace(storage.unsafeGetStorageImpl(), storages_.size());
    if (fresh) storages_.push_back(storage);
    out_ += '(';
    VESTA_RETURN_IF_ERROR(put_string("storage"));
    put_global("torch", class_name);
    VESTA_RETURN_IF_ERROR(put_string(absl::StrCat(found->second)));
    VESTA_RETURN_IF_ERROR(put_string("cpu"));
    put_int(static_cast<int64_t>(storage.nbytes() / c10::elementSize(type)));
    out_ += "tQ";
    return absl::OkStatus();
  }

  absl::Status put_quantizer(const at::Tensor& tensor) {
    const at::QuantizerPtr quantizer = at::get_qtensorimpl(tensor)->quantizer();
    if (quantizer->qscheme() == at::kPerTensorAffine) {
      const auto& affine = static_cast<const at::PerTensorAffineQuantizer&>(*quantizer);
      out_ += '(';
      put_global("torch", "per_tensor_affine");
      put_float(affine.scale());
      put_int(affine.zero_point());
      out_ += 't';
      return absl::OkStatus();
    }
    if (quantizer->qscheme() != at::kPerChannelAffine && quantizer->qscheme() != at::kPerChannelAffineFloatQParams) {
      return absl::InvalidArgumentError("a quantized tensor of this scheme cannot be written");
    }
    const auto& affine = static_cast<const at::PerChannelAffineQuantizer&>(*quantizer);
    out_ += '(';
    put_global("torch", quantizer->qscheme() == at::kPerChannelAffine ? "per_channel_affine"
                                                                      : "per_channel_affine_float_qparams");
    VESTA_RETURN_IF_ERROR(put_tensor(affine.scales()));
    VESTA_RETURN_IF_ERROR(put_tensor(affine.zero_points()));
    put_int(affine.axis());
    out_ += 't';
    return absl::OkStatus();
  }

  absl::Status put_tensor(const at::Tensor& tensor) {
    if (!tensor.defined()) {
      out_ += 'N';
      return absl::OkStatus();
    }
    if (!tensor.device().is_cpu() || tensor.layout() != c10::kStrided || !tensor.has_storage()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("a tensor of device '%s' and layout %s cannot be written: only dense "
                          "tensors on the CPU",
                          tensor.device().str(), layout_name(tensor)));
    }
    const bool quantized = tensor.is_quantized();
    put_global("torch._utils", quantized ? "_rebuild_qtensor" : "_rebuild_tensor_v2");
    out_ += '(';
    VESTA_RETURN_IF_ERROR(put_storage(tensor.storage(), tensor.scalar_type()));
    put_int(tensor.storage_offset());
    put_ints(tensor.sizes());
    put_ints(tensor.strides());
    if (quantized) VESTA_RETURN_IF_ERROR(put_quantizer(tensor));
    // What a program gives out is a leaf again once it is read.
    out_ += tensor.requires_grad() ? '\x88' : '\x89';
    put_global("collections", "OrderedDict");
    out_ += ")R";
    if (tensor.is_conj() || tensor.is_neg()) {
      out_ += "}(";
      for (const auto& [name, set] : {std::pair{"conj", tensor.is_conj()}, std::pair{"neg", tensor.is_neg()}}) {
        if (!set) continue;
        VESTA_RETURN_IF_ERROR(put_string(name));
        out_ += '\x88';
      }
      out_ += 'u';
    }
    out_ += "tR";
    return absl::OkStatus();
  }

  static std::string layout_name(const at::Tensor& tensor) {
    std::ostringstream text;
    text << tensor.layout();
    return text.str();
  }

  std::string out_;
  std::vector<c10::Storage> storages_;
  absl::flat_hash_map<const c10::StorageImpl*, size_t> keys_;
  absl::flat_hash_map<std::string, uint32_t> globals_;
};

absl::Status write_archive(const IValue& value, const ZipWriter::Sink& sink) {
  ValuePickler pickler;
  VESTA_RETURN_IF_ERROR(pickler.write(value));
  ZipWriter zip(sink);
  VESTA_RETURN_IF_ERROR(zip.add("archive/data.pkl", pickler.pickle()));
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
