// Arithmetic, comparison and conversion of numbers. `promote` picks the rule by the tags of both operands:
// two integers, else two floats; where one is complex, the other keeps its own kind, because (0 + inf j) * 2 is not
// (0 + inf j) * (2 + 0 j). Integers wrap around; what C++ leaves undefined
// (division by zero, INT64_MIN / -1, shifts by 64) is an error or the mathematical result modulo 2^64.

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "runtime/kernels/number.h"

namespace vesta::runtime::kernels {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

// The marker of an operator that complex numbers do not have.
struct NoComplex {};

using Number = absl::StatusOr<IValue>;

template <class Int, class Real, class ComplexRule>
Number promote(const IValue& a, const IValue& b, Int on_ints, Real on_reals, ComplexRule on_complex) {
  if (is_integral(a) && is_integral(b)) return on_ints(integer_of(a), integer_of(b));
  if (a.isComplexDouble() || b.isComplexDouble()) {
    if constexpr (std::is_same_v<ComplexRule, NoComplex>) {
      return value_error("the operator is not defined for complex numbers");
    } else {
      if (!b.isComplexDouble()) return on_complex(a.toComplexDouble(), real_of(b));
      if (!a.isComplexDouble()) return on_complex(real_of(a), b.toComplexDouble());
      return on_complex(a.toComplexDouble(), b.toComplexDouble());
    }
  }
  return on_reals(real_of(a), real_of(b));
}

Number floor_divide(int64_t a, int64_t b) {
  if (b == 0) return zero_division("division by 0");
  if (b == -1) return wrapping_neg(a);
  const int64_t quotient = a / b;
  return quotient - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
}

// The remainder has the divisor's sign.
int64_t floor_modulo(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t remainder = a % b;
  return remainder != 0 && ((remainder < 0) != (b < 0)) ? remainder + b : remainder;
}

absl::StatusOr<int64_t> int_power(int64_t base, int64_t exponent) {
  return truncate(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
}

absl::StatusOr<int64_t> shift_count(int64_t count) {
  if (count < 0) return value_error("negative shift count ", count);
  return std::min<int64_t>(count, 64);
}

// As std::polar, for any length: a negative one or NaN is not for that to take.
Complex from_polar(double length, double angle) { return {length * std::cos(angle), length * std::sin(angle)}; }

// The library's own formulas, which go through std::polar there where a part is NaN too.
Complex power_of(Complex base, Complex exponent) { return c10_complex_math::pow(base, exponent); }
Complex power_of(double base, Complex exponent) {
  if (!(base > 0)) return c10_complex_math::pow(Complex(base), exponent);
  return from_polar(std::pow(base, exponent.real()), exponent.imag() * std::log(base));
}
Complex power_of(Complex base, double exponent) {
  if (base.imag() == 0 && base.real() > 0) return std::pow(base.real(), exponent);
  const Complex logarithm = std::log(base);
  return from_polar(std::exp(exponent * logarithm.real()), exponent * logarithm.imag());
}

}  // namespace

VESTA_KERNEL(number_add, [](const IValue& a, const IValue& b) {
  auto add = [](auto x, auto y) { return x + y; };
  return promote(a, b, wrapping_add, add, add);
})

VESTA_KERNEL(number_sub, [](const IValue& a, const IValue& b) {
  auto subtract = [](auto x, auto y) { return x - y; };
  return promote(a, b, wrapping_sub, subtract, subtract);
})

VESTA_KERNEL(number_mul, [](const IValue& a, const IValue& b) {
  auto multiply = [](auto x, auto y) { return x * y; };
  return promote(a, b, wrapping_mul, multiply, multiply);
})

VESTA_KERNEL(number_div, [](const IValue& a, const IValue& b) {
  return promote(
      a, b, [](int64_t x, int64_t y) { return static_cast<double>(x) / static_cast<double>(y); },
      [](double x, double y) { return x / y; }, [](auto x, auto y) { return x / y; });
})

VESTA_KERNEL(number_floordiv, [](const IValue& a, const IValue& b) {
  return promote(
      a, b, floor_divide, [](double x, double y) { return std::floor(x / y); }, NoComplex());
})

VESTA_KERNEL(number_remainder, [](const IValue& a, const IValue& b) {
  return promote(
      a, b,
      [](int64_t x, int64_t y) -> Number {
        if (y == 0) return zero_division("modulo by 0");
        return floor_modulo(x, y);
      },
      [](double x, double y) { return std::fmod(y + std::fmod(x, y), y); }, NoComplex());
})

VESTA_KERNEL(number_fmod, [](const IValue& a, const IValue& b) {
  auto modulo = [](auto x, auto y) { return std::fmod(static_cast<double>(x), static_cast<double>(y)); };
  return promote(a, b, modulo, modulo, NoComplex());
})

VESTA_KERNEL(number_mathremainder, [](const IValue& a, const IValue& b) {
  auto rule = [](auto x, auto y) { return std::remainder(static_cast<double>(x), static_cast<double>(y)); };
  return promote(a, b, rule, rule, NoComplex());
})

VESTA_KERNEL(number_copysign, [](const IValue& a, const IValue& b) {
  auto rule = [](auto x, auto y) { return std::copysign(static_cast<double>(x), static_cast<double>(y)); };
  return promote(a, b, rule, rule, NoComplex());
})

VESTA_KERNEL(number_atan2, [](const IValue& a, const IValue& b) {
  auto rule = [](auto x, auto y) { return std::atan2(static_cast<double>(x), static_cast<double>(y)); };
  return promote(a, b, rule, rule, NoComplex());
})

VESTA_KERNEL(number_polar, [](const IValue& a, const IValue& b) {
  auto rule = [](auto x, auto y) { return from_polar(static_cast<double>(x), static_cast<double>(y)); };
  return promote(a, b, rule, rule, NoComplex());
})

VESTA_KERNEL(number_pow, [](const IValue& a, const IValue& b) {
  auto power = [](auto x, auto y) -> Number {
    const double base = static_cast<double>(x), exponent = static_cast<double>(y);
    if (base == 0 && exponent < 0) return zero_to_negative_power();
    return std::pow(base, exponent);
  };
  auto complex_power = [](auto x, auto y) { return power_of(x, y); };
  return promote(a, b, power, power, complex_power);
})
VESTA_KERNEL(number_pow_int, &int_power)

// An int and a float go by the floor of the quotient, two floats by the remainder: they differ where one is infinite.
VESTA_KERNEL(number_divmod, [](const IValue& a, const IValue& b) -> absl::StatusOr<std::tuple<IValue, IValue>> {
  if (is_integral(a) && is_integral(b)) {
    const int64_t x = integer_of(a), y = integer_of(b);
    if (y == 0) return value_error("ZeroDivisionError: integer division or modulo by zero");
    VESTA_ASSIGN_OR_RETURN(IValue quotient, floor_divide(x, y));
    return std::make_tuple(std::move(quotient), IValue(floor_modulo(x, y)));
  }
  const double x = real_of(a), y = real_of(b);
  if (y == 0) return value_error("ZeroDivisionError: float divmod()");
  if (!a.isDouble() || !b.isDouble()) {
    const double quotient = std::floor(x / y) + 0.0;  // never -0
    return std::make_tuple(IValue(quotient), IValue(x - quotient * y));
  }
  double remainder = std::fmod(x, y);
  if (remainder != 0 && (remainder < 0) != (y < 0)) remainder += y;
  return std::make_tuple(IValue((x - remainder) / y), IValue(remainder));
})

VESTA_KERNEL(int_round_to_zero_floordiv, [](int64_t a, int64_t b) -> absl::StatusOr<int64_t> {
  if (b == 0) return zero_division("division by 0");
  return b == -1 ? wrapping_neg(a) : a / b;
})

// Comparison.
#define VESTA_COMPARISON(name, op, complex_rule)            \
  VESTA_KERNEL(name, [](const IValue& a, const IValue& b) { \
    auto compare = [](auto x, auto y) { return x op y; };   \
    return promote(a, b, compare, compare, complex_rule);   \
  })
VESTA_COMPARISON(number_eq, ==, compare)
VESTA_COMPARISON(number_ne, !=, compare)
VESTA_COMPARISON(number_lt, <, NoComplex())
VESTA_COMPARISON(number_le, <=, NoComplex())
VESTA_COMPARISON(number_gt, >, NoComplex())
VESTA_COMPARISON(number_ge, >=, NoComplex())
#undef VESTA_COMPARISON

VESTA_KERNEL(number_max, [](const IValue& a, const IValue& b) {
  auto rule = [](auto x, auto y) { return x > y ? x : y; };
  return promote(a, b, rule, rule, NoComplex());
})
VESTA_KERNEL(number_min, [](const IValue& a, const IValue& b) {
  auto rule = [](auto x, auto y) { return x < y ? x : y; };
  return promote(a, b, rule, rule, NoComplex());
})

// Bits and truth values. Two bools give a bool.
#define VESTA_BITWISE(name, op)                                             \
  VESTA_KERNEL(name, [](const IValue& a, const IValue& b) {                 \
    const int64_t result = integer_of(a) op integer_of(b);                  \
    return a.isBool() && b.isBool() ? IValue(result != 0) : IValue(result); \
  })
VESTA_BITWISE(number_and, &)
VESTA_BITWISE(number_or, |)
VESTA_BITWISE(number_xor, ^)
#undef VESTA_BITWISE

VESTA_KERNEL(int_shift_left, [](int64_t value, int64_t count) -> absl::StatusOr<int64_t> {
  VESTA_ASSIGN_OR_RETURN(count, shift_count(count));
  return count == 64 ? 0 : static_cast<int64_t>(static_cast<uint64_t>(value) << count);
})
VESTA_KERNEL(int_shift_right, [](int64_t value, int64_t count) -> absl::StatusOr<int64_t> {
  VESTA_ASSIGN_OR_RETURN(count, shift_count(count));
  return value >> std::min<int64_t>(count, 63);
})
VESTA_KERNEL(bool_not, [](bool value) { return !value; })

// Conversion.
VESTA_KERNEL(number_to_int, [](const IValue& value) -> absl::StatusOr<int64_t> {
  if (is_integral(value)) return integer_of(value);
  if (value.isComplexDouble()) return value_error("cannot convert a complex number to integer");
  return truncate(value.toDouble());
})
VESTA_KERNEL(number_to_float, [](const IValue& value) -> absl::StatusOr<double> {
  if (value.isComplexDouble()) return value_error("cannot convert a complex number to float");
  return real_of(value);
})
VESTA_KERNEL(number_to_bool,
             [](const IValue& value) { return value.isDouble() ? value.toDouble() != 0 : integer_of(value) != 0; })
VESTA_KERNEL(number_to_complex, [](const IValue& value) { return complex_of(value); })
VESTA_KERNEL(pair_to_complex,
             [](const IValue& real, const IValue& imaginary) { return Complex(real_of(real), real_of(imaginary)); })

// `for i in range(...)` over something else than the plain counter.
VESTA_KERNEL(derive_index,
             [](int64_t index, int64_t start, int64_t step) { return wrapping_add(start, wrapping_mul(index, step)); })
VESTA_KERNEL(range_length, [](int64_t low, int64_t high, int64_t step) -> absl::StatusOr<int64_t> {
  if (step == 0) return value_error("range() arg 3 must not be zero");
  if (step > 0 ? low >= high : low <= high) return 0;
  const uint64_t span = step > 0 ? static_cast<uint64_t>(high) - static_cast<uint64_t>(low)
                                 : static_cast<uint64_t>(low) - static_cast<uint64_t>(high);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
  const uint64_t length = (span - 1) / stride + 1;
  if (length > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return value_error("range() is too long");
  return static_cast<int64_t>(length);
})

VESTA_KERNEL(int_gcd, [](int64_t a, int64_t b) {
  while (b != 0) a = std::exchange(b, b == -1 ? 0 : a % b);
  return a == kMin ? a : std::abs(a);
})

VESTA_KERNEL(int_factorial, [](int64_t n) -> absl::StatusOr<int64_t> {
  if (n < 0) return value_error("factorial() not defined for negative values");
  if (n > 65) return 0;  // 66! is a multiple of 2^64.
  int64_t product = 1;
  for (int64_t i = 2; i <= n; ++i) product = wrapping_mul(product, i);
  return product;
})

}  // namespace vesta::runtime::kernels
