// Files are read with read(2) in a loop that survives short reads and EINTR; a file that grows or
// shrinks meanwhile gives what was there. Mappings are MAP_PRIVATE and writable, so that a weight
// that is changed in place gets its own pages.

#include "serialization/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <future>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ir/support/status.h"
#include "serialization/crc32.h"

namespace vesta::serialization {
namespace {

constexpr size_t kAlignment = 64;
// A page fault for each 4 KiB takes more time than copying what is read into them: large memory asks for huge pages.
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kParallelRead = size_t{32} << 20;
constexpr size_t kStreamChunk = size_t{1} << 20;

class MappedBytes : public Bytes {
 public:
  MappedBytes(void* address, size_t size) {
    data_ = static_cast<char*>(address);
    size_ = size;
  }
  ~MappedBytes() override { ::munmap(data_, size_); }
};

class BorrowedBytes : public Bytes {
 public:
  BorrowedBytes(std::string_view contents, bool writable) {
    data_ = const_cast<char*>(contents.data());
    size_ = contents.size();
    writable_ = writable;
  }
};

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status errno_status(const std::string& path, std::string_view what) {
  const int error = errno;
  const std::string message = absl::StrCat(path, ": ", std::string(what), ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    case ENOMEM:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::Status too_large(const std::string& path, int64_t size, int64_t max_bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat(path, ": the file has ", size, " bytes, the limit 'file_bytes' is ", max_bytes));
}

struct OpenFile {
  FileDescriptor fd;
  int64_t size = 0;
  bool regular = false;
};

absl::StatusOr<OpenFile> open_file(const std::string& path, int64_t max_bytes) {
  OpenFile file{FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC))};
  if (file.fd.get() < 0) return errno_status(path, "cannot be opened");
  struct stat info {};
  if (::fstat(file.fd.get(), &info) != 0) return errno_status(path, "cannot be examined");
  if (S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     ": is a folder, not a file; a model that was unpacked has to be zipped again "
                     "(stored, with its top folder)"));
  }
  file.regular = S_ISREG(info.st_mode);
  file.size = file.regular ? static_cast<int64_t>(info.st_size) : 0;
  if (file.size > max_bytes) return too_large(path, file.size, max_bytes);
  return file;
}

