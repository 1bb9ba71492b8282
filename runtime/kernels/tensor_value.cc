// Tensors from values (torch.tensor, torch.as_tensor) and values from tensors (tolist, int(), float()).
// Nested lists must be rectangular: each level's length is taken from its first list and checked for the others.

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/ScalarTypeToTypeMeta.h>

#include "runtime/kernels/number.h"

namespace vesta::runtime::kernels {
namespace {

using c10::ScalarType;

ScalarType default_real() { return c10::typeMetaToScalarType(c10::get_default_dtype()); }

// The type of a tensor made of a list of numbers of this type; none where there is none (complex numbers too).
std::optional<ScalarType> scalar_type_of(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::IntType:
      return ScalarType::Long;
    case c10::TypeKind::FloatType:
      return default_real();
    case c10::TypeKind::BoolType:
      return ScalarType::Bool;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<at::Tensor> cast(at::Tensor tensor, const IValue& dtype, const IValue& device) {
  VESTA_ASSIGN_OR_RETURN(const std::optional<ScalarType> wanted, optional_dtype(dtype));
  const c10::Device target = device.isNone() ? tensor.device() : device.toDevice();
  const ScalarType type = wanted.value_or(tensor.scalar_type());
  if (type == tensor.scalar_type() && target == tensor.device()) return tensor;
  return tensor.to(target, type, /*non_blocking=*/false, /*copy=*/false);
}

at::Tensor from_number(const IValue& number) {
  if (number.isDouble()) return at::scalar_tensor(number.toDouble(), at::TensorOptions().dtype(default_real()));
  if (number.isComplexDouble()) {
    return at::scalar_tensor(number.toComplexDouble(), at::TensorOptions().dtype(c10::toComplexType(default_real())));
  }
  if (number.isBool()) return at::scalar_tensor(number.toBool(), at::TensorOptions().dtype(ScalarType::Bool));
  return at::scalar_tensor(number.toInt(), at::TensorOptions().dtype(ScalarType::Long));
}

std::vector<int64_t> sizes_of(const IValue& data) {
  std::vector<int64_t> sizes;
  IValue level = data;
  while (level.isList()) {
    const auto elements = level.toListRef();
    sizes.push_back(static_cast<int64_t>(elements.size()));
    if (elements.empty()) break;
    IValue first = elements[0];
    level = std::move(first);
  }
  return sizes;
}

// Appends the numbers of a nested list, row by row.
template <class T, class Read>
absl::Status store(const IValue& data, const std::vector<int64_t>& sizes, size_t depth, Read read, T*& out) {
  const auto elements = data.toListRef();
  if (static_cast<int64_t>(elements.size()) != sizes[depth]) {
    return value_error("Expected sequence of length ", sizes[depth], " at dim ", depth, " (got ", elements.size(), ")");
  }
  for (const IValue& element : elements) {
    if (depth + 1 < sizes.size()) {
      VESTA_RETURN_IF_ERROR(store(element, sizes, depth + 1, read, out));
    } else {
      *out++ = read(element);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<at::Tensor> from_list(const IValue& data) {
  c10::TypePtr type = data.type();
  while (const auto* list = type->castRaw<c10::ListType>()) type = list->getElementType();
  const std::optional<ScalarType> scalar_type = scalar_type_of(*type);
  if (!scalar_type.has_value()) {
    return value_error(
        "Input must be of ints, floats, or bools, got ", type->repr_str(),
        type->kind() == c10::TypeKind::TensorType ? " (an empty list is taken for a list of tensors)" : "");
  }
  const std::vector<int64_t> sizes = sizes_of(data);
  // Numbers are written in their widest form and narrowed by a cast.
  const ScalarType stored = c10::isFloatingType(*scalar_type) ? ScalarType::Double : *scalar_type;
  at::Tensor tensor = at::empty(sizes, at::TensorOptions().dtype(stored));
  if (tensor.numel() == 0) return tensor.to(*scalar_type);  // Lists beside an empty one may have any length.
  absl::Status status;
  switch (stored) {
    case ScalarType::Double: {
      auto* out = tensor.mutable_data_ptr<double>();
      status = store(
          data, sizes, 0, [](const IValue& value) { return value.toDouble(); }, out);
      break;
    }
    case ScalarType::Long: {
      auto* out = tensor.mutable_data_ptr<int64_t>();
      status = store(
          data, sizes, 0, [](const IValue& value) { return value.toInt(); }, out);
      break;
    }
    case ScalarType::Bool: {
      auto* out = tensor.mutable_data_ptr<bool>();
      status = store(
          data, sizes, 0, [](const IValue& value) { return value.toBool(); }, out);
      break;
    }
    default:
      return absl::InternalError("no such type of number");
  }
  VESTA_RETURN_IF_ERROR(status);
  return stored == *scalar_type ? tensor : tensor.to(*scalar_type);
}

absl::StatusOr<at::Tensor> with_grad(absl::StatusOr<at::Tensor> tensor, bool requires_grad) {
  if (tensor.ok()) tensor->set_requires_grad(requires_grad);
  return tensor;
}

// A tensor that stands where a number is wanted.
absl::Status check_implicit(const at::Tensor& tensor, bool to_int) {
  if (tensor.requires_grad()) return value_error("Cannot input a tensor that requires grad as a scalar argument");
  if (tensor.dim() != 0) return value_error("Cannot input a tensor of dimension other than 0 as a scalar argument");
  if (to_int && !c10::isIntegralType(tensor.scalar_type(), /*includeBool=*/false)) {
    return value_error("Cannot input a tensor of type ", c10::toString(tensor.scalar_type()),
                       " as an integral argument");
  }
  return absl::OkStatus();
}

double real_part(const IValue& value) { return value.isTensor() ? value.toTensor().item<double>() : real_of(value); }

struct ListRequest {
  ScalarType scalar_type;
  std::vector<c10::TypePtr> types;  // of each level: List[List[int]], List[int], int
};

IValue number_at(const at::Tensor& flat, int64_t index) {
  switch (flat.scalar_type()) {
    case ScalarType::Long:
      return flat.const_data_ptr<int64_t>()[index];
    case ScalarType::Double:
      return flat.const_data_ptr<double>()[index];
    case ScalarType::Bool:
      return flat.const_data_ptr<bool>()[index];
    default:
      return flat.const_data_ptr<Complex>()[index];
  }
}

IValue to_nested(const at::Tensor& flat, c10::IntArrayRef sizes, const ListRequest& request, size_t depth,
                 int64_t& index) {
  if (depth == sizes.size()) return number_at(flat, index++);
  GenericList list(request.types[depth + 1]);
  list.reserve(static_cast<size_t>(sizes[depth]));
  for (int64_t i = 0; i < sizes[depth]; ++i) list.push_back(to_nested(flat, sizes, request, depth + 1, index));
  return list;
}

// Which numbers `tolist` was annotated with, by the code that compiled programs hold.
absl::StatusOr<ListRequest> list_request(int64_t dimensions, int64_t code) {
  struct Kind {
    c10::TypePtr type;
    ScalarType scalar_type;
  };
  const Kind kinds[] = {{c10::IntType::get(), ScalarType::Long},
                        {c10::FloatType::get(), ScalarType::Double},
                        {c10::BoolType::get(), ScalarType::Bool},
                        {c10::ComplexType::get(), ScalarType::ComplexDouble}};
  if (code < 0 || code > 3) return value_error("tolist(): unknown kind of element ", code);
  ListRequest request{kinds[code].scalar_type, {}};
  c10::TypePtr type = kinds[code].type;
  request.types.push_back(type);
  for (int64_t i = 0; i < dimensions; ++i) {
    type = c10::ListType::create(type);
    request.types.insert(request.types.begin(), type);
  }
  return request;
}

absl::StatusOr<IValue> to_list(const at::Tensor& tensor, int64_t dimensions, int64_t code) {
  if (tensor.dim() != dimensions) {
    return value_error("Output annotation list dimension and runtime tensor dimension must match for tolist()");
  }
  VESTA_ASSIGN_OR_RETURN(const ListRequest request, list_request(dimensions, code));
  ScalarType type = tensor.scalar_type();
  if (c10::isFloatingType(type)) type = ScalarType::Double;
  if (c10::isComplexType(type)) type = ScalarType::ComplexDouble;
  if (type != request.scalar_type) {
    return value_error("Output annotation element type and runtime tensor element type must match for tolist(): ",
                       c10::toString(tensor.scalar_type()));
  }
  VESTA_RETURN_IF_ERROR(check_list_size(static_cast<double>(tensor.numel())));
  const at::Tensor flat = tensor.detach().to(at::Device(at::kCPU), type).contiguous();
  int64_t index = 0;
  return to_nested(flat, tensor.sizes(), request, 0, index);
}

}  // namespace

VESTA_KERNEL(tensor_from_scalar,
             [](const IValue& value, const IValue& dtype, const IValue& device, bool requires_grad) {
               return with_grad(cast(from_number(value), dtype, device), requires_grad);
             })
VESTA_KERNEL(as_tensor_from_scalar, [](const IValue& value, const IValue& dtype, const IValue& device) {
  return cast(from_number(value), dtype, device);
})
VESTA_KERNEL(tensor_from_list,
             [](const IValue& data, const IValue& dtype, const IValue& device,
                bool requires_grad) -> absl::StatusOr<at::Tensor> {
               VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, from_list(data));
               return with_grad(cast(std::move(tensor), dtype, device), requires_grad);
             })
VESTA_KERNEL(as_tensor_from_list,
             [](const IValue& data, const IValue& dtype, const IValue& device) -> absl::StatusOr<at::Tensor> {
               VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, from_list(data));
               return cast(std::move(tensor), dtype, device);
             })
VESTA_KERNEL(as_tensor, [](const at::Tensor& data, const IValue& dtype, const IValue& device) {
  return cast(data, dtype, device);
})

// The widest type of the number's kind, whatever the default is.
VESTA_KERNEL(tensor_from_number, [](const IValue& number) {
  if (number.isDouble()) return at::scalar_tensor(number.toDouble(), at::TensorOptions().dtype(ScalarType::Double));
  if (!number.isComplexDouble()) return from_number(number);
  return at::scalar_tensor(number.toComplexDouble(), at::TensorOptions().dtype(ScalarType::ComplexDouble));
})

VESTA_KERNEL(tensor_to_int, [](const at::Tensor& tensor) { return tensor.item<int64_t>(); })
VESTA_KERNEL(tensor_to_float, [](const at::Tensor& tensor) { return tensor.item<double>(); })
VESTA_KERNEL(tensor_to_bool, [](const at::Tensor& tensor) { return tensor.is_nonzero(); })
VESTA_KERNEL(tensors_to_complex,
             [](const IValue& real, const IValue& imaginary) { return Complex(real_part(real), real_part(imaginary)); })

VESTA_KERNEL(tensor_int_implicit, [](const at::Tensor& tensor) -> absl::StatusOr<int64_t> {
  VESTA_RETURN_IF_ERROR(check_implicit(tensor, true));
  return tensor.item<int64_t>();
})
VESTA_KERNEL(tensor_float_implicit, [](const at::Tensor& tensor) -> absl::StatusOr<double> {
  VESTA_RETURN_IF_ERROR(check_implicit(tensor, false));
  return tensor.item<double>();
})
VESTA_KERNEL(tensor_complex_implicit, [](const at::Tensor& tensor) -> absl::StatusOr<Complex> {
  VESTA_RETURN_IF_ERROR(check_implicit(tensor, false));
  return tensor.item<Complex>();
})
VESTA_KERNEL(tensor_scalar_implicit, [](const at::Tensor& tensor) -> absl::StatusOr<IValue> {
  VESTA_RETURN_IF_ERROR(check_implicit(tensor, false));
  return IValue(tensor.item());
})

// (tensor, dimensions, kind of element: 0 int, 1 float, 2 bool, 3 complex)
absl::Status tensor_tolist(Stack& stack) {
  const c10::ArrayRef<IValue> arguments = variadic_arguments(stack);
  if (arguments.size() != 3)
    return value_error("tolist() takes a tensor, its dimensions and a kind, got ", arguments.size(), " values");
  VESTA_ASSIGN_OR_RETURN(IValue list, to_list(arguments[0].toTensor(), arguments[1].toInt(), arguments[2].toInt()));
  replace_arguments(stack, 3, std::move(list));
  return absl::OkStatus();
}
VESTA_STACK_KERNEL(tensor_tolist)

// Sizes as tensors of 32-bit ints, in old archives.
VESTA_KERNEL(int_list_to_tensor, [](const IValue& list) -> absl::StatusOr<at::Tensor> {
  for (const IValue& element : list.toListRef()) {
    if (element.toInt() != static_cast<int32_t>(element.toInt()))
      return value_error(element.toInt(), " does not fit 32 bits");
  }
  VESTA_ASSIGN_OR_RETURN(const at::Tensor tensor, from_list(list));
  return tensor.to(ScalarType::Int);
})
VESTA_KERNEL(tensor_to_int_list, [](const at::Tensor& tensor) -> absl::StatusOr<c10::List<int64_t>> {
  if (tensor.numel() == 0) return c10::List<int64_t>();
  if (tensor.scalar_type() != ScalarType::Int) {
    return value_error("expected scalar type Int but found ", c10::toString(tensor.scalar_type()));
  }
  VESTA_RETURN_IF_ERROR(check_list_size(static_cast<double>(tensor.numel())));
  const at::Tensor flat = tensor.detach().to(at::Device(at::kCPU)).contiguous();
  c10::List<int64_t> result;
  result.reserve(static_cast<size_t>(flat.numel()));
  for (int64_t i = 0; i < flat.numel(); ++i) result.push_back(flat.const_data_ptr<int32_t>()[i]);
  return result;
})

}  // namespace vesta::runtime::kernels
