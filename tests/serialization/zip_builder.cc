#include "tests/serialization/zip_builder.h"

#include <zlib.h>

namespace vesta::serialization::testing {
namespace {

constexpr uint16_t kUtf8 = 0x800;
constexpr uint16_t kDescriptor = 8;

std::string deflate_raw(const std::string& data) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(compressBound(static_cast<uLong>(data.size())) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

uint64_t field(const std::map<std::string, uint64_t>& lies, const std::string& name, uint64_t truth) {
  const auto found = lies.find(name);
  return found == lies.end() ? truth : found->second;
}

std::string padding_field(size_t at) {
  const size_t count = (64 - (at + 4) % 64) % 64;
  return "FB" + little(count, 2) + std::string(count, 'Z');
}

}  // namespace

std::string little(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

std::string build_zip(const std::vector<ZipMember>& members, const ZipShape& shape) {
  std::string file = shape.prefix;
  std::string directory;
  for (const ZipMember& m : members) {
    const std::string stored = m.deflated ? deflate_raw(m.contents) : m.contents;
    const uint64_t crc =
        ::crc32(0, reinterpret_cast<const Bytef*>(m.contents.data()), static_cast<uInt>(m.contents.size()));
    const uint64_t flags = kUtf8 | (m.descriptor ? kDescriptor : 0);
    const std::string local_name = m.local_name.empty() ? m.name : m.local_name;
    const size_t offset = file.size();
    const auto local = [&](const char* name, uint64_t truth) {
      return field(m.lies, std::string("local.") + name, truth);
    };
    const auto central = [&](const char* name, uint64_t truth) {
      return field(m.lies, std::string("central.") + name, truth);
    };
    const auto now = [&](uint64_t value) { return m.descriptor ? 0 : value; };
    const std::string extra = padding_field(offset + 30 + local_name.size());
    file += "PK\3\4" + little(0, 2) + little(local("flags", flags), 2) +
            little(local("method", m.deflated ? 8 : 0), 2) + little(0, 4) + little(local("crc", now(crc)), 4) +
            little(local("stored", now(stored.size())), 4) + little(local("size", now(m.contents.size())), 4) +
            little(local_name.size(), 2) + little(extra.size(), 2) + local_name + extra + stored;
    if (m.descriptor) {
      file += "PK\7\10" + little(field(m.lies, "descriptor.crc", crc), 4) + little(stored.size(), 4) +
              little(m.contents.size(), 4);
    }
    file += m.after;
    directory += "PK\1\2" + little(0, 4) + little(central("flags", flags), 2) +
                 little(central("method", m.deflated ? 8 : 0), 2) + little(0, 4) + little(central("crc", crc), 4) +
                 little(central("stored", stored.size()), 4) + little(central("size", m.contents.size()), 4) +
                 little(m.name.size(), 2) + little(m.central_extra.size(), 2) + little(0, 2) +
                 little(central("disk", 0), 2) + little(0, 6) + little(central("offset", offset), 4) + m.name +
                 m.central_extra;
  }
  const size_t at = file.size();
  file += directory;
  const auto end = [&](const char* name, uint64_t truth) { return field(shape.lies, name, truth); };
  if (shape.zip64) {
    const size_t end64 = file.size();
    file += "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
            little(end("end64.count", members.size()), 8) + little(end("end64.count", members.size()), 8) +
            little(end("end64.size", directory.size()), 8) + little(end("end64.offset", at), 8);
    file += "PK\6\7" + little(0, 4) + little(end("locator.offset", end64), 8) + little(1, 4);
  }
  file += "PK\5\6" + little(end("end.disk", 0), 2) + little(0, 2) + little(end("end.count", members.size()), 2) +
          little(end("end.count", members.size()), 2) + little(end("end.size", directory.size()), 4) +
          little(end("end.offset", at), 4) + little(shape.comment.size(), 2) + shape.comment;
  return file + shape.suffix;
}

}  // namespace vesta::serialization::testing
