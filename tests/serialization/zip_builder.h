#pragma once

// Zip archives made by hand, with any field forced to a lie.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vesta::serialization::testing {

struct ZipMember {
  std::string name;
  std::string contents;
  bool deflated = false;
  bool descriptor = false;  // crc and sizes after the data, as torch writes them
  // Forced fields: "local.crc", "central.size", "central.stored", "local.flags", "central.offset", ...
  std::map<std::string, uint64_t> lies;
  std::string local_name;  // where it differs from `name`
  std::string central_extra;
  std::string after;  // bytes after the member that belong to nothing
};

struct ZipShape {
  bool zip64 = true;  // with zip64 end records, as torch writes them
  std::string prefix;
  std::string suffix;
  std::string comment;
  std::map<std::string, uint64_t> lies;  // "end.count", "end.size", "end.offset", "end64.count", "end.disk", ...
};

std::string build_zip(const std::vector<ZipMember>& members, const ZipShape& shape = {});

// Numbers, little endian.
std::string little(uint64_t value, int bytes);

}  // namespace vesta::serialization::testing
