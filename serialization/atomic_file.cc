// Temporary file, write, fsync, rename, fsync of the folder.

#include "serialization/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace vesta::serialization {
namespace {

constexpr mode_t kDefaultMode = 0666;

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status errno_status(int error, const std::string& path, std::string_view what) {
  const std::string message = absl::StrCat(path, ": ", std::string(what), ": ", std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM || error == EROFS) return absl::PermissionDeniedError(message);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return absl::ResourceExhaustedError(message);
  return absl::UnavailableError(message);
}

// The process's umask can only be read by setting it, which other threads would see; the mode that a new
// file gets is found by making one.
int open_temporary(FileCalls& calls, const std::string& path, std::string& temporary) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary = absl::StrCat(path, ".tmp.", ::getpid(), ".", attempt);
    const int fd = calls.open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kDefaultMode);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

}  // namespace

int FileCalls::open(const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }
ssize_t FileCalls::write(int fd, const void* bytes, size_t size) { return ::write(fd, bytes, size); }
int FileCalls::fsync(int fd) { return ::fsync(fd); }
int FileCalls::close(int fd) { return ::close(fd); }
int FileCalls::rename(const char* from, const char* to) { return ::rename(from, to); }

FileCalls& FileCalls::system() {
  static FileCalls* const calls = new FileCalls();
  return *calls;
}

absl::StatusOr<AtomicFile> AtomicFile::create(const std::string& path, FileCalls& calls) {
  AtomicFile file(calls);
  file.path_ = path;
  struct stat info {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(path, ": is a folder"));
  const bool direct = exists && !S_ISREG(info.st_mode);
  file.fd_ = direct ? calls.open(path.c_str(), O_WRONLY | O_CLOEXEC, 0) : open_temporary(calls, path, file.temporary_);
  if (file.fd_ < 0) {
    const int error = errno;
    file.temporary_.clear();
    return errno_status(error, path, "cannot be written");
  }
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : calls_(other.calls_),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      status_(std::move(other.status_)) {}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

absl::Status AtomicFile::fail(std::string_view what) {
  status_ = errno_status(errno, path_, what);
  return status_;
}

absl::Status AtomicFile::write(std::string_view bytes) {
  if (!status_.ok()) return status_;
  while (!bytes.empty()) {
    const ssize_t n = calls_->write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(n));
    size_ += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::commit() {
  if (!status_.ok()) return status_;
  if (temporary_.empty()) {
    return calls_->close(std::exchange(fd_, -1)) == 0 ? absl::OkStatus() : fail("cannot be written");
  }
  if (calls_->fsync(fd_) != 0) return fail("cannot be made durable");
  if (calls_->close(std::exchange(fd_, -1)) != 0) return fail("cannot be written");
  if (calls_->rename(temporary_.c_str(), path_.c_str()) != 0) return fail("cannot be renamed into place");
  temporary_.clear();
  // The new name is durable once the folder is; a file system that cannot sync folders has done its best.
  const int folder = calls_->open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder >= 0) {
    calls_->fsync(folder);
    calls_->close(folder);
  }
  return absl::OkStatus();
}

}  // namespace vesta::serialization
