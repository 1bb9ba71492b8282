#include "ir/support/source.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace vesta::support {
namespace {

constexpr size_t kMaxExcerptWidth = 160;

absl::string_view as_absl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string_view SourceRange::text() const {
  if (!known()) return {};
  const size_t size = source_->text.size();
  const size_t begin = std::min(begin_, size);
  const size_t end = std::clamp(end_, begin, size);
  return std::string_view(source_->text).substr(begin, end - begin);
}

SourceLocation SourceRange::location() const {
  const std::string_view text = source_->text;
  const size_t position = std::min(begin_, text.size());
  const std::string_view before = text.substr(0, position);
  const size_t line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const size_t line_end = std::min(text.find('\n', position), text.size());
  std::string_view line = text.substr(line_begin, line_end - line_begin);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  SourceLocation result;
  result.filename = source_->filename;
  result.line = source_->first_line + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  result.column = position - line_begin + 1;
  result.line_text = line;
  return result;
}

std::string SourceRange::short_description() const {
  if (!known()) return {};
  const SourceLocation at = location();
  return absl::StrCat(as_absl(at.filename), ":", at.line, ":", at.column);
}

std::string SourceRange::excerpt() const {
  if (!known()) return {};
  const SourceLocation at = location();
  size_t caret = std::min(at.column - 1, at.line_text.size());
  size_t width = std::max<size_t>(1, std::min(end_ > begin_ ? end_ - begin_ : 1, at.line_text.size() - caret));
  std::string_view line = at.line_text;
  std::string lead;
  if (line.size() > kMaxExcerptWidth) {
    const size_t start = caret > kMaxExcerptWidth / 2 ? caret - kMaxExcerptWidth / 2 : 0;
    if (start > 0) lead = "...";
    line = line.substr(start, kMaxExcerptWidth);
    caret = caret - start + lead.size();
  }
  width = std::min(width, lead.size() + line.size() > caret ? lead.size() + line.size() - caret : size_t{1});
  // A character of several bytes takes one place: those behind its first are left out.
  std::string marks;
  const std::string shown = absl::StrCat(lead, as_absl(line));
  for (size_t i = 0; i < caret + std::max<size_t>(width, 1); ++i) {
    const char c = i < shown.size() ? shown[i] : ' ';
    if (i != caret && (static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;
    marks.push_back(i >= caret ? '^' : (c == '\t' ? '\t' : ' '));
  }
  return absl::StrCat("  ", shown, "\n  ", marks, "\n");
}

std::string format_error(const SourceRange& range, std::string_view message) {
  if (!range.known()) return absl::StrCat("error: ", as_absl(message));
  return absl::StrCat(range.short_description(), ": error: ", as_absl(message), "\n", range.excerpt());
}

absl::Status error_at(const SourceRange& range, std::string_view message) {
  return error_at(absl::StatusCode::kInvalidArgument, range, message);
}

absl::Status error_at(absl::StatusCode code, const SourceRange& range, std::string_view message) {
  return absl::Status(code, format_error(range, message));
}

}  // namespace vesta::support
