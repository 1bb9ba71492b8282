// Local header, name, [zip64 field,] padding field 'FB', contents; then the directory and the end records.
// Sizes are known before a member is written, so there are no data descriptors. Times are left 0, and
// nothing else depends on the moment.

#include "serialization/zip_writer.h"

#include <zlib.h>

#include <algorithm>

#include "ir/support/status.h"
#include "serialization/crc32.h"

namespace vesta::serialization {
namespace {

constexpr uint64_t kAlignment = 64;
constexpr uint64_t kAll32 = 0xffffffff;
constexpr uint16_t kUtf8Flag = 0x0800;
constexpr uint16_t kZip64Version = 45;

class Fields {
 public:
  Fields& u16(uint64_t value) { return number(value, 2); }
  Fields& u32(uint64_t value) { return number(value, 4); }
  Fields& u64(uint64_t value) { return number(value, 8); }
  Fields& text(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Fields& number(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  std::string bytes_;
};

uint64_t narrow(uint64_t value) { return std::min(value, kAll32); }

}  // namespace

absl::Status ZipWriter::put(std::string_view bytes) {
  at_ += bytes.size();
  return sink_(bytes);
}

absl::Status ZipWriter::add(const std::string& name, std::string_view contents) {
  const Member member{name, crc32_of(contents), contents.size(), at_};
  Fields extra;
  if (member.size >= kAll32) extra.u16(1).u16(16).u64(member.size).u64(member.size);
  const uint64_t before_padding = at_ + 30 + name.size() + extra.bytes().size() + 4;
  const uint64_t padding = (kAlignment - before_padding % kAlignment) % kAlignment;
  extra.text("FB").u16(padding).text(std::string(padding, 'Z'));
  Fields header;
  header.u32(0x04034b50).u16(member.size >= kAll32 ? kZip64Version : 0).u16(kUtf8Flag).u16(0).u32(0);
  header.u32(member.crc32).u32(narrow(member.size)).u32(narrow(member.size));
  header.u16(name.size()).u16(extra.bytes().size()).text(name).text(extra.bytes());
  VESTA_RETURN_IF_ERROR(put(header.bytes()));
  VESTA_RETURN_IF_ERROR(put(contents));
  members_.push_back(member);
  return absl::OkStatus();
}

absl::Status ZipWriter::finish() {
  const uint64_t directory = at_;
  for (const Member& member : members_) {
    Fields wide;
    if (member.size >= kAll32) wide.u64(member.size).u64(member.size);
    if (member.offset >= kAll32) wide.u64(member.offset);
    Fields extra;
    if (!wide.bytes().empty()) extra.u16(1).u16(wide.bytes().size()).text(wide.bytes());
    const uint16_t version = wide.bytes().empty() ? 0 : kZip64Version;
    Fields header;
    header.u32(0x02014b50).u16(version).u16(version).u16(kUtf8Flag).u16(0).u32(0);
    header.u32(member.crc32).u32(narrow(member.size)).u32(narrow(member.size));
    header.u16(member.name.size()).u16(extra.bytes().size()).u16(0).u16(0).u16(0).u32(0);
    header.u32(narrow(member.offset)).text(member.name).text(extra.bytes());
    VESTA_RETURN_IF_ERROR(put(header.bytes()));
  }
  const uint64_t size = at_ - directory;
  const uint64_t count = members_.size();
  Fields end;
  end.u32(0x06064b50).u64(44).u16(kZip64Version).u16(kZip64Version).u32(0).u32(0);
  end.u64(count).u64(count).u64(size).u64(directory);
  end.u32(0x07064b50).u32(0).u64(at_).u32(1);
  const uint64_t count16 = std::min<uint64_t>(count, 0xffff);
  end.u32(0x06054b50).u16(0).u16(0).u16(count16).u16(count16).u32(narrow(size)).u32(narrow(directory)).u16(0);
  return put(end.bytes());
}

}  // namespace vesta::serialization
