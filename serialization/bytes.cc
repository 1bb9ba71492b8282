// Files are read with read(2) in a loop that survives short reads and EINTR; a file that grows or
// shrinks meanwhile gives what was there. Mappings are MAP_PRIVATE and writable, so that a weight
// that is changed in place gets its own pages.

#include "serialization/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

namespace vesta::serialization {
namespace {

constexpr size_t kAlignment = 64;
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

// Reads a part of a file at its place; the count read, fewer only at the end of the file. -1 with errno on failure.
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

// A large file's parts are read by several threads, because copying from the page cache is what takes the time. The
// result is as read_fully's.
ssize_t read_in_parts(int fd, char* out, size_t size) {
  const size_t threads = std::min<size_t>(4, std::max(1u, std::thread::hardware_concurrency()));
  if (size < kParallelRead || threads == 1) return read_fully(fd, out, size);
  const size_t part = size / threads + 1;
  struct Read {
    size_t offset;
    size_t size;
    std::future<std::pair<ssize_t, int>> result;
  };
  std::vector<Read> reads;
  const auto run = [=](size_t offset, size_t count) {
    const ssize_t n = read_part(fd, out, offset, count);
    return std::pair(n, n < 0 ? errno : 0);
  };
  for (size_t offset = 0; offset < size; offset += part) {
    const size_t count = std::min(part, size - offset);
    try {
      reads.push_back({offset, count, std::async(std::launch::async, run, offset, count)});
    } catch (const std::system_error&) {  // no more threads
      reads.push_back({offset, count, std::async(std::launch::deferred, run, offset, count)});
    }
  }
  ssize_t total = 0;
  bool ended = false;
  int error = 0;
  for (Read& read : reads) {
    const auto [n, failure] = read.result.get();
    if (n < 0 && error == 0) error = failure;
    if (n >= 0 && !ended) total += n;
    ended = ended || n < static_cast<ssize_t>(read.size);
  }
  errno = error;
  return error != 0 ? -1 : total;
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
  const size_t rounded = (std::max<size_t>(size, 1) + kAlignment - 1) / kAlignment * kAlignment;
  bytes->data_ = rounded < size ? nullptr : static_cast<char*>(std::aligned_alloc(kAlignment, rounded));
  if (bytes->data_ == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot allocate ", size, " bytes"));
  }
  bytes->size_ = size;
  return bytes;
}

OwnedBytes::~OwnedBytes() { std::free(data_); }

absl::StatusOr<SharedBytes> read_file(const std::string& path, int64_t max_bytes) {
  VESTA_ASSIGN_OR_RETURN(OpenFile file, open_file(path, max_bytes));
  if (!file.regular) {
    return read_unknown_length(path, max_bytes,
                               [&](char* out, size_t size) { return read_fully(file.fd.get(), out, size); });
  }
  VESTA_ASSIGN_OR_RETURN(auto bytes, OwnedBytes::allocate(static_cast<size_t>(file.size)));
  const ssize_t n = read_in_parts(file.fd.get(), bytes->mutable_data(), bytes->size());
  if (n < 0) return errno_status(path, "cannot be read");
  bytes->shrink(static_cast<size_t>(n));
  return SharedBytes(std::move(bytes));
}

absl::StatusOr<SharedBytes> map_file(const std::string& path, int64_t max_bytes) {
  VESTA_ASSIGN_OR_RETURN(OpenFile file, open_file(path, max_bytes));
  // A pipe cannot be mapped, and mmap refuses a length of 0.
  if (!file.regular || file.size == 0) return read_file(path, max_bytes);
  void* address =
      ::mmap(nullptr, static_cast<size_t>(file.size), PROT_READ | PROT_WRITE, MAP_PRIVATE, file.fd.get(), 0);
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
