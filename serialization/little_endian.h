#pragma once

// Loads of little-endian integers from unaligned bytes. The caller has checked the bounds.

#include <bit>
#include <cstdint>
#include <cstring>

namespace vesta::serialization {

static_assert(std::endian::native == std::endian::little, "the readers take bytes as they are");

template <typename T>
inline T load_little(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}
inline uint16_t load_u16(const char* p) { return load_little<uint16_t>(p); }
inline uint32_t load_u32(const char* p) { return load_little<uint32_t>(p); }
inline uint64_t load_u64(const char* p) { return load_little<uint64_t>(p); }

}  // namespace vesta::serialization
