#pragma once

// The kinds of token, one table: enumerator and spelling as messages and the lexer know it.

#include <cstddef>
#include <cstdint>

namespace vesta::frontend {

#define VESTA_OPERATOR_TOKENS(X) \
  X(kLeftParen, "(")             \
  X(kRightParen, ")")            \
  X(kLeftBracket, "[")           \
  X(kRightBracket, "]")          \
  X(kLeftBrace, "{")             \
  X(kRightBrace, "}")            \
  X(kComma, ",")                 \
  X(kColon, ":")                 \
  X(kColonAssign, ":=")          \
  X(kSemicolon, ";")             \
  X(kDot, ".")                   \
  X(kEllipsis, "...")            \
  X(kArrow, "->")                \
  X(kAssign, "=")                \
  X(kEqual, "==")                \
  X(kNotEqual, "!=")             \
  X(kLess, "<")                  \
  X(kLessEqual, "<=")            \
  X(kGreater, ">")               \
  X(kGreaterEqual, ">=")         \
  X(kPlus, "+")                  \
  X(kMinus, "-")                 \
  X(kStar, "*")                  \
  X(kDoubleStar, "**")           \
  X(kSlash, "/")                 \
  X(kDoubleSlash, "//")          \
  X(kPercent, "%")               \
  X(kAt, "@")                    \
  X(kAmpersand, "&")             \
  X(kPipe, "|")                  \
  X(kCaret, "^")                 \
  X(kTilde, "~")                 \
  X(kShiftLeft, "<<")            \
  X(kShiftRight, ">>")           \
  X(kPlusAssign, "+=")           \
  X(kMinusAssign, "-=")          \
  X(kStarAssign, "*=")           \
  X(kDoubleStarAssign, "**=")    \
  X(kSlashAssign, "/=")          \
  X(kDoubleSlashAssign, "//=")   \
  X(kPercentAssign, "%=")        \
  X(kAtAssign, "@=")             \
  X(kAmpersandAssign, "&=")      \
  X(kPipeAssign, "|=")           \
  X(kCaretAssign, "^=")          \
  X(kShiftLeftAssign, "<<=")     \
  X(kShiftRightAssign, ">>=")

// Python's keywords. Those of the second group mean nothing in TorchScript; archives may use them as
// names, because torch::jit's own lexer does not know them.
#define VESTA_KEYWORD_TOKENS(X) \
  X(kAnd, "and")                \
  X(kAs, "as")                  \
  X(kAssert, "assert")          \
  X(kBreak, "break")            \
  X(kClass, "class")            \
  X(kContinue, "continue")      \
  X(kDef, "def")                \
  X(kDel, "del")                \
  X(kElif, "elif")              \
  X(kElse, "else")              \
  X(kFalse, "False")            \
  X(kFor, "for")                \
  X(kIf, "if")                  \
  X(kImport, "import")          \
  X(kIn, "in")                  \
  X(kIs, "is")                  \
  X(kLambda, "lambda")          \
  X(kNone, "None")              \
  X(kNot, "not")                \
  X(kOr, "or")                  \
  X(kPass, "pass")              \
  X(kRaise, "raise")            \
  X(kReturn, "return")          \
  X(kTrue, "True")              \
  X(kWhile, "while")            \
  X(kWith, "with")
#define VESTA_FOREIGN_KEYWORD_TOKENS(X) \
  X(kAsync, "async")                    \
  X(kAwait, "await")                    \
  X(kExcept, "except")                  \
  X(kFinally, "finally")                \
  X(kFrom, "from")                      \
  X(kGlobal, "global")                  \
  X(kNonlocal, "nonlocal")              \
  X(kTry, "try")                        \
  X(kYield, "yield")

enum class TokenKind : uint8_t {
  kError,  // the lexer's error() tells
  kEnd,
  kNewline,
  kIndent,
  kDedent,
  kName,
  kNumber,
  kString,
#define VESTA_TOKEN(name, text) name,
  VESTA_OPERATOR_TOKENS(VESTA_TOKEN) VESTA_KEYWORD_TOKENS(VESTA_TOKEN) VESTA_FOREIGN_KEYWORD_TOKENS(VESTA_TOKEN)
#undef VESTA_TOKEN
};

inline constexpr TokenKind kFirstOperator = TokenKind::kLeftParen;
inline constexpr TokenKind kFirstKeyword = TokenKind::kAnd;
inline constexpr TokenKind kFirstForeignKeyword = TokenKind::kAsync;

inline bool is_keyword(TokenKind kind) { return kind >= kFirstKeyword; }

// "'+='", "a name", "the end of the line": for messages.
const char* describe(TokenKind kind);

// The byte range [begin, end) of the source.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  size_t begin = 0;
  size_t end = 0;
  // What follows `# type:` in a comment between the token before and this one, when there is such a
  // comment; else begin == end. `# type: ignore` is none.
  size_t comment_begin = 0;
  size_t comment_end = 0;

  bool has_type_comment() const { return comment_begin != comment_end; }
};

}  // namespace vesta::frontend
