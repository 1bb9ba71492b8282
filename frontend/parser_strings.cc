// String literals and f-strings. The values inside of an f-string are parsed in place, as regions of the
// text, so an error in one points to its own column.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/literals.h"
#include "frontend/parser_impl.h"

namespace vesta::frontend {
namespace {

// A format spec may hold values, whose own specs may not (as in Python).
constexpr int kMaxFormatLevel = 2;

}  // namespace

// One or more adjacent literals.
const Expr* Parser::parse_strings() {
  const size_t begin = token_.begin;
  const bool first_bytes = [&] {
    StringShape shape;
    return take_apart_string(text_.substr(token_.begin, token_.end - token_.begin), shape) && shape.bytes;
  }();
  std::vector<FormatPart> parts;
  bool formatted = false;
  while (at(TokenKind::kString)) {
    const Token token = token_;
    StringShape shape;
    if (!take_apart_string(text_.substr(token.begin, token.end - token.begin), shape)) {
      fail(token.begin, token.end, "a string's prefix is one of r, u, b, f, br and fr");
      return nullptr;
    }
    if (shape.bytes != first_bytes) {
      fail(token.begin, token.end, "bytes and strings may not be joined");
      return nullptr;
    }
    const size_t content_begin = token.begin + shape.content_begin;
    const size_t content_end = token.begin + shape.content_end;
    formatted |= shape.formatted;
    if (shape.formatted) {
      if (!parse_format_parts(content_begin, content_end, shape.raw, 0, parts, nullptr)) return nullptr;
    } else {
      if (parts.empty() || parts.back().value != nullptr) parts.emplace_back();
      if (!append_literal(content_begin, content_end, shape.raw, shape.bytes, parts.back().text)) return nullptr;
    }
    advance();
  }
  if (!formatted) {
    auto* node = make<StringLiteral>(begin);
    node->value = std::move(parts[0].text);
    node->is_bytes = first_bytes;
    return node;
  }
  auto* node = make<JoinedString>(begin);
  node->parts = std::move(parts);
  return node;
}

bool Parser::append_literal(size_t begin, size_t end, bool raw, bool bytes, std::string& out) {
  StringShape shape;
  shape.raw = raw;
  shape.bytes = bytes;
  EscapeError error;
  if (decode_string(text_.substr(begin, end - begin), shape, options_.escapes, out, error)) return true;
  return fail(begin + error.begin, begin + error.end, error.message);
}

bool Parser::flush_literal(size_t begin, size_t end, bool raw, std::vector<FormatPart>& parts) {
  if (begin == end) return true;
  if (parts.empty() || parts.back().value != nullptr) parts.emplace_back();
  return append_literal(begin, end, raw, false, parts.back().text);
}

// The parts of [begin, end). Inside of a format spec (`stopped_at` given) it ends at the '}' that closes it.
bool Parser::parse_format_parts(size_t begin, size_t end, bool raw, int level, std::vector<FormatPart>& parts,
                                size_t* stopped_at) {
  size_t literal_begin = begin;
  size_t at = begin;
  while (at < end) {
    const char c = text_[at];
    if (c == '\\' && !raw) {
      at = std::min(end, at + 2);
      continue;
    }
    if (c != '{' && c != '}') {
      ++at;
      continue;
    }
    const bool doubled = at + 1 < end && text_[at + 1] == c && stopped_at == nullptr;
    if (doubled) {  // the first of the two stays
      if (!flush_literal(literal_begin, at + 1, raw, parts)) return false;
      at += 2;
      literal_begin = at;
      continue;
    }
    if (!flush_literal(literal_begin, at, raw, parts)) return false;
    if (c == '}') {
      if (stopped_at == nullptr) return fail(at, at + 1, "a single '}' in an f-string; the character is written '}}'");
      *stopped_at = at;
      return true;
    }
    if (!parse_replacement(at, end, raw, level, parts)) return false;
    literal_begin = at;
  }
  if (stopped_at != nullptr) return fail(begin, end, "'{' is never closed in this f-string");
  return flush_literal(literal_begin, end, raw, parts);
}

// The end of the expression that begins behind a '{': at a '}', ':', '!' or '=' outside of its own brackets.
bool Parser::find_expression_end(size_t begin, size_t end, size_t& expression_end) {
  size_t depth = 0;
  char quote = 0;
  for (size_t at = begin; at < end; ++at) {
    const char c = text_[at];
    const char after = at + 1 < end ? text_[at + 1] : '\0';
    if (c == '\\') return fail(at, at + 1, "a value in an f-string may not hold a backslash");
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    if (c == '#') return fail(at, at + 1, "a value in an f-string may not hold a comment");
    if (depth > 0 && (c == ')' || c == ']' || c == '}')) {
      --depth;
      continue;
    }
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (depth > 0) continue;
    if ((c == '!' || c == '=' || c == '<' || c == '>') && after == '=') {
      ++at;
      continue;
    }
    if (c == '}' || c == ':' || c == '!' || c == '=') {
      expression_end = at;
      return true;
    }
  }
  return fail(begin - 1, begin, "'{' is never closed in this f-string");
}

// At a '{': `{value}`, `{value!r}`, `{value:spec}`, `{value=}`. Leaves `at` behind the '}'.
bool Parser::parse_replacement(size_t& at, size_t end, bool raw, int level, std::vector<FormatPart>& parts) {
  const size_t opening = at;
  if (level >= kMaxFormatLevel) return fail(opening, opening + 1, "values in this f-string nest too deep");
  const size_t begin = at + 1;
  if (!find_expression_end(begin, end, at)) return false;
  FormatPart part;
  {
    Region region(*this, begin, at);
    part.value = parse_expression_list(true);
    if (part.value == nullptr) return false;
    if (!this->at(TokenKind::kEnd)) return fail_expected("'}'");
  }
  const bool echoes = text_[at] == '=';
  if (echoes) {
    ++at;
    while (at < end && (text_[at] == ' ' || text_[at] == '\t')) ++at;
    if (parts.empty() || parts.back().value != nullptr) parts.emplace_back();
    parts.back().text.append(text_.substr(begin, at - begin));
  }
  if (at < end && text_[at] == '!') {
    const char conversion = at + 1 < end ? text_[at + 1] : '\0';
    if (conversion != 'r' && conversion != 's' && conversion != 'a') {
      return fail(at, at + 1, "a conversion in an f-string is '!r', '!s' or '!a'");
    }
    part.conversion = conversion;
    at += 2;
  }
  if (at < end && text_[at] == ':') {
    auto* spec = arena_->make<JoinedString>();
    const size_t spec_begin = at + 1;
    if (!parse_format_parts(spec_begin, end, raw, level + 1, spec->parts, &at)) return false;
    spec->range = range(spec_begin, at);
    part.spec = spec;
  } else if (echoes && part.conversion == 0) {
    part.conversion = 'r';
  }
  if (at >= end || text_[at] != '}') return fail(opening, opening + 1, "'{' is never closed in this f-string");
  ++at;
  parts.push_back(std::move(part));
  return true;
}

}  // namespace vesta::frontend
