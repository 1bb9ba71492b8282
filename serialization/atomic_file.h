#pragma once

// A file that appears whole or not at all.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta::serialization {

// What AtomicFile asks of the system; tests make it fail. Results and errno as of the functions of those names.
class FileCalls {
 public:
  virtual ~FileCalls() = default;
  virtual int open(const char* path, int flags, mode_t mode);
  virtual ssize_t write(int fd, const void* bytes, size_t size);
  virtual int fsync(int fd);
  virtual int close(int fd);
  virtual int rename(const char* from, const char* to);

  static FileCalls& system();
};

// Writes to a temporary file in the target's folder; commit() makes it durable and gives it the target's
// name. Whatever fails, and wherever the process ends, the old file or the new one is there. Targets that
// are no regular files (/dev/stdout, a pipe) are written directly. Not thread-safe.
class AtomicFile {
 public:
  // Errors: NotFound (no such folder), PermissionDenied, Unavailable; messages start with the path.
  // `calls` must outlive the file.
  static absl::StatusOr<AtomicFile> create(const std::string& path, FileCalls& calls = FileCalls::system());
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  // Without commit(), removes what was written.
  ~AtomicFile();

  // After an error, every further call gives that error.
  absl::Status write(std::string_view bytes);
  uint64_t size() const { return size_; }
  absl::Status commit();

 private:
  explicit AtomicFile(FileCalls& calls) : calls_(&calls) {}
  absl::Status fail(std::string_view what);

  FileCalls* calls_;
  std::string path_;
  std::string temporary_;  // empty: written directly
  int fd_ = -1;
  uint64_t size_ = 0;
  absl::Status status_;
};

}  // namespace vesta::serialization
