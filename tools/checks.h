#pragma once

// Checks of options' values, for CLI::Option::check.

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace vesta::tools {

// A number of `kLeast` or more. CLI11's own checks print the largest double there is.
template <int kLeast>
std::string at_least(std::string& text) {
  double value = 0;
  if (absl::SimpleAtod(text, &value) && value >= kLeast) return {};
  return absl::StrCat("'", text, "' is no number of ", kLeast, " or more");
}

}  // namespace vesta::tools
