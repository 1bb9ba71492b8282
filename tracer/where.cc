// From the inside out: our own frames, then libtorch's, then the caller: the first frame behind libtorch's.

#include "tracer/where.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace vesta::tracer {
namespace {

constexpr int kFrames = 128;

std::string_view file_name(const char* path) {
  const std::string_view whole = path == nullptr ? "" : path;
  return whole.substr(whole.find_last_of('/') + 1);
}

bool is_libtorch(std::string_view file) { return file.starts_with("libtorch") || file.starts_with("libc10"); }

std::string describe(const Dl_info& info, const void* address) {
  const std::string_view file = file_name(info.dli_fname);
  const auto offset = static_cast<const char*>(address) - static_cast<const char*>(info.dli_fbase);
  const std::string place =
      absl::StrCat(absl::string_view(file.data(), file.size()), "+0x", absl::Hex(static_cast<uint64_t>(offset)));
  if (info.dli_sname == nullptr) return place;
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status),
                                                    std::free);
  return absl::StrCat(name == nullptr ? info.dli_sname : name.get(), " (", place, ")");
}

}  // namespace

std::string calling_code() {
  std::array<void*, kFrames> frames;
  const int count = backtrace(frames.data(), kFrames);
  bool inside = false;
  for (int i = 0; i < count; ++i) {
    Dl_info info;
    if (dladdr(frames[static_cast<size_t>(i)], &info) == 0) continue;
    if (is_libtorch(file_name(info.dli_fname))) {
      inside = true;
    } else if (inside) {
      return describe(info, frames[static_cast<size_t>(i)]);
    }
  }
  return {};
}

}  // namespace vesta::tracer
