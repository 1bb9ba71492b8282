#pragma once

// Which releases of torch may have written an archive: what its format shows. The version that an archive holds is
// that of the operators which its program uses, so it says little; the layout says more. docs/versions.md has the
// table of evidence.

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "ir/release.h"
#include "ir/support/limits.h"
#include "serialization/archive.h"

namespace vesta::serialization {

// What an archive tells of its writer.
struct Producer {
  std::optional<std::string> serialization_id;
  ir::Writer writer;
  // What the ends of that range come from: "version 3; entries of two in debug_pkl".
  std::string evidence;
};

// The release that a caller names ("1.5", "1.5.1"); nullopt for an empty text. InvalidArgument where it is none.
absl::StatusOr<std::optional<ir::Release>> named_release(const std::string& text);

// Reads code/ of archives older than 2.1. Errors: those of reading it.
absl::StatusOr<Producer> infer_producer(const Archive& archive, const Limits& limits);

}  // namespace vesta::serialization
