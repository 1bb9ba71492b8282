#pragma once

// The values of number and string literals, from the text that the lexer has delimited.

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "frontend/parser.h"

namespace vesta::frontend {

struct NumberValue {
  enum class Kind { kInt, kFloat, kImaginary } kind = Kind::kInt;
  uint64_t magnitude = 0;  // of an int
  bool overflows = false;  // an int of more than 64 bits
  double value = 0;        // of a float or an imaginary number; infinity when too large
};

// REQUIRES: `text` is a number token of the lexer.
NumberValue decode_number(std::string_view text);

// A string token taken apart.
struct StringShape {
  bool raw = false;
  bool bytes = false;
  bool formatted = false;
  size_t content_begin = 0;  // offsets into the token's text
  size_t content_end = 0;
};

// REQUIRES: `text` is a string token of the lexer. False when its prefix is none of Python's.
bool take_apart_string(std::string_view text, StringShape& shape);

// What went wrong at which offset of the text given.
struct EscapeError {
  std::string message;
  size_t begin = 0;
  size_t end = 0;
};

// Appends the value of `content` to `out`: escapes are decoded unless `shape.raw`, line breaks become LF.
// False, with `error` set, when an escape is malformed.
bool decode_string(std::string_view content, const StringShape& shape, StringEscapes escapes, std::string& out,
                   EscapeError& error);

}  // namespace vesta::frontend
