#pragma once

// Loading TorchScript archives, scripted or traced, of any torch since 1.0, and native files (Module::save_native).
// Which it is need not be said.
//
// Nothing of an archive runs before a method is called, but `__setstate__`, under the limits. Errors:
//   NotFound, PermissionDenied     the file cannot be opened
//   DataLoss                       it is damaged; the message names the member and the offset
//   InvalidArgument                it is something else (a checkpoint, a mobile flatbuffer, a torch.package, a .pt2):
//   the
//                                  message says what, and what to do
//   Unimplemented                  its program calls operators that are not there: all are listed with call sites
//   ResourceExhausted              a limit
// Thread-safe.

#include <cstddef>
#include <cstdint>
#include <istream>
#include <span>
#include <string>

#include <vesta/export.h>
#include <vesta/module.h>
#include <vesta/options.h>

#include "absl/status/statusor.h"

namespace vesta {

VESTA_API absl::StatusOr<Module> load(const std::string& path, const LoadOptions& options = {});
// Bytes in memory; with `immutable_file` they must outlive the module and are used in place, else copied.
VESTA_API absl::StatusOr<Module> load(std::span<const std::byte> bytes, const LoadOptions& options = {});
// Bytes that the host provides while they are loaded: decrypted, downloaded, unpacked. Used by one thread, during
// load() alone.
class VESTA_API Source {
 public:
  virtual ~Source() = default;
  virtual absl::StatusOr<uint64_t> size() = 0;
  // Fills `into` with the bytes from `offset` on. Called with ascending offsets, each byte once. An error ends load().
  virtual absl::Status read(uint64_t offset, std::span<std::byte> into) = 0;
};
VESTA_API absl::StatusOr<Module> load(Source& source, const LoadOptions& options = {});
// The rest of the stream.
VESTA_API absl::StatusOr<Module> load(std::istream& stream, const LoadOptions& options = {});

}  // namespace vesta
