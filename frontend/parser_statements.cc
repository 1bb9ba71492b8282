// Statements. A compound statement's block is a line of simple statements or an indented block.

#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "frontend/parser_impl.h"

namespace vesta::frontend {
namespace {

struct AugmentedRow {
  TokenKind token;
  BinaryOp op;
};

constexpr AugmentedRow kAugmentedOperators[] = {
    {TokenKind::kPlusAssign, BinaryOp::kAdd},
    {TokenKind::kMinusAssign, BinaryOp::kSub},
    {TokenKind::kStarAssign, BinaryOp::kMul},
    {TokenKind::kSlashAssign, BinaryOp::kDiv},
    {TokenKind::kDoubleSlashAssign, BinaryOp::kFloorDiv},
    {TokenKind::kPercentAssign, BinaryOp::kMod},
    {TokenKind::kDoubleStarAssign, BinaryOp::kPow},
    {TokenKind::kAtAssign, BinaryOp::kMatMul},
    {TokenKind::kAmpersandAssign, BinaryOp::kBitAnd},
    {TokenKind::kPipeAssign, BinaryOp::kBitOr},
    {TokenKind::kCaretAssign, BinaryOp::kBitXor},
    {TokenKind::kShiftLeftAssign, BinaryOp::kLeftShift},
    {TokenKind::kShiftRightAssign, BinaryOp::kRightShift},
};

std::optional<BinaryOp> augmented_of(TokenKind kind) {
  for (const AugmentedRow& row : kAugmentedOperators) {
    if (row.token == kind) return row.op;
  }
  return std::nullopt;
}

bool is_place(const Expr& expr) {
  return expr.kind == ExprKind::kName || expr.kind == ExprKind::kAttribute || expr.kind == ExprKind::kSubscript;
}

}  // namespace

// One compound statement, or a line of simple ones.
bool Parser::parse_statement(Block& block) {
  Nesting nesting(*this);
  if (!nesting) return false;
  const Stmt* stmt = nullptr;
  switch (token_.kind) {
    case TokenKind::kIf:
      stmt = parse_if();
      break;
    case TokenKind::kFor:
      stmt = parse_for();
      break;
    case TokenKind::kWhile:
      stmt = parse_while();
      break;
    case TokenKind::kWith:
      stmt = parse_with();
      break;
    case TokenKind::kDef:
      stmt = parse_function({});
      break;
    case TokenKind::kClass:
      stmt = parse_class({});
      break;
    case TokenKind::kAt:
      stmt = parse_decorated();
      break;
    case TokenKind::kIndent:
      return fail(token_.begin, token_.end, "this line is indented without need");
    default:
      return parse_simple_line(block);
  }
  if (stmt == nullptr) return false;
  block.push_back(stmt);
  return true;
}

// simple {';' simple} [';'] NEWLINE
bool Parser::parse_simple_line(Block& block) {
  for (;;) {
    const Stmt* stmt = parse_simple();
    if (stmt == nullptr) return false;
    block.push_back(stmt);
    if (!accept(TokenKind::kSemicolon)) break;
    if (at(TokenKind::kNewline)) break;
  }
  if (accept(TokenKind::kNewline)) return true;
  return fail_expected("the end of the line");
}

const Stmt* Parser::parse_simple() {
  const size_t begin = token_.begin;
  switch (token_.kind) {
    case TokenKind::kPass:
      advance();
      return make<Pass>(begin);
    case TokenKind::kBreak:
      advance();
      return make<Break>(begin);
    case TokenKind::kContinue:
      advance();
      return make<Continue>(begin);
    case TokenKind::kDel:
      return parse_delete();
    case TokenKind::kReturn:
      return parse_return();
    case TokenKind::kRaise:
      return parse_raise();
    case TokenKind::kAssert:
      return parse_assert();
    case TokenKind::kImport:
      return parse_import();
    case TokenKind::kFrom:
      return parse_from_import();
    case TokenKind::kElse:
    case TokenKind::kElif:
      fail(token_.begin, token_.end, absl::StrCat(describe(token_.kind), " has no 'if' before it"));
      return nullptr;
    default:
      break;
  }
  if (token_.kind >= kFirstForeignKeyword) {
    refuse_foreign_keyword();
    return nullptr;
  }
  return parse_expression_statement();
}

bool Parser::refuse_foreign_keyword() {
  std::string_view why = "";
  switch (token_.kind) {
    case TokenKind::kGlobal:
    case TokenKind::kNonlocal:
      why = ": a function sees its own variables only; pass and return values instead";
      break;
    case TokenKind::kTry:
    case TokenKind::kExcept:
    case TokenKind::kFinally:
      why = ": exceptions cannot be caught inside of a program";
      break;
    case TokenKind::kAsync:
    case TokenKind::kAwait:
      why = ": use torch.jit.fork and torch.jit.wait";
      break;
    case TokenKind::kYield:
      why = ": a function returns one value; return a list instead";
      break;
    default:
      break;
  }
  return fail(token_.begin, token_.end,
              absl::StrCat(describe(token_.kind), " is not part of TorchScript", std::string(why)));
}

// An expression, or an assignment of any form.
const Stmt* Parser::parse_expression_statement() {
  const size_t begin = token_.begin;
  const Expr* first = parse_expression_list(true);
  if (first == nullptr) return nullptr;
  if (at(TokenKind::kColon)) return parse_annotated(first, begin);
  if (at(TokenKind::kAssign)) return parse_chain(first, begin);
  if (const std::optional<BinaryOp> op = augmented_of(token_.kind)) return parse_augmented(first, *op, begin);
  if (first->kind == ExprKind::kStarred) {
    fail_at(*first, "a starred expression is no statement");
    return nullptr;
  }
  auto* node = make<ExprStmt>(begin);
  node->value = first;
  return node;
}

const Stmt* Parser::parse_annotated(const Expr* target, size_t begin) {
  if (!is_place(*target)) {
    fail_at(*target,
            absl::StrCat("only a name, attribute or subscript can be annotated, not ", describe(target->kind)));
    return nullptr;
  }
  advance();
  auto* node = arena_->make<Assign>();
  node->targets.push_back(target);
  node->annotation = parse_test();
  if (node->annotation == nullptr) return nullptr;
  if (accept(TokenKind::kAssign)) {
    node->value = parse_expression_list(true);
    if (node->value == nullptr) return nullptr;
  }
  node->range = range(begin, previous_end_);
  return node;
}

const Stmt* Parser::parse_augmented(const Expr* target, BinaryOp op, size_t begin) {
  if (!is_place(*target)) {
    fail_at(*target, absl::StrCat("cannot assign to ", describe(target->kind)));
    return nullptr;
  }
  advance();
  const Expr* value = parse_expression_list(false);
  if (value == nullptr) return nullptr;
  auto* node = make<AugmentedAssign>(begin);
  node->op = op;
  node->target = target;
  node->value = value;
  return node;
}

// `a = b = value`, where `a` is parsed already.
const Stmt* Parser::parse_chain(const Expr* first, size_t begin) {
  auto* node = arena_->make<Assign>();
  const Expr* last = first;
  while (accept(TokenKind::kAssign)) {
    if (!check_target(*last, "assign to", false)) return nullptr;
    node->targets.push_back(last);
    if (at(TokenKind::kYield)) {
      refuse_foreign_keyword();
      return nullptr;
    }
    last = parse_expression_list(true);
    if (last == nullptr) return nullptr;
  }
  node->value = last;
  node->range = range(begin, previous_end_);
  if (last->kind == ExprKind::kStarred) {
    fail_at(*last, "a starred expression needs a ',' after it to make a tuple");
    return nullptr;
  }
  if (!at(TokenKind::kNewline) || !token_.has_type_comment()) return node;
  if (node->targets.size() > 1) {
    fail(token_.comment_begin, token_.comment_end, "a type comment fits one target only");
    return nullptr;
  }
  node->annotation = parse_type_comment(token_);
  return node->annotation != nullptr ? node : nullptr;
}

// Whether `target` may be on the left of an assignment. Its nesting is bounded, as all is.
bool Parser::check_target(const Expr& target, std::string_view verb, bool allow_starred) {
  if (is_place(target)) return true;
  const std::vector<const Expr*>* elements = nullptr;
  if (const auto* tuple = as<Tuple>(&target)) elements = &tuple->elements;
  if (const auto* list = as<List>(&target)) elements = &list->elements;
  if (elements != nullptr) {
    size_t starred = 0;
    for (const Expr* element : *elements) {
      starred += element->kind == ExprKind::kStarred ? 1 : 0;
      if (!check_target(*element, verb, true)) return false;
    }
    return starred <= 1 || fail_at(target, "only one target may be starred");
  }
  const auto* starred = as<Starred>(&target);
  if (starred != nullptr && allow_starred) return check_target(*starred->value, verb, false);
  if (starred != nullptr) return fail_at(target, "a starred target has to be in a list or tuple");
  return fail_at(target, absl::StrCat("cannot ", std::string(verb), " ", describe(target.kind)));
}

const Stmt* Parser::parse_delete() {
  const size_t begin = token_.begin;
  advance();
  const Expr* list = parse_expression_list(false);
  if (list == nullptr || !check_target(*list, "delete", false)) return nullptr;
  auto* node = make<Delete>(begin);
  if (const auto* tuple = as<Tuple>(list)) {
    node->targets = tuple->elements;
  } else {
    node->targets.push_back(list);
  }
  return node;
}

const Stmt* Parser::parse_return() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<Return>(begin);
  if (at(TokenKind::kNewline) || at(TokenKind::kSemicolon)) return node;
  node->value = parse_expression_list(true);
  if (node->value == nullptr) return nullptr;
  close(node);
  return node;
}

