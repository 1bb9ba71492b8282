// Gradients, grad mode, autocast. The engine's entry points and autocast's state are declared here: their headers
// would bring all of libtorch's with them, and a change of theirs shows when linking.

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/GradMode.h>
#include <c10/core/ScalarType.h>
#include <c10/macros/Export.h>

#include "runtime/kernels/boxing.h"

namespace torch::autograd {
TORCH_API std::vector<at::Tensor> grad(const std::vector<at::Tensor>& outputs, const std::vector<at::Tensor>& inputs,
                                       const std::vector<at::Tensor>& grad_outputs, std::optional<bool> retain_graph,
                                       bool create_graph, bool allow_unused);
TORCH_API void backward(const std::vector<at::Tensor>& tensors, const std::vector<at::Tensor>& grad_tensors,
                        std::optional<bool> retain_graph, bool create_graph, const std::vector<at::Tensor>& inputs);
}  // namespace torch::autograd

namespace at::autocast {
TORCH_API bool is_autocast_enabled(at::DeviceType device_type);
TORCH_API at::ScalarType get_autocast_dtype(at::DeviceType device_type);
}  // namespace at::autocast

namespace vesta::runtime::kernels {
namespace {

using Tensors = std::vector<at::Tensor>;

// None is an undefined tensor; None for the list, no tensors.
Tensors optional_tensors(const IValue& list) {
  Tensors tensors;
  if (list.isNone()) return tensors;
  for (const IValue& tensor : list.toListRef()) tensors.push_back(tensor.isNone() ? at::Tensor() : tensor.toTensor());
  return tensors;
}

std::optional<bool> optional_bool(const IValue& value) {
  return value.isNone() ? std::nullopt : std::optional<bool>(value.toBool());
}

}  // namespace

VESTA_KERNEL(autograd_grad, [](const IValue& outputs, const IValue& inputs, const IValue& gradients,
                               const IValue& retain_graph, bool create_graph, bool allow_unused) {
  const Tensors result =
      torch::autograd::grad(optional_tensors(outputs), optional_tensors(inputs), optional_tensors(gradients),
                            optional_bool(retain_graph), create_graph, allow_unused);
  GenericList list(c10::OptionalType::ofTensor());
  for (const at::Tensor& tensor : result) list.push_back(tensor.defined() ? IValue(tensor) : IValue());
  return list;
})

VESTA_KERNEL(autograd_backward,
             [](const at::Tensor& tensor, const IValue& gradient, const IValue& retain_graph, bool create_graph) {
               Tensors gradients;
               if (!gradient.isNone()) gradients.push_back(gradient.toTensor());
               torch::autograd::backward({tensor}, gradients, optional_bool(retain_graph), create_graph, {});
             })
VESTA_KERNEL(autograd_backward_list,
             [](const IValue& tensors, const IValue& gradients, const IValue& retain_graph, bool create_graph) {
               torch::autograd::backward(optional_tensors(tensors), optional_tensors(gradients),
                                         optional_bool(retain_graph), create_graph, {});
             })

VESTA_KERNEL(is_grad_enabled, []() { return c10::GradMode::is_enabled(); })
VESTA_KERNEL(set_grad_enabled, [](bool enabled) { c10::GradMode::set_enabled(enabled); })

VESTA_KERNEL(is_autocast_enabled, []() { return at::autocast::is_autocast_enabled(c10::kCUDA); })
VESTA_KERNEL(is_autocast_cpu_enabled, []() { return at::autocast::is_autocast_enabled(c10::kCPU); })
VESTA_KERNEL(get_autocast_dtype, [](std::string_view device) {
  return at::autocast::get_autocast_dtype(c10::Device(std::string(device)).type());
})

}  // namespace vesta::runtime::kernels
