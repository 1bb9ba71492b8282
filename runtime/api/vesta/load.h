#pragma once

// Loading TorchScript archives: scripted or traced, of any torch since 1.0.
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
// The rest of the stream.
VESTA_API absl::StatusOr<Module> load(std::istream& stream, const LoadOptions& options = {});

}  // namespace vesta
