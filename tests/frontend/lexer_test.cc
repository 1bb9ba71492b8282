#include "frontend/lexer.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace vesta::frontend {
namespace {

std::shared_ptr<const support::Source> source(std::string text) {
  return std::make_shared<support::Source>(support::Source{std::move(text), "t.py", 1});
}

// The tokens as text: NEWLINE as "$", INDENT as ">", DEDENT as "<", others as written; an error as "!message".
std::string lex(std::string text, Lexer::Options options = {}) {
  const auto shared = source(std::move(text));
  Lexer lexer(shared, 0, shared->text.size(), options);
  std::string out;
  for (;;) {
    const Token token = lexer.next();
    if (token.kind == TokenKind::kEnd) return out;
    if (!out.empty()) out += ' ';
    switch (token.kind) {
      case TokenKind::kError:
        return out + "!" + std::string(lexer.error().message());
      case TokenKind::kNewline:
        out += "$";
        break;
      case TokenKind::kIndent:
        out += ">";
        break;
      case TokenKind::kDedent:
        out += "<";
        break;
      default:
        out += shared->text.substr(token.begin, token.end - token.begin);
    }
    if (token.has_type_comment()) {
      out += "{" + shared->text.substr(token.comment_begin, token.comment_end - token.comment_begin) + "}";
    }
  }
}

bool fails_with(const std::string& text, std::string_view message) {
  return lex(text).find(message) != std::string::npos;
}

TEST(Lexer, LongestOperatorWins) {
  EXPECT_EQ(lex("a**=b//c->d...:=e>>=f<<g!=h"), "a **= b // c -> d ... := e >>= f << g != h $");
}

TEST(Lexer, IndentationMakesBlocks) {
  EXPECT_EQ(lex("if a:\n  b\n  if c:\n    d\ne\n"), "if a : $ > b $ if c : $ > d $ < < e $");
}

TEST(Lexer, BlocksEndAtTheEndOfTheText) { EXPECT_EQ(lex("if a:\n  b"), "if a : $ > b $ <"); }

TEST(Lexer, FirstLineGivesTheBaseIndentation) {
  EXPECT_EQ(lex("\n\n    a\n    if b:\n        c\n    d\n"), "a $ if b : $ > c $ < d $");
}

TEST(Lexer, LinesBelowTheBaseAreRefused) { EXPECT_TRUE(fails_with("    a\n  b\n", "does not match any outer")); }

TEST(Lexer, DedentHasToMatchAnOuterBlock) {
  EXPECT_TRUE(fails_with("if a:\n    b\n  c\n", "t.py:3:3: error: indentation does not match"));
}

TEST(Lexer, TabsReachTheNextMultipleOfEight) {
  EXPECT_EQ(lex("if a:\n\tif b:\n\t\tc\n\td\n"), "if a : $ > if b : $ > c $ < d $ <");
}

TEST(Lexer, MixedTabsAndSpacesAreRefused) {
  EXPECT_TRUE(fails_with("if a:\n        b\n\tc\n", "mixes tabs and spaces"));
}

TEST(Lexer, BlankAndCommentLinesDoNotIndent) {
  EXPECT_EQ(lex("if a:\n      # far right\n\n  b\n# left\n  c\n"), "if a : $ > b $ c $ <");
}

TEST(Lexer, BracketsAndBackslashesJoinLines) {
  EXPECT_EQ(lex("a = (b,\n  c)\nd = e + \\\n    f\n"), "a = ( b , c ) $ d = e + f $");
}

// Found by the fuzzer: the indentation of such a line opened a block without a statement.
TEST(Lexer, LinesOfBackslashesAndCommentsDoNotIndent) {
  EXPECT_EQ(lex("if a:\n  \\\n# left\nb\n"), "if a : $ b $");
  EXPECT_EQ(lex("if a:\n  \\\n\nb\n"), "if a : $ b $");
  EXPECT_EQ(lex("if a:\n    \\\n  \\\n # c\n  b\n"), "if a : $ > b $ <");
  EXPECT_EQ(lex("if a:\n  \\\n    b\n  c\n"), "if a : $ > b $ c $ <");
  EXPECT_EQ(lex("if a:\n  \\\n   "), "if a : $");
  EXPECT_EQ(lex("a\n  \\\n# c"), "a $");
  EXPECT_TRUE(fails_with("if a:\n  \\\n", "ends after a backslash"));
}

TEST(Lexer, AllLineBreaksCount) { EXPECT_EQ(lex("a\r\nb\rc\n"), "a $ b $ c $"); }

TEST(Lexer, LinesOfOneBackslashEach) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "\\\n\n";
  EXPECT_EQ(lex(text + "a\n"), "a $");
}

