// The cursor never moves behind the end; every token is found by a scan from here.

#include "ir/text_reader.h"

#include <cctype>
#include <charconv>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace vesta::ir {

TextReader::TextReader(std::shared_ptr<const support::Source> source)
    : source_(std::move(source)), text_(source_->text) {}

void TextReader::skip_blanks() {
  while (at_ < text_.size()) {
    if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      ++at_;
    } else if (text_[at_] == '#') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else {
      return;
    }
  }
}

bool TextReader::at_end() {
  skip_blanks();
  return at_ == text_.size();
}

bool TextReader::peek(std::string_view token) {
  skip_blanks();
  return text_.substr(at_).starts_with(token);
}

bool TextReader::take(std::string_view token) {
  if (!peek(token)) return false;
  at_ += token.size();
  return true;
}

absl::Status TextReader::expect(std::string_view token) {
  if (take(token)) return absl::OkStatus();
  return expected(absl::StrCat("'", std::string(token), "'"));
}

absl::Status TextReader::expected(std::string_view what) {
  const bool end = at_end();
  return support::error_at(here(),
                           absl::StrCat("expected ", std::string(what), end ? ", found the end of the text" : ""));
}

std::string_view TextReader::word(std::string_view more) {
  skip_blanks();
  const size_t begin = at_;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && more.find(c) == std::string_view::npos) break;
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

absl::StatusOr<std::string> TextReader::quoted() {
  if (!peek("\"")) return expected("a string in double quotes");
  const size_t begin = at_;
  size_t end = at_ + 1;
  while (end < text_.size() && text_[end] != '"' && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
  if (end >= text_.size() || text_[end] != '"') {
    return support::error_at({source_, begin, begin + 1}, "this string is not closed on its line");
  }
  const std::string_view content = text_.substr(begin + 1, end - begin - 1);
  std::string value, error;
  if (!absl::CUnescape(absl::string_view(content.data(), content.size()), &value, &error)) {
    return support::error_at({source_, begin, end + 1}, absl::StrCat("this string has a bad escape: ", error));
  }
  at_ = end + 1;
  return value;
}

absl::StatusOr<int64_t> TextReader::integer() {
  skip_blanks();
  int64_t value = 0;
  const auto parsed = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (parsed.ec != std::errc()) return expected("an int");
  at_ = static_cast<size_t>(parsed.ptr - text_.data());
  return value;
}

}  // namespace vesta::ir
