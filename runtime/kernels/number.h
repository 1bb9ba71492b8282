#pragma once

// Numbers on the stack: int, float, complex; a bool counts as an int. One kernel serves all overloads of an
// operator: the values' tags say which rule applies, as Python's do.

#include <cmath>
#include <cstdint>

#include <ATen/core/ivalue.h>
#include <c10/util/complex.h>

#include "runtime/kernels/boxing.h"

namespace vesta::runtime::kernels {

using Complex = c10::complex<double>;

inline bool is_integral(const IValue& value) { return value.isInt() || value.isBool(); }

// REQUIRES: is_integral(value).
inline int64_t integer_of(const IValue& value) { return value.isBool() ? value.toBool() : value.toInt(); }

// REQUIRES: int, bool or float.
inline double real_of(const IValue& value) {
  return value.isDouble() ? value.toDouble() : static_cast<double>(integer_of(value));
}

inline Complex complex_of(const IValue& value) {
  return value.isComplexDouble() ? value.toComplexDouble() : Complex(real_of(value), 0);
}

// Two's complement arithmetic that wraps around.
inline int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t wrapping_sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t wrapping_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
inline int64_t wrapping_neg(int64_t a) { return wrapping_sub(0, a); }

// An int from a float, truncated; an error for NaN, infinities and what int64 does not hold.
inline absl::StatusOr<int64_t> truncate(double value) {
  if (std::isnan(value)) return value_error("cannot convert float NaN to integer");
  if (std::isinf(value)) return value_error("cannot convert float infinity to integer");
  if (value < -9223372036854775808.0 || value >= 9223372036854775808.0) {
    return value_error("cannot convert float ", value, " to integer: out of range");
  }
  return static_cast<int64_t>(value);
}

}  // namespace vesta::runtime::kernels