TEST(Lexer, ByteOrderMarkIsSkipped) {
  EXPECT_EQ(lex("\xef\xbb\xbf"
                "a\n"),
            "a $");
}

TEST(Lexer, NamesMayHoldUtf8) { EXPECT_EQ(lex("größe_1 = λ\n"), "größe_1 = λ $"); }

TEST(Lexer, CharactersOfDocumentsAreNamed) {
  EXPECT_TRUE(fails_with("x = “a”\n", "unexpected character U+201C"));
  EXPECT_TRUE(fails_with("x\xc2\xa0= 1\n", "unexpected character U+00A0"));
  EXPECT_TRUE(fails_with("x = a ? b : c\n", "unexpected character '?'"));
  EXPECT_TRUE(fails_with(std::string("a\0b", 3), "unexpected character U+0000"));
  EXPECT_TRUE(fails_with("x = \xff\n", "not valid UTF-8"));
}

TEST(Lexer, NumbersOfAllForms) {
  EXPECT_EQ(lex("0 1_000 0xFf_0 0o17 0b1_0 1. .5 1e-3 1_0.0_1e+1_0 2j 2.5J 000"),
            "0 1_000 0xFf_0 0o17 0b1_0 1. .5 1e-3 1_0.0_1e+1_0 2j 2.5J 000 $");
}

TEST(Lexer, NumberBeforeAKeywordEnds) { EXPECT_EQ(lex("1if a else 2"), "1 if a else 2 $"); }

TEST(Lexer, MalformedNumbersAreRefused) {
  for (const char* text : {"1__0", "1_", "12ab", "0xg", "0b2", "1e5x"}) {
    EXPECT_TRUE(fails_with(text, "!t.py:1:1: error: ")) << text;
  }
  EXPECT_TRUE(fails_with("017", "octal is written '0o...'"));
}

TEST(Lexer, StringsKeepTheirText) {
  EXPECT_EQ(lex(R"('a' "b\"c" rb'\'' f"{x}" '' "")"), R"('a' "b\"c" rb'\'' f"{x}" '' "" $)");
  EXPECT_EQ(lex("\"\"\"a\n\"b\" \"\"\"\n"), "\"\"\"a\n\"b\" \"\"\" $");
}

TEST(Lexer, OpenStringsAreRefusedAtTheirQuote) {
  EXPECT_TRUE(fails_with("x = 'abc\n", "t.py:1:5: error: this string is not closed"));
  EXPECT_TRUE(fails_with("x = \"\"\"abc\n\n", "t.py:1:5: error: this string in triple quotes is never closed"));
  EXPECT_TRUE(fails_with("x = 'abc\\", "not closed"));
}

TEST(Lexer, TypeCommentsTravelWithTheNextToken) {
  EXPECT_EQ(lex("def f(a,  # type: int\n      b):\n  # type: (...) -> int\n  c = d  # type: List[int]\n"),
            "def f ( a , b{int} ) : $ >{(...) -> int} c = d ${List[int]} <");
}

TEST(Lexer, TypeIgnoreIsNoTypeComment) {
  EXPECT_EQ(lex("a = b  # type: ignore\n"), "a = b $");
  EXPECT_EQ(lex("a = b  # type: ignore[assignment]\n"), "a = b $");
  EXPECT_EQ(lex("a = b  # type: ignored\n"), "a = b ${ignored}");
}

TEST(Lexer, ForeignKeywordsAreNamesOnRequest) {
  const auto shared = source("from");
  Lexer::Options options;
  EXPECT_EQ(Lexer(shared, 0, 4, options).next().kind, TokenKind::kFrom);
  options.foreign_keywords_are_names = true;
  EXPECT_EQ(Lexer(shared, 0, 4, options).next().kind, TokenKind::kName);
}

TEST(Lexer, ExpressionModeHasNoLines) {
  Lexer::Options options;
  options.mode = LexMode::kExpression;
  EXPECT_EQ(lex("  a\n  + b\n)", options), "a + b )");
}

TEST(Lexer, BlocksAreBounded) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += std::string(i, ' ') + "if a:\n";
  EXPECT_TRUE(fails_with(text, "blocks nest deeper than 200 levels"));
}

TEST(Lexer, ErrorsStay) {
  const auto shared = source("$ a");
  Lexer lexer(shared, 0, 3, {});
  EXPECT_EQ(lexer.next().kind, TokenKind::kError);
  EXPECT_EQ(lexer.next().kind, TokenKind::kError);
  EXPECT_EQ(lexer.error().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vesta::frontend
