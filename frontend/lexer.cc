// A hand-written scanner. A line's indentation is compared with a stack when its first token is asked
// for; each call gives one Indent or Dedent at most. The first line's indentation is the bottom of the
// stack. Values of literals are decoded elsewhere (literals.cc): here only their extent is found.

#include "frontend/lexer.h"

#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace vesta::frontend {
namespace {

struct Spelling {
  TokenKind kind;
  std::string_view text;
};

constexpr Spelling kOperators[] = {
#define VESTA_TOKEN(name, text) {TokenKind::name, text},
    VESTA_OPERATOR_TOKENS(VESTA_TOKEN)
#undef VESTA_TOKEN
};
constexpr Spelling kKeywords[] = {
#define VESTA_TOKEN(name, text) {TokenKind::name, text},
    VESTA_KEYWORD_TOKENS(VESTA_TOKEN) VESTA_FOREIGN_KEYWORD_TOKENS(VESTA_TOKEN)
#undef VESTA_TOKEN
};
constexpr size_t kTabWidth = 8;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kTypeComment = "type:";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80) != 0; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

// The length of the UTF-8 sequence at the front of `text` and its code point; length 0 when malformed.
struct CodePoint {
  size_t length = 0;
  uint32_t value = 0;
};

CodePoint decode_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80 ? 1 : (lead >> 5) == 6 ? 2 : (lead >> 4) == 14 ? 3 : (lead >> 3) == 30 ? 4 : 0;
  if (length == 0 || text.size() < length) return {};
  if (length == 1) return {1, lead};
  uint32_t value = lead & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  static constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {};
  return {length, value};
}

// Characters that look like blanks or quotes and get into source by copying from documents.
bool is_punctuation_or_space(uint32_t code_point) {
  return (code_point >= 0x80 && code_point < 0xaa) || code_point == 0xab || code_point == 0xbb || code_point == 0xd7 ||
         code_point == 0xf7 || (code_point >= 0x2000 && code_point <= 0x206f) ||
         (code_point >= 0x3000 && code_point <= 0x3004) || code_point == 0xfeff || code_point == 0xfffd;
}

// Keywords that may follow a number without a blank (`1if x else 2`).
bool may_follow_number(std::string_view word) {
  static constexpr std::string_view kWords[] = {"and", "else", "for", "if", "in", "is", "not", "or"};
  for (std::string_view candidate : kWords) {
    if (word == candidate) return true;
  }
  return false;
}

}  // namespace

const char* describe(TokenKind kind) {
  static constexpr const char* kNames[] = {
      "an error",
      "the end of the text",
      "the end of the line",
      "an indented block",
      "the end of the block",
      "a name",
      "a number",
      "a string",
#define VESTA_TOKEN(name, text) "'" text "'",
      VESTA_OPERATOR_TOKENS(VESTA_TOKEN) VESTA_KEYWORD_TOKENS(VESTA_TOKEN) VESTA_FOREIGN_KEYWORD_TOKENS(VESTA_TOKEN)
#undef VESTA_TOKEN
  };
  static_assert(std::size(kNames) == static_cast<size_t>(TokenKind::kYield) + 1);
  return kNames[static_cast<size_t>(kind)];
}

Lexer::Lexer(std::shared_ptr<const support::Source> source, size_t begin, size_t end, const Options& options)
    : source_(std::move(source)), text_(source_->text), end_(end), position_(begin), options_(options) {
  if (begin == 0 && text_.substr(0, end_).substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    position_ = kByteOrderMark.size();
  }
  if (options_.mode == LexMode::kExpression) {
    open_brackets_ = 1;
    at_line_start_ = false;
  }
}

Token Lexer::fail(size_t begin, size_t end, std::string_view message, absl::StatusCode code) {
  failed_ = true;
  error_ = support::error_at(code, support::SourceRange(source_, begin, end), message);
  error_token_.kind = TokenKind::kError;
  error_token_.begin = begin;
  error_token_.end = end;
  return error_token_;
}

