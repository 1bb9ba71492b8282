#include "serialization/tensor_pickler.h"

#include <sstream>
#include <string>

#include <ATen/quantized/QTensorImpl.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/tensor_builder.h"

namespace vesta::serialization {
namespace {

void put_ints(PickleWriter& pickle, c10::IntArrayRef values) {
  pickle.mark();
  for (const int64_t value : values) pickle.integer(value);
  pickle.tuple();
}

std::string layout_name(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.layout();
  return text.str();
}

void put_no_hooks(PickleWriter& pickle) {
  pickle.global("collections", "OrderedDict");
  pickle.empty_tuple();
  pickle.reduce();
}

}  // namespace

bool is_sparse(const at::Tensor& tensor) {
  return tensor.layout() == c10::kSparse || tensor.layout() == c10::kSparseCsr || tensor.layout() == c10::kSparseCsc ||
         tensor.layout() == c10::kSparseBsr || tensor.layout() == c10::kSparseBsc;
}

std::vector<at::Tensor> parts_of(const at::Tensor& tensor) {
  if (!is_sparse(tensor)) return {tensor};
  if (tensor.layout() == c10::kSparse) return {tensor._indices(), tensor._values()};
  if (tensor.layout() == c10::kSparseCsr || tensor.layout() == c10::kSparseBsr) {
    return {tensor.crow_indices(), tensor.col_indices(), tensor.values()};
  }
  return {tensor.ccol_indices(), tensor.row_indices(), tensor.values()};
}

absl::Status TensorPickler::put_storage(PickleWriter& pickle, const c10::Storage& storage, c10::ScalarType type) {
  const std::string_view class_name = storage_class_name(type);
  if (class_name.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("tensors of %s cannot be written", c10::toString(type)));
  }
  const std::pair<const c10::StorageImpl*, c10::ScalarType> object(storage.unsafeGetStorageImpl(), type);
  if (const auto known = written_.find(object); known != written_.end()) {
    pickle.get(known->second);
    return absl::OkStatus();
  }
  const auto [found, fresh] = keys_.try_emplace(storage.unsafeGetStorageImpl(), storages_.size());
  if (fresh) storages_.push_back(storage);
  pickle.mark();
  VESTA_RETURN_IF_ERROR(pickle.shared_text("storage"));
  pickle.global("torch", class_name);
  VESTA_RETURN_IF_ERROR(pickle.text(absl::StrCat(found->second)));
  VESTA_RETURN_IF_ERROR(pickle.shared_text(storage.device().str()));
  pickle.integer(static_cast<int64_t>(storage.nbytes() / c10::elementSize(type)));
  pickle.tuple();
  pickle.persistent_id();
  written_.emplace(object, pickle.memoize());
  return absl::OkStatus();
}

absl::Status TensorPickler::put_quantizer(PickleWriter& pickle, const at::Tensor& tensor) {
  const at::QuantizerPtr quantizer = at::get_qtensorimpl(tensor)->quantizer();
  if (quantizer->qscheme() == at::kPerTensorAffine) {
    const auto& affine = static_cast<const at::PerTensorAffineQuantizer&>(*quantizer);
    pickle.mark();
    pickle.global("torch", "per_tensor_affine");
    pickle.real(affine.scale());
    pickle.integer(affine.zero_point());
    pickle.tuple();
    return absl::OkStatus();
  }
  if (quantizer->qscheme() != at::kPerChannelAffine && quantizer->qscheme() != at::kPerChannelAffineFloatQParams) {
    return absl::InvalidArgumentError("a quantized tensor of this scheme cannot be written");
  }
  const auto& affine = static_cast<const at::PerChannelAffineQuantizer&>(*quantizer);
  pickle.mark();
  pickle.global("torch", quantizer->qscheme() == at::kPerChannelAffine ? "per_channel_affine"
                                                                       : "per_channel_affine_float_qparams");
  VESTA_RETURN_IF_ERROR(put(pickle, affine.scales()));
  VESTA_RETURN_IF_ERROR(put(pickle, affine.zero_points()));
  pickle.integer(affine.axis());
  pickle.tuple();
  return absl::OkStatus();
}

// As torch::jit writes them, not as Python does: the parts follow the layout one by one.
absl::Status TensorPickler::put_sparse(PickleWriter& pickle, const at::Tensor& tensor) {
  pickle.global("torch._utils", "_rebuild_sparse_tensor");
  pickle.mark();
  pickle.integer(static_cast<int64_t>(tensor.layout()));
  put_ints(pickle, tensor.sizes());
  pickle.boolean(tensor.requires_grad());
  for (const at::Tensor& part : parts_of(tensor)) VESTA_RETURN_IF_ERROR(put(pickle, part));
  put_no_hooks(pickle);
  pickle.tuple();
  pickle.reduce();
  return absl::OkStatus();
}

absl::Status TensorPickler::put(PickleWriter& pickle, const at::Tensor& tensor) {
  if (!tensor.defined()) {
    pickle.none();
    return absl::OkStatus();
  }
  const bool place = tensor.device().is_cpu() || (options_.any_device && !tensor.device().is_meta());
  if (place && is_sparse(tensor)) return put_sparse(pickle, tensor);
  if (!place || tensor.layout() != c10::kStrided || !tensor.has_storage()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a tensor of device '%s' and layout %s cannot be written: only dense "
                        "and sparse tensors on the CPU",
                        tensor.device().str(), layout_name(tensor)));
  }
  const bool quantized = tensor.is_quantized();
  pickle.global("torch._utils", quantized ? "_rebuild_qtensor" : "_rebuild_tensor_v2");
  pickle.mark();
  VESTA_RETURN_IF_ERROR(put_storage(pickle, tensor.storage(), tensor.scalar_type()));
  pickle.integer(tensor.storage_offset());
  put_ints(pickle, tensor.sizes());
  put_ints(pickle, tensor.strides());
  if (quantized) VESTA_RETURN_IF_ERROR(put_quantizer(pickle, tensor));
  // What a program gives out is a leaf again once it is read.
  pickle.boolean(tensor.requires_grad());
  put_no_hooks(pickle);
  if (tensor.is_conj() || tensor.is_neg()) {
    pickle.empty_dict();
    pickle.mark();
    for (const auto& [name, set] : {std::pair{"conj", tensor.is_conj()}, std::pair{"neg", tensor.is_neg()}}) {
      if (!set) continue;
      VESTA_RETURN_IF_ERROR(pickle.text(name));
      pickle.boolean(true);
    }
    pickle.set_items();
  }
  pickle.tuple();
  pickle.reduce();
  return absl::OkStatus();
}

}  // namespace vesta::serialization
