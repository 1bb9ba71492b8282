#pragma once

// One recorded program: a folder with program.pt, meta.json and, unless it is only to be loaded, io_ts.pt.

#include <filesystem>
#include <string>
#include <vector>

namespace vesta::conformance {

// The folders below `root` that hold a program.pt and whose path contains `filter`, sorted.
std::vector<std::filesystem::path> entries_below(const std::filesystem::path& root, const std::string& filter);

// Who runs the program.
enum class Way {
  kLoaded,           // Vesta
  kFrozen,           // Vesta, frozen and so in eval mode, as it was written
  kOptimized,        // Vesta, frozen and optimized
  kSaved,            // Vesta, after saving it and loading that; saving again must give the same bytes
  kSavedInTorchJit,  // torch::jit, on what Vesta saved; a program that torch::jit runs no better before agrees
};

// Runs it as it was recorded. "" where everything agrees; else the reason, one or more lines. Never throws.
std::string run_entry(const std::filesystem::path& folder, Way way);

}  // namespace vesta::conformance
