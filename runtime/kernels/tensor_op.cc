// Operators on tensors that TorchScript has beside the dispatcher's: conversions, initialization without
// gradients, indexing by lists of tensors that are all given, helpers that compiled derivatives call.

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/_index_put_impl.h>
#include <ATen/ops/_unsafe_index.h>
#include <ATen/ops/_unsafe_index_put.h>
#include <ATen/ops/dequantize.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/embedding_renorm.h>
#include <ATen/ops/index.h>
#include <ATen/ops/index_put.h>
#include <ATen/ops/split_with_sizes.h>
#include <c10/core/GradMode.h>

#include "runtime/kernels/number.h"

namespace vesta::runtime::kernels {
namespace {

using Sizes = std::vector<int64_t>;
using Indices = c10::List<std::optional<at::Tensor>>;

absl::StatusOr<at::Tensor> convert(const at::Tensor& tensor, const IValue& device, const IValue& dtype,
                                   bool non_blocking, bool copy) {
  VESTA_ASSIGN_OR_RETURN(const std::optional<at::ScalarType> wanted, optional_dtype(dtype));
  if (device.isNone() && dtype.isNone() && !copy) return tensor;
  const at::Device target = device.isNone() ? tensor.device() : device.toDevice();
  const at::ScalarType type = wanted.value_or(tensor.scalar_type());
  return tensor.to(target, type, non_blocking, copy);
}

Indices indices_of(const IValue& tensors) {
  Indices indices;
  for (const IValue& tensor : tensors.toListRef()) indices.push_back(tensor.toTensor());
  return indices;
}

absl::StatusOr<Sizes> broadcast_sizes(const Sizes& a, const Sizes& b) {
  Sizes result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i) {  // from the last dimension on
    const int64_t left = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t right = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (left != right && left != 1 && right != 1) {
      return value_error("The size of tensor a (", left, ") must match the size of tensor b (", right,
                         ") at non-singleton dimension ", result.size() - 1 - i);
    }
    result[result.size() - 1 - i] = left == 1 ? right : left;
  }
  return result;
}

absl::StatusOr<IValue> dequantize_any(const IValue& value) {
  if (value.isTensorList()) return IValue(at::dequantize(value.toTensorVector()));
  if (!value.isTuple()) return value_error("dequantize() takes a list of tensors or a tuple, got ", value.tagKind());
  std::vector<IValue> elements;
  for (const IValue& element : value.toTupleRef().elements()) {
    elements.push_back(element.isTensor() ? IValue(at::dequantize(element.toTensor())) : element);
  }
  return IValue(c10::ivalue::Tuple::create(std::move(elements)));
}

// The letters of one operand of einsum: 0 to 25 are A to Z, 26 to 51 are a to z.
absl::Status append_labels(const IValue& labels, std::string& equation) {
  if (!labels.isIntList())
    return value_error("einsum() takes a list of ints behind each tensor, got ", labels.tagKind());
  for (const IValue& label : labels.toListRef()) {
    const int64_t number = label.toInt();
    if (number < 0 || number >= 52) return value_error("einsum(): expected subscripts in range [0, 52), got ", number);
    equation.push_back(static_cast<char>(number < 26 ? 'A' + number : 'a' + number - 26));
  }
  return absl::OkStatus();
}

// tensor, labels, tensor, labels..., and perhaps the labels of the result.
absl::StatusOr<at::Tensor> einsum(c10::ArrayRef<IValue> arguments) {
  std::string equation;
  std::vector<at::Tensor> operands;
  const size_t pairs = arguments.size() / 2;
  for (size_t i = 0; i < pairs; ++i) {
    if (!arguments[2 * i].isTensor()) return value_error("einsum() takes a tensor before each list of subscripts");
    operands.push_back(arguments[2 * i].toTensor());
    if (i != 0) equation.push_back(',');
    VESTA_RETURN_IF_ERROR(append_labels(arguments[2 * i + 1], equation));
  }
  if (arguments.size() % 2 == 1) {
    equation += "->";
    VESTA_RETURN_IF_ERROR(append_labels(arguments.back(), equation));
  }
  return at::einsum(equation, operands);
}

}  // namespace

VESTA_KERNEL(tensor_to_device, &convert)
VESTA_KERNEL(tensor_to_dtype, [](const at::Tensor& tensor, const IValue& dtype, bool non_blocking, bool copy) {
  return convert(tensor, IValue(), dtype, non_blocking, copy);
})
VESTA_KERNEL(tensor_to_other, [](const at::Tensor& tensor, bool non_blocking, bool copy) {
  return convert(tensor, IValue(), IValue(), non_blocking, copy);
})
VESTA_KERNEL(tensor_cpu, [](const at::Tensor& tensor) { return tensor.cpu(); })
VESTA_KERNEL(tensor_cuda, [](const at::Tensor& tensor) { return tensor.cuda(); })

VESTA_KERNEL(tensor_copy_from_tensor, [](at::Tensor tensor, const at::Tensor& other) { return tensor.copy_(other); })
VESTA_KERNEL(tensor_copy_from_number,
             [](at::Tensor tensor, const IValue& number) { return tensor.fill_(number.toScalar()); })

VESTA_KERNEL(tensor_split, [](const at::Tensor& tensor, Sizes sizes, int64_t dim) {
  return at::split_with_sizes(tensor, sizes, dim);
})

