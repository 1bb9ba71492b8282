#pragma once

// Numbers on the stack: int, float, complex; a bool counts as an int. One kernel serves all overloads of an
// operator: the values' tags say which rule applies, as Python's do.

#include <cmath>
#include <cstdint>

#include <ATen/core/ivalue.h>
#include <c10/util/complex.h>

#include "runtime/errors.h"
#include "runtime/kernels/boxing.h"
#include "runtime/scalar_math.h"

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

inline int64_t wrapping_neg(int64_t a) { return wrapping_sub(0, a); }

// What Python calls ZeroDivisionError.
inline absl::Status zero_division(const char* message) {
  return with_exception_class(value_error(message), "ZeroDivisionError");
}

inline absl::Status zero_to_negative_power() { return value_error("0.0 cannot be raised to a negative power"); }

// An int from a float, truncated; an error for NaN, infinities and what int64 does not hold.
inline absl::StatusOr<int64_t> truncate(double value) {
  if (std::isnan(value)) return value_error("cannot convert float NaN to integer");
  if (std::isinf(value)) return value_error("cannot convert float infinity to integer");
  if (!fits_int(value)) return value_error("cannot convert float ", value, " to integer: out of range");
  return static_cast<int64_t>(value);
}

}  // namespace vesta::runtime::kernels
