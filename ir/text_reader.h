#pragma once

// A cursor over text with blanks and `#` comments, shared by the readers of graphs and constants.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/support/source.h"

namespace vesta::ir {

class TextReader {
 public:
  explicit TextReader(std::shared_ptr<const support::Source> source);

  std::string_view text() const { return text_; }
  size_t position() const { return at_; }
  void set_position(size_t position) { at_ = position; }
  // The text from `begin` to here, or from here to the next byte.
  support::SourceRange range_from(size_t begin) const { return {source_, begin, at_}; }
  support::SourceRange here() const { return {source_, at_, at_ < text_.size() ? at_ + 1 : at_}; }

  void skip_blanks();
  bool at_end();
  // Whether `token` comes next; take() also moves behind it.
  bool peek(std::string_view token);
  bool take(std::string_view token);
  absl::Status expect(std::string_view token);
  // "expected `what`" at the next token.
  absl::Status expected(std::string_view what);

  // Letters, digits, '_', and those of `more`; may be empty. Blanks before are skipped.
  std::string_view word(std::string_view more = "");
  // A literal in double quotes with C's escapes, as the printer writes it.
  absl::StatusOr<std::string> quoted();
  absl::StatusOr<int64_t> integer();

 private:
  std::shared_ptr<const support::Source> source_;
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace vesta::ir
