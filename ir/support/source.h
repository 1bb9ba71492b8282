#pragma once

// Source text and positions in it: what every error message of a program points to.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace vesta::support {

// A named piece of source text. Immutable once shared; safe to read from many threads.
struct Source {
  std::string text;
  // As shown in messages: a path of the model's author, or the archive member's name.
  std::string filename;
  // The 1-based line number that the first line of `text` has in `filename`.
  size_t first_line = 1;
};

// A 1-based line and column (in bytes), and the text of that line without its line break.
struct SourceLocation {
  std::string_view filename;
  size_t line = 0;
  size_t column = 0;
  std::string_view line_text;
};

// The half-open byte range [begin, end) of a Source. A default-constructed range points nowhere.
// Copying is cheap (one reference count).
class SourceRange {
 public:
  SourceRange() = default;
  SourceRange(std::shared_ptr<const Source> source, size_t begin, size_t end)
      : source_(std::move(source)), begin_(begin), end_(end) {}

  bool known() const { return source_ != nullptr; }
  const std::shared_ptr<const Source>& source() const { return source_; }
  size_t begin() const { return begin_; }
  size_t end() const { return end_; }
  // The text covered; empty when nothing is known.
  std::string_view text() const;
  // REQUIRES: known(). The views live as long as the Source.
  SourceLocation location() const;
  // "model.py:2:10", or "" when nothing is known.
  std::string short_description() const;
  // The source line and a line with carets below the range, each ending in a line break;
  // "" when nothing is known. Lines longer than 160 bytes are cut around the caret.
  std::string excerpt() const;

 private:
  std::shared_ptr<const Source> source_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

// Formats "model.py:2:10: error: message", the source line and a caret.
std::string format_error(const SourceRange& range, std::string_view message);

// An InvalidArgument status with format_error's text.
absl::Status error_at(const SourceRange& range, std::string_view message);
// The same with another code.
absl::Status error_at(absl::StatusCode code, const SourceRange& range, std::string_view message);

}  // namespace vesta::support
