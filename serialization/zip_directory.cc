// Opening a zip archive. From the end of the file backwards:
//   end record        PK\5\6, 22 bytes + comment, must end the file
//   zip64 locator     PK\6\7, 20 bytes, directly before it; and the record it points to (PK\6\6),
//                     directly before the locator. Fields of the end record are equal to the
//                     zip64 ones, or all ones.
//   directory         one PK\1\2 header a member, ends exactly where the end records start
//   members           PK\3\4 header, data, descriptor; in the order of their offsets they fill
//                     the file from byte 0 to the directory with no gap and no overlap
// So no byte of the file can be read in two ways, or is left unread.

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/little_endian.h"
#include "serialization/utf8.h"
#include "serialization/zip_reader.h"

namespace vesta::serialization {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr uint32_t kDescriptorSignature = 0x08074b50;
constexpr size_t kLocalSize = 30;
constexpr size_t kCentralSize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kEnd64Size = 56;
constexpr size_t kLocator64Size = 20;
constexpr size_t kMaxComment = 65535;
constexpr uint16_t kZip64Extra = 0x0001;
constexpr uint32_t kAll32 = 0xffffffff;
constexpr uint16_t kAll16 = 0xffff;

constexpr uint16_t kFlagEncrypted = 1u << 0;
constexpr uint16_t kFlagsDeflateLevel = 3u << 1;
constexpr uint16_t kFlagDescriptor = 1u << 3;
constexpr uint16_t kFlagUtf8 = 1u << 11;
constexpr uint16_t kFlagsKnown = kFlagsDeflateLevel | kFlagDescriptor | kFlagUtf8;

constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;
// Deflate cannot do better: a code of 2 bits for each 258 bytes, so 1032:1, and a few bytes around.
constexpr uint64_t kBestDeflateRatio = 1032;

// What only the opening needs of a member.
struct Header {
  uint64_t offset = 0;
  uint16_t flags = 0;
  uint16_t method = 0;
};

struct Directory {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t count = 0;
};

std::string_view extra_field(std::string_view extra, uint16_t id) {
  while (extra.size() >= 4) {
    const uint16_t size = load_u16(extra.data() + 2);
    if (extra.size() - 4 < size) return {};
    if (load_u16(extra.data()) == id) return extra.substr(4, size);
    extra.remove_prefix(4 + size_t{size});
  }
  return {};
}

// What is wrong with a member's name; empty if nothing.
std::string_view name_fault(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.find('\0') != name.npos) return "holds a zero byte";
  if (name.find('\\') != name.npos) return "holds a backslash";
  if (name.front() == '/') return "is an absolute path";
  if (!is_utf8(name)) return "is not UTF-8";
  while (!name.empty()) {
    const size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part == ".." || part == ".") return "leaves its folder ('..' or '.')";
    if (part.empty()) return "has an empty folder name";
    if (slash == name.npos) break;
    name.remove_prefix(slash + 1);
  }
  return {};
}

}  // namespace

class ZipOpener {
 public:
  ZipOpener(SharedBytes bytes, std::string file_name, const ZipReader::Options& options) : reader_(new ZipReader) {
    reader_->bytes_ = std::move(bytes);
    reader_->file_name_ = std::move(file_name);
    reader_->options_ = options;
    file_ = reader_->bytes_->view();
  }

  absl::StatusOr<std::shared_ptr<const ZipReader>> open() {
    VESTA_ASSIGN_OR_RETURN(const Directory directory, find_directory());
    VESTA_RETURN_IF_ERROR(read_directory(directory));
    VESTA_RETURN_IF_ERROR(check_members(directory.offset));
    VESTA_RETURN_IF_ERROR(index_names());
    reader_->checked_ = std::make_unique<std::atomic<bool>[]>(reader_->entries_.size());
    if (reader_->options_.check_crc_at_open) {
      for (const ZipEntry& entry : reader_->entries_) {
        if (!entry.deflated) VESTA_RETURN_IF_ERROR(reader_->read(entry).status());
      }
    }
    return std::shared_ptr<const ZipReader>(std::move(reader_));
  }

