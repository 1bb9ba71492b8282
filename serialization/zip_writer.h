#pragma once

// Writes zip archives of stored members, laid out as torch does: the contents of each start at a multiple
// of 64 bytes, so that weights can be mapped and used in place.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace vesta::serialization {

// The same members in the same order give the same bytes. Not thread-safe.
class ZipWriter {
 public:
  using Sink = std::function<absl::Status(std::string_view)>;
  explicit ZipWriter(Sink sink) : sink_(std::move(sink)) {}

  // REQUIRES: a relative name of at most 65535 bytes that was not added before.
  absl::Status add(const std::string& name, std::string_view contents);
  // Of the member that was added last. REQUIRES: there is one.
  uint32_t last_crc32() const { return members_.back().crc32; }
  // The directory. REQUIRES: called once, last.
  absl::Status finish();

 private:
  struct Member {
    std::string name;
    uint32_t crc32 = 0;
    uint64_t size = 0;
    uint64_t offset = 0;
  };
  absl::Status put(std::string_view bytes);

  Sink sink_;
  uint64_t at_ = 0;
  std::vector<Member> members_;
};

}  // namespace vesta::serialization
