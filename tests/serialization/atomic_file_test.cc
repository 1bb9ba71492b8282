// A file is the old one or the new one, whatever fails and wherever the process ends.

#include "serialization/atomic_file.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace vesta::serialization {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOld = "the old contents";

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("vesta_atomic_" + std::to_string(::getpid()))) {
    fs::create_directory(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file() const { return (path_ / "model.pt").string(); }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(path_), {})); }

 private:
  fs::path path_;
};

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void put_old(const std::string& path) { std::ofstream(path, std::ios::binary) << kOld; }

std::string new_contents() {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

// In pieces, so that there are several writes.
absl::Status write_new(const std::string& path, FileCalls& calls) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path, calls);
  if (!file.ok()) return file.status();
  const std::string text = new_contents();
  for (size_t i = 0; i < text.size(); i += 4096) {
    if (absl::Status status = file->write(std::string_view(text).substr(i, 4096)); !status.ok()) return status;
  }
  return file->commit();
}

// Does something else at the call of this number (all kinds counted), before or after it is made.
class Interrupted : public FileCalls {
 public:
  Interrupted(int at, bool after, std::function<bool()> act) : at_(at), after_(after), act_(std::move(act)) {}
  bool reached() const { return number_ > at_; }

  int open(const char* path, int flags, mode_t mode) override {
    return step(-1, [&] { return FileCalls::open(path, flags, mode); });
  }
  ssize_t write(int fd, const void* bytes, size_t size) override {
    return step(ssize_t{-1}, [&] { return FileCalls::write(fd, bytes, size); });
  }
  int fsync(int fd) override {
    return step(-1, [&] { return FileCalls::fsync(fd); });
  }
  int close(int fd) override {
    return step(-1, [&] { return FileCalls::close(fd); });
  }
  int rename(const char* from, const char* to) override {
    return step(-1, [&] { return FileCalls::rename(from, to); });
  }

 private:
  template <class T, class F>
  T step(T failed, F&& call) {
    const bool mine = number_++ == at_;
    if (mine && !after_ && act_()) return failed;
    const T result = call();
    if (mine && after_ && act_()) return failed;
    return result;
  }
  int at_;
  bool after_;
  std::function<bool()> act_;
  int number_ = 0;
};

TEST(AtomicFile, AnErrorAtAnyCallLeavesTheOldFileAndNothingElse) {
  const std::string fresh = new_contents();
  int failures = 0;
  for (int at = 0;; ++at) {
    const Folder folder;
    put_old(folder.file());
    Interrupted calls(at, false, [] {
      errno = EIO;
      return true;
    });
    const absl::Status status = write_new(folder.file(), calls);
    if (!calls.reached()) {
      EXPECT_TRUE(status.ok());
      EXPECT_EQ(contents(folder.file()), fresh);
      break;
    }
    if (status.ok()) {  // Only what makes the new name durable may fail unnoticed.
      EXPECT_EQ(contents(folder.file()), fresh) << at;
    } else {
      ++failures;
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
      EXPECT_EQ(contents(folder.file()), kOld) << at;
      EXPECT_EQ(folder.files(), 1U) << "at call " << at << " a temporary file stays";
    }
  }
  EXPECT_GE(failures, 8);
}

TEST(AtomicFile, AProcessThatIsKilledAtAnyCallLeavesTheOldFileOrTheNewOne) {
  const std::string fresh = new_contents();
  for (const bool after : {false, true}) {
    bool seen_old = false, seen_new = false;
    for (int at = 0;; ++at) {
      const Folder folder;
      put_old(folder.file());
      const pid_t child = ::fork();
      if (child == 0) {
        Interrupted calls(at, after, [] {
          ::kill(::getpid(), SIGKILL);
          return true;
        });
        const bool ok = write_new(folder.file(), calls).ok();
        ::_exit(ok ? 0 : 1);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      const std::string found = contents(folder.file());
      ASSERT_TRUE(found == kOld || found == fresh) << "at call " << at;
      seen_old |= found == kOld;
      seen_new |= found == fresh;
      if (WIFEXITED(status)) {
        EXPECT_EQ(WEXITSTATUS(status), 0);
        break;
      }
    }
    EXPECT_TRUE(seen_old && seen_new);
  }
}

TEST(AtomicFile, AFullDeviceIsResourceExhausted) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create("/dev/full");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->write("some bytes").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(file->commit().code(), absl::StatusCode::kResourceExhausted);
}

TEST(AtomicFile, ALimitOfTheFilesSizeLeavesTheOldFile) {
  const Folder folder;
  put_old(folder.file());
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10000, 10000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const absl::Status status = write_new(folder.file(), FileCalls::system());
    ::_exit(status.code() == absl::StatusCode::kResourceExhausted ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(contents(folder.file()), kOld);
  EXPECT_EQ(folder.files(), 1U);
}

}  // namespace
}  // namespace vesta::serialization
