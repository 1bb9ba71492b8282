#include "serialization/crc32.h"

// zlib's takes three times as long, which is what loading a checkpoint with its CRCs would wait for.
#include <libdeflate.h>

namespace vesta::serialization {

uint32_t crc32_of(std::string_view contents, uint32_t crc) {
  return libdeflate_crc32(crc, contents.data(), contents.size());
}

}  // namespace vesta::serialization
