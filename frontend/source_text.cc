#include "frontend/source_text.h"

namespace vesta::frontend {

namespace {

bool same_source(const std::shared_ptr<const support::Source>& a, const std::shared_ptr<const support::Source>& b) {
  if (a == b) return true;
  return a != nullptr && b != nullptr && a->first_line == b->first_line && a->filename == b->filename &&
         a->text == b->text;
}

}  // namespace

bool is_of_the_model(const support::SourceRange& range) {
  if (!range.known()) return false;
  const std::string& file = range.source()->filename;
  return !(file.starts_with("code/") && file.ends_with(".py"));
}

support::SourceRange SourceText::mark(const support::SourceRange& wanted) {
  const support::SourceRange range = is_of_the_model(wanted) ? wanted : support::SourceRange();
  if (!marks_.empty()) {
    const SourceMark& last = marks_.back();
    if (last.offset == text_.size()) return last.range;
    if (last.range.begin() == range.begin() && last.range.end() == range.end() &&
        same_source(last.range.source(), range.source()))
      return last.range;
  }
  marks_.push_back({text_.size(), range});
  return range;
}

void SourceText::append(const SourceText& other) {
  for (const SourceMark& mark : other.marks_) marks_.push_back({text_.size() + mark.offset, mark.range});
  text_ += other.text_;
}

}  // namespace vesta::frontend
