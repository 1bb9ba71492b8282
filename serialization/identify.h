#pragma once

// What a file is, told from its first bytes and, for a zip archive, from the names of its members.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace vesta::serialization {

enum class FileKind {
  kTorchScript,       // zip with code/, constants.pkl, data.pkl: torch 1.3 and later
  kMobileScript,      // the same with bytecode.pkl beside it (.ptl); runs by its code/
  kModelJson,         // zip with model.json: torch 1.0 to 1.2
  kNative,            // Vesta's own
  kMobileFlatbuffer,  // mobile module without source
  kTorchPackage,      // torch.package
  kExportedProgram,   // torch.export's .pt2
  kCheckpoint,        // torch.save, zip form
  kCheckpointLegacy,  // torch.save before 1.6, a stream of pickles
  kCheckpointTar,     // torch.save before 0.2
  kPickle,            // some other pickle
  kTorchServe,        // model archive (.mar)
  kZip,               // some other zip archive
  kNumpyZip,          // .npz
  kNumpy,             // .npy
  kSafetensors,
  kOnnx,
  kExecutorch,
  kTensorflowLite,
  kHdf5,
  kGguf,
  kGzip,
  kElf,
  kWebPage,        // an error page in the place of a download
  kGitLfsPointer,  // the pointer in the place of the file
  kEmpty,
  kUnknown,
};

// A short name ("checkpoint of torch.save").
std::string_view kind_name(FileKind kind);

// From the bytes; for a zip archive whose directory can be read, from its members. A damaged zip
// archive is kZip. Never fails, reads only what it needs.
FileKind identify(std::string_view bytes);
FileKind identify_members(const std::vector<std::string_view>& names);

// Whether `vesta::load` reads this kind.
inline bool is_loadable(FileKind kind) {
  return kind == FileKind::kTorchScript || kind == FileKind::kMobileScript || kind == FileKind::kModelJson ||
         kind == FileKind::kNative;
}

// For a kind that cannot be loaded as a program: "model.pt is a checkpoint of torch.save: ...", what it
// is and what to do. REQUIRES: !is_loadable(kind).
absl::Status explain(FileKind kind, const std::string& file_name);

}  // namespace vesta::serialization
