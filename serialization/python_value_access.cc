// What callers ask of a PyValue: the tensors of a state dict or of a pickled module, and values as types of C++.

#include "serialization/python_value.h"

#include <algorithm>
#include <array>
#include <limits>

#include <ATen/core/ivalue.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "serialization/python_value_parts.h"

namespace vesta {

using internal::in_quotes;
using internal::kMaxPyDepth;
using internal::py_attribute;
using Kind = PyValue::Kind;

// ---- state dicts

namespace {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

bool is_module(const PyValue& value) {
  return value.kind() == Kind::kObject && py_attribute(value, "_parameters") != nullptr &&
         py_attribute(value, "_modules") != nullptr;
}

void collect_module(const PyValue& module, const std::string& prefix, int depth, NamedTensors& into) {
  if (depth > kMaxPyDepth) return;
  const PyValue* transient = py_attribute(module, "_non_persistent_buffers_set");
  const auto is_transient = [&](const std::string& name) {
    if (transient == nullptr) return false;
    for (const PyValue& item : transient->items()) {
      if (item.kind() == Kind::kString && item.body()->text == name) return true;
    }
    return false;
  };
  for (const char* holder : {"_parameters", "_buffers"}) {
    const PyValue* held = py_attribute(module, holder);
    if (held == nullptr) continue;
    for (const PyEntry& entry : held->entries()) {
      if (entry.first.kind() != Kind::kString || !entry.second.is_tensor()) continue;
      if (holder == std::string_view("_buffers") && is_transient(entry.first.text())) continue;
      into.emplace_back(prefix + entry.first.text(), entry.second.tensor());
    }
  }
  const PyValue* children = py_attribute(module, "_modules");
  if (children == nullptr) return;
  for (const PyEntry& entry : children->entries()) {
    if (entry.first.kind() == Kind::kString && is_module(entry.second)) {
      collect_module(entry.second, prefix + entry.first.text() + ".", depth + 1, into);
    }
  }
}

NamedTensors tensors_of_dict(const PyValue& value) {
  NamedTensors result;
  for (const PyEntry& entry : value.entries()) {
    if (entry.first.kind() == Kind::kString && entry.second.is_tensor()) {
      result.emplace_back(entry.first.text(), entry.second.tensor());
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<NamedTensors> PyValue::state_dict() const {
  NamedTensors result;
  if (is_module(*this)) {
    collect_module(*this, "", 0, result);
    return result;
  }
  if (is_dict()) {
    result = tensors_of_dict(*this);
    if (!result.empty() || entries().empty()) return result;
  }
  std::vector<std::string> candidates;
  for (const auto& [step, child] : children()) {
    if (is_module(child) || (child.is_dict() && !tensors_of_dict(child).empty())) candidates.push_back(in_quotes(step));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("expected a state dict (a dict of tensors by name) or a module, got ", summary(),
                   candidates.empty() ? "" : absl::StrCat("; there is one at ", absl::StrJoin(candidates, ", ")), ""));
}

// ---- typed access

namespace internal {

absl::Status wrong_py_type(std::string_view expected, std::string_view path, const PyValue& value) {
  static constexpr std::array kByClass = {Kind::kBool,  Kind::kInt,     Kind::kBigInt,
                                          Kind::kFloat, Kind::kComplex, Kind::kString};
  const bool plain = std::find(kByClass.begin(), kByClass.end(), value.kind()) != kByClass.end();
  const std::string got = value.is_tensor() ? "Tensor" : plain ? value.class_name() : value.summary();
  return absl::InvalidArgumentError(absl::StrCat(
      "expected ", std::string(expected), path.empty() ? "" : absl::StrCat(" at ", in_quotes(path)), ", got ", got));
}

namespace {

// The number of a numpy scalar; nullopt for any other value.
template <class T>
std::optional<T> array_number(const PyValue& value) {
  if (value.kind() != Kind::kArray || !value.shape().empty() || !value.tensor().defined()) return std::nullopt;
  const at::Tensor tensor = value.tensor();
  const void* data = tensor.const_data_ptr();
  const auto read = [&]<class From>(From) -> T { return static_cast<T>(*static_cast<const From*>(data)); };
  switch (tensor.scalar_type()) {
    case c10::ScalarType::Byte:
      return read(uint8_t());
    case c10::ScalarType::Char:
      return read(int8_t());
    case c10::ScalarType::Short:
      return read(int16_t());
    case c10::ScalarType::Int:
      return read(int32_t());
    case c10::ScalarType::Long:
      return read(int64_t());
    case c10::ScalarType::UInt16:
      return read(uint16_t());
    case c10::ScalarType::UInt32:
      return read(uint32_t());
    default:
      break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (tensor.scalar_type() == c10::ScalarType::Float) return read(float());
    if (tensor.scalar_type() == c10::ScalarType::Double) return read(double());
    if (tensor.scalar_type() == c10::ScalarType::Half)
      return static_cast<T>(float(*static_cast<const c10::Half*>(data)));
  }
  return std::nullopt;
}

}  // namespace

bool convert_py(const PyValue& value, bool& to) {
  if (value.kind() == Kind::kArray && value.shape().empty() && value.tensor().defined() &&
      value.tensor().scalar_type() == c10::ScalarType::Bool) {
    to = *static_cast<const uint8_t*>(value.tensor().const_data_ptr()) != 0;
    return true;
  }
  if (value.kind() != Kind::kBool) return false;
  to = value.summary() == "True";
  return true;
}

bool convert_py(const PyValue& value, int64_t& to) {
  if (const auto number = array_number<int64_t>(value)) {
    to = *number;
    return true;
  }
  const absl::StatusOr<c10::IValue> plain = value.kind() == Kind::kInt ? value.to_ivalue() : absl::UnknownError("");
  if (plain.ok()) to = plain->toInt();
  return plain.ok();
}

bool convert_py(const PyValue& value, int& to) {
  int64_t wide = 0;
  if (!convert_py(value, wide) || wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    return false;
  }
  to = static_cast<int>(wide);
  return true;
}

bool convert_py(const PyValue& value, double& to) {
  if (const auto number = array_number<double>(value)) {
    to = *number;
    return true;
  }
  int64_t whole = 0;
  if (convert_py(value, whole)) {
    to = static_cast<double>(whole);
    return true;
  }
  if (value.kind() != Kind::kFloat) return false;
  to = value.to_ivalue()->toDouble();
  return true;
}

bool convert_py(const PyValue& value, c10::complex<double>& to) {
  double real = 0;
  if (convert_py(value, real)) {
    to = real;
    return true;
  }
  if (value.kind() != Kind::kComplex) return false;
  to = value.to_ivalue()->toComplexDouble();
  return true;
}

bool convert_py(const PyValue& value, std::string& to) {
  if (value.kind() != Kind::kString && value.kind() != Kind::kBytes) return false;
  to = value.body()->text;
  return true;
}

bool convert_py(const PyValue& value, at::Tensor& to) {
  if (value.kind() != Kind::kTensor) return false;
  to = value.tensor();
  return true;
}

bool convert_py(const PyValue& value, c10::Device& to) {
  if (value.kind() != Kind::kDevice) return false;
  to = value.to_ivalue()->toDevice();
  return true;
}

bool convert_py(const PyValue& value, c10::ScalarType& to) {
  if (value.kind() != Kind::kDtype) return false;
  to = static_cast<c10::ScalarType>(value.to_ivalue()->toInt());
  return true;
}

bool convert_py(const PyValue& value, c10::Layout& to) {
  if (value.kind() != Kind::kLayout) return false;
  to = static_cast<c10::Layout>(value.to_ivalue()->toInt());
  return true;
}

}  // namespace internal

}  // namespace vesta