const Stmt* Parser::parse_raise() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<Raise>(begin);
  if (at(TokenKind::kNewline) || at(TokenKind::kSemicolon)) return node;
  node->exception = parse_test();
  if (node->exception == nullptr) return nullptr;
  if (accept(TokenKind::kFrom)) {
    node->cause = parse_test();
    if (node->cause == nullptr) return nullptr;
  }
  close(node);
  return node;
}

const Stmt* Parser::parse_assert() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<Assert>(begin);
  node->test = parse_test();
  if (node->test == nullptr) return nullptr;
  if (accept(TokenKind::kComma)) {
    node->message = parse_test();
    if (node->message == nullptr) return nullptr;
  }
  close(node);
  return node;
}

bool Parser::parse_dotted(std::string& name) {
  for (;;) {
    std::string part;
    if (!expect_name(part, "the name of a module")) return false;
    name += part;
    if (!accept(TokenKind::kDot)) return true;
    name += '.';
  }
}

bool Parser::parse_imported(Import& import, bool dotted) {
  ImportedName imported;
  if (dotted ? !parse_dotted(imported.name) : !expect_name(imported.name, "a name to import")) return false;
  if (accept(TokenKind::kAs) && !expect_name(imported.alias, "a name after 'as'")) return false;
  import.names.push_back(std::move(imported));
  return true;
}

