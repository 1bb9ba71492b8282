#pragma once

// Options of sub-commands that can freeze a module before they look at it or run it.

#include <string>
#include <vector>

#include <vesta/module.h>
#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"

namespace vesta::tools {

struct FrozenOptions {
  std::string level;  // "": not frozen
  std::vector<std::string> without;
  bool wanted() const { return !level.empty(); }
};

// --freeze and --without, into `options`, which outlives `command`.
void add_freeze_options(CLI::App& command, FrozenOptions& options);

// REQUIRES: wanted().
absl::StatusOr<Module> frozen(Module module, const FrozenOptions& options);

}  // namespace vesta::tools
