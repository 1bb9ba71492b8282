#pragma once

// Values at Vesta's border are c10::IValue and at::Tensor. These helpers take them apart without exceptions.
//
//   absl::StatusOr<at::Tensor> scores = vesta::get<at::Tensor>(result);     // "expected Tensor, got int"
//   auto boxes = vesta::get<std::vector<at::Tensor>>(result);
//   auto [mean, count] = *vesta::get<std::tuple<at::Tensor, int64_t>>(result);
//   absl::StatusOr<c10::IValue> logits = vesta::field(result, "logits");    // of a NamedTuple, object or dict
//
// All functions are thread-safe as far as nobody changes the value meanwhile. Errors are InvalidArgument.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <vesta/export.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta {

// "Tensor", "int", "List[Tensor]", "Tuple[int, str]", "NoneType", "NamedTuple Output", "object __torch__.M".
VESTA_API std::string type_name(const c10::IValue& value);

// The field of a NamedTuple, the attribute of an object, or the value under a string key of a dict. The error
// lists the names that are there.
VESTA_API absl::StatusOr<c10::IValue> field(const c10::IValue& value, std::string_view name);

struct FormatOptions {
  // Tensors of more elements show only the first and last `edge_items` along each dimension.
  int64_t summarize_above = 1000;
  int64_t edge_items = 3;
  // Digits after the point.
  int precision = 4;
  // Longer lists, dicts and strings are cut and say how long they are.
  int64_t max_items = 100;
};

// Several lines of readable text: tensors as PyTorch prints them, containers nested, NamedTuples and objects
// with the names of their fields. No line break at the end.
VESTA_API std::string format_value(const c10::IValue& value, const FormatOptions& options = {});

namespace internal {

VESTA_API absl::Status wrong_type(std::string_view expected, const c10::IValue& value);
VESTA_API absl::Status in_element(size_t index, const absl::Status& status);
// Elements of a list or tuple; nullopt for any other value.
VESTA_API std::optional<std::vector<c10::IValue>> elements(const c10::IValue& value);

template <class T>
struct Getter;

template <>
struct Getter<c10::IValue> {
  static std::string name() { return "any value"; }
  static absl::StatusOr<c10::IValue> get(const c10::IValue& value) { return value; }
};

template <>
struct Getter<at::Tensor> {
  static std::string name() { return "Tensor"; }
  static absl::StatusOr<at::Tensor> get(const c10::IValue& value) {
    if (!value.isTensor()) return wrong_type(name(), value);
    return value.toTensor();
  }
};

template <>
struct Getter<bool> {
  static std::string name() { return "bool"; }
  static absl::StatusOr<bool> get(const c10::IValue& value) {
    if (!value.isBool()) return wrong_type(name(), value);
    return value.toBool();
  }
};

template <>
struct Getter<int64_t> {
  static std::string name() { return "int"; }
  static absl::StatusOr<int64_t> get(const c10::IValue& value) {
    if (!value.isInt()) return wrong_type(name(), value);
    return value.toInt();
  }
};

template <>
struct Getter<int> {
  static std::string name() { return "int"; }
  static absl::StatusOr<int> get(const c10::IValue& value) {
    if (!value.isInt()) return wrong_type(name(), value);
    const int64_t wide = value.toInt();
    if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
      return wrong_type("int of 32 bits", value);
    }
    return static_cast<int>(wide);
  }
};

// An int is not a float here: results keep the program's types.
template <>
struct Getter<double> {
  static std::string name() { return "float"; }
  static absl::StatusOr<double> get(const c10::IValue& value) {
    if (!value.isDouble()) return wrong_type(name(), value);
    return value.toDouble();
  }
};

template <>
struct Getter<c10::complex<double>> {
  static std::string name() { return "complex"; }
  static absl::StatusOr<c10::complex<double>> get(const c10::IValue& value) {
    if (!value.isComplexDouble()) return wrong_type(name(), value);
    return value.toComplexDouble();
  }
};

template <>
struct Getter<std::string> {
  static std::string name() { return "str"; }
  static absl::StatusOr<std::string> get(const c10::IValue& value) {
    if (!value.isString()) return wrong_type(name(), value);
    return value.toStringRef();
  }
};

