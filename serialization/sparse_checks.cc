#include "serialization/sparse_checks.h"

#include <algorithm>

#include "ir/support/status.h"

namespace vesta::serialization {
namespace {

using c10::ScalarType;

// An int64 or int32 tensor of indices, which may be strided: a row of them for each batch. One that says a few bytes
// again and again (strides of 0) is not readable: its size would not be bounded by the file's.
class IndexReader {
 public:
  explicit IndexReader(const at::Tensor& tensor) : tensor_(tensor) {}

  bool readable() const {
    return tensor_.defined() && tensor_.layout() == c10::kStrided && tensor_.dim() > 0 &&
           (tensor_.scalar_type() == ScalarType::Long || tensor_.scalar_type() == ScalarType::Int) &&
           tensor_.has_storage() && tensor_.numel() <= static_cast<int64_t>(tensor_.storage().nbytes() / 4);
  }
  // The elements before the last dimension, numbered in C order.
  int64_t batches() const {
    int64_t count = 1;
    for (int64_t d = 0; d + 1 < tensor_.dim(); ++d) count *= tensor_.size(d);
    return count;
  }
  int64_t at(int64_t batch, int64_t i) const {
    int64_t place = i * tensor_.stride(-1);
    for (int64_t d = tensor_.dim() - 2; d >= 0; --d) {
      place += batch % tensor_.size(d) * tensor_.stride(d);
      batch /= tensor_.size(d);
    }
    const void* data = tensor_.const_data_ptr();
    return tensor_.scalar_type() == ScalarType::Long ? static_cast<const int64_t*>(data)[place]
                                                     : static_cast<const int32_t*>(data)[place];
  }

 private:
  const at::Tensor& tensor_;
};

// `tensor`'s sizes from `from` on are `sizes`.
bool sizes_are(const at::Tensor& tensor, int64_t from, c10::IntArrayRef sizes) {
  return tensor.dim() >= from && tensor.sizes().slice(static_cast<size_t>(from)).equals(sizes);
}

absl::Status check_row(const IndexReader& outer, const IndexReader& inner, int64_t batch, int64_t outer_count,
                       int64_t inner_count, int64_t count) {
  if (outer.at(batch, 0) != 0 || outer.at(batch, outer_count) != count) {
    return absl::DataLossError("a compressed sparse tensor's rows, columns and values do not belong together");
  }
  for (int64_t i = 0; i < outer_count; ++i) {
    if (outer.at(batch, i) > outer.at(batch, i + 1)) {
      return absl::DataLossError("a compressed sparse tensor's rows are not in order");
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    if (inner.at(batch, i) < 0 || inner.at(batch, i) >= inner_count) {
      return absl::DataLossError("a compressed sparse tensor has an index out of range");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status check_coo(const at::Tensor& indices, const at::Tensor& values, const std::vector<int64_t>& sizes) {
  const IndexReader index(indices);
  if (!index.readable() || indices.scalar_type() != ScalarType::Long || indices.dim() != 2 || !values.defined() ||
      values.layout() != c10::kStrided || values.dim() < 1) {
    return absl::DataLossError("a sparse tensor's indices are int64 of two dimensions, its values dense");
  }
  const int64_t sparse_dim = indices.size(0);
  const int64_t dense_dim = values.dim() - 1;
  if (values.size(0) != indices.size(1) || sparse_dim + dense_dim != static_cast<int64_t>(sizes.size())) {
    return absl::DataLossError("a sparse tensor's indices, values and sizes do not belong together");
  }
  if (!sizes_are(values, 1, c10::IntArrayRef(sizes).slice(static_cast<size_t>(sparse_dim)))) {
    return absl::DataLossError("a sparse tensor's values have other sizes than the tensor");
  }
  for (int64_t d = 0; d < sparse_dim; ++d) {
    for (int64_t i = 0; i < indices.size(1); ++i) {
      if (index.at(d, i) < 0 || index.at(d, i) >= sizes[static_cast<size_t>(d)]) {
        return absl::DataLossError("a sparse tensor has an index out of range");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status check_coalesced(const at::Tensor& indices) {
  const IndexReader index(indices);
  for (int64_t i = 1; i < indices.size(1); ++i) {
    int64_t d = 0;
    while (d < indices.size(0) && index.at(d, i - 1) == index.at(d, i)) ++d;
    if (d == indices.size(0) || index.at(d, i - 1) > index.at(d, i)) {
      return absl::DataLossError("a sparse tensor is marked as coalesced, but its indices are not in order");
    }
  }
  return absl::OkStatus();
}

absl::Status check_compressed(const CompressedLayout& layout, const at::Tensor& compressed, const at::Tensor& plain,
                              const at::Tensor& values, const std::vector<int64_t>& sizes) {
  const IndexReader outer(compressed);
  const IndexReader inner(plain);
  if (!outer.readable() || !inner.readable() || compressed.scalar_type() != plain.scalar_type() || !values.defined() ||
      values.layout() != c10::kStrided) {
    return absl::DataLossError(
        "a compressed sparse tensor's rows and columns are int32 or int64, both the same, its values dense");
  }
  const int64_t batch_dims = compressed.dim() - 1;
  const int64_t block_dims = layout.blocked ? 2 : 0;
  const int64_t dense_dims = values.dim() - batch_dims - 1 - block_dims;
  const c10::IntArrayRef shape(sizes);
  if (dense_dims < 0 || plain.dim() != batch_dims + 1 ||
      batch_dims + 2 + dense_dims != static_cast<int64_t>(sizes.size())) {
    return absl::DataLossError("a compressed sparse tensor's parts and sizes do not have dimensions that fit together");
  }
  const c10::IntArrayRef batch = shape.slice(0, static_cast<size_t>(batch_dims));
  const auto has_batch = [&](const at::Tensor& part) { return part.sizes().slice(0, batch.size()).equals(batch); };
  if (!has_batch(compressed) || !has_batch(plain) || !has_batch(values) ||
      !sizes_are(values, batch_dims + 1 + block_dims, shape.slice(batch.size() + 2))) {
    return absl::DataLossError("a compressed sparse tensor's parts have other sizes than the tensor");
  }
  std::array<int64_t, 2> counts = {shape[batch.size()], shape[batch.size() + 1]};
  for (size_t d = 0; d < 2 && layout.blocked; ++d) {
    const int64_t block = values.size(batch_dims + 1 + static_cast<int64_t>(d));
    if (block <= 0 || counts[d] % block != 0) {
      return absl::DataLossError("a sparse tensor's sizes are no multiples of its blocks");
    }
    counts[d] /= block;
  }
  const int64_t outer_count = layout.rows_compressed ? counts[0] : counts[1];
  const int64_t inner_count = layout.rows_compressed ? counts[1] : counts[0];
  const int64_t count = plain.size(-1);
  if (values.size(batch_dims) != count || compressed.size(-1) - 1 != outer_count) {
    return absl::DataLossError("a compressed sparse tensor's rows, columns and values do not belong together");
  }
  for (int64_t i = 0; i < outer.batches(); ++i) {
    VESTA_RETURN_IF_ERROR(check_row(outer, inner, i, outer_count, inner_count, count));
  }
  return absl::OkStatus();
}

}  // namespace vesta::serialization
