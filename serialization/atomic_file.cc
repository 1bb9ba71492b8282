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
int open_temporary(const std::string& path, std::string& temporary) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary = absl::StrCat(path, ".tmp.", ::getpid(), ".", attempt);
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kDefaultMode);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

}  // namespace

absl::StatusOr<AtomicFile> AtomicFile::create(const std::string& path) {
  AtomicFile file;
  file.path_ = path;
  struct stat info {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(path, ": is a folder"));
  const bool direct = exists && !S_ISREG(info.st_mode);
  file.fd_ = direct ? ::open(path.c_str(), O_WRONLY | O_CLOEXEC) : open_temporary(path, file.temporary_);
  if (file.fd_ < 0) {
    const int error = errno;
    file.temporary_.clear();
    return errno_status(error, path, "cannot be written");
  }
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
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
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
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
    return ::close(std::exchange(fd_, -1)) == 0 ? absl::OkStatus() : fail("cannot be written");
  }
  if (::fsync(fd_) != 0) return fail("cannot be made durable");
  if (::close(std::exchange(fd_, -1)) != 0) return fail("cannot be written");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return fail("cannot be renamed into place");
  temporary_.clear();
  // The new name is durable once the folder is; a file system that cannot sync folders has done its best.
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return absl::OkStatus();
}

}  // namespace vesta::serialization
