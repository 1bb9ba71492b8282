#pragma once

// Tensors as PyTorch prints them.

#include <string>

#include <ATen/core/Tensor.h>
#include <vesta/value.h>

namespace vesta::internal {

// "tensor([[1., 2.],\n        [3., 4.]])"; rows are indented by `indent` more columns. Adds dtype and device where they
// are not the usual ones, and the size where elements are left out.
std::string format_tensor(const at::Tensor& tensor, const FormatOptions& options, size_t indent = 0);

// "float32[2, 3]"
std::string tensor_summary(const at::Tensor& tensor);
// "float32"
std::string dtype_name(c10::ScalarType type);

}  // namespace vesta::internal
