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

// 2^64 / y, rounded up. Its product with an x in [0, 2^32) has x / y in the upper 64 bits, for y in [2, 2^32): what is
// too much in it, at most x * y / 2^64, is less than the 1 / y that the fraction lacks to the next int.
constexpr uint64_t reciprocal(int64_t y) { return ~uint64_t{0} / static_cast<uint64_t>(y) + 1; }
inline bool is_small(int64_t x) { return (static_cast<uint64_t>(x) >> 32) == 0; }
inline int64_t small_quotient(int64_t x, uint64_t reciprocal_of_y) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<int64_t>((Wide{static_cast<uint64_t>(x)} * reciprocal_of_y) >> 64);
}

// The same for y > 1, with its reciprocal.
inline int64_t floordiv_positive(int64_t x, int64_t y, uint64_t reciprocal_of_y) {
  if (is_small(x)) return x < y ? 0 : small_quotient(x, reciprocal_of_y);
  const int64_t quotient = x / y;
  return quotient * y > x ? quotient - 1 : quotient;
}

// Has the sign of y. REQUIRES: y != 0.
inline int64_t python_mod(int64_t x, int64_t y) {
  if (both_small(x, y)) return static_cast<uint32_t>(x) % static_cast<uint32_t>(y);
  if (y == -1) [[unlikely]]
    return 0;
  const int64_t remainder = x % y;
  return remainder != 0 && (remainder < 0) != (y < 0) ? remainder + y : remainder;
}
// The same for y > 1. Sums of what was reduced before are below 2 * y more often than not: no division is needed then.
inline int64_t mod_positive(int64_t x, int64_t y, uint64_t reciprocal_of_y) {
  const int64_t above = wrapping_sub(x, y);
  if (x >= 0 && above < y) return above < 0 ? x : above;
  if (is_small(x)) return x - y * small_quotient(x, reciprocal_of_y);
  const int64_t remainder = x % y;
  return remainder < 0 ? remainder + y : remainder;
}
inline double python_mod(double x, double y) { return std::fmod(y + std::fmod(x, y), y); }

// The product as a number of its own: a compiler that contracts it with what follows would round once, not twice.
inline double rounded(double x) {
#if defined(__x86_64__)
  asm("" : "+x"(x));
#elif defined(__aarch64__)
  asm("" : "+w"(x));
#endif
  return x;
}

// Whether the float, truncated, is an int of 64 bits: not NaN, no infinity.
inline bool fits_int(double x) {
  constexpr double kBound = 9223372036854775808.0;
  return x >= -kBound && x < kBound;
}

}  // namespace vesta::runtime
