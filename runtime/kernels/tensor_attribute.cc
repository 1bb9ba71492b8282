// What a tensor is: its shape, type, place and layout.

#include <string>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include "runtime/kernels/boxing.h"

namespace vesta::runtime::kernels {

#define VESTA_TENSOR_ATTRIBUTE(name, expression) \
  VESTA_KERNEL(name, [](const at::Tensor& tensor) { return tensor.expression; })
VESTA_TENSOR_ATTRIBUTE(tensor_is_cpu, is_cpu())
VESTA_TENSOR_ATTRIBUTE(tensor_is_cuda, is_cuda())
VESTA_TENSOR_ATTRIBUTE(tensor_is_ipu, is_ipu())
VESTA_TENSOR_ATTRIBUTE(tensor_is_maia, is_maia())
VESTA_TENSOR_ATTRIBUTE(tensor_is_meta, is_meta())
VESTA_TENSOR_ATTRIBUTE(tensor_is_mkldnn, is_mkldnn())
VESTA_TENSOR_ATTRIBUTE(tensor_is_mps, is_mps())
VESTA_TENSOR_ATTRIBUTE(tensor_is_mtia, is_mtia())
VESTA_TENSOR_ATTRIBUTE(tensor_is_nested, is_nested())
VESTA_TENSOR_ATTRIBUTE(tensor_is_quantized, is_quantized())
VESTA_TENSOR_ATTRIBUTE(tensor_is_sparse, is_sparse())
VESTA_TENSOR_ATTRIBUTE(tensor_is_sparse_csr, is_sparse_csr())
VESTA_TENSOR_ATTRIBUTE(tensor_is_vulkan, is_vulkan())
VESTA_TENSOR_ATTRIBUTE(tensor_is_xla, is_xla())
VESTA_TENSOR_ATTRIBUTE(tensor_is_xpu, is_xpu())
VESTA_TENSOR_ATTRIBUTE(tensor_requires_grad, requires_grad())
VESTA_TENSOR_ATTRIBUTE(tensor_device, device())
VESTA_TENSOR_ATTRIBUTE(tensor_layout, layout())
VESTA_TENSOR_ATTRIBUTE(tensor_dtype, scalar_type())
VESTA_TENSOR_ATTRIBUTE(tensor_data, variable_data())
VESTA_TENSOR_ATTRIBUTE(tensor_grad, grad())
VESTA_TENSOR_ATTRIBUTE(tensor_dim, dim())
VESTA_TENSOR_ATTRIBUTE(tensor_numel, numel())
VESTA_TENSOR_ATTRIBUTE(tensor_element_size, element_size())
VESTA_TENSOR_ATTRIBUTE(tensor_itemsize, element_size())
VESTA_TENSOR_ATTRIBUTE(tensor_storage_offset, storage_offset())
VESTA_TENSOR_ATTRIBUTE(tensor_get_device, get_device())
VESTA_TENSOR_ATTRIBUTE(tensor_size, sizes().vec())
VESTA_TENSOR_ATTRIBUTE(tensor_stride, strides().vec())
VESTA_TENSOR_ATTRIBUTE(tensor_sym_size, sizes().vec())
VESTA_TENSOR_ATTRIBUTE(tensor_sym_stride, strides().vec())
VESTA_TENSOR_ATTRIBUTE(tensor_is_contiguous, is_contiguous())
VESTA_TENSOR_ATTRIBUTE(tensor_is_non_overlapping_and_dense, is_non_overlapping_and_dense())
VESTA_TENSOR_ATTRIBUTE(tensor_mH, mH())
VESTA_TENSOR_ATTRIBUTE(tensor_mT, mT())
VESTA_TENSOR_ATTRIBUTE(tensor_matrix_H, matrix_H())
VESTA_TENSOR_ATTRIBUTE(tensor_numpy_T, numpy_T())
VESTA_TENSOR_ATTRIBUTE(tensor_abs, abs())
#undef VESTA_TENSOR_ATTRIBUTE

VESTA_KERNEL(tensor_nbytes, [](const at::Tensor& tensor) { return static_cast<int64_t>(tensor.nbytes()); })

VESTA_KERNEL(tensor_is_contiguous_in, [](const at::Tensor& tensor, const IValue& format) {
  return tensor.is_contiguous(format.toMemoryFormat());
})
VESTA_KERNEL(tensor_is_strides_like_format, [](const at::Tensor& tensor, const IValue& format) {
  return tensor.unsafeGetTensorImpl()->is_strides_like(format.toMemoryFormat());
})

VESTA_KERNEL(tensor_len, [](const at::Tensor& tensor) -> absl::StatusOr<int64_t> {
  if (tensor.dim() == 0) return value_error("len() of a 0-d tensor");
  return tensor.size(0);
})

// None where the tensor has no name.
VESTA_KERNEL(tensor_name, [](const at::Tensor& tensor) {
  const std::string& name = tensor.name();
  return name.empty() ? IValue() : IValue(name);
})

}  // namespace vesta::runtime::kernels
