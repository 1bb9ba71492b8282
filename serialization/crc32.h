#pragma once

#include <cstdint>
#include <string_view>

namespace vesta::serialization {

// The CRC-32 of zip archives; `crc` is that of what comes before `contents`.
uint32_t crc32_of(std::string_view contents, uint32_t crc = 0);

}  // namespace vesta::serialization
