#pragma once

// Options of sub-commands that call a method: the model, its inputs, which method, and how the model is prepared.

#include <cstdint>
#include <string>

#include <vesta/method.h>
#include <vesta/options.h>
#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "tools/freeze_options.h"
#include "tools/inputs.h"

namespace vesta::tools {

struct MethodOptions {
  std::string path;
  std::string method;
  std::string device;
  uint64_t seed = 0;
  int threads = 0;
  bool grad = false;
  bool train = false;
  FrozenOptions freeze;
  LoadOptions load;
  // Asked for their words as they came, because CLI11 takes "{}" in a vector for a notation of its own.
  CLI::Option* positional = nullptr;
  CLI::Option* named = nullptr;
};

// Adds them to `command`, which `options` outlives.
void add_method_options(CLI::App& command, MethodOptions& options);

// Sets the number of libtorch's threads; loads the model and freezes it as `options` say, or compiles a file of source.
// The method is `forward` where none is named; of a file of source with one function, that.
absl::StatusOr<Method> open_method(const MethodOptions& options);

// The inputs that were given, for `method`; each call makes them anew.
absl::StatusOr<Inputs> inputs_of(const MethodOptions& options, const Method& method);

}  // namespace vesta::tools