template <>
struct Getter<c10::Device> {
  static std::string name() { return "Device"; }
  static absl::StatusOr<c10::Device> get(const c10::IValue& value) {
    if (!value.isDevice()) return wrong_type(name(), value);
    return value.toDevice();
  }
};

template <class T>
struct Getter<std::optional<T>> {
  static std::string name() { return "Optional[" + Getter<T>::name() + "]"; }
  static absl::StatusOr<std::optional<T>> get(const c10::IValue& value) {
    if (value.isNone()) return std::optional<T>();
    absl::StatusOr<T> inner = Getter<T>::get(value);
    if (!inner.ok()) return wrong_type(name(), value);
    return std::optional<T>(*std::move(inner));
  }
};

template <class T>
struct Getter<std::vector<T>> {
  static std::string name() { return "List[" + Getter<T>::name() + "]"; }
  static absl::StatusOr<std::vector<T>> get(const c10::IValue& value) {
    if (!value.isList()) return wrong_type(name(), value);
    const std::vector<c10::IValue> items = *elements(value);
    std::vector<T> result;
    result.reserve(items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      absl::StatusOr<T> item = Getter<T>::get(items[i]);
      if (!item.ok()) return in_element(i, item.status());
      result.push_back(*std::move(item));
    }
    return result;
  }
};

template <class... Ts>
struct Getter<std::tuple<Ts...>> {
  static std::string name() {
    std::string text;
    ((text += (text.empty() ? "" : ", ") + Getter<Ts>::name()), ...);
    return "Tuple[" + text + "]";
  }
  static absl::StatusOr<std::tuple<Ts...>> get(const c10::IValue& value) {
    std::optional<std::vector<c10::IValue>> items = value.isTuple() ? elements(value) : std::nullopt;
    if (!items.has_value() || items->size() != sizeof...(Ts)) return wrong_type(name(), value);
    return unpack(*items, std::index_sequence_for<Ts...>());
  }

 private:
  template <size_t... I>
  static absl::StatusOr<std::tuple<Ts...>> unpack(const std::vector<c10::IValue>& items, std::index_sequence<I...>) {
    std::tuple<absl::StatusOr<Ts>...> parts{Getter<Ts>::get(items[I])...};
    absl::Status status;
    ((status.ok() && !std::get<I>(parts).ok() ? void(status = in_element(I, std::get<I>(parts).status())) : void()),
     ...);
    if (!status.ok()) return status;
    return std::tuple<Ts...>(*std::move(std::get<I>(parts))...);
  }
};

template <class K, class V>
struct Getter<std::unordered_map<K, V>> {
  static std::string name() { return "Dict[" + Getter<K>::name() + ", " + Getter<V>::name() + "]"; }
  static absl::StatusOr<std::unordered_map<K, V>> get(const c10::IValue& value) {
    if (!value.isGenericDict()) return wrong_type(name(), value);
    std::unordered_map<K, V> result;
    for (const auto& entry : value.toGenericDict()) {
      absl::StatusOr<K> key = Getter<K>::get(entry.key());
      absl::StatusOr<V> item = Getter<V>::get(entry.value());
      if (!key.ok() || !item.ok()) return wrong_type(name(), value);
      result.emplace(*std::move(key), *std::move(item));
    }
    return result;
  }
};

}  // namespace internal

// The value as a T, or "expected T, got ...". T: at::Tensor, bool, int, int64_t, double, c10::complex<double>,
// std::string, c10::Device, c10::IValue, and std::optional, std::vector (of a list), std::tuple (of a tuple or
// NamedTuple) and std::unordered_map (of a dict) of them.
template <class T>
absl::StatusOr<T> get(const c10::IValue& value) {
  return internal::Getter<T>::get(value);
}
// The same for the result of a call.
template <class T>
absl::StatusOr<T> get(const absl::StatusOr<c10::IValue>& value) {
  if (!value.ok()) return value.status();
  return internal::Getter<T>::get(*value);
}

}  // namespace vesta
