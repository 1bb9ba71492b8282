#include "ir/support/source.h"

#include <gtest/gtest.h>

namespace vesta::support {
namespace {

SourceRange range_of(std::string text, std::string_view covered, size_t first_line = 1) {
  const size_t begin = text.find(covered);
  auto source = std::make_shared<Source>(Source{std::move(text), "model.py", first_line});
  return {source, begin, begin + covered.size()};
}

TEST(SourceRange, PointsWithCaretsBelowTheText) {
  const SourceRange range = range_of("def f(x):\n    return matmul(x, 3)\n", "matmul(x, 3)");
  EXPECT_EQ(format_error(range, "'aten::matmul' takes Tensor for argument 'other', got int"),
            "model.py:2:12: error: 'aten::matmul' takes Tensor for argument 'other', got int\n"
            "      return matmul(x, 3)\n"
            "             ^^^^^^^^^^^^\n");
}

TEST(SourceRange, CountsFromTheFirstLineOfTheSource) {
  EXPECT_EQ(range_of("a\nb\n", "b", 40).short_description(), "model.py:41:1");
}

TEST(SourceRange, KeepsTabsBelowTabs) { EXPECT_EQ(range_of("\tx = y", "y").excerpt(), "  \tx = y\n  \t    ^\n"); }

TEST(SourceRange, CountsCharactersNotBytes) {
  EXPECT_EQ(range_of("é = 'ü' + y", "y").excerpt(), "  é = 'ü' + y\n            ^\n");
  EXPECT_EQ(range_of("x = 'ü'", "'ü'").excerpt(), "  x = 'ü'\n      ^^^\n");
}

TEST(SourceRange, CutsLongLinesAroundTheCaret) {
  const std::string excerpt = range_of(std::string(1000, 'a') + "HERE" + std::string(1000, 'b'), "HERE").excerpt();
  EXPECT_LT(excerpt.size(), 400U);
  const size_t caret = excerpt.find('^') - excerpt.find('\n') - 1;
  EXPECT_EQ(excerpt.substr(caret, 4), "HERE");
}

TEST(SourceRange, AtTheEndOfTheTextStillHasACaret) {
  auto source = std::make_shared<Source>(Source{"x = ", "model.py", 1});
  EXPECT_EQ(SourceRange(source, 4, 4).excerpt(), "  x = \n      ^\n");
  EXPECT_EQ(SourceRange(source, 100, 200).excerpt(), "  x = \n      ^\n");
}

TEST(SourceRange, UnknownPlacesSayNothing) {
  EXPECT_EQ(format_error(SourceRange(), "no file"), "error: no file");
  EXPECT_EQ(SourceRange().excerpt(), "");
}

TEST(SourceRange, OneCaretLineForARangeOverSeveralLines) {
  EXPECT_EQ(range_of("f(a,\n  b)\n", "f(a,\n  b)").excerpt(), "  f(a,\n  ^^^^\n");
}

}  // namespace
}  // namespace vesta::support
