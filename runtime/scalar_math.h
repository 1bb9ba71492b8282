#pragma once

// Arithmetic on ints and floats as TorchScript defines it, with every case defined that C++ leaves open.

#include <bit>
#include <cmath>
#include <cstdint>

namespace vesta::runtime {

inline int64_t wrapping_add(int64_t x, int64_t y) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
}
inline int64_t wrapping_sub(int64_t x, int64_t y) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) - static_cast<uint64_t>(y));
}
inline int64_t wrapping_mul(int64_t x, int64_t y) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
}

// Whether both are in [0, 2^32): dividing those in 32 bits takes half the time or less.
inline bool both_small(int64_t x, int64_t y) { return (static_cast<uint64_t>(x | y) >> 32) == 0; }

// Rounds towards minus infinity; the smallest int by -1 wraps around. REQUIRES: y != 0.
inline int64_t python_floordiv(int64_t x, int64_t y) {
  if (both_small(x, y)) return static_cast<uint32_t>(x) / static_cast<uint32_t>(y);
  if (y == -1) [[unlikely]]
    return wrapping_sub(0, x);
  const int64_t quotient = x / y;
  return quotient * y != x && (x < 0) != (y < 0) ? quotient - 1 : quotient;
}

// Has the sign of y. REQUIRES: y != 0.
inline int64_t python_mod(int64_t x, int64_t y) {
  if (both_small(x, y)) return static_cast<uint32_t>(x) % static_cast<uint32_t>(y);
  if (y == -1) [[unlikely]]
    return 0;
  const int64_t remainder = x % y;
  return remainder != 0 && (remainder < 0) != (y < 0) ? remainder + y : remainder;
}
inline double python_mod(double x, double y) { return std::fmod(y + std::fmod(x, y), y); }

// Whether the float, truncated, is an int of 64 bits: not NaN, no infinity.
inline bool fits_int(double x) {
  constexpr double kBound = 9223372036854775808.0;
  return x >= -kBound && x < kBound;
}

}  // namespace vesta::runtime