Token Lexer::finish(Token token, TokenKind kind) {
  token.kind = kind;
  token.end = position_;
  token.comment_begin = std::exchange(comment_begin_, 0);
  token.comment_end = std::exchange(comment_end_, 0);
  return token;
}

void Lexer::skip_line_break() {
  if (at(position_) == '\r' && at(position_ + 1) == '\n') ++position_;
  ++position_;
}

// Keeps the first type comment between two tokens.
void Lexer::skip_comment() {
  size_t begin = position_ + 1;
  while (position_ < end_ && !at_line_break()) ++position_;
  while (begin < position_ && is_blank(at(begin))) ++begin;
  if (text_.substr(begin, position_ - begin).substr(0, kTypeComment.size()) != kTypeComment) return;
  begin += kTypeComment.size();
  while (begin < position_ && is_blank(at(begin))) ++begin;
  const std::string_view rest = text_.substr(begin, position_ - begin);
  const bool ignores = rest.substr(0, 6) == "ignore" && (rest.size() == 6 || !is_name_part(rest[6]));
  if (ignores || rest.empty() || comment_begin_ != comment_end_) return;
  comment_begin_ = begin;
  comment_end_ = position_;
}

// Skips blanks, comments and joined line breaks. False on an error.
bool Lexer::skip_blanks() {
  while (position_ < end_) {
    const char c = at(position_);
    if (is_blank(c)) {
      ++position_;
    } else if (c == '#') {
      skip_comment();
    } else if (at_joined_break()) {
      ++position_;
      skip_line_break();
      if (position_ >= end_) {
        fail(position_, position_, "the text ends after a backslash that continues the line");
        return false;
      }
    } else if (open_brackets_ > 0 && at_line_break()) {
      skip_line_break();
    } else {
      break;
    }
  }
  return true;
}

// Moves to the first token of the next line that has one and measures its indentation. False at the end.
bool Lexer::begin_line() {
  while (position_ < end_) {
    line_ = {};
    for (; position_ < end_ && is_blank(at(position_)); ++position_) {
      const char c = at(position_);
      if (c == '\f') {
        line_ = {};
      } else {
        line_.column = c == '\t' ? (line_.column / kTabWidth + 1) * kTabWidth : line_.column + 1;
        ++line_.narrow_column;
      }
    }
    const size_t first = position_;
    if (!skip_empty_line()) {
      position_ = first;
      break;
    }
  }
  return position_ < end_;
}

// Moves behind a line that has no token, whose indentation means nothing. False, and anywhere, if it has one.
bool Lexer::skip_empty_line() {
  while (at_joined_break()) {
    ++position_;
    skip_line_break();
    if (position_ >= end_) return false;  // skip_blanks tells of it
    while (position_ < end_ && is_blank(at(position_))) ++position_;
  }
  if (at(position_) == '#') skip_comment();
  if (position_ >= end_) return true;
  if (!at_line_break()) return false;
  skip_line_break();
  return true;
}

// Compares the line's indentation with the stack. True when `token` has become an Indent, a Dedent or an error.
bool Lexer::lex_indentation(Token& token) {
  token.begin = position_;
  if (indentations_.empty()) indentations_.push_back(line_);
  const Indentation top = indentations_.back();
  const auto order = [](size_t a, size_t b) { return a < b ? -1 : a > b ? 1 : 0; };
  const int wide = order(line_.column, top.column);
  if (wide != order(line_.narrow_column, top.narrow_column)) {
    token = fail(position_, position_ + 1, "indentation mixes tabs and spaces");
    return true;
  }
  if (wide == 0) return pending_indentation_ = false;
  if (wide > 0) {
    pending_indentation_ = false;
    if (indentations_.size() > options_.max_indentations) {
      token =
          fail(position_, position_ + 1, absl::StrCat("blocks nest deeper than ", options_.max_indentations, " levels"),
               absl::StatusCode::kResourceExhausted);
      return true;
    }
    indentations_.push_back(line_);
    token = finish(token, TokenKind::kIndent);
    return true;
  }
  if (indentations_.size() == 1 || line_.column > indentations_[indentations_.size() - 2].column) {
    token = fail(position_, position_ + 1, "indentation does not match any outer block's");
    return true;
  }
  indentations_.pop_back();
  token = finish(token, TokenKind::kDedent);
  return true;
}

