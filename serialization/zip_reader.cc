// Contents and checks. Opening (the directory's and headers' agreement) is in zip_directory.cc.

#include "serialization/zip_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <functional>
#include <future>
#include <system_error>
#include <thread>

#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/crc32.h"

namespace vesta::serialization {
namespace {

constexpr size_t kStep = size_t{1} << 30;  // zlib counts in unsigned int
// Deflated members that nobody reads are not worth more time than this.
constexpr uint64_t kMaxInflatedUnread = uint64_t{128} << 20;

// A large member is divided among threads: the CRC of the whole follows from those of its parts.
constexpr size_t kParallelCrc = size_t{2} << 20;

// Of a part of `bytes` whose blocks' CRCs are known: the blocks inside it are not looked at again.
uint32_t crc_from_blocks(const Bytes& bytes, size_t offset, size_t size) {
  static const uLong kNextBlock = ::crc32_combine_gen(Bytes::kCrcBlock);
  const size_t end = offset + size;
  const size_t first = (offset + Bytes::kCrcBlock - 1) / Bytes::kCrcBlock;
  const size_t last = end / Bytes::kCrcBlock;
  if (first >= last) return crc32_of(bytes.view().substr(offset, size));
  uLong crc = crc32_of(bytes.view().substr(offset, first * Bytes::kCrcBlock - offset));
  for (size_t i = first; i < last; ++i) crc = ::crc32_combine_op(crc, bytes.block_crcs()[i], kNextBlock);
  return crc32_of(bytes.view().substr(last * Bytes::kCrcBlock, end - last * Bytes::kCrcBlock),
                  static_cast<uint32_t>(crc));
}

uint32_t parallel_crc(std::string_view data) {
  const size_t threads = std::min<size_t>(4, std::max(1u, std::thread::hardware_concurrency()));
  if (data.size() < kParallelCrc || threads == 1) return crc32_of(data);
  const size_t part = (data.size() + threads - 1) / threads;
  std::vector<std::future<uint32_t>> parts;
  try {
    for (size_t i = 1; i < threads; ++i) {
      parts.push_back(std::async(std::launch::async, [=] { return crc32_of(data.substr(i * part, part)); }));
    }
  } catch (const std::system_error&) {  // no more threads
    return crc32_of(data);
  }
  uLong crc = crc32_of(data.substr(0, part));
  for (size_t i = 1; i < threads; ++i) {
    const size_t size = std::min(part, data.size() - i * part);
    crc = ::crc32_combine(crc, parts[i - 1].get(), static_cast<z_off_t>(size));
  }
  return static_cast<uint32_t>(crc);
}

// A raw inflate stream over `input`, which it feeds in steps.
class Inflater {
 public:
  explicit Inflater(std::string_view input) : input_(input) {
    started_ = ok_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK;
  }
  ~Inflater() {
    if (started_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Fills `out` as far as the stream goes; returns the count written.
  size_t fill(char* out, size_t size) {
    size_t done = 0;
    while (ok_ && !ended_ && done < size) {
      if (stream_.avail_in == 0 && !input_.empty()) {
        const std::string_view part = input_.substr(0, kStep);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
        stream_.avail_in = static_cast<uInt>(part.size());
        input_.remove_prefix(part.size());
      }
      const size_t room = std::min(size - done, kStep);
      stream_.next_out = reinterpret_cast<Bytef*>(out + done);
      stream_.avail_out = static_cast<uInt>(room);
      const int result = ::inflate(&stream_, Z_NO_FLUSH);
      done += room - stream_.avail_out;
      if (result == Z_STREAM_END) {
        ended_ = true;
      } else if (result != Z_OK) {
        ok_ = false;
        return done;
      }
    }
    return done;
  }

  // Whether the stream has ended, at exactly the end of the input, with nothing wrong.
  bool finished() {
    char beyond = 0;
    if (fill(&beyond, 1) != 0) return false;
    return ok_ && ended_ && stream_.avail_in == 0 && input_.empty();
  }

  bool ended() const { return ended_; }

 private:
  z_stream stream_{};
  std::string_view input_;
  bool started_ = false;
  bool ok_ = false;
  bool ended_ = false;
};

}  // namespace

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &entries_[it->second];
}

absl::Status ZipReader::corrupt(const ZipEntry& entry, std::string_view what) const {
  return absl::DataLossError(
      absl::StrFormat("%s: member '%s' at byte %d: %s", file_name_, entry.name, entry.data_offset, what));
}

absl::StatusOr<ZipData> ZipReader::read(const ZipEntry& entry, bool skip_crc) const {
  std::atomic<bool>& checked = checked_[static_cast<size_t>(&entry - entries_.data())];
  const std::string_view stored = bytes_->view().substr(entry.data_offset, entry.stored_size);
  const auto check = [&](uint32_t crc) {
    if (crc != entry.crc32) {
      return corrupt(entry, absl::StrFormat("the contents have crc32 %08x, the header says %08x", crc, entry.crc32));
    }
    checked.store(true, std::memory_order_relaxed);
    return absl::OkStatus();
  };
  if (!entry.deflated) {
    if (!skip_crc && !checked.load(std::memory_order_relaxed)) {
      VESTA_RETURN_IF_ERROR(check(bytes_->block_crcs().empty()
                                      ? parallel_crc(stored)
                                      : crc_from_blocks(*bytes_, entry.data_offset, entry.stored_size)));
    }
    return ZipData{stored, bytes_};
  }
  auto owner = OwnedBytes::allocate(entry.size);
  if (!owner.ok()) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s: member '%s': %s", file_name_, entry.name, owner.status().message()));
  }
  Inflater inflater(stored);
  const size_t count = inflater.fill((*owner)->mutable_data(), entry.size);
  if (count != entry.size || !inflater.finished()) {
    return corrupt(entry, absl::StrFormat("the deflated data does not inflate to the %d bytes that the header says "
                                          "(%d bytes came out)",
                                          entry.size, count));
  }
  const std::string_view contents = (*owner)->view();
  VESTA_RETURN_IF_ERROR(check(parallel_crc(contents)));
  return ZipData{contents, *std::move(owner)};
}

absl::Status ZipReader::verify_unread() const {
  std::vector<char> buffer;
  uint64_t inflated = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const ZipEntry& entry = entries_[i];
    if (checked_[i].load(std::memory_order_relaxed)) continue;
    if (!entry.deflated) {
      VESTA_RETURN_IF_ERROR(read(entry).status());
      continue;
    }
    inflated += entry.size;  // at most 1032 times the file's size each, so this does not overflow
    if (inflated > kMaxInflatedUnread) return absl::OkStatus();
    buffer.resize(size_t{1} << 18);
    Inflater inflater(bytes_->view().substr(entry.data_offset, entry.stored_size));
    uint64_t total = 0;
    uint32_t crc = 0;
    while (!inflater.ended() && total <= entry.size) {
      const size_t count = inflater.fill(buffer.data(), buffer.size());
      if (count == 0) break;
      crc = crc32_of({buffer.data(), count}, crc);
      total += count;
    }
    if (total != entry.size || !inflater.finished()) {
      return corrupt(entry, absl::StrFormat("the deflated data does not inflate to the %d bytes that the header says",
                                            entry.size));
    }
    if (crc != entry.crc32) {
      return corrupt(entry, absl::StrFormat("the contents have crc32 %08x, the header says %08x", crc, entry.crc32));
    }
    checked_[i].store(true, std::memory_order_relaxed);
  }
  return absl::OkStatus();
}

}  // namespace vesta::serialization