 private:
  absl::Status corrupt(uint64_t offset, std::string_view what) const {
    return absl::DataLossError(absl::StrFormat("%s: at byte %d: %s", reader_->file_name_, offset, what));
  }
  absl::Status corrupt(std::string_view member, uint64_t offset, std::string_view what) const {
    return absl::DataLossError(
        absl::StrFormat("%s: member '%s' at byte %d: %s", reader_->file_name_, printable(member), offset, what));
  }

  absl::StatusOr<uint64_t> find_end_record() const {
    if (file_.size() < kEndSize) {
      return corrupt(file_.size(), "the file ends before a zip archive's end record; it is empty or truncated");
    }
    const uint64_t lowest = file_.size() - std::min(file_.size(), kEndSize + kMaxComment);
    uint64_t found = 0;
    int candidates = 0;
    for (uint64_t at = file_.size() - kEndSize + 1; at-- > lowest;) {
      if (load_u32(file_.data() + at) != kEndSignature) continue;
      if (++candidates == 1) found = at;
      // Inside the comment of an earlier record: both readings are possible, so neither is taken.
      if (candidates > 1 && at + kEndSize + load_u16(file_.data() + at + 20) == file_.size()) {
        return corrupt(at, "two records could end this zip archive");
      }
    }
    if (candidates == 0) {
      return corrupt(file_.size(), "no end record of a zip archive; the file is truncated or no zip archive");
    }
    const uint64_t end = found + kEndSize + load_u16(file_.data() + found + 20);
    if (end != file_.size()) {
      return corrupt(found, absl::StrFormat("the zip archive ends at byte %d, the file at %d; bytes were added or lost",
                                            end, file_.size()));
    }
    return found;
  }

