#pragma once

// Options of loading, compiling and calling. Plain values: an option belongs to one load or one call, never to
// the process.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <c10/core/Device.h>
#include <vesta/limits.h>

namespace vesta {

// Contents of an archive's `extra/` members by name.
using ExtraFiles = std::map<std::string, std::string, std::less<>>;

// How far the methods of a module are optimized.
enum class OptimizationLevel : uint8_t {
  kO0,  // as the program was written
  kO1,  // results, errors and what shares memory are those of kO0, to the last bit
  kO2,  // results may differ by rounding; what fails, but is read by nobody, may not fail
};

// Methods of a module are optimized at their first call, and again when parameters or other attributes have changed.
// Where gradients are recorded, the program runs as it was written.
struct OptimizationOptions {
  OptimizationLevel level = OptimizationLevel::kO2;
  // Names of passes that are left out ("inline_calls"); docs/architecture.md has the list.
  std::vector<std::string> without;
};

struct LoadOptions {
  Limits limits;
  OptimizationOptions optimization;
  // Where parameters, buffers and attributes that are tensors go. None: where they were saved; a device that is
  // not there is FailedPrecondition.
  std::optional<c10::Device> device;
  // The caller declares that the file neither changes nor shrinks while any of its weights is in use. They are then
  // used in place from a mapping of the file; otherwise the file is read into memory first. (A mapped file that
  // is truncated ends the process at the next access, so this is never a default.)
  bool immutable_file = false;
  // The release of torch that wrote the archive ("1.12"), where that is known better than its format shows it: it
  // decides what the operators mean that have changed since. Empty: what the format shows.
  std::string written_by;
  // Try an archive whose version is newer than what is known, as if it were the newest known.
  bool allow_newer = false;
  // Names to look for: found contents replace the values, others are erased, so what is left was in the archive.
  // Null: none are read. Not owned.
  ExtraFiles* extra_files = nullptr;
  // Also puts every extra file of the archive into `extra_files`, whether or not its name was asked for.
  bool all_extra_files = false;
};

struct CompileOptions {
  Limits limits;
  // Shown in error messages.
  std::string filename = "<source>";
};

// Of Module::optimize_for().
struct PreparationOptions {
  // Ways to compute the same are timed on the given inputs, which takes seconds for a large network, and the fastest is
  // kept: for these sizes and this number of threads, with the module as long as its parameters stay, and in a packed
  // native file. Else fixed rules choose, the same at each load; results of different ways differ by rounding.
  bool tune = false;
};

// Of native files.
struct NativeOptions {
  // Contents to be kept in the file, by name.
  ExtraFiles extra_files;
  // Keep what was made ahead for a frozen module, too: its methods' optimized graphs and the weights in the layouts
  // that its kernels want, so that nothing is packed when the file is loaded. Call optimize_for() before. They serve
  // where Vesta, libtorch, oneDNN and the processor are the same; elsewhere the module is optimized anew.
  bool packed = false;
};

struct CallOptions {
  // Fuel, deadline, cancel.
  CallLimits limits;
  // Receives what the program prints, line breaks included; may be called from several threads if the
  // program forks. Empty: standard output.
  std::function<void(std::string_view)> print;
};

}  // namespace vesta