// Reads up to `size` bytes; fewer only at the end of the file. -1 with errno on failure.
ssize_t read_fully(int fd, char* out, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd, out + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

// Reads a part of a file at its place in `out`; the count read, fewer only at the end of the file. -1 with errno on
// failure.
ssize_t read_part(int fd, char* out, size_t offset, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::pread(fd, out + offset + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

// A large file is read by several threads, because copying from the page cache is what takes the time: each takes the
// next strip until there is none, so that a thread that is held up holds up nobody else. Blocks are added to `crcs`, if
// there are any, as soon as they are read: they are still in the processor's cache then.
class StripReader {
 public:
  StripReader(int fd, char* out, size_t size, std::span<uint32_t> crcs)
      : fd_(fd), out_(out), size_(size), crcs_(crcs) {}

  // The count read, fewer than the size where the file has become shorter. -1 with errno on failure.
  ssize_t run() {
    const size_t strips = (size_ + kStrip - 1) / kStrip;
    const size_t threads = std::min({size_t{4}, strips, size_t{std::max(1u, std::thread::hardware_concurrency())}});
    std::vector<std::future<void>> helpers;
    try {
      for (size_t i = 1; i < threads; ++i) {
        helpers.push_back(std::async(std::launch::async, [this] { read_strips(); }));
      }
    } catch (const std::system_error&) {  // no more threads: those that there are do it all
    }
    read_strips();
    for (std::future<void>& helper : helpers) helper.get();
    errno = error_.load();
    return errno != 0 ? -1 : static_cast<ssize_t>(end_.load());
  }

 private:
  // As long as a huge page, so that no two threads wait for the same one.
  static constexpr size_t kStrip = kHugePage;
  static_assert(kStrip % Bytes::kCrcBlock == 0);

  void read_strips() {
    while (error_.load() == 0) {
      const size_t begin = next_.fetch_add(kStrip);
      if (begin >= size_) return;
      const size_t end = std::min(begin + kStrip, size_);
      for (size_t offset = begin; offset < end; offset += Bytes::kCrcBlock) {
        const size_t count = std::min(Bytes::kCrcBlock, end - offset);
        const ssize_t n = read_part(fd_, out_, offset, count);
        if (n < 0) return error_.store(errno);
        if (static_cast<size_t>(n) < count) return ends_at(offset + static_cast<size_t>(n));
        if (!crcs_.empty()) crcs_[offset / Bytes::kCrcBlock] = crc32_of({out_ + offset, count});
      }
    }
  }

  void ends_at(size_t offset) {
    size_t known = end_.load();
    while (offset < known && !end_.compare_exchange_weak(known, offset)) {
    }
  }

  const int fd_;
  char* const out_;
  const size_t size_;
  const std::span<uint32_t> crcs_;
  std::atomic<size_t> next_ = 0;
  std::atomic<size_t> end_ = size_;
  std::atomic<int> error_ = 0;
};

bool starts_as_archive(int fd) {
  char start[2];
  return read_part(fd, start, 0, sizeof start) == sizeof start && start[0] == 'P' && start[1] == 'K';
}

// Reads a file of a known size. The result is as read_fully's.
ssize_t read_regular(int fd, OwnedBytes& bytes, BlockCrcs wanted) {
  if (bytes.size() < kParallelRead) return read_fully(fd, bytes.mutable_data(), bytes.size());
  std::vector<uint32_t> crcs;
  if (wanted == BlockCrcs::kOfArchives && starts_as_archive(fd)) {
    crcs.resize((bytes.size() + Bytes::kCrcBlock - 1) / Bytes::kCrcBlock);
  }
  const ssize_t n = StripReader(fd, bytes.mutable_data(), bytes.size(), crcs).run();
  if (n == static_cast<ssize_t>(bytes.size())) bytes.set_block_crcs(std::move(crcs));
  return n;
}

// Reads a source of unknown length: `next(buffer, size)` gives the count, 0 at the end, < 0 on failure.
template <typename Next>
absl::StatusOr<SharedBytes> read_unknown_length(const std::string& name, int64_t max_bytes, Next next) {
  std::string contents;
  while (true) {
    const size_t old_size = contents.size();
    contents.resize(old_size + kStreamChunk);
    const ssize_t n = next(contents.data() + old_size, kStreamChunk);
    if (n < 0) return errno_status(name, "cannot be read");
    contents.resize(old_size + static_cast<size_t>(n));
    if (static_cast<int64_t>(contents.size()) > max_bytes) {
      return too_large(name, static_cast<int64_t>(contents.size()), max_bytes);
    }
    if (n == 0) return copy_bytes(contents);
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<OwnedBytes>> OwnedBytes::allocate(size_t size) {
  auto bytes = std::make_shared<OwnedBytes>();
  const size_t alignment = size < kParallelRead ? kAlignment : kHugePage;
  const size_t rounded = (std::max<size_t>(size, 1) + alignment - 1) / alignment * alignment;
  bytes->data_ = rounded < size ? nullptr : static_cast<char*>(std::aligned_alloc(alignment, rounded));
  // Only a wish: without huge pages at hand, it is memory as any other.
  if (bytes->data_ != nullptr && alignment == kHugePage) (void)::madvise(bytes->data_, rounded, MADV_HUGEPAGE);
  if (bytes->data_ == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot allocate ", size, " bytes"));
  }
  bytes->size_ = size;
  return bytes;
}

OwnedBytes::~OwnedBytes() { std::free(data_); }

absl::StatusOr<SharedBytes> read_file(const std::string& path, int64_t max_bytes, BlockCrcs crcs) {
  VESTA_ASSIGN_OR_RETURN(OpenFile file, open_file(path, max_bytes));
  if (!file.regular) {
    return read_unknown_length(path, max_bytes,
                               [&](char* out, size_t size) { return read_fully(file.fd.get(), out, size); });
  }
  VESTA_ASSIGN_OR_RETURN(auto bytes, OwnedBytes::allocate(static_cast<size_t>(file.size)));
  const ssize_t n = read_regular(file.fd.get(), *bytes, crcs);
  if (n < 0) return errno_status(path, "cannot be read");
  bytes->shrink(static_cast<size_t>(n));
  return SharedBytes(std::move(bytes));
}

absl::StatusOr<SharedBytes> map_file(const std::string& path, int64_t max_bytes) {
  VESTA_ASSIGN_OR_RETURN(OpenFile file, open_file(path, max_bytes));
  // A pipe cannot be mapped, and mmap refuses a length of 0.
  if (!file.regular || file.size == 0) return read_file(path, max_bytes);
  void* address = ::mmap(nullptr, static_cast<size_t>(file.size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
                         file.fd.get(), 0);
  if (address == MAP_FAILED) return errno_status(path, "cannot be mapped");
  return SharedBytes(std::make_shared<MappedBytes>(address, static_cast<size_t>(file.size)));
}

absl::StatusOr<SharedBytes> copy_bytes(std::string_view contents) {
  VESTA_ASSIGN_OR_RETURN(auto bytes, OwnedBytes::allocate(contents.size()));
  if (!contents.empty()) std::memcpy(bytes->mutable_data(), contents.data(), contents.size());
  return SharedBytes(std::move(bytes));
}

absl::StatusOr<SharedBytes> read_stream(std::istream& stream, int64_t max_bytes) {
  return read_unknown_length("<stream>", max_bytes, [&](char* out, size_t size) -> ssize_t {
    stream.read(out, static_cast<std::streamsize>(size));
    if (stream.bad()) {
      errno = EIO;
      return -1;
    }
    return stream.gcount();
  });
}

SharedBytes borrow_bytes(std::string_view contents, bool writable) {
  return std::make_shared<BorrowedBytes>(contents, writable);
}

}  // namespace vesta::serialization