Token Lexer::lex_end() {
  Token token;
  token.begin = position_;
  if (options_.mode == LexMode::kModule && open_brackets_ == 0) {
    if (line_has_tokens_) {
      line_has_tokens_ = false;
      return finish(token, TokenKind::kNewline);
    }
    if (indentations_.size() > 1) {
      indentations_.pop_back();
      return finish(token, TokenKind::kDedent);
    }
  }
  return finish(token, TokenKind::kEnd);
}

Token Lexer::next() {
  Token token;
  for (;;) {
    if (failed_) return error_token_;
    if (at_line_start_) {
      if (!begin_line()) return lex_end();
      at_line_start_ = false;
      pending_indentation_ = true;
    }
    if (pending_indentation_ && lex_indentation(token)) return token;
    if (!skip_blanks()) return error_token_;
    if (position_ >= end_) return lex_end();
    token.begin = position_;
    if (!at_line_break()) break;
    skip_line_break();
    at_line_start_ = true;
    if (!std::exchange(line_has_tokens_, false)) continue;  // only a backslash was on it
    token = finish(token, TokenKind::kNewline);
    token.end = token.begin;
    return token;
  }
  line_has_tokens_ = true;
  const char c = at(position_);
  if (is_name_start(c)) return lex_name(token);
  if (is_digit(c) || (c == '.' && is_digit(at(position_ + 1)))) return lex_number(token);
  if (c == '"' || c == '\'') return lex_string(token, position_);
  return lex_operator(token);
}

Token Lexer::lex_name(Token token) {
  while (position_ < end_ && is_name_part(at(position_))) {
    if ((at(position_) & 0x80) == 0) {
      ++position_;
      continue;
    }
    const CodePoint point = decode_utf8(text_.substr(position_, end_ - position_));
    if (point.length == 0) return fail(position_, position_ + 1, "the text is not valid UTF-8 here");
    if (is_punctuation_or_space(point.value)) {
      if (position_ > token.begin) break;
      return fail(position_, position_ + point.length, absl::StrFormat("unexpected character U+%04X", point.value));
    }
    position_ += point.length;
  }
  const std::string_view word = text_.substr(token.begin, position_ - token.begin);
  if ((at(position_) == '"' || at(position_) == '\'') && word.size() <= 2 &&
      word.find_first_not_of("rRbBuUfF") == std::string_view::npos) {
    return lex_string(token, position_);
  }
  for (const Spelling& keyword : kKeywords) {
    if (keyword.text != word) continue;
    if (keyword.kind >= kFirstForeignKeyword && options_.foreign_keywords_are_names) break;
    return finish(token, keyword.kind);
  }
  return finish(token, TokenKind::kName);
}

// The offset after digits of `base` with single underscores between them.
size_t Lexer::skip_digits(size_t offset, int base) {
  const auto fits = [&](char c) {
    return base == 16 ? absl::ascii_isxdigit(static_cast<unsigned char>(c)) : c >= '0' && c < '0' + base;
  };
  while (fits(at(offset)) || (at(offset) == '_' && fits(at(offset + 1)))) ++offset;
  return offset;
}

bool Lexer::number_ends_well(size_t begin) {
  if (!is_name_part(at(position_))) return true;
  size_t word_end = position_;
  while (is_name_part(at(word_end))) ++word_end;
  if (may_follow_number(text_.substr(position_, word_end - position_))) return true;
  fail(begin, word_end, absl::StrCat("'", std::string(text_.substr(begin, word_end - begin)), "' is not a number"));
  return false;
}

