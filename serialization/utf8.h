#pragma once

// UTF-8 checks for text that comes from files.

#include <string>
#include <string_view>

namespace vesta::serialization {

// Whether the bytes are well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view text);

// `text` for a message: control bytes and what is not UTF-8 as \xNN, cut after 100 bytes.
std::string printable(std::string_view text);

}  // namespace vesta::serialization
