#include "serialization/crc32.h"

#include <zlib.h>

namespace vesta::serialization {

uint32_t crc32_of(std::string_view contents, uint32_t crc) {
  while (!contents.empty()) {
    const std::string_view part = contents.substr(0, size_t{1} << 30);
    crc = static_cast<uint32_t>(
        ::crc32(crc, reinterpret_cast<const Bytef*>(part.data()), static_cast<uInt>(part.size())));
    contents.remove_prefix(part.size());
  }
  return crc;
}

}  // namespace vesta::serialization
