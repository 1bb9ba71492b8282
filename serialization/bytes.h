#pragma once

// A run of bytes that something owns: what archives are read from and tensors are built over.

#include <cstddef>
#include <cstdint>
#include <istream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vesta::serialization {

// Bytes with an owner. The address is stable until the object is destroyed, and memory that Vesta
// owns starts at a multiple of 64 bytes. Readers treat the contents as constant; tensors that are
// built over them own their own ranges, and may write there (a mapping is private: writes never
// reach the file).
//
// Thread-safe as far as nobody writes to the same range.
class Bytes {
 public:
  virtual ~Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {data_, size_}; }
  // Whether a tensor may be built over these bytes: false for memory that is only borrowed
  // without leave to write.
  bool writable() const { return writable_; }
  // The CRC-32 of each block of kCrcBlock bytes, from the first on (the last block may be shorter), as they were read.
  // Empty where reading made none: they are only a way to check members of an archive without a second look at memory.
  static constexpr size_t kCrcBlock = size_t{128} << 10;
  std::span<const uint32_t> block_crcs() const { return block_crcs_; }

 protected:
  Bytes() = default;
  char* data_ = nullptr;
  size_t size_ = 0;
  bool writable_ = true;
  std::vector<uint32_t> block_crcs_;
};

using SharedBytes = std::shared_ptr<const Bytes>;

// Owned memory whose contents the caller fills before sharing it.
class OwnedBytes : public Bytes {
 public:
  // ResourceExhausted when the memory cannot be had.
  static absl::StatusOr<std::shared_ptr<OwnedBytes>> allocate(size_t size);
  ~OwnedBytes() override;
  char* mutable_data() { return data_; }
  // REQUIRES: size <= size().
  void shrink(size_t size) { size_ = size; }
  // REQUIRES: those of the contents, which do not change before they are shared.
  void set_block_crcs(std::vector<uint32_t> crcs) { block_crcs_ = std::move(crcs); }
};

// Whether CRCs are wanted of a zip archive that is read. Those of other files and of small ones are never made.
enum class BlockCrcs { kNone, kOfArchives };

// Reads the file whole into memory, so that nothing that happens to the file afterwards matters.
// NotFound, PermissionDenied, FailedPrecondition (a folder) or ResourceExhausted (larger than
// `max_bytes`); every message starts with the path.
absl::StatusOr<SharedBytes> read_file(const std::string& path, int64_t max_bytes, BlockCrcs crcs = BlockCrcs::kNone);

// Maps the file. The caller declares that the file does not change and is not truncated while the
// bytes are in use: access beyond the end of a truncated file ends the process. Writes to the
// memory stay private. Errors as for read_file.
absl::StatusOr<SharedBytes> map_file(const std::string& path, int64_t max_bytes);

// A copy of `contents`.
absl::StatusOr<SharedBytes> copy_bytes(std::string_view contents);

// The rest of a stream, read to its end.
absl::StatusOr<SharedBytes> read_stream(std::istream& stream, int64_t max_bytes);

// Memory of the caller, which must outlive the result and all tensors built from it. `writable`
// says that tensors may be built over it in place; otherwise they are copied.
SharedBytes borrow_bytes(std::string_view contents, bool writable);

}  // namespace vesta::serialization
