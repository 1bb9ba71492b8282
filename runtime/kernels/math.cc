// Mathematical functions of one number: floats and ints give floats, complex numbers complex ones.

#include <algorithm>
#include <limits>

#include "runtime/kernels/number.h"

namespace vesta::runtime::kernels {
namespace {

using Number = absl::StatusOr<IValue>;

// Python's round(): ties go to the even neighbour.
double round_to_even(double x) { return x - std::floor(x) == 0.5 ? std::round(x * 0.5) * 2 : std::round(x); }

double gamma_of(double x) { return std::tgamma(x); }

// std::lgamma writes a global, `signgam`.
double log_gamma_of(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

// floor() and ceil() give ints.
Number integral(double value) { return truncate(value); }

const double kDegree = std::acos(-1.0) / 180.0;
const double kRadian = 180.0 / std::acos(-1.0);

Number no_complex() { return value_error("the operator is not defined for complex numbers"); }

}  // namespace

#define VESTA_REAL_FUNCTION(name, function)                       \
  VESTA_KERNEL(name, [](const IValue& value) -> Number {          \
    if (value.isComplexDouble()) return no_complex();             \
    return IValue(static_cast<double>(function(real_of(value)))); \
  })
VESTA_REAL_FUNCTION(number_erf, std::erf)
VESTA_REAL_FUNCTION(number_erfc, std::erfc)
VESTA_REAL_FUNCTION(number_expm1, std::expm1)
VESTA_REAL_FUNCTION(number_log1p, std::log1p)
VESTA_REAL_FUNCTION(number_fabs, std::fabs)
VESTA_REAL_FUNCTION(number_gamma, gamma_of)
VESTA_REAL_FUNCTION(number_lgamma, log_gamma_of)
VESTA_REAL_FUNCTION(number_round, round_to_even)
VESTA_REAL_FUNCTION(number_degrees, kRadian*)
VESTA_REAL_FUNCTION(number_radians, kDegree*)
#undef VESTA_REAL_FUNCTION

#define VESTA_COMPLEX_FUNCTION(name, function)                                                   \
  VESTA_KERNEL(name, [](const IValue& value) {                                                   \
    return value.isComplexDouble() ? IValue(c10_complex_math::function(value.toComplexDouble())) \
                                   : IValue(std::function(real_of(value)));                      \
  })
VESTA_COMPLEX_FUNCTION(number_acos, acos)
VESTA_COMPLEX_FUNCTION(number_acosh, acosh)
VESTA_COMPLEX_FUNCTION(number_asin, asin)
VESTA_COMPLEX_FUNCTION(number_asinh, asinh)
VESTA_COMPLEX_FUNCTION(number_atan, atan)
VESTA_COMPLEX_FUNCTION(number_atanh, atanh)
VESTA_COMPLEX_FUNCTION(number_cos, cos)
VESTA_COMPLEX_FUNCTION(number_cosh, cosh)
VESTA_COMPLEX_FUNCTION(number_exp, exp)
VESTA_COMPLEX_FUNCTION(number_log10, log10)
VESTA_COMPLEX_FUNCTION(number_sin, sin)
VESTA_COMPLEX_FUNCTION(number_sinh, sinh)
VESTA_COMPLEX_FUNCTION(number_sqrt, sqrt)
VESTA_COMPLEX_FUNCTION(number_tan, tan)
VESTA_COMPLEX_FUNCTION(number_tanh, tanh)
#undef VESTA_COMPLEX_FUNCTION

VESTA_KERNEL(number_floor, [](const IValue& value) -> Number {
  if (is_integral(value)) return integer_of(value);
  return value.isComplexDouble() ? no_complex() : integral(std::floor(value.toDouble()));
})
VESTA_KERNEL(number_ceil, [](const IValue& value) -> Number {
  if (is_integral(value)) return integer_of(value);
  return value.isComplexDouble() ? no_complex() : integral(std::ceil(value.toDouble()));
})

VESTA_KERNEL(number_neg, [](const IValue& value) {
  if (is_integral(value)) return IValue(wrapping_neg(integer_of(value)));
  return value.isComplexDouble() ? IValue(-value.toComplexDouble()) : IValue(-value.toDouble());
})

VESTA_KERNEL(number_abs, [](const IValue& value) {
  if (is_integral(value)) {
    const int64_t number = integer_of(value);
    return IValue(number < 0 ? wrapping_neg(number) : number);
  }
  return IValue(value.isComplexDouble() ? std::abs(value.toComplexDouble()) : std::fabs(value.toDouble()));
})

VESTA_KERNEL(number_angle, [](const IValue& value) {
  return value.isComplexDouble() ? std::arg(value.toComplexDouble()) : std::arg(real_of(value));
})

VESTA_KERNEL(number_isnan, [](const IValue& value) {
  const Complex number = complex_of(value);
  return std::isnan(number.real()) || std::isnan(number.imag());
})
VESTA_KERNEL(number_isinf, [](const IValue& value) {
  const Complex number = complex_of(value);
  return std::isinf(number.real()) || std::isinf(number.imag());
})
VESTA_KERNEL(number_isfinite, [](const IValue& value) {
  const Complex number = complex_of(value);
  return std::isfinite(number.real()) && std::isfinite(number.imag());
})

VESTA_KERNEL(number_log_of, [](const IValue& value) {
  return value.isComplexDouble() ? IValue(c10_complex_math::log(value.toComplexDouble()))
                                 : IValue(std::log(real_of(value)));
})
// The logarithm of a negative float is NaN, even to a complex base.
VESTA_KERNEL(number_log_to_base, [](const IValue& value, const IValue& base) {
  if (!value.isComplexDouble() && !base.isComplexDouble())
    return IValue(std::log(real_of(value)) / std::log(real_of(base)));
  if (!base.isComplexDouble()) return IValue(c10_complex_math::log(value.toComplexDouble()) / std::log(real_of(base)));
  const Complex divisor = c10_complex_math::log(base.toComplexDouble());
  if (!value.isComplexDouble()) return IValue(std::log(real_of(value)) / divisor);
  return IValue(c10_complex_math::log(value.toComplexDouble()) / divisor);
})

VESTA_KERNEL(float_ldexp, [](double x, int64_t exponent) {
  constexpr int64_t kLimit = 1 << 20;  // Beyond any float's range; ldexp takes an int.
  return std::ldexp(x, static_cast<int>(std::clamp(exponent, -kLimit, kLimit)));
})
VESTA_KERNEL(float_frexp, [](double x) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  return std::make_tuple(mantissa, static_cast<int64_t>(exponent));
})
VESTA_KERNEL(float_modf, [](double x) {
  double whole = 0;
  const double fraction = std::modf(x, &whole);
  return std::make_tuple(fraction, whole);
})

}  // namespace vesta::runtime::kernels
