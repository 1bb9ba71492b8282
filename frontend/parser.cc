// Entry points, handling of tokens, and type comments. A type comment is parsed in place: the parser reads
// that region of the text for a while, so every position stays one of the file.

#include "frontend/parser.h"

#include "absl/strings/str_cat.h"
#include "frontend/parser_impl.h"

namespace vesta::frontend {
namespace {

// The text of an error message should not be longer than a line.
constexpr size_t kQuotedTokenBytes = 40;

}  // namespace

Parser::Parser(std::shared_ptr<const support::Source> source, const ParseOptions& options, size_t begin, size_t end,
               LexMode mode)
    : source_(std::move(source)),
      text_(source_->text),
      options_(options),
      end_(end),
      arena_(std::make_shared<Arena>()),
      lexer_(make_lexer(begin, end, mode)),
      previous_end_(begin) {
  if (text_.size() > static_cast<size_t>(options_.limits.source_bytes)) {
    // The message quotes no line: the text is not looked at.
    error_ = absl::ResourceExhaustedError(absl::StrCat(source_->filename, ": error: the source has ", text_.size(),
                                                       " bytes, the limit is ", options_.limits.source_bytes));
    return;
  }
  token_ = lexer_.next();
}

Lexer Parser::make_lexer(size_t begin, size_t end, LexMode mode) const {
  Lexer::Options options;
  options.mode = mode;
  options.foreign_keywords_are_names = options_.escapes == StringEscapes::kArchiveBytes;
  options.max_indentations = static_cast<size_t>(options_.limits.source_nesting);
  return Lexer(source_, begin, end, options);
}

Parser::Region::Region(Parser& parser, size_t begin, size_t end)
    : parser_(parser),
      lexer_(parser.lexer_),
      token_(parser.token_),
      ahead_(parser.ahead_),
      has_ahead_(parser.has_ahead_),
      previous_end_(parser.previous_end_) {
  parser_.lexer_ = parser_.make_lexer(begin, end, LexMode::kExpression);
  parser_.has_ahead_ = false;
  parser_.previous_end_ = begin;
  parser_.token_ = parser_.lexer_.next();
}

Parser::Region::~Region() {
  parser_.lexer_ = std::move(lexer_);
  parser_.token_ = token_;
  parser_.ahead_ = ahead_;
  parser_.has_ahead_ = has_ahead_;
  parser_.previous_end_ = previous_end_;
}

void Parser::advance() {
  previous_end_ = token_.end;
  token_ = has_ahead_ ? ahead_ : lexer_.next();
  has_ahead_ = false;
}

const Token& Parser::peek() {
  if (!has_ahead_) {
    ahead_ = lexer_.next();
    has_ahead_ = true;
  }
  return ahead_;
}

bool Parser::accept(TokenKind kind) {
  if (!at(kind)) return false;
  advance();
  return true;
}

std::string Parser::text_of(const Token& token) const {
  return std::string(text_.substr(token.begin, token.end - token.begin));
}

bool Parser::fail(size_t begin, size_t end, std::string_view message, absl::StatusCode code) {
  if (error_.ok()) error_ = support::error_at(code, range(begin, end), message);
  return false;
}

bool Parser::fail_at(const Expr& expr, std::string_view message) {
  return fail(expr.range.begin(), expr.range.end(), message);
}

bool Parser::fail_expected(std::string_view expected) {
  if (at(TokenKind::kError)) {
    if (error_.ok()) error_ = lexer_.error();
    return false;
  }
  std::string found = describe(token_.kind);
  if (at(TokenKind::kColonAssign)) found += ", which is not part of TorchScript";
  const bool has_text = at(TokenKind::kName) || at(TokenKind::kNumber);
  if (has_text) {
    found = token_.end - token_.begin <= kQuotedTokenBytes ? absl::StrCat("'", text_of(token_), "'") : found;
  }
  return fail(token_.begin, token_.end, absl::StrCat("expected ", std::string(expected), ", found ", found));
}

bool Parser::expect(TokenKind kind) {
  if (accept(kind)) return true;
  return fail_expected(describe(kind));
}

bool Parser::expect_closing(TokenKind kind, const Token& opening) {
  if (accept(kind)) return true;
  if (at(TokenKind::kError)) return fail_expected("");
  if (at(TokenKind::kEnd)) {
    return fail(opening.begin, opening.end, absl::StrCat(describe(opening.kind), " is never closed"));
  }
  const std::string_view line_start = text_.substr(opening.begin, token_.begin - opening.begin);
  std::string expected = absl::StrCat(describe(kind), " or ','");
  if (line_start.find('\n') != std::string_view::npos) {
    absl::StrAppend(&expected, " (", describe(opening.kind), " was opened in line ", range_of(opening).location().line,
                    ")");
  }
  return fail_expected(expected);
}

bool Parser::check_depth() {
  if (depth_ <= static_cast<size_t>(options_.limits.source_nesting)) return true;
  return fail(token_.begin, token_.end,
              absl::StrCat("the source nests deeper than ", options_.limits.source_nesting, " levels"),
              absl::StatusCode::kResourceExhausted);
}

bool Parser::expect_name(std::string& name, std::string_view what) {
  if (!at(TokenKind::kName)) return fail_expected(what);
  name = text_of(token_);
  advance();
  return true;
}

absl::StatusOr<Module> Parser::parse_module() {
  Module module;
  module.arena = arena_;
  while (error_.ok() && !at(TokenKind::kEnd)) {
    if (!parse_statement(module.body)) break;
  }
  if (!error_.ok()) return error_;
  return module;
}

absl::StatusOr<ParsedExpr> Parser::parse_single_expression() {
  const Expr* expr = error_.ok() ? parse_expression_list(false) : nullptr;
  if (expr != nullptr && !at(TokenKind::kEnd)) fail_expected("the end of the expression");
  if (!error_.ok()) return error_;
  return ParsedExpr{arena_, expr};
}

// The expression of `carrier`'s type comment; `a, b` is a Tuple. Null on an error.
const Expr* Parser::parse_type_comment(Token carrier) {
  Region region(*this, carrier.comment_begin, carrier.comment_end);
  const Expr* type = parse_expression_list(false);
  if (type != nullptr && !at(TokenKind::kEnd)) {
    fail_expected("the end of the type comment");
    return nullptr;
  }
  return type;
}

// A comment before the current token belongs to the parameter before it.
bool Parser::apply_parameter_comment(Parameter& parameter) {
  if (!token_.has_type_comment() || parameter.annotation != nullptr) return true;
  parameter.annotation = parse_type_comment(token_);
  return parameter.annotation != nullptr;
}

// `# type: (int, Tensor) -> int` or `# type: (...) -> int`. What is annotated already keeps its annotation.
bool Parser::apply_signature_comment(Function& function, Token carrier) {
  Region region(*this, carrier.comment_begin, carrier.comment_end);
  const Token opening = token_;
  if (!expect(TokenKind::kLeftParen)) return false;
  std::vector<const Expr*> types;
  const bool types_elsewhere = at(TokenKind::kEllipsis) && peek().kind == TokenKind::kRightParen;
  if (types_elsewhere) advance();
  while (!types_elsewhere && !at(TokenKind::kRightParen)) {
    if (!accept(TokenKind::kStar)) accept(TokenKind::kDoubleStar);
    const Expr* type = parse_test();
    if (type == nullptr) return false;
    types.push_back(type);
    if (!accept(TokenKind::kComma)) break;
  }
  if (!expect_closing(TokenKind::kRightParen, opening) || !expect(TokenKind::kArrow)) return false;
  const Expr* result = parse_test();
  if (result == nullptr) return false;
  if (!at(TokenKind::kEnd)) return fail_expected("the end of the type comment");
  if (function.return_annotation == nullptr) function.return_annotation = result;
  if (types_elsewhere) return true;

  std::vector<Parameter>& parameters = function.parameters;
  const bool has_self = !parameters.empty() && parameters[0].annotation == nullptr &&
                        (parameters[0].name == "self" || parameters[0].name == "cls");
  const size_t skipped = has_self && types.size() + 1 == parameters.size() ? 1 : 0;
  if (types.size() + skipped != parameters.size()) {
    return fail(carrier.comment_begin, carrier.comment_end,
                absl::StrCat("the type comment gives ", types.size(), " types for ", parameters.size(),
                             " parameters of '", function.name, "'"));
  }
  for (size_t i = 0; i < types.size(); ++i) {
    const Expr*& annotation = parameters[i + skipped].annotation;
    if (annotation == nullptr) annotation = types[i];
  }
  return true;
}

absl::StatusOr<Module> parse_module(std::shared_ptr<const support::Source> source, const ParseOptions& options) {
  const size_t size = source->text.size();
  return Parser(std::move(source), options, 0, size, LexMode::kModule).parse_module();
}

absl::StatusOr<ParsedExpr> parse_expression(std::shared_ptr<const support::Source> source, size_t begin, size_t end,
                                            const ParseOptions& options) {
  return Parser(std::move(source), options, begin, end, LexMode::kExpression).parse_single_expression();
}

absl::StatusOr<ParsedExpr> parse_expression(std::shared_ptr<const support::Source> source,
                                            const ParseOptions& options) {
  const size_t size = source->text.size();
  return parse_expression(std::move(source), 0, size, options);
}

}  // namespace vesta::frontend
