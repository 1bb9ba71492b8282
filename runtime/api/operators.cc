// Stand-ins: small shared libraries that CMake makes (stand_ins/), kept in this one's read-only data and opened from
// memory. The dynamic linker takes a library that is open already for any other that asks for its name.

#include <vesta/operators.h>

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

// The bytes of a file as `name_begin`..`name_end`.
#define VESTA_EMBED(name, path)                                                          \
  asm(".pushsection .rodata\n.balign 16\n" #name "_begin:\n.incbin \"" path "\"\n" #name \
      "_end:\n.byte 0\n.popsection\n");                                                  \
  extern "C" __attribute__((visibility("hidden"))) const char name##_begin[];            \
  extern "C" __attribute__((visibility("hidden"))) const char name##_end[];

VESTA_EMBED(vesta_stand_in_torch, VESTA_STAND_INS "/libtorch.so")
VESTA_EMBED(vesta_stand_in_torch_python, VESTA_STAND_INS "/libtorch_python.so")
VESTA_EMBED(vesta_stand_in_torch_cuda, VESTA_STAND_INS "/libtorch_cuda.so")
VESTA_EMBED(vesta_stand_in_c10_cuda, VESTA_STAND_INS "/libc10_cuda.so")

namespace vesta {
namespace {

struct StandIn {
  const char* name;
  const char* begin;
  const char* end;
};
const StandIn kStandIns[] = {
    {"libtorch.so", vesta_stand_in_torch_begin, vesta_stand_in_torch_end},
    {"libtorch_python.so", vesta_stand_in_torch_python_begin, vesta_stand_in_torch_python_end},
    {"libtorch_cuda.so", vesta_stand_in_torch_cuda_begin, vesta_stand_in_torch_cuda_end},
    {"libc10_cuda.so", vesta_stand_in_c10_cuda_begin, vesta_stand_in_c10_cuda_end},
};

// The file stays open with the library: the linker knows libraries by their paths, and takes a path that it has seen
// for the same library, so no other file may get this one's number.
bool open_stand_in(const StandIn& library) {
  const int file = memfd_create(library.name, MFD_CLOEXEC);
  if (file < 0) return false;
  absl::Cleanup close_file = [file] { close(file); };
  const auto size = static_cast<size_t>(library.end - library.begin);
  if (write(file, library.begin, size) != static_cast<ssize_t>(size)) return false;
  if (dlopen(absl::StrCat("/proc/self/fd/", file).c_str(), RTLD_LAZY | RTLD_LOCAL) == nullptr) return false;
  std::move(close_file).Cancel();
  return true;
}

// The stand-in for the library that the linker's message says is missing; null: there is none.
const StandIn* missing_library(const std::string& message) {
  for (const StandIn& library : kStandIns) {
    if (absl::StartsWith(message, absl::StrCat(library.name, ": cannot open shared object file"))) return &library;
  }
  return nullptr;
}

}  // namespace

absl::Status load_operators(const std::string& path) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::error_code error;
  const bool is_file = std::filesystem::exists(path, error);
  const bool has_folder = path.find('/') != std::string::npos;
  if (path.empty() || (has_folder && !is_file))
    return absl::NotFoundError(absl::StrCat(path, ": there is no such file"));
  // A bare name is the linker's to look up, unless there is such a file here.
  const std::string name = is_file && !has_folder ? absl::StrCat("./", path) : path;
  std::string message;
  for (size_t attempt = 0; attempt <= std::size(kStandIns); ++attempt) {
    if (dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL) != nullptr) return absl::OkStatus();
    message = dlerror();
    const StandIn* missing = missing_library(message);
    if (missing == nullptr || !open_stand_in(*missing)) break;
  }
  return absl::FailedPreconditionError(absl::StrCat(path, ": cannot be opened as a library of operators: ", message));
}

}  // namespace vesta
