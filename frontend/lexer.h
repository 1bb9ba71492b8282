#pragma once

// Source text to tokens, one at a time.

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "frontend/token.h"
#include "ir/support/source.h"

namespace vesta::frontend {

enum class LexMode {
  kModule,      // lines and indentation are tokens
  kExpression,  // line breaks are blanks: one expression inside brackets, an f-string or a comment
};

// Splits the bytes [begin, end) of a source. Python's lexical grammar: brackets and backslashes join
// lines, tabs advance to multiples of 8, line breaks are LF, CRLF or CR, names may hold UTF-8.
// A value: copy it to look ahead. Works in constant memory but for the stack of indentations.
class Lexer {
 public:
  struct Options {
    LexMode mode = LexMode::kModule;
    // Whether `from`, `try`, `global` and the other keywords without a meaning here are plain names.
    bool foreign_keywords_are_names = false;
    size_t max_indentations = 200;
  };

  Lexer(std::shared_ptr<const support::Source> source, size_t begin, size_t end, const Options& options);

  // The next token. After kEnd and kError it gives the same again.
  Token next();
  // Set once next() has given kError.
  const absl::Status& error() const { return error_; }

 private:
  struct Indentation {
    size_t column = 0;         // tabs to multiples of 8
    size_t narrow_column = 0;  // tabs of one: where both orders differ, tabs and spaces are mixed
  };

  char at(size_t offset) const { return offset < end_ ? text_[offset] : '\0'; }
  bool at_line_break() const { return at(position_) == '\n' || at(position_) == '\r'; }
  // A backslash that joins two lines.
  bool at_joined_break() const {
    return at(position_) == '\\' && (at(position_ + 1) == '\n' || at(position_ + 1) == '\r');
  }
  void skip_line_break();
  void skip_comment();
  bool skip_blanks();
  bool begin_line();
  bool skip_empty_line();
  bool lex_indentation(Token& token);
  Token lex_end();
  Token lex_name(Token token);
  Token lex_number(Token token);
  Token lex_string(Token token, size_t quote);
  Token lex_operator(Token token);
  bool number_ends_well(size_t begin);
  size_t skip_digits(size_t offset, int base);
  Token finish(Token token, TokenKind kind);
  Token fail(size_t begin, size_t end, std::string_view message,
             absl::StatusCode code = absl::StatusCode::kInvalidArgument);

  std::shared_ptr<const support::Source> source_;
  std::string_view text_;
  size_t end_;
  size_t position_;
  Options options_;

  std::vector<Indentation> indentations_;
  Indentation line_;  // of the line that begins
  bool first_line_ = true;
  bool at_line_start_ = true;  // in kModule mode: indentation is to be read
  bool line_has_tokens_ = false;
  bool pending_indentation_ = false;
  size_t open_brackets_ = 0;
  size_t comment_begin_ = 0;
  size_t comment_end_ = 0;
  bool failed_ = false;
  Token error_token_;
  absl::Status error_;
};

}  // namespace vesta::frontend