  absl::StatusOr<Directory> find_directory() const {
    VESTA_ASSIGN_OR_RETURN(const uint64_t end_at, find_end_record());
    const char* end = file_.data() + end_at;
    Directory narrow{load_u32(end + 16), load_u32(end + 12), load_u16(end + 10)};
    if (load_u16(end + 4) != 0 || load_u16(end + 6) != 0 || load_u16(end + 8) != load_u16(end + 10)) {
      return corrupt(end_at, "the archive says that it spans several disks");
    }
    uint64_t directory_end = end_at;
    if (end_at >= kLocator64Size && load_u32(end - kLocator64Size) == kLocator64Signature) {
      VESTA_ASSIGN_OR_RETURN(const Directory wide, read_end64(end_at - kLocator64Size, directory_end));
      const bool agree = (narrow.count == kAll16 || narrow.count == wide.count) &&
                         (narrow.size == kAll32 || narrow.size == wide.size) &&
                         (narrow.offset == kAll32 || narrow.offset == wide.offset);
      if (!agree) return corrupt(end_at, "the end record and the zip64 end record differ");
      narrow = wide;
    }
    if (narrow.size > directory_end || narrow.offset != directory_end - narrow.size) {
      return corrupt(end_at, absl::StrFormat("the directory is said to take %d bytes from byte %d, but has to end at "
                                             "byte %d",
                                             narrow.size, narrow.offset, directory_end));
    }
    if (narrow.count > static_cast<uint64_t>(std::max<int64_t>(reader_->options_.limits.archive_entries, 0))) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: the archive has %d members, the limit 'archive_entries' is %d", reader_->file_name_,
                          narrow.count, reader_->options_.limits.archive_entries));
    }
    return narrow;
  }

  absl::StatusOr<Directory> read_end64(uint64_t locator_at, uint64_t& directory_end) const {
    const char* locator = file_.data() + locator_at;
    const uint64_t at = load_u64(locator + 8);
    if (load_u32(locator + 4) != 0 || load_u32(locator + 16) > 1) {
      return corrupt(locator_at, "the archive says that it spans several disks");
    }
    if (locator_at < kEnd64Size || at > locator_at - kEnd64Size || load_u32(file_.data() + at) != kEnd64Signature) {
      return corrupt(locator_at, absl::StrFormat("no zip64 end record at byte %d, where the locator points", at));
    }
    const char* record = file_.data() + at;
    const uint64_t record_size = load_u64(record + 4);
    if (record_size != locator_at - at - 12) {
      return corrupt(at, "the zip64 end record does not end at its locator");
    }
    if (load_u32(record + 16) != 0 || load_u32(record + 20) != 0 || load_u64(record + 24) != load_u64(record + 32)) {
      return corrupt(at, "the archive says that it spans several disks");
    }
    directory_end = at;
    return Directory{load_u64(record + 48), load_u64(record + 40), load_u64(record + 32)};
  }

  absl::Status read_directory(const Directory& directory) {
    uint64_t at = directory.offset;
    const uint64_t end = directory.offset + directory.size;
    // The count is not believed before that many headers can be there.
    if (directory.count > directory.size / kCentralSize) {
      return corrupt(
          at, absl::StrFormat("a directory of %d bytes cannot hold %d members", directory.size, directory.count));
    }
    reader_->entries_.reserve(directory.count);
    headers_.reserve(directory.count);
    for (uint64_t i = 0; i < directory.count; ++i) {
      if (end - at < kCentralSize || load_u32(file_.data() + at) != kCentralSignature) {
        return corrupt(at, absl::StrFormat("no directory header for member %d of %d", i + 1, directory.count));
      }
      VESTA_RETURN_IF_ERROR(read_central_header(at, end));
    }
    if (at != end) return corrupt(at, "bytes are left over at the end of the directory");
    return absl::OkStatus();
  }

  absl::Status read_central_header(uint64_t& at, uint64_t end) {
    const char* h = file_.data() + at;
    const size_t name_size = load_u16(h + 28);
    const size_t extra_size = load_u16(h + 30);
    const size_t comment_size = load_u16(h + 32);
    if (end - at - kCentralSize < name_size + extra_size + comment_size) {
      return corrupt(at, "a directory header reaches past the directory's end");
    }
    const std::string_view name = file_.substr(at + kCentralSize, name_size);
    if (name_size > static_cast<size_t>(std::max<int64_t>(reader_->options_.limits.entry_name_bytes, 0))) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: at byte %d: a member's name has %d bytes, the limit 'entry_name_bytes' is %d",
                          reader_->file_name_, at, name_size, reader_->options_.limits.entry_name_bytes));
    }
    if (const auto fault = name_fault(name); !fault.empty()) {
      return corrupt(name, at, absl::StrFormat("the name %s", fault));
    }
    if (load_u16(h + 34) != 0 && load_u16(h + 34) != kAll16) {
      return corrupt(name, at, "the member is said to be on another disk");
    }
    ZipEntry entry;
    entry.name = name;
    Header header{load_u32(h + 42), load_u16(h + 8), load_u16(h + 10)};
    entry.crc32 = load_u32(h + 16);
    entry.stored_size = load_u32(h + 20);
    entry.size = load_u32(h + 24);
    VESTA_RETURN_IF_ERROR(widen(name, at, file_.substr(at + kCentralSize + name_size, extra_size), entry, header));
    VESTA_RETURN_IF_ERROR(check_kind(entry, header, at));
    reader_->entries_.push_back(entry);
    headers_.push_back(header);
    at += kCentralSize + name_size + extra_size + comment_size;
    return absl::OkStatus();
  }

  // Replaces fields that are all ones by those of the zip64 extra field, which has just these.
  absl::Status widen(std::string_view name, uint64_t at, std::string_view extra, ZipEntry& entry,
                     Header& header) const {
    std::vector<uint64_t*> wide;
    if (entry.size == kAll32) wide.push_back(&entry.size);
    if (entry.stored_size == kAll32) wide.push_back(&entry.stored_size);
    if (header.offset == kAll32) wide.push_back(&header.offset);
    if (wide.empty()) return absl::OkStatus();
    const std::string_view field = extra_field(extra, kZip64Extra);
    if (field.size() != wide.size() * 8) {
      return corrupt(name, at,
                     absl::StrFormat("its zip64 field should have %d bytes, it has %d", wide.size() * 8, field.size()));
    }
    for (size_t i = 0; i < wide.size(); ++i) *wide[i] = load_u64(field.data() + 8 * i);
    return absl::OkStatus();
  }

  absl::Status check_kind(ZipEntry& entry, const Header& header, uint64_t at) const {
    if (header.flags & kFlagEncrypted) return corrupt(entry.name, at, "the member is encrypted");
    if (header.flags & ~kFlagsKnown) {
      return corrupt(entry.name, at, absl::StrFormat("flags 0x%04x are not known", header.flags));
    }
    if (header.method != kStored && header.method != kDeflated) {
      return absl::UnimplementedError(
          absl::StrFormat("%s: member '%s' at byte %d: compression method %d; only stored (0) and deflated (8) members "
                          "are read",
                          reader_->file_name_, entry.name, at, header.method));
    }
    entry.deflated = header.method == kDeflated;
    if (!entry.deflated) {
      if (entry.size == entry.stored_size) return absl::OkStatus();
      return corrupt(entry.name, at,
                     absl::StrFormat("a stored member of %d bytes takes %d bytes", entry.size, entry.stored_size));
    }
    // stored_size is bounded by the file, but that is checked later, hence the division.
    if (entry.size / kBestDeflateRatio > entry.stored_size) {
      return corrupt(entry.name, at,
                     absl::StrFormat("%d deflated bytes cannot inflate to %d", entry.stored_size, entry.size));
    }
    const Limits& limits = reader_->options_.limits;
    const auto free_bytes = static_cast<uint64_t>(std::max<int64_t>(limits.inflate_free_bytes, 0));
    const auto ratio = static_cast<uint64_t>(std::max<int64_t>(limits.inflate_ratio, 1));
    if (entry.size > free_bytes && entry.size / ratio > entry.stored_size) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: member '%s' at byte %d: %d deflated bytes would inflate to %d, the limit "
                          "'inflate_ratio' is %d",
                          reader_->file_name_, entry.name, at, entry.stored_size, entry.size, limits.inflate_ratio));
    }
    return absl::OkStatus();
  }

  absl::Status check_members(uint64_t directory_at) {
    std::vector<size_t> order(headers_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return headers_[a].offset < headers_[b].offset; });
    uint64_t expected = 0;
    for (size_t k = 0; k < order.size(); ++k) {
      const uint64_t next = k + 1 < order.size() ? headers_[order[k + 1]].offset : directory_at;
      ZipEntry& entry = reader_->entries_[order[k]];
      const Header& header = headers_[order[k]];
      if (header.offset != expected) {
        return corrupt(entry.name, header.offset,
                       absl::StrFormat("the member should start at byte %d; bytes were added before it, or members "
                                       "overlap",
                                       expected));
      }
      VESTA_RETURN_IF_ERROR(check_member(entry, header, next, directory_at));
      expected = next;
    }
    if (expected != directory_at) {
      return corrupt(expected, absl::StrFormat("the directory should start here, it starts at byte %d", directory_at));
    }
    return absl::OkStatus();
  }

  absl::Status check_member(ZipEntry& entry, const Header& header, uint64_t next, uint64_t directory_at) const {
    const uint64_t at = header.offset;
    if (at > directory_at || next > directory_at || next - at < kLocalSize || next < at ||
        load_u32(file_.data() + at) != kLocalSignature) {
      return corrupt(entry.name, at, "no local header there, or it overlaps what follows");
    }
    const char* h = file_.data() + at;
    const uint64_t name_size = load_u16(h + 26);
    const uint64_t extra_size = load_u16(h + 28);
    if (next - at - kLocalSize < name_size + extra_size) {
      return corrupt(entry.name, at, "the local header overlaps what follows");
    }
    const std::string_view name = file_.substr(at + kLocalSize, name_size);
    if (name != entry.name) {
      return corrupt(entry.name, at, absl::StrFormat("the local header names it '%s'", printable(name)));
    }
    if (load_u16(h + 6) != header.flags || load_u16(h + 8) != header.method) {
      return corrupt(entry.name, at, "the local header and the directory differ in flags or method");
    }
    entry.data_offset = at + kLocalSize + name_size + extra_size;
    if (next - entry.data_offset < entry.stored_size) {
      return corrupt(entry.name, at,
                     absl::StrFormat("the member's %d bytes overlap what follows at byte %d", entry.stored_size, next));
    }
    VESTA_RETURN_IF_ERROR(check_local_sizes(entry, header, file_.substr(at + kLocalSize + name_size, extra_size)));
    return check_descriptor(entry, header, next);
  }

  absl::Status check_local_sizes(const ZipEntry& entry, const Header& header, std::string_view extra) const {
    const char* h = file_.data() + header.offset;
    const uint32_t crc = load_u32(h + 14);
    const bool later = (header.flags & kFlagDescriptor) != 0;
    uint64_t stored_size = load_u32(h + 18);
    uint64_t size = load_u32(h + 22);
    if (size == kAll32 || stored_size == kAll32) {
      // A local zip64 field has both sizes, the uncompressed one first.
      const std::string_view field = extra_field(extra, kZip64Extra);
      if (field.size() < 16) return corrupt(entry.name, header.offset, "the local header lacks its zip64 field");
      if (size == kAll32) size = load_u64(field.data());
      if (stored_size == kAll32) stored_size = load_u64(field.data() + 8);
    }
    const auto agrees = [later](uint64_t local, uint64_t central) { return local == central || (later && local == 0); };
    if (!agrees(crc, entry.crc32) || !agrees(size, entry.size) || !agrees(stored_size, entry.stored_size)) {
      return corrupt(entry.name, header.offset, "the local header and the directory differ in crc32 or size");
    }
    return absl::OkStatus();
  }

  // After the data: nothing, or a descriptor (with or without signature, with sizes of 4 or 8 bytes).
  absl::Status check_descriptor(const ZipEntry& entry, const Header& header, uint64_t next) const {
    const uint64_t at = entry.data_offset + entry.stored_size;
    std::string_view rest = file_.substr(at, next - at);
    if ((header.flags & kFlagDescriptor) == 0) {
      if (rest.empty()) return absl::OkStatus();
      return corrupt(entry.name, at, absl::StrFormat("%d bytes after the member belong to nothing", rest.size()));
    }
    const auto matches = [&](std::string_view d) {
      if (d.size() == 12) {
        return load_u32(d.data()) == entry.crc32 && load_u32(d.data() + 4) == entry.stored_size &&
               load_u32(d.data() + 8) == entry.size;
      }
      return d.size() == 20 && load_u32(d.data()) == entry.crc32 && load_u64(d.data() + 4) == entry.stored_size &&
             load_u64(d.data() + 12) == entry.size;
    };
    if (matches(rest)) return absl::OkStatus();
    if (rest.size() >= 4 && load_u32(rest.data()) == kDescriptorSignature && matches(rest.substr(4))) {
      return absl::OkStatus();
    }
    return corrupt(entry.name, at, "the data descriptor after the member is missing or differs from the directory");
  }

  // Names are unique, also for readers that do not tell upper from lower case, as torch's.
  absl::Status index_names() {
    absl::flat_hash_set<std::string> folded;
    for (size_t i = 0; i < reader_->entries_.size(); ++i) {
      const ZipEntry& entry = reader_->entries_[i];
      if (!folded.insert(absl::AsciiStrToLower(absl::string_view(entry.name.data(), entry.name.size()))).second) {
        return corrupt(entry.name, headers_[i].offset,
                       "two members have this name (upper and lower case not told apart)");
      }
      reader_->index_.emplace(entry.name, i);
    }
    return absl::OkStatus();
  }

  std::unique_ptr<ZipReader> reader_;
  std::string_view file_;
  std::vector<Header> headers_;
};

absl::StatusOr<std::shared_ptr<const ZipReader>> ZipReader::open(SharedBytes bytes, std::string file_name,
                                                                 const Options& options) {
  return ZipOpener(std::move(bytes), std::move(file_name), options).open();
}

}  // namespace vesta::serialization
