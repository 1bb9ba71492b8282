#pragma once

// The parser's class, private to parser*.cc. A recursive-descent parser with one token of look-ahead and
// precedence climbing for binary operators. It stops at the first error: a parse function then returns
// null (or false), and `error_` holds the message; callers pass that on at once.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/ast.h"
#include "frontend/lexer.h"
#include "frontend/parser.h"

namespace vesta::frontend {

class Parser {
 public:
  Parser(std::shared_ptr<const support::Source> source, const ParseOptions& options, size_t begin, size_t end,
         LexMode mode);

  absl::StatusOr<Module> parse_module();
  absl::StatusOr<ParsedExpr> parse_single_expression();

 private:
  // Counts one level of nesting while it lives; false when that is one too many.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Nesting() { --parser_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    explicit operator bool() { return parser_.check_depth(); }

   private:
    Parser& parser_;
  };

  // A part of the text read in place of what the parser is reading, until the scope's end.
  class Region {
   public:
    Region(Parser& parser, size_t begin, size_t end);
    ~Region();
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;

   private:
    Parser& parser_;
    Lexer lexer_;
    Token token_;
    Token ahead_;
    bool has_ahead_;
    size_t previous_end_;
  };

  // Tokens (parser.cc).
  Lexer make_lexer(size_t begin, size_t end, LexMode mode) const;
  void advance();
  const Token& peek();
  bool at(TokenKind kind) const { return token_.kind == kind; }
  bool accept(TokenKind kind);
  // What stands at the current token instead of `expected`, as an error; false.
  bool fail_expected(std::string_view expected);
  bool expect(TokenKind kind);
  bool expect_closing(TokenKind kind, const Token& opening);
  bool fail(size_t begin, size_t end, std::string_view message,
            absl::StatusCode code = absl::StatusCode::kInvalidArgument);
  bool fail_at(const Expr& expr, std::string_view message);
  bool check_depth();
  bool expect_name(std::string& name, std::string_view what);
  std::string text_of(const Token& token) const;
  support::SourceRange range(size_t begin, size_t end) const { return {source_, begin, end}; }
  support::SourceRange range_of(const Token& token) const { return range(token.begin, token.end); }

  template <typename T>
  T* make(size_t begin) {  // a node that reaches from `begin` to the last token taken
    T* node = arena_->make<T>();
    node->range = range(begin, previous_end_);
    return node;
  }
  template <typename T>
  void close(T* node) {  // sets the end of a node that was made before its parts
    node->range = range(node->range.begin(), previous_end_);
  }

  // Type comments (parser.cc).
  const Expr* parse_type_comment(Token carrier);
  bool apply_parameter_comment(Parameter& parameter);
  bool apply_signature_comment(Function& function, Token carrier);

  // Statements (parser_statements.cc).
  bool parse_statement(Block& block);
  bool parse_simple_line(Block& block);
  const Stmt* parse_simple();
  const Stmt* parse_expression_statement();
  const Stmt* parse_annotated(const Expr* target, size_t begin);
  const Stmt* parse_augmented(const Expr* target, BinaryOp op, size_t begin);
  const Stmt* parse_chain(const Expr* first, size_t begin);
  const Stmt* parse_delete();
  const Stmt* parse_return();
  const Stmt* parse_raise();
  const Stmt* parse_assert();
  const Stmt* parse_import();
  const Stmt* parse_from_import();
  bool parse_dotted(std::string& name);
  bool parse_imported(Import& import, bool dotted);
  const Stmt* parse_if();
  const Stmt* parse_for();
  const Stmt* parse_while();
  const Stmt* parse_with();
  bool parse_with_items(With& with);
  bool parse_with_item(With& with);
  const Stmt* parse_decorated();
  const Stmt* parse_function(std::vector<const Expr*> decorators);
  const Stmt* parse_class(std::vector<const Expr*> decorators);
  bool parse_block(Block& block, Token* comment = nullptr);
  bool refuse_loop_else(std::string_view loop);
  bool refuse_foreign_keyword();
  bool check_target(const Expr& target, std::string_view verb, bool allow_starred);
  bool parse_parameters(std::vector<Parameter>& parameters, TokenKind closing, bool annotated);
  bool check_parameters(const std::vector<Parameter>& parameters);
  bool parse_parameter(std::vector<Parameter>& parameters, ParameterKind kind, bool annotated);

  // Expressions (parser_expressions.cc).
  const Expr* parse_test();
  const Expr* parse_expression_list(bool allow_starred);  // a, b: a Tuple
  const Expr* parse_target_list();
  const Expr* parse_starred_or_test();
  const Expr* parse_bool_op(bool is_and);
  const Expr* parse_not();
  const Expr* parse_comparison();
  bool parse_compare_op(CompareOp& op);
  const Expr* parse_binary(int min_precedence);
  const Expr* parse_unary();
  const Expr* parse_power();
  const Expr* parse_postfix();
  const Expr* parse_atom();
  const Expr* parse_name();
  const Expr* parse_lambda();
  const Expr* parse_number();
  const Expr* make_unary(UnaryOp op, const Expr* operand, size_t begin);
  const Expr* negate_literal(const Expr& literal, size_t begin);
  const Expr* parse_parenthesized();
  const Expr* parse_list_display();
  const Expr* parse_brace_display();
  bool parse_dict_items(Dict& dict);
  const Expr* parse_comprehension(ComprehensionKind form, const Expr* element, const Expr* value, size_t begin,
                                  TokenKind closing, const Token& opening);
  bool parse_comprehension_clauses(std::vector<ComprehensionClause>& clauses);
  bool parse_elements(std::vector<const Expr*>& elements, TokenKind closing);
  bool parse_call_arguments(std::vector<const Expr*>& arguments, std::vector<Keyword>& keywords, const Token& opening);
  bool parse_call_argument(std::vector<const Expr*>& arguments, std::vector<Keyword>& keywords);
  bool check_keywords(const std::vector<Keyword>& keywords);
  const Expr* parse_index();
  const Expr* parse_index_element();
  bool at_expression_start() const;

  // Strings (parser_strings.cc).
  const Expr* parse_strings();
  bool append_literal(size_t begin, size_t end, bool raw, bool bytes, std::string& out);
  bool parse_format_parts(size_t begin, size_t end, bool raw, int level, std::vector<FormatPart>& parts,
                          size_t* stopped_at);
  bool parse_replacement(size_t& at, size_t end, bool raw, int level, std::vector<FormatPart>& parts);
  bool find_expression_end(size_t begin, size_t end, size_t& expression_end);
  bool flush_literal(size_t begin, size_t end, bool raw, std::vector<FormatPart>& parts);

  std::shared_ptr<const support::Source> source_;
  std::string_view text_;
  ParseOptions options_;
  size_t end_;
  std::shared_ptr<Arena> arena_;
  Lexer lexer_;
  Token token_;  // the current one
  Token ahead_;  // the one after it, when has_ahead_
  bool has_ahead_ = false;
  size_t previous_end_ = 0;  // the end of the token before the current one
  size_t depth_ = 0;
  // -9223372036854775808 is an int, though its digits alone are none: set for that number
  // behind a minus.
  bool min_int_allowed_ = false;
  absl::Status error_;
};

}  // namespace vesta::frontend