const Stmt* Parser::parse_import() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<Import>(begin);
  do {
    if (!parse_imported(*node, true)) return nullptr;
  } while (accept(TokenKind::kComma));
  close(node);
  return node;
}

const Stmt* Parser::parse_from_import() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<Import>(begin);
  node->is_from = true;
  while (at(TokenKind::kDot) || at(TokenKind::kEllipsis)) {
    node->module += text_of(token_);
    advance();
  }
  if (!(at(TokenKind::kImport) && !node->module.empty()) && !parse_dotted(node->module)) return nullptr;
  if (!expect(TokenKind::kImport)) return nullptr;
  if (accept(TokenKind::kStar)) {
    node->names.push_back({"*", ""});
    close(node);
    return node;
  }
  const Token opening = token_;
  const bool parenthesized = accept(TokenKind::kLeftParen);
  do {
    if (parenthesized && at(TokenKind::kRightParen) && !node->names.empty()) break;
    if (!parse_imported(*node, false)) return nullptr;
  } while (accept(TokenKind::kComma));
  if (parenthesized && !expect_closing(TokenKind::kRightParen, opening)) return nullptr;
  close(node);
  return node;
}

// ':' and what belongs to it. `comment`, if given, becomes the token that carries the type comment at the
// end of the line of the ':' or on the lines before the block's first statement, if there is one.
bool Parser::parse_block(Block& block, Token* comment) {
  if (!expect(TokenKind::kColon)) return false;
  if (!at(TokenKind::kNewline)) return parse_simple_line(block);
  if (comment != nullptr && token_.has_type_comment()) *comment = token_;
  advance();
  if (!at(TokenKind::kIndent)) return fail_expected("an indented block");
  if (comment != nullptr && token_.has_type_comment() && !comment->has_type_comment()) *comment = token_;
  advance();
  while (!at(TokenKind::kDedent)) {
    if (!parse_statement(block)) return false;
  }
  // The block ends with its last statement, not with the blank lines after it.
  const size_t end = block.back()->range.end();
  advance();
  previous_end_ = end;
  return true;
}

