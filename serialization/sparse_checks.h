#pragma once

// What a sparse tensor's parts have to be before it is made of them: the constructors' own checks are off by default,
// and kernels follow indices without looking.
//
// Source of the laws: torch.sparse's documentation, and what aten::_validate_sparse_*_tensor_args asks for.

#include <array>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Layout.h>

#include "absl/status/status.h"

namespace vesta::serialization {

// A compressed layout: which of the two sparse dimensions is compressed, and whether elements are blocks.
struct CompressedLayout {
  c10::Layout layout;
  bool rows_compressed;
  bool blocked;
};
inline constexpr std::array kCompressedLayouts = {
    CompressedLayout{c10::Layout::SparseCsr, true, false},
    CompressedLayout{c10::Layout::SparseCsc, false, false},
    CompressedLayout{c10::Layout::SparseBsr, true, true},
    CompressedLayout{c10::Layout::SparseBsc, false, true},
};

// The functions below read all indices. DataLoss says which law does not hold. REQUIRES: sizes are not negative.

// `indices` (sparse dimensions, count), `values` (count, dense dimensions...).
absl::Status check_coo(const at::Tensor& indices, const at::Tensor& values, const std::vector<int64_t>& sizes);

// Kernels rely on the mark: indices are in order, and none comes twice. REQUIRES: what check_coo accepts.
absl::Status check_coalesced(const at::Tensor& indices);

// The tensor has batch dimensions, two sparse ones, dense ones. `compressed` is (batch..., rows or columns + 1),
// `plain` (batch..., count), `values` (batch..., count, [rows and columns of a block,] dense...).
absl::Status check_compressed(const CompressedLayout& layout, const at::Tensor& compressed, const at::Tensor& plain,
                              const at::Tensor& values, const std::vector<int64_t>& sizes);

}  // namespace vesta::serialization
