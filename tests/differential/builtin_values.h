#pragma once

// Random arguments for operators, by the types of their schemas, and an exact comparison of results.

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

namespace vesta::test {

class ArgumentMaker {
 public:
  explicit ArgumentMaker(uint32_t seed) : random_(seed) {}

  // Values for all arguments of the schema; none where there are none for one of its types.
  // Small ints only for operators whose results grow with an argument.
  std::optional<std::vector<c10::IValue>> arguments(const c10::FunctionSchema& schema, bool small_ints);

  size_t below(size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random_); }

 private:
  std::optional<c10::IValue> value(const c10::TypePtr& type, const c10::Type& declared);
  c10::TypePtr resolve(const c10::TypePtr& type);
  at::Tensor tensor();

  std::mt19937 random_;
  bool small_ints_ = false;
  std::map<std::string, c10::TypePtr> bindings_;  // of type variables, for one operator call
};

// What two values differ in; "" where they are the same: tags, element types, bits of floats (any NaN equals any),
// of tensors type, shape, strides and elements.
std::string exact_difference(const c10::IValue& ours, const c10::IValue& theirs);

}  // namespace vesta::test
