#include "tests/tracer/trace_test_support.h"

#include <ATen/Parallel.h>

namespace vesta::test {
namespace {

// The tensors are small: threads that wait for each other would take most of the time.
class OneThread : public ::testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};
[[maybe_unused]] const ::testing::Environment* const one_thread = ::testing::AddGlobalTestEnvironment(new OneThread);

std::vector<c10::IValue> items_of(const c10::IValue& value) {
  if (value.isList()) return value.toListRef().vec();
  const auto elements = value.toTupleRef().elements();
  return std::vector<c10::IValue>(elements.begin(), elements.end());
}

c10::IValue copy(const c10::IValue& value) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    return tensor.defined() ? tensor.detach().clone().set_requires_grad(tensor.requires_grad()) : tensor;
  }
  if (value.isTuple()) {
    std::vector<c10::IValue> items;
    for (const c10::IValue& item : items_of(value)) items.push_back(copy(item));
    return c10::ivalue::Tuple::create(std::move(items));
  }
  if (value.isList()) {
    c10::impl::GenericList list(value.toList().elementType());
    for (const c10::IValue& item : items_of(value)) list.push_back(copy(item));
    return list;
  }
  if (value.isGenericDict()) {
    c10::impl::GenericDict dict(value.toGenericDict().keyType(), value.toGenericDict().valueType());
    for (const auto& entry : value.toGenericDict()) dict.insert(entry.key(), copy(entry.value()));
    return dict;
  }
  return value;
}

std::string compare(const c10::IValue& expected, const c10::IValue& actual, double tolerance, const std::string& name) {
  if (expected.isTensor() && actual.isTensor()) {
    const at::Tensor a = expected.toTensor().detach();
    const at::Tensor b = actual.toTensor().detach();
    if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) {
      return name + ": " + ir::print_constant(expected) + " and " + ir::print_constant(actual);
    }
    return at::allclose(a, b, tolerance, tolerance, /*equal_nan=*/true) ? "" : name + ": other values";
  }
  if ((expected.isList() && actual.isList()) || (expected.isTuple() && actual.isTuple())) {
    const std::vector<c10::IValue> a = items_of(expected);
    const std::vector<c10::IValue> b = items_of(actual);
    if (a.size() != b.size()) return name + ": other lengths";
    for (size_t i = 0; i < a.size(); ++i) {
      std::string why = compare(a[i], b[i], tolerance, name + "[" + std::to_string(i) + "]");
      if (!why.empty()) return why;
    }
    return {};
  }
  if (expected.isGenericDict() && actual.isGenericDict()) {
    if (expected.toGenericDict().size() != actual.toGenericDict().size()) return name + ": other lengths";
    for (const auto& entry : expected.toGenericDict()) {
      const std::string place = name + "[" + ir::print_constant(entry.key()) + "]";
      const auto other = actual.toGenericDict().find(entry.key());
      if (other == actual.toGenericDict().end()) return place + " is missing";
      std::string why = compare(entry.value(), other->value(), tolerance, place);
      if (!why.empty()) return why;
    }
    return {};
  }
  const std::string a = ir::print_constant(expected);
  const std::string b = ir::print_constant(actual);
  return a == b ? "" : name + ": " + a + " and " + b;
}

}  // namespace

std::string difference(const c10::IValue& expected, const c10::IValue& actual, double tolerance) {
  return compare(expected, actual, tolerance, "result");
}

std::vector<c10::IValue> copies(const std::vector<c10::IValue>& values) {
  std::vector<c10::IValue> result;
  for (const c10::IValue& value : values) result.push_back(copy(value));
  return result;
}

}  // namespace vesta::test