Token Lexer::lex_number(Token token) {
  const char marker = absl::ascii_tolower(static_cast<unsigned char>(at(position_ + 1)));
  const int base = at(position_) != '0' ? 10 : marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 10;
  if (base != 10) {
    const size_t digits = position_ + 2 + (at(position_ + 2) == '_' ? 1 : 0);
    const size_t after = skip_digits(digits, base);
    if (after == digits) return fail(position_, after, "a number needs digits after its base");
    position_ = after;
    return number_ends_well(token.begin) ? finish(token, TokenKind::kNumber) : error_token_;
  }
  position_ = skip_digits(position_, 10);
  bool is_int = true;
  if (at(position_) == '.') {
    is_int = false;
    ++position_;
    if (is_digit(at(position_))) position_ = skip_digits(position_, 10);
  }
  if (at(position_) == 'e' || at(position_) == 'E') {
    const size_t sign = at(position_ + 1) == '+' || at(position_ + 1) == '-' ? 1 : 0;
    if (is_digit(at(position_ + 1 + sign))) {
      is_int = false;
      position_ = skip_digits(position_ + 1 + sign, 10);
    }
  }
  if (at(position_) == 'j' || at(position_) == 'J') {
    is_int = false;
    ++position_;
  }
  const std::string_view digits = text_.substr(token.begin, position_ - token.begin);
  if (is_int && digits[0] == '0' && digits.find_first_not_of("0_") != std::string_view::npos) {
    return fail(token.begin, position_, "an int may not begin with 0; octal is written '0o...'");
  }
  return number_ends_well(token.begin) ? finish(token, TokenKind::kNumber) : error_token_;
}

// Finds the end of the literal whose opening quote is at `quote`.
Token Lexer::lex_string(Token token, size_t quote) {
  const char c = at(quote);
  const bool triple = at(quote + 1) == c && at(quote + 2) == c;
  position_ = quote + (triple ? 3 : 1);
  while (position_ < end_) {
    const char here = at(position_);
    if (here == '\\') {
      ++position_;
      if (position_ < end_) skip_line_break();  // a pair of CR and LF is one escaped character
    } else if (here == c && !triple) {
      ++position_;
      return finish(token, TokenKind::kString);
    } else if (here == c && at(position_ + 1) == c && at(position_ + 2) == c) {
      position_ += 3;
      return finish(token, TokenKind::kString);
    } else if (!triple && at_line_break()) {
      break;
    } else {
      ++position_;
    }
  }
  return fail(token.begin, quote + (triple ? 3 : 1),
              triple ? "this string in triple quotes is never closed" : "this string is not closed on its line");
}

Token Lexer::lex_operator(Token token) {
  const Spelling* best = nullptr;
  const std::string_view rest = text_.substr(position_, end_ - position_);
  for (const Spelling& candidate : kOperators) {
    if (rest.substr(0, candidate.text.size()) != candidate.text) continue;
    if (best == nullptr || candidate.text.size() > best->text.size()) best = &candidate;
  }
  if (best == nullptr) {
    const auto c = static_cast<unsigned char>(rest[0]);
    return fail(position_, position_ + 1,
                absl::ascii_isprint(c) ? absl::StrFormat("unexpected character '%c'", c)
                                       : absl::StrFormat("unexpected character U+%04X", c));
  }
  position_ += best->text.size();
  if (best->kind == TokenKind::kLeftParen || best->kind == TokenKind::kLeftBracket ||
      best->kind == TokenKind::kLeftBrace) {
    ++open_brackets_;
  }
  const size_t floor = options_.mode == LexMode::kExpression ? 1 : 0;
  if ((best->kind == TokenKind::kRightParen || best->kind == TokenKind::kRightBracket ||
       best->kind == TokenKind::kRightBrace) &&
      open_brackets_ > floor) {
    --open_brackets_;
  }
  return finish(token, best->kind);
}

}  // namespace vesta::frontend
