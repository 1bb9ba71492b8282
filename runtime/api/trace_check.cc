#include "runtime/api/trace_check.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "ir/printer.h"
#include "ir/support/status.h"
#include "runtime/api/guard.h"
#include "runtime/api/trace_run.h"

namespace vesta::internal {
namespace {

std::string tensor_difference(const at::Tensor& expected, const at::Tensor& actual, double tolerance,
                              const std::string& name) {
  if (expected.defined() != actual.defined()) return absl::StrCat(name, ": one is undefined");
  if (!expected.defined()) return {};
  const std::string shapes =
      absl::StrCat(name, ": ", ir::print_constant(expected), " and ", ir::print_constant(actual));
  if (expected.scalar_type() != actual.scalar_type() || expected.layout() != actual.layout() ||
      expected.device() != actual.device() || expected.is_nested() != actual.is_nested()) {
    return shapes;
  }
  if (expected.is_nested() || expected.is_meta()) return {};
  if (expected.sizes() != actual.sizes()) return shapes;
  const at::Tensor a = expected.layout() == c10::kStrided ? expected : expected.to_dense();
  const at::Tensor b = actual.layout() == c10::kStrided ? actual : actual.to_dense();
  if (a.is_quantized()) return at::equal(a.int_repr(), b.int_repr()) ? "" : absl::StrCat(name, ": other values");
  if (at::equal(a, b) || at::allclose(a, b, tolerance, tolerance, /*equal_nan=*/true)) return {};
  if (!a.is_floating_point()) return absl::StrCat(name, ": other values");
  return absl::StrCat(name, ": largest difference ", a.sub(b).abs().max().item().toDouble());
}

// The tensors in a value, which is not changed itself.
void each_tensor(const c10::IValue& value, const std::function<void(const at::Tensor&)>& visit) {
  if (value.isTensor()) return visit(value.toTensor());
  if (value.isTuple()) {
    for (const c10::IValue& item : value.toTupleRef().elements()) each_tensor(item, visit);
  } else if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) each_tensor(item, visit);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) each_tensor(entry.value(), visit);
  }
}

void fill(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.numel() == 0 || tensor.is_quantized() || tensor.is_complex()) return;
  if (tensor.scalar_type() == at::kBool) {
    tensor.bernoulli_(0.5);
    return;
  }
  if (tensor.is_floating_point()) {
    const double low = tensor.min().item().toDouble();
    const double high = tensor.max().item().toDouble();
    if (low < high) tensor.uniform_(low, high);
    return;
  }
  const int64_t low = tensor.min().item().toLong();
  const int64_t high = tensor.max().item().toLong();
  if (low < high) tensor.random_(low, high + 1);
}

std::vector<c10::IValue> items_of(const c10::IValue& value) {
  if (value.isList()) return value.toListRef().vec();
  const auto elements = value.toTupleRef().elements();
  return std::vector<c10::IValue>(elements.begin(), elements.end());
}

}  // namespace

std::string difference(const c10::IValue& expected, const c10::IValue& actual, double tolerance,
                       const std::string& name) {
  if (expected.isTensor() && actual.isTensor()) {
    std::string why;
    const absl::Status status = guard([&] {
      const at::NoGradGuard no_grad;
      why = tensor_difference(expected.toTensor().detach(), actual.toTensor().detach(), tolerance, name);
    });
    return status.ok() ? why : absl::StrCat(name, " cannot be compared: ", status.message());
  }
  const bool sequences = (expected.isList() && actual.isList()) || (expected.isTuple() && actual.isTuple());
  if (sequences) {
    const std::vector<c10::IValue> a = items_of(expected);
    const std::vector<c10::IValue> b = items_of(actual);
    if (a.size() != b.size()) return absl::StrCat(name, ": ", a.size(), " and ", b.size(), " elements");
    for (size_t i = 0; i < a.size(); ++i) {
      std::string why = difference(a[i], b[i], tolerance, absl::StrCat(name, "[", i, "]"));
      if (!why.empty()) return why;
    }
    return {};
  }
  if (expected.isGenericDict() && actual.isGenericDict()) {
    const c10::impl::GenericDict a = expected.toGenericDict();
    const c10::impl::GenericDict b = actual.toGenericDict();
    if (a.size() != b.size()) return absl::StrCat(name, ": ", a.size(), " and ", b.size(), " entries");
    for (const auto& entry : a) {
      const std::string place = absl::StrCat(name, "[", ir::print_constant(entry.key()), "]");
      const auto other = b.find(entry.key());
      if (other == b.end()) return absl::StrCat(place, " is missing");
      std::string why = difference(entry.value(), other->value(), tolerance, place);
      if (!why.empty()) return why;
    }
    return {};
  }
  const std::string a = ir::print_constant(expected);
  const std::string b = ir::print_constant(actual);
  return a == b ? "" : absl::StrCat(name, ": ", a, " and ", b);
}

absl::StatusOr<Example> made_up(const Example& example) {
  VESTA_ASSIGN_OR_RETURN(Example copy, copy_values(example));
  VESTA_RETURN_IF_ERROR(guard([&] {
    const at::NoGradGuard no_grad;
    const KnownRandomNumbers random;
    for (const c10::IValue& value : copy) {
      each_tensor(value, [](const at::Tensor& tensor) { fill(tensor.detach()); });
    }
  }));
  return copy;
}

}  // namespace vesta::internal
