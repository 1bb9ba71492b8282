#include "runtime/plan/file_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace vesta::runtime::plan {
namespace {

// Of an entry of /proc/self/pagemap (Linux, Documentation/admin-guide/mm/pagemap.rst).
constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kOfFile = uint64_t{1} << 61;  // Not a copy that a write has made.

class PageMap {
 public:
  PageMap() : file_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}
  ~PageMap() {
    if (file_ >= 0) ::close(file_);
  }
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;
  // Of `count` pages from that one on; false where they cannot be read.
  bool read(size_t page, size_t count, uint64_t* entries) const {
    const size_t bytes = count * sizeof(uint64_t);
    return file_ >= 0 &&
           ::pread(file_, entries, bytes, static_cast<off_t>(page * sizeof(uint64_t))) == static_cast<ssize_t>(bytes);
  }

 private:
  int file_;
};

}  // namespace

void leave_to_file(const void* data, size_t bytes) {
  static const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<size_t>(data);
  const size_t first = (start + page - 1) / page;
  const size_t end = (start + bytes) / page;
  if (first >= end) return;
  const PageMap map;
  constexpr size_t kAtOnce = 512;
  uint64_t entries[kAtOnce];
  for (size_t from = first; from < end; from += kAtOnce) {
    const size_t count = std::min(kAtOnce, end - from);
    if (!map.read(from, count, entries)) return;
    const auto of_file = [](uint64_t entry) { return (entry & kPresent) != 0 && (entry & kOfFile) != 0; };
    for (size_t i = 0; i < count;) {
      size_t next = i;
      while (next < count && of_file(entries[next])) ++next;
      // Fails where the pages are locked into memory: then they stay.
      if (next > i) (void)::madvise(reinterpret_cast<void*>((from + i) * page), (next - i) * page, MADV_DONTNEED);
      i = next + 1;
    }
  }
}

void leave_to_file(const at::Tensor& tensor) {
  if (tensor.is_non_overlapping_and_dense()) leave_to_file(tensor.const_data_ptr(), tensor.nbytes());
}

}  // namespace vesta::runtime::plan
