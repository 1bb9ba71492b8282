#pragma once

// What the files of PyValue share; no part of its interface.

#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "serialization/python_value.h"
#include "serialization/utf8.h"

namespace vesta::internal {

// Of values within each other, where they are walked.
inline constexpr int kMaxPyDepth = 1000;

inline std::string in_quotes(std::string_view text) { return absl::StrCat("'", serialization::printable(text), "'"); }

// How a key is written in a path; nullopt for keys that have no such form.
std::optional<std::string> py_step(const PyValue& key);

// The attribute of an object, or null.
const PyValue* py_attribute(const PyValue& value, std::string_view name);

}  // namespace vesta::internal