const Stmt* Parser::parse_if() {
  const size_t begin = token_.begin;
  auto* node = make<If>(begin);
  do {
    const size_t branch_begin = token_.begin;
    advance();
    IfBranch branch;
    branch.test = parse_test();
    if (branch.test == nullptr) return nullptr;
    branch.range = range(branch_begin, previous_end_);
    if (!parse_block(branch.body)) return nullptr;
    node->branches.push_back(std::move(branch));
  } while (at(TokenKind::kElif));
  if (accept(TokenKind::kElse) && !parse_block(node->orelse)) return nullptr;
  const Block& last = node->orelse.empty() ? node->branches.back().body : node->orelse;
  node->range = range(begin, last.back()->range.end());
  return node;
}

bool Parser::refuse_loop_else(std::string_view loop) {
  if (!at(TokenKind::kElse)) return true;
  return fail(token_.begin, token_.end,
              absl::StrCat("'else' after a '", std::string(loop), "' loop is not part of TorchScript"));
}

const Stmt* Parser::parse_for() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<For>(begin);
  node->target = parse_target_list();
  if (node->target == nullptr || !expect(TokenKind::kIn)) return nullptr;
  node->iterable = parse_expression_list(true);
  if (node->iterable == nullptr || !parse_block(node->body) || !refuse_loop_else("for")) return nullptr;
  node->range = range(begin, node->body.back()->range.end());
  return node;
}

const Stmt* Parser::parse_while() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<While>(begin);
  node->test = parse_test();
  if (node->test == nullptr || !parse_block(node->body) || !refuse_loop_else("while")) return nullptr;
  node->range = range(begin, node->body.back()->range.end());
  return node;
}

const Stmt* Parser::parse_with() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<With>(begin);
  if (!parse_with_items(*node) || !parse_block(node->body)) return nullptr;
  node->range = range(begin, node->body.back()->range.end());
  return node;
}

bool Parser::parse_with_item(With& with) {
  WithItem item;
  item.context = parse_test();
  if (item.context == nullptr) return false;
  if (accept(TokenKind::kAs)) {
    item.target = parse_postfix();
    if (item.target == nullptr || !check_target(*item.target, "assign to", false)) return false;
  }
  with.items.push_back(item);
  return true;
}

// `with a as x, b:` or `with (a as x, b):`. Whether a '(' belongs to the list or to the first expression
// is known only at the end, so the list is tried first.
bool Parser::parse_with_items(With& with) {
  if (at(TokenKind::kLeftParen)) {
    const Lexer lexer = lexer_;
    const Token token = token_, ahead = ahead_;
    const bool has_ahead = has_ahead_;
    const size_t previous_end = previous_end_;
    advance();
    bool fits = true;
    do {
      if (at(TokenKind::kRightParen) && !with.items.empty()) break;
      fits = parse_with_item(with);
    } while (fits && accept(TokenKind::kComma));
    if (fits && accept(TokenKind::kRightParen) && at(TokenKind::kColon)) return true;
    error_ = absl::OkStatus();
    with.items.clear();
    lexer_ = lexer;
    token_ = token;
    ahead_ = ahead;
    has_ahead_ = has_ahead;
    previous_end_ = previous_end;
  }
  do {
    if (!parse_with_item(with)) return false;
  } while (accept(TokenKind::kComma));
  return true;
}

const Stmt* Parser::parse_decorated() {
  std::vector<const Expr*> decorators;
  while (accept(TokenKind::kAt)) {
    const Expr* decorator = parse_test();
    if (decorator == nullptr || !expect(TokenKind::kNewline)) return nullptr;
    decorators.push_back(decorator);
  }
  if (at(TokenKind::kDef)) return parse_function(std::move(decorators));
  if (at(TokenKind::kClass)) return parse_class(std::move(decorators));
  fail_expected("a function or a class after its decorators");
  return nullptr;
}

const Stmt* Parser::parse_function(std::vector<const Expr*> decorators) {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<Function>(begin);
  node->decorators = std::move(decorators);
  node->name_range = range_of(token_);
  if (!expect_name(node->name, "the name of a function")) return nullptr;
  const Token opening = token_;
  if (!expect(TokenKind::kLeftParen) || !parse_parameters(node->parameters, TokenKind::kRightParen, true) ||
      !expect_closing(TokenKind::kRightParen, opening)) {
    return nullptr;
  }
  if (accept(TokenKind::kArrow)) {
    node->return_annotation = parse_test();
    if (node->return_annotation == nullptr) return nullptr;
  }
  Token comment;
  if (!parse_block(node->body, &comment)) return nullptr;
  if (comment.has_type_comment() && !apply_signature_comment(*node, comment)) return nullptr;
  node->range = range(begin, node->body.back()->range.end());
  return node;
}

