#pragma once

// What the tests have to know of the differences between the two supported versions of libtorch, 2.11 and 2.15.
// Archives, recordings and goldens are those of 2.11.

#include <string>

#include <torch/headeronly/version.h>

#include "absl/strings/str_replace.h"

namespace vesta::test {

inline constexpr bool kIsNewerThan2_11 = TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR > 11;

// What libtorch's own messages say otherwise in 2.15: a test that holds its output against a golden takes it through
// this.
inline std::string in_words_of_2_11(const std::string& text) {
  return absl::StrReplaceAll(text, {{"error: addmm: mat1 and mat2", "error: mat1 and mat2"},
                                    {"error: mm: mat1 and mat2", "error: mat1 and mat2"}});
}

// 2.15 promotes bfloat16 with a complex number to a dtype of its own, which most operators do not have.
inline bool is_refused_since_2_11(const std::string& error) {
  return kIsNewerThan2_11 && error.find("not implemented for 'BComplex32'") != std::string::npos;
}

}  // namespace vesta::test
