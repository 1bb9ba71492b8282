#pragma once

// A strict reader of zip archives: a file has one meaning or it is an error.
//
// Source of the format: PKWARE APPNOTE 6.3; what PyTorch writes (every member aligned by an 'FB'
// extra field, sizes in a data descriptor, always a zip64 end record) is accepted as it is.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/support/limits.h"
#include "serialization/bytes.h"

namespace vesta::serialization {

// One member, as the central directory and the local header agree on it.
struct ZipEntry {
  std::string_view name;  // lives as long as the archive
  bool deflated = false;
  uint32_t crc32 = 0;
  uint64_t size = 0;         // of the contents, in bytes
  uint64_t stored_size = 0;  // of what the file holds: the same, unless deflated
  uint64_t data_offset = 0;  // of the stored bytes, from the start of the file
};

// The contents of a member and what keeps them alive.
struct ZipData {
  std::string_view contents;
  SharedBytes owner;
};

// An open archive. Immutable, so thread-safe.
class ZipReader {
 public:
  struct Options {
    Limits limits;
    // Check stored members when the archive is opened; otherwise each time one is read.
    bool check_crc_at_open = true;
  };

  // Reads the directory and checks it: every local header agrees with it, members do not overlap,
  // leave no gaps and have no bytes before or after them, names are relative, plain and unique
  // (also when upper and lower case are not told apart), no encryption, no second disk.
  // `file_name` is for messages only.
  // Errors: DataLoss with file, member, byte offset and what was expected; ResourceExhausted for
  // a limit; Unimplemented for a compression method other than stored and deflated.
  static absl::StatusOr<std::shared_ptr<const ZipReader>> open(SharedBytes bytes, std::string file_name,
                                                               const Options& options);

  const std::vector<ZipEntry>& entries() const { return entries_; }
  // Null if there is none of that name.
  const ZipEntry* find(std::string_view name) const;

  // The contents: a view of the file's bytes for a stored member, fresh memory for a deflated one,
  // whose CRC and size are always checked. `skip_crc` leaves out the check of a stored member that
  // opening has not made either. REQUIRES: `entry` is one of entries().
  absl::StatusOr<ZipData> read(const ZipEntry& entry, bool skip_crc = false) const;

  // Checks the CRC of the members that nobody has read, without keeping them in memory; deflated ones
  // up to 128 MiB in all.
  absl::Status verify_unread() const;

  const std::string& file_name() const { return file_name_; }
  const SharedBytes& bytes() const { return bytes_; }
  // A DataLoss status that names the file, the member and its offset.
  absl::Status corrupt(const ZipEntry& entry, std::string_view what) const;

 private:
  friend class ZipOpener;
  ZipReader() = default;

  SharedBytes bytes_;
  std::string file_name_;
  Options options_;
  std::vector<ZipEntry> entries_;
  absl::flat_hash_map<std::string_view, size_t> index_;
  // Which members have had their CRC checked; only ever set.
  std::unique_ptr<std::atomic<bool>[]> checked_;
};

}  // namespace vesta::serialization