// Parameters up to `closing`, which is left to the caller.
bool Parser::parse_parameters(std::vector<Parameter>& parameters, TokenKind closing, bool annotated) {
  ParameterKind kind = ParameterKind::kRegular;
  bool bare_star = false;
  while (!at(closing)) {
    if (!parameters.empty() && parameters.back().kind == ParameterKind::kVarKeywords) {
      return fail_expected(absl::StrCat(describe(closing), " after the '**' parameter"));
    }
    if (at(TokenKind::kSlash) && kind == ParameterKind::kRegular && !parameters.empty() &&
        parameters.front().kind == ParameterKind::kRegular) {
      advance();
      for (Parameter& parameter : parameters) parameter.kind = ParameterKind::kPositionalOnly;
    } else if (at(TokenKind::kStar) && kind == ParameterKind::kRegular) {
      advance();
      kind = ParameterKind::kKeywordOnly;
      bare_star = at(TokenKind::kComma) || at(closing);
      if (!bare_star && !parse_parameter(parameters, ParameterKind::kVarArgs, annotated)) return false;
    } else if (accept(TokenKind::kDoubleStar)) {
      if (!parse_parameter(parameters, ParameterKind::kVarKeywords, annotated)) return false;
    } else {
      bare_star = false;
      if (!parse_parameter(parameters, kind, annotated)) return false;
    }
    if (!accept(TokenKind::kComma)) break;
    if (annotated && !parameters.empty() && !apply_parameter_comment(parameters.back())) return false;
  }
  if (bare_star) return fail_expected("a keyword-only parameter after '*'");
  if (annotated && !parameters.empty() && !apply_parameter_comment(parameters.back())) return false;
  return parameters.size() < 2 || check_parameters(parameters);
}

bool Parser::check_parameters(const std::vector<Parameter>& parameters) {
  absl::flat_hash_set<std::string_view> seen;
  for (const Parameter& parameter : parameters) {
    if (seen.insert(parameter.name).second) continue;
    return fail(parameter.range.begin(), parameter.range.end(),
                absl::StrCat("the parameter '", parameter.name, "' is there twice"));
  }
  return true;
}

bool Parser::parse_parameter(std::vector<Parameter>& parameters, ParameterKind kind, bool annotated) {
  const size_t begin = token_.begin;
  Parameter parameter;
  parameter.kind = kind;
  if (!expect_name(parameter.name, "a parameter")) return false;
  if (annotated && accept(TokenKind::kColon)) {
    parameter.annotation = parse_test();
    if (parameter.annotation == nullptr) return false;
  }
  const bool takes_default = kind != ParameterKind::kVarArgs && kind != ParameterKind::kVarKeywords;
  if (takes_default && accept(TokenKind::kAssign)) {
    parameter.default_value = parse_test();
    if (parameter.default_value == nullptr) return false;
  }
  parameter.range = range(begin, previous_end_);
  if (annotated && !apply_parameter_comment(parameter)) return false;
  const bool needs_default = kind == ParameterKind::kRegular && parameter.default_value == nullptr &&
                             !parameters.empty() && parameters.back().default_value != nullptr;
  if (needs_default) {
    return fail(
        begin, parameter.range.end(),
        absl::StrCat("the parameter '", parameter.name, "' needs a default value, as those before it have one"));
  }
  parameters.push_back(std::move(parameter));
  return true;
}

const Stmt* Parser::parse_class(std::vector<const Expr*> decorators) {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<Class>(begin);
  node->decorators = std::move(decorators);
  node->name_range = range_of(token_);
  if (!expect_name(node->name, "the name of a class")) return nullptr;
  if (at(TokenKind::kLeftParen)) {
    const Token opening = token_;
    advance();
    if (!parse_call_arguments(node->bases, node->keywords, opening)) return nullptr;
  }
  if (!parse_block(node->body)) return nullptr;
  node->range = range(begin, node->body.back()->range.end());
  return node;
}

}  // namespace vesta::frontend
