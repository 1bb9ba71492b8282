#pragma once

// Text that is being written, and where its parts come from in the model's own source.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ir/support/source.h"

namespace vesta::frontend {

// From `offset` on (to the next mark), the text comes from `range`; an unknown range: from no line of the model.
struct SourceMark {
  size_t offset = 0;
  support::SourceRange range;
};

// Whether a range is in the model's own source: not in the text of an archive ("code/*.py"), which is no line of the
// model's author.
bool is_of_the_model(const support::SourceRange& range);

// Appends only. Of two marks at one offset the first stays: an expression is marked before the operands that it
// starts with, and a reader asks for the place of the whole.
class SourceText {
 public:
  SourceText& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  void line(int depth) { text_.append(static_cast<size_t>(depth) * 2, ' '); }
  // Ranges outside of the model's source count as unknown. Gives the range that the place has then.
  support::SourceRange mark(const support::SourceRange& range);

  const std::string& text() const { return text_; }
  const std::vector<SourceMark>& marks() const { return marks_; }
  void append(const SourceText& other);

 private:
  std::string text_;
  std::vector<SourceMark> marks_;
};

}  // namespace vesta::frontend
