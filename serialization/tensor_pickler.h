#pragma once

// Tensors in pickles, as torch.save and torch.jit.save write them: calls of torch._utils._rebuild_*, with the storages
// beside the pickle.

#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "serialization/pickle_writer.h"

namespace vesta::serialization {

// Whether its elements lie in tensors of indices and values.
bool is_sparse(const at::Tensor& tensor);

// The tensors that a tensor is made of: itself, or the indices and values of a sparse one.
std::vector<at::Tensor> parts_of(const at::Tensor& tensor);

// Writes tensors into one pickle. A storage that several tensors share gets one key, and is one object of the pickle:
// by that torch::jit's reader knows that it is shared (Python's goes by keys). Keeps the storages alive. Not
// thread-safe.
class TensorPickler {
 public:
  struct Options {
    // Storages of other devices are noted under their device, for a writer that copies them; otherwise such tensors are
    // refused.
    bool any_device = false;
  };
  TensorPickler() = default;
  explicit TensorPickler(Options options) : options_(options) {}

  // Dense, quantized and sparse tensors (COO and compressed); an undefined one is None. InvalidArgument for others.
  absl::Status put(PickleWriter& pickle, const at::Tensor& tensor);

  // In the order of their keys, "0", "1", ...
  const std::vector<c10::Storage>& storages() const { return storages_; }

 private:
  absl::Status put_sparse(PickleWriter& pickle, const at::Tensor& tensor);
  absl::Status put_storage(PickleWriter& pickle, const c10::Storage& storage, c10::ScalarType type);
  absl::Status put_quantizer(PickleWriter& pickle, const at::Tensor& tensor);

  Options options_;
  std::vector<c10::Storage> storages_;
  absl::flat_hash_map<const c10::StorageImpl*, size_t> keys_;
  // In the pickle's memo; the object has a dtype.
  absl::flat_hash_map<std::pair<const c10::StorageImpl*, c10::ScalarType>, uint32_t> written_;
};

}  // namespace vesta::serialization