VESTA_KERNEL(tensor_dequantize, [](const at::Tensor& tensor) { return at::dequantize(tensor); })
VESTA_KERNEL(tensor_list_dequantize, [](const IValue& tensors) { return at::dequantize(tensors.toTensorVector()); })
VESTA_KERNEL(any_dequantize, [](const IValue& value) { return dequantize_any(value); })

absl::Status einsum_sublist(Stack& stack) {
  const c10::ArrayRef<IValue> arguments = variadic_arguments(stack);
  VESTA_ASSIGN_OR_RETURN(at::Tensor result, einsum(arguments));
  replace_arguments(stack, arguments.size(), std::move(result));
  return absl::OkStatus();
}
VESTA_STACK_KERNEL(einsum_sublist)

VESTA_KERNEL(tensor_index,
             [](const at::Tensor& tensor, const IValue& indices) { return at::index(tensor, indices_of(indices)); })
VESTA_KERNEL(tensor_unsafe_index, [](const at::Tensor& tensor, const IValue& indices) {
  return at::_unsafe_index(tensor, indices_of(indices));
})
VESTA_KERNEL(tensor_index_put,
             [](const at::Tensor& tensor, const IValue& indices, const at::Tensor& values, bool accumulate) {
               return at::index_put(tensor, indices_of(indices), values, accumulate);
             })
VESTA_KERNEL(tensor_unsafe_index_put,
             [](const at::Tensor& tensor, const IValue& indices, const at::Tensor& values, bool accumulate) {
               return at::_unsafe_index_put(tensor, indices_of(indices), values, accumulate);
             })
VESTA_KERNEL(tensor_index_put_self,
             [](at::Tensor tensor, const IValue& indices, const at::Tensor& values, bool accumulate) {
               return at::index_put_(tensor, indices_of(indices), values, accumulate);
             })
VESTA_KERNEL(tensor_index_put_impl_self,
             [](at::Tensor tensor, const IValue& indices, const at::Tensor& values, bool accumulate, bool unsafe) {
               return at::_index_put_impl_(tensor, indices_of(indices), values, accumulate, unsafe);
             })

// torch.nn.init.
VESTA_KERNEL(no_grad_uniform, [](at::Tensor tensor, double low, double high, std::optional<at::Generator> generator) {
  const c10::AutoGradMode no_grad(false);
  return tensor.uniform_(low, high, std::move(generator));
})
VESTA_KERNEL(no_grad_normal,
             [](at::Tensor tensor, double mean, double deviation, std::optional<at::Generator> generator) {
               const c10::AutoGradMode no_grad(false);
               return tensor.normal_(mean, deviation, std::move(generator));
             })
VESTA_KERNEL(no_grad_fill, [](at::Tensor tensor, double value) {
  const c10::AutoGradMode no_grad(false);
  return tensor.fill_(value);
})
VESTA_KERNEL(no_grad_zero, [](at::Tensor tensor) {
  const c10::AutoGradMode no_grad(false);
  return tensor.zero_();
})
VESTA_KERNEL(no_grad_embedding_renorm,
             [](at::Tensor weight, const at::Tensor& input, double max_norm, double norm_type) {
               const c10::AutoGradMode no_grad(false);
               return at::embedding_renorm_(weight, input, max_norm, norm_type);
             })

// The four arguments are the four results.
absl::Status pack_sequence(Stack&) { return absl::OkStatus(); }
VESTA_STACK_KERNEL(pack_sequence)

VESTA_KERNEL(infer_size, [](Sizes a, Sizes b) { return broadcast_sizes(a, b); })
VESTA_KERNEL(size_if_not_equal, [](const IValue& own, const IValue& other) {
  return own.toIntVector() == other.toIntVector() ? IValue() : own;
})
VESTA_KERNEL(grad_sum_to_size, [](const at::Tensor& tensor, const IValue& sizes) {
  if (sizes.isNone()) return tensor;
  return sizes.toListRef().empty() ? tensor.sum() : tensor.sum_to_size(sizes.toIntVector());
})

// A vector as a tensor of `dims` dimensions, of which the second is the vector's.
VESTA_KERNEL(ncf_unsqueeze, [](const at::Tensor& tensor, int64_t dims) -> absl::StatusOr<at::Tensor> {
  if (tensor.dim() != 1 || dims < 2 || dims > 64)
    return value_error("_ncf_unsqueeze takes a vector and at least 2 dimensions");
  Sizes sizes(static_cast<size_t>(dims), 1);
  sizes[1] = tensor.size(0);
  return tensor.reshape(sizes);
})
// The input's shape, its last dimensions, which were normalized over, being 1.
VESTA_KERNEL(ncf_view,
             [](const at::Tensor& tensor, Sizes input_shape, int64_t normalized) -> absl::StatusOr<at::Tensor> {
               const int64_t dims = static_cast<int64_t>(input_shape.size());
               if (normalized < 0 || normalized > dims)
                 return value_error("_ncf_view: cannot normalize over ", normalized, " of ", dims, " dimensions");
               std::fill(input_shape.begin() + static_cast<ptrdiff_t>(dims - normalized), input_shape.end(), 1);
               return tensor.reshape(input_shape);
             })

}  // namespace vesta::runtime::kernels
