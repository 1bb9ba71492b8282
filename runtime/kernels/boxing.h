#pragma once

// From plain functions to kernels in both their forms (registry.h): arguments come from the stack, results go there; or
// they come from where they are.
//
//   VESTA_KERNEL(str_ord, [](std::string_view text) -> absl::StatusOr<int64_t> { ... })
//
// Parameters: int64_t, double, bool, std::string_view, const IValue&, at::Tensor, c10::List<T>,
// std::optional<T> and whatever else IValue::to<T>() gives. References and views point into the stack and are
// valid during the call. Results: nothing (void), a value, a std::tuple of several results, or a
// Status/StatusOr of these.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <ATen/core/ivalue.h>
#include <c10/core/ScalarType.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ir/program.h"
#include "ir/support/status.h"
#include "runtime/enum_arguments.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/short_strings.h"

namespace vesta::runtime::kernels {

using c10::IValue;
using ir::Stack;
using GenericList = c10::impl::GenericList;
using GenericDict = c10::impl::GenericDict;

// What one operator may make at most.
inline constexpr int64_t kMaxStringBytes = int64_t{1} << 30;
inline constexpr int64_t kMaxListElements = int64_t{1} << 27;

template <class... Parts>
absl::Status value_error(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// ResourceExhausted where a string of `bytes` would be too long.
inline absl::Status check_string_size(double bytes) {
  if (bytes <= static_cast<double>(kMaxStringBytes)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the string would have ", bytes, " bytes, above the limit of ", kMaxStringBytes));
}

// ResourceExhausted where a list of `elements` would be too long.
inline absl::Status check_list_size(double elements) {
  if (elements <= static_cast<double>(kMaxListElements)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the list would have ", elements, " elements, above the limit of ", kMaxListElements));
}

// A dtype argument: None, or an int that names one. ATen trusts its dtypes; programs may say any number.
inline absl::StatusOr<std::optional<c10::ScalarType>> optional_dtype(const IValue& value) {
  if (value.isNone()) return std::nullopt;
  VESTA_RETURN_IF_ERROR(check_enum_value(c10::TypeKind::ScalarTypeType, value));
  return static_cast<c10::ScalarType>(value.toInt());
}

template <class T>
struct ArgumentReader {
  static T read(const IValue& value) { return value.to<T>(); }
};
template <>
struct ArgumentReader<const IValue&> {
  static const IValue& read(const IValue& value) { return value; }
};
template <>
struct ArgumentReader<std::string_view> {
  static std::string_view read(const IValue& value) { return value.toStringView(); }
};
template <>
struct ArgumentReader<const at::Tensor&> {
  static const at::Tensor& read(const IValue& value) { return value.toTensor(); }
};
template <>
struct ArgumentReader<GenericList> {
  static GenericList read(const IValue& value) { return value.toList(); }
};
template <>
struct ArgumentReader<GenericDict> {
  static GenericDict read(const IValue& value) { return value.toGenericDict(); }
};
template <>
struct ArgumentReader<std::optional<std::string_view>> {
  static std::optional<std::string_view> read(const IValue& value) {
    if (value.isNone()) return std::nullopt;
    return value.toStringView();
  }
};

template <class T>
struct Signature : Signature<decltype(&T::operator())> {};
template <class R, class F, class... Args>
struct Signature<R (F::*)(Args...) const> {
  using Result = R;
  static constexpr uint32_t kArity = sizeof...(Args);

  // `argument(i)`: the IValue.
  template <class Function, class Argument, size_t... I>
  static R call(const Function& function, const Argument& argument, std::index_sequence<I...>) {
    (void)argument;
    return function(ArgumentReader<Args>::read(argument(I))...);
  }
};
template <class R, class... Args>
struct Signature<R (*)(Args...)> {
  using Result = R;
  static constexpr uint32_t kArity = sizeof...(Args);

  template <class Function, class Argument, size_t... I>
  static R call(const Function& function, const Argument& argument, std::index_sequence<I...>) {
    (void)argument;
    return function(ArgumentReader<Args>::read(argument(I))...);
  }
};

template <class T>
struct IsStatusOr : std::false_type {};
template <class T>
struct IsStatusOr<absl::StatusOr<T>> : std::true_type {};
template <class T>
struct IsTuple : std::false_type {};
template <class... T>
struct IsTuple<std::tuple<T...>> : std::true_type {};

inline void drop(Stack& stack, size_t count) { stack.erase(stack.end() - static_cast<ptrdiff_t>(count), stack.end()); }

inline IValue pop(Stack& stack) {
  IValue value = std::move(stack.back());
  stack.pop_back();
  return value;
}

// For schemas with `...`: takes the count from the stack. The arguments, in order, stay valid until the stack changes.
inline c10::ArrayRef<IValue> variadic_arguments(Stack& stack) {
  const size_t count = static_cast<size_t>(pop(stack).toInt());
  return c10::ArrayRef<IValue>(stack.data() + (stack.size() - count), count);
}

template <class T>
IValue boxed(T result) {
  if constexpr (std::is_same_v<T, std::string>) {
    return string_value(std::move(result));
  } else {
    return IValue(std::move(result));
  }
}

// Drops the arguments and pushes the result.
template <class T>
void replace_arguments(Stack& stack, size_t arity, T result) {
  if constexpr (IsTuple<T>::value) {
    drop(stack, arity);
    std::apply([&stack](auto&... parts) { (stack.push_back(boxed(std::move(parts))), ...); }, result);
  } else {
    IValue value = boxed(std::move(result));  // Made before the arguments go: it may be one of them.
    if (arity == 0) {
      stack.push_back(std::move(value));
      return;
    }
    drop(stack, arity - 1);
    stack.back() = std::move(value);
  }
}

template <class Function>
absl::Status call_boxed(const Function& function, Stack& stack) {
  using Traits = Signature<Function>;
  using Result = typename Traits::Result;
  constexpr size_t kArity = Traits::kArity;
  const IValue* values = stack.data() + (stack.size() - kArity);
  const auto arguments = [values](size_t i) -> const IValue& { return values[i]; };
  constexpr auto kIndices = std::make_index_sequence<kArity>();
  if constexpr (std::is_void_v<Result>) {
    Traits::call(function, arguments, kIndices);
    drop(stack, kArity);
  } else {
    Result result = Traits::call(function, arguments, kIndices);
    if constexpr (std::is_same_v<Result, absl::Status>) {
      if (!result.ok()) return result;
      drop(stack, kArity);
    } else if constexpr (IsStatusOr<Result>::value) {
      if (!result.ok()) return std::move(result).status();
      replace_arguments(stack, kArity, *std::move(result));
    } else {
      replace_arguments(stack, kArity, std::move(result));
    }
  }
  return absl::OkStatus();
}

// How many values a kernel that returns T has as results.
template <class T>
struct ResultCount : std::integral_constant<uint32_t, 1> {};
template <>
struct ResultCount<void> : std::integral_constant<uint32_t, 0> {};
template <>
struct ResultCount<absl::Status> : std::integral_constant<uint32_t, 0> {};
template <class T>
struct ResultCount<absl::StatusOr<T>> : ResultCount<T> {};
template <class... T>
struct ResultCount<std::tuple<T...>> : std::integral_constant<uint32_t, sizeof...(T)> {};

template <class T>
void store_results(T result, IValue* results) {
  if constexpr (IsTuple<T>::value) {
    std::apply([results](auto&... parts) mutable { ((*results++ = boxed(std::move(parts))), ...); }, result);
  } else {
    *results = boxed(std::move(result));
  }
}

template <class Function>
absl::Status call_direct(const Function& function, const IValue* const* values, IValue* results) {
  using Traits = Signature<Function>;
  using Result = typename Traits::Result;
  const auto arguments = [values](size_t i) -> const IValue& { return *values[i]; };
  constexpr auto kIndices = std::make_index_sequence<Traits::kArity>();
  if constexpr (std::is_void_v<Result>) {
    Traits::call(function, arguments, kIndices);
  } else {
    Result result = Traits::call(function, arguments, kIndices);
    if constexpr (std::is_same_v<Result, absl::Status>) {
      return result;
    } else if constexpr (IsStatusOr<Result>::value) {
      if (!result.ok()) return std::move(result).status();
      store_results(*std::move(result), results);
    } else {
      store_results(std::move(result), results);
    }
  }
  return absl::OkStatus();
}

// Defines the kernel `name` by a function pointer or a lambda without captures.
#define VESTA_KERNEL(name, ...)                                                      \
  namespace {                                                                        \
  constexpr auto name##_function = __VA_ARGS__;                                      \
  }                                                                                  \
  absl::Status name(ir::Stack& stack) { return call_boxed(name##_function, stack); } \
  const DirectKernel name##_direct = {                                               \
      [](const IValue* const* arguments, IValue* results) {                          \
        return call_direct(name##_function, arguments, results);                     \
      },                                                                             \
      Signature<std::remove_const_t<decltype(name##_function)>>::kArity,             \
      ResultCount<Signature<std::remove_const_t<decltype(name##_function)>>::Result>::value};

// Follows a kernel that is written as a function of the stack.
#define VESTA_STACK_KERNEL(name) const DirectKernel name##_direct = {};

}  // namespace vesta::runtime::kernels
