// Expressions, in Python's order of precedence: lambda, if-else, or, and, not, comparisons, then the binary
// operators by precedence climbing, unary operators, power, and calls, subscripts and attributes.
// Operators of one precedence and postfixes are taken in a loop, so chains of any length need no stack.

#include <limits>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "frontend/literals.h"
#include "frontend/parser_impl.h"

namespace vesta::frontend {
namespace {

struct BinaryRow {
  TokenKind token;
  BinaryOp op;
  int precedence;
};

constexpr BinaryRow kBinaryOperators[] = {
    {TokenKind::kPipe, BinaryOp::kBitOr, 1},
    {TokenKind::kCaret, BinaryOp::kBitXor, 2},
    {TokenKind::kAmpersand, BinaryOp::kBitAnd, 3},
    {TokenKind::kShiftLeft, BinaryOp::kLeftShift, 4},
    {TokenKind::kShiftRight, BinaryOp::kRightShift, 4},
    {TokenKind::kPlus, BinaryOp::kAdd, 5},
    {TokenKind::kMinus, BinaryOp::kSub, 5},
    {TokenKind::kStar, BinaryOp::kMul, 6},
    {TokenKind::kSlash, BinaryOp::kDiv, 6},
    {TokenKind::kDoubleSlash, BinaryOp::kFloorDiv, 6},
    {TokenKind::kPercent, BinaryOp::kMod, 6},
    {TokenKind::kAt, BinaryOp::kMatMul, 6},
};

const BinaryRow* find_binary(TokenKind kind) {
  for (const BinaryRow& row : kBinaryOperators) {
    if (row.token == kind) return &row;
  }
  return nullptr;
}

std::optional<UnaryOp> unary_of(TokenKind kind) {
  switch (kind) {
    case TokenKind::kMinus:
      return UnaryOp::kNegative;
    case TokenKind::kPlus:
      return UnaryOp::kPositive;
    case TokenKind::kTilde:
      return UnaryOp::kInvert;
    default:
      return std::nullopt;
  }
}

constexpr uint64_t kMaxInt = std::numeric_limits<int64_t>::max();
constexpr std::string_view kIntTooLarge = "this int does not fit into 64 bits";

}  // namespace

bool Parser::at_expression_start() const {
  switch (token_.kind) {
    case TokenKind::kName:
    case TokenKind::kNumber:
    case TokenKind::kString:
    case TokenKind::kLeftParen:
    case TokenKind::kLeftBracket:
    case TokenKind::kLeftBrace:
    case TokenKind::kEllipsis:
    case TokenKind::kPlus:
    case TokenKind::kMinus:
    case TokenKind::kTilde:
    case TokenKind::kStar:
    case TokenKind::kNot:
    case TokenKind::kLambda:
    case TokenKind::kNone:
    case TokenKind::kTrue:
    case TokenKind::kFalse:
    case TokenKind::kAwait:
    case TokenKind::kError:
      return true;
    default:
      return false;
  }
}

// lambda | or_test ['if' or_test 'else' test]
const Expr* Parser::parse_test() {
  Nesting nesting(*this);
  if (!nesting) return nullptr;
  if (at(TokenKind::kLambda)) return parse_lambda();
  const size_t begin = token_.begin;
  const Expr* body = parse_bool_op(false);
  if (body == nullptr || !accept(TokenKind::kIf)) return body;
  const Expr* test = parse_bool_op(false);
  if (test == nullptr || !expect(TokenKind::kElse)) return nullptr;
  const Expr* orelse = parse_test();
  if (orelse == nullptr) return nullptr;
  auto* node = make<Conditional>(begin);
  node->test = test;
  node->body = body;
  node->orelse = orelse;
  return node;
}

const Expr* Parser::parse_starred_or_test() {
  if (!at(TokenKind::kStar)) return parse_test();
  Nesting nesting(*this);
  if (!nesting) return nullptr;
  const size_t begin = token_.begin;
  advance();
  const Expr* value = parse_binary(1);
  if (value == nullptr) return nullptr;
  auto* node = make<Starred>(begin);
  node->value = value;
  return node;
}

const Expr* Parser::parse_expression_list(bool allow_starred) {
  const size_t begin = token_.begin;
  const Expr* first = allow_starred ? parse_starred_or_test() : parse_test();
  if (first == nullptr || !at(TokenKind::kComma)) return first;
  auto* tuple = arena_->make<Tuple>();
  tuple->elements.push_back(first);
  while (accept(TokenKind::kComma)) {
    if (!at_expression_start()) break;
    const Expr* element = allow_starred ? parse_starred_or_test() : parse_test();
    if (element == nullptr) return nullptr;
    tuple->elements.push_back(element);
  }
  tuple->range = range(begin, previous_end_);
  return tuple;
}

// The targets of a loop, up to its `in`.
const Expr* Parser::parse_target_list() {
  const size_t begin = token_.begin;
  const auto parse_one = [&]() -> const Expr* {
    if (at(TokenKind::kStar)) return parse_starred_or_test();
    return parse_postfix();
  };
  const Expr* target = parse_one();
  if (target == nullptr) return nullptr;
  if (at(TokenKind::kComma)) {
    auto* tuple = arena_->make<Tuple>();
    tuple->elements.push_back(target);
    while (accept(TokenKind::kComma)) {
      if (at(TokenKind::kIn)) break;
      const Expr* element = parse_one();
      if (element == nullptr) return nullptr;
      tuple->elements.push_back(element);
    }
    tuple->range = range(begin, previous_end_);
    target = tuple;
  }
  return check_target(*target, "assign to", false) ? target : nullptr;
}

// `or` of `and` of `not`.
const Expr* Parser::parse_bool_op(bool is_and) {
  const auto parse_operand = [&] { return is_and ? parse_not() : parse_bool_op(true); };
  const TokenKind kind = is_and ? TokenKind::kAnd : TokenKind::kOr;
  const size_t begin = token_.begin;
  const Expr* first = parse_operand();
  if (first == nullptr || !at(kind)) return first;
  auto* node = arena_->make<BoolOp>();
  node->is_and = is_and;
  node->operands.push_back(first);
  while (accept(kind)) {
    const Expr* operand = parse_operand();
    if (operand == nullptr) return nullptr;
    node->operands.push_back(operand);
  }
  node->range = range(begin, previous_end_);
  return node;
}

const Expr* Parser::parse_not() {
  if (!at(TokenKind::kNot)) return parse_comparison();
  Nesting nesting(*this);
  if (!nesting) return nullptr;
  const size_t begin = token_.begin;
  advance();
  const Expr* operand = parse_not();
  if (operand == nullptr) return nullptr;
  return make_unary(UnaryOp::kNot, operand, begin);
}

// Takes a comparison operator, if one is here.
bool Parser::parse_compare_op(CompareOp& op) {
  static constexpr struct {
    TokenKind token;
    CompareOp op;
  } kRows[] = {
      {TokenKind::kEqual, CompareOp::kEq},   {TokenKind::kNotEqual, CompareOp::kNe},
      {TokenKind::kLess, CompareOp::kLt},    {TokenKind::kLessEqual, CompareOp::kLe},
      {TokenKind::kGreater, CompareOp::kGt}, {TokenKind::kGreaterEqual, CompareOp::kGe},
      {TokenKind::kIn, CompareOp::kIn},      {TokenKind::kIs, CompareOp::kIs},
  };
  if (at(TokenKind::kNot) && peek().kind == TokenKind::kIn) {
    advance();
    advance();
    op = CompareOp::kNotIn;
    return true;
  }
  for (const auto& row : kRows) {
    if (!accept(row.token)) continue;
    op = row.op == CompareOp::kIs && accept(TokenKind::kNot) ? CompareOp::kIsNot : row.op;
    return true;
  }
  return false;
}

const Expr* Parser::parse_comparison() {
  const size_t begin = token_.begin;
  const Expr* first = parse_binary(1);
  CompareOp op;
  if (first == nullptr || !parse_compare_op(op)) return first;
  auto* node = arena_->make<Compare>();
  node->first = first;
  do {
    const Expr* operand = parse_binary(1);
    if (operand == nullptr) return nullptr;
    node->ops.push_back(op);
    node->rest.push_back(operand);
  } while (parse_compare_op(op));
  node->range = range(begin, previous_end_);
  return node;
}

const Expr* Parser::parse_binary(int min_precedence) {
  const size_t begin = token_.begin;
  const Expr* left = parse_unary();
  while (left != nullptr) {
    const BinaryRow* row = find_binary(token_.kind);
    if (row == nullptr || row->precedence < min_precedence) return left;
    const support::SourceRange op_range = range_of(token_);
    advance();
    const Expr* right = parse_binary(row->precedence + 1);
    if (right == nullptr) return nullptr;
    auto* node = make<Binary>(begin);
    node->op = row->op;
    node->left = left;
    node->right = right;
    node->op_range = op_range;
    left = node;
  }
  return nullptr;
}

const Expr* Parser::parse_unary() {
  const std::optional<UnaryOp> op = unary_of(token_.kind);
  if (!op) return parse_power();
  Nesting nesting(*this);
  if (!nesting) return nullptr;
  const size_t begin = token_.begin;
  const bool before_number = *op == UnaryOp::kNegative && peek().kind == TokenKind::kNumber;
  advance();
  const Token number = token_;
  const bool is_min_int =
      before_number && decode_number(text_.substr(number.begin, number.end - number.begin)).magnitude == kMaxInt + 1;
  min_int_allowed_ = is_min_int;
  const Expr* operand = parse_unary();
  if (operand == nullptr) return nullptr;
  if (before_number && operand->range.end() == number.end) return negate_literal(*operand, begin);
  if (is_min_int) {
    fail(number.begin, number.end, kIntTooLarge);
    return nullptr;
  }
  return make_unary(*op, operand, begin);
}

const Expr* Parser::make_unary(UnaryOp op, const Expr* operand, size_t begin) {
  auto* node = make<Unary>(begin);
  node->op = op;
  node->operand = operand;
  return node;
}

// A literal that nothing binds tighter than the minus becomes a negative literal.
const Expr* Parser::negate_literal(const Expr& literal, size_t begin) {
  if (const auto* number = as<IntLiteral>(&literal)) {
    auto* node = make<IntLiteral>(begin);
    node->value = static_cast<int64_t>(0 - static_cast<uint64_t>(number->value));
    return node;
  }
  if (const auto* number = as<FloatLiteral>(&literal)) {
    auto* node = make<FloatLiteral>(begin);
    node->value = -number->value;
    return node;
  }
  return make_unary(UnaryOp::kNegative, &literal, begin);
}

// postfix ['**' unary]
const Expr* Parser::parse_power() {
  const size_t begin = token_.begin;
  const Expr* base = parse_postfix();
  if (base == nullptr || !at(TokenKind::kDoubleStar)) return base;
  Nesting nesting(*this);
  if (!nesting) return nullptr;
  const support::SourceRange op_range = range_of(token_);
  advance();
  const Expr* exponent = parse_unary();
  if (exponent == nullptr) return nullptr;
  auto* node = make<Binary>(begin);
  node->op = BinaryOp::kPow;
  node->left = base;
  node->right = exponent;
  node->op_range = op_range;
  return node;
}

const Expr* Parser::parse_postfix() {
  const size_t begin = token_.begin;
  if (at(TokenKind::kAwait)) {
    refuse_foreign_keyword();
    return nullptr;
  }
  const Expr* value = parse_atom();
  while (value != nullptr) {
    if (at(TokenKind::kDot)) {
      advance();
      // Names that are keywords occur in archives: an operator's or submodule's may be one.
      if (!at(TokenKind::kName) && !is_keyword(token_.kind)) {
        fail_expected("the name of an attribute after '.'");
        return nullptr;
      }
      const Token name = token_;
      advance();
      auto* node = make<Attribute>(begin);
      node->value = value;
      node->name = text_of(name);
      node->name_range = range_of(name);
      value = node;
    } else if (at(TokenKind::kLeftParen)) {
      const Token opening = token_;
      advance();
      auto* node = make<Call>(begin);
      node->callee = value;
      if (!parse_call_arguments(node->arguments, node->keywords, opening)) return nullptr;
      close(node);
      value = node;
    } else if (at(TokenKind::kLeftBracket)) {
      const Token opening = token_;
      advance();
      auto* node = make<Subscript>(begin);
      node->value = value;
      node->index = parse_index();
      if (node->index == nullptr || !expect_closing(TokenKind::kRightBracket, opening)) return nullptr;
      close(node);
      value = node;
    } else if (at(TokenKind::kNumber) && text_[token_.begin] == '.' && token_.begin == previous_end_ &&
               text_.substr(token_.begin + 1, token_.end - token_.begin - 1).find_first_not_of("0123456789") ==
                   std::string_view::npos) {
      // `self.0`: a submodule with a number as name, which the lexer takes for the float .0
      const Token number = token_;
      advance();
      auto* node = make<Attribute>(begin);
      node->value = value;
      node->name = std::string(text_.substr(number.begin + 1, number.end - number.begin - 1));
      node->name_range = range(number.begin + 1, number.end);
      value = node;
    } else {
      return value;
    }
  }
  return nullptr;
}

const Expr* Parser::parse_name() {
  const Token token = token_;
  advance();
  auto* node = make<Name>(token.begin);
  node->id = text_of(token);
  return node;
}

const Expr* Parser::parse_atom() {
  const size_t begin = token_.begin;
  switch (token_.kind) {
    case TokenKind::kName:
      return parse_name();
    case TokenKind::kNumber:
      return parse_number();
    case TokenKind::kString:
      return parse_strings();
    case TokenKind::kLeftParen:
      return parse_parenthesized();
    case TokenKind::kLeftBracket:
      return parse_list_display();
    case TokenKind::kLeftBrace:
      return parse_brace_display();
    case TokenKind::kEllipsis:
      advance();
      return make<EllipsisLiteral>(begin);
    case TokenKind::kNone:
      advance();
      return make<NoneLiteral>(begin);
    case TokenKind::kTrue:
    case TokenKind::kFalse: {
      const bool value = at(TokenKind::kTrue);
      advance();
      auto* node = make<BoolLiteral>(begin);
      node->value = value;
      return node;
    }
    case TokenKind::kAwait:
    case TokenKind::kYield:
      refuse_foreign_keyword();
      return nullptr;
    default:
      fail_expected("an expression");
      return nullptr;
  }
}

const Expr* Parser::parse_number() {
  const Token token = token_;
  const NumberValue number = decode_number(text_.substr(token.begin, token.end - token.begin));
  advance();
  if (number.kind == NumberValue::Kind::kFloat) {
    auto* node = make<FloatLiteral>(token.begin);
    node->value = number.value;
    return node;
  }
  if (number.kind == NumberValue::Kind::kImaginary) {
    auto* node = make<ComplexLiteral>(token.begin);
    node->imaginary = number.value;
    return node;
  }
  if (number.overflows || number.magnitude > kMaxInt + (std::exchange(min_int_allowed_, false) ? 1 : 0)) {
    fail(token.begin, token.end, kIntTooLarge);
    return nullptr;
  }
  auto* node = make<IntLiteral>(token.begin);
  node->value = static_cast<int64_t>(number.magnitude);
  return node;
}

// 'lambda' [parameters] ':' test
const Expr* Parser::parse_lambda() {
  const size_t begin = token_.begin;
  advance();
  auto* node = make<Lambda>(begin);
  if (!parse_parameters(node->parameters, TokenKind::kColon, false) || !expect(TokenKind::kColon)) return nullptr;
  node->body = parse_test();
  if (node->body == nullptr) return nullptr;
  close(node);
  return node;
}

// `()`, `(a)`, `(a, b)`, `(a for a in b)`
const Expr* Parser::parse_parenthesized() {
  const Token opening = token_;
  advance();
  if (accept(TokenKind::kRightParen)) return make<Tuple>(opening.begin);
  const Expr* first = parse_starred_or_test();
  if (first == nullptr) return nullptr;
  if (at(TokenKind::kFor)) {
    return parse_comprehension(ComprehensionKind::kGenerator, first, nullptr, opening.begin, TokenKind::kRightParen,
                               opening);
  }
  if (!at(TokenKind::kComma)) {
    if (!expect_closing(TokenKind::kRightParen, opening)) return nullptr;
    if (first->kind != ExprKind::kStarred) return first;
    fail_at(*first, "a starred expression needs a ',' after it to make a tuple");
    return nullptr;
  }
  auto* tuple = make<Tuple>(opening.begin);
  tuple->elements.push_back(first);
  advance();
  if (!parse_elements(tuple->elements, TokenKind::kRightParen) || !expect_closing(TokenKind::kRightParen, opening)) {
    return nullptr;
  }
  close(tuple);
  return tuple;
}

// Elements up to `closing`, which is left to the caller.
bool Parser::parse_elements(std::vector<const Expr*>& elements, TokenKind closing) {
  while (!at(closing)) {
    const Expr* element = parse_starred_or_test();
    if (element == nullptr) return false;
    elements.push_back(element);
    if (!accept(TokenKind::kComma)) break;
  }
  return true;
}

const Expr* Parser::parse_list_display() {
  const Token opening = token_;
  advance();
  auto* list = make<List>(opening.begin);
  if (!at(TokenKind::kRightBracket)) {
    const Expr* first = parse_starred_or_test();
    if (first == nullptr) return nullptr;
    if (at(TokenKind::kFor)) {
      return parse_comprehension(ComprehensionKind::kList, first, nullptr, opening.begin, TokenKind::kRightBracket,
                                 opening);
    }
    list->elements.push_back(first);
    if (accept(TokenKind::kComma) && !parse_elements(list->elements, TokenKind::kRightBracket)) return nullptr;
  }
  if (!expect_closing(TokenKind::kRightBracket, opening)) return nullptr;
  close(list);
  return list;
}

// A dict, a set, or a comprehension of either.
const Expr* Parser::parse_brace_display() {
  Nesting nesting(*this);
  if (!nesting) return nullptr;
  const Token opening = token_;
  advance();
  if (!at(TokenKind::kRightBrace) && !at(TokenKind::kDoubleStar)) {
    const Expr* first = parse_starred_or_test();
    if (first == nullptr) return nullptr;
    if (at(TokenKind::kFor)) {
      return parse_comprehension(ComprehensionKind::kSet, first, nullptr, opening.begin, TokenKind::kRightBrace,
                                 opening);
    }
    if (!at(TokenKind::kColon)) {
      auto* set = make<Set>(opening.begin);
      set->elements.push_back(first);
      if (accept(TokenKind::kComma) && !parse_elements(set->elements, TokenKind::kRightBrace)) return nullptr;
      if (!expect_closing(TokenKind::kRightBrace, opening)) return nullptr;
      close(set);
      return set;
    }
    advance();
    const Expr* value = parse_test();
    if (value == nullptr) return nullptr;
    if (at(TokenKind::kFor)) {
      return parse_comprehension(ComprehensionKind::kDict, first, value, opening.begin, TokenKind::kRightBrace,
                                 opening);
    }
    auto* dict = make<Dict>(opening.begin);
    dict->items.push_back({first, value});
    if (accept(TokenKind::kComma) && !parse_dict_items(*dict)) return nullptr;
    if (!expect_closing(TokenKind::kRightBrace, opening)) return nullptr;
    close(dict);
    return dict;
  }
  auto* dict = make<Dict>(opening.begin);
  if (!parse_dict_items(*dict) || !expect_closing(TokenKind::kRightBrace, opening)) return nullptr;
  close(dict);
  return dict;
}

bool Parser::parse_dict_items(Dict& dict) {
  while (!at(TokenKind::kRightBrace)) {
    DictItem item;
    if (accept(TokenKind::kDoubleStar)) {
      item.value = parse_binary(1);
    } else {
      item.key = parse_test();
      if (item.key == nullptr || !expect(TokenKind::kColon)) return false;
      item.value = parse_test();
    }
    if (item.value == nullptr) return false;
    dict.items.push_back(item);
    if (!accept(TokenKind::kComma)) break;
  }
  return true;
}

const Expr* Parser::parse_comprehension(ComprehensionKind form, const Expr* element, const Expr* value, size_t begin,
                                        TokenKind closing, const Token& opening) {
  if (element->kind == ExprKind::kStarred) {
    fail_at(*element, "a comprehension's element may not be starred");
    return nullptr;
  }
  auto* node = arena_->make<Comprehension>();
  node->form = form;
  node->element = element;
  node->value = value;
  if (!parse_comprehension_clauses(node->clauses) || !expect_closing(closing, opening)) return nullptr;
  node->range = range(begin, previous_end_);
  return node;
}

bool Parser::parse_comprehension_clauses(std::vector<ComprehensionClause>& clauses) {
  while (accept(TokenKind::kFor)) {
    ComprehensionClause clause;
    clause.target = parse_target_list();
    if (clause.target == nullptr || !expect(TokenKind::kIn)) return false;
    clause.iterable = parse_bool_op(false);
    if (clause.iterable == nullptr) return false;
    while (accept(TokenKind::kIf)) {
      const Expr* condition = parse_bool_op(false);
      if (condition == nullptr) return false;
      clause.conditions.push_back(condition);
    }
    clauses.push_back(std::move(clause));
  }
  return true;
}

// After the '(' up to and with the ')'.
bool Parser::parse_call_arguments(std::vector<const Expr*>& arguments, std::vector<Keyword>& keywords,
                                  const Token& opening) {
  while (!at(TokenKind::kRightParen)) {
    if (!parse_call_argument(arguments, keywords)) return false;
    if (at(TokenKind::kFor) && arguments.size() == 1 && keywords.empty()) {
      const Expr* element = arguments[0];
      arguments[0] = parse_comprehension(ComprehensionKind::kGenerator, element, nullptr, element->range.begin(),
                                         TokenKind::kRightParen, opening);
      return arguments[0] != nullptr;
    }
    if (!accept(TokenKind::kComma)) break;
  }
  return expect_closing(TokenKind::kRightParen, opening) && (keywords.size() < 2 || check_keywords(keywords));
}

bool Parser::parse_call_argument(std::vector<const Expr*>& arguments, std::vector<Keyword>& keywords) {
  const size_t begin = token_.begin;
  if (accept(TokenKind::kDoubleStar)) {
    const Expr* value = parse_test();
    if (value == nullptr) return false;
    keywords.push_back({"", value, range(begin, previous_end_)});
    return true;
  }
  const bool may_be_keyword = at(TokenKind::kName) || is_keyword(token_.kind);
  if (may_be_keyword && peek().kind == TokenKind::kAssign) {
    Keyword keyword;
    keyword.name = text_of(token_);
    advance();
    advance();
    keyword.value = parse_test();
    if (keyword.value == nullptr) return false;
    keyword.range = range(begin, previous_end_);
    keywords.push_back(std::move(keyword));
    return true;
  }
  const Expr* value = parse_starred_or_test();
  if (value == nullptr) return false;
  if (!keywords.empty() && value->kind != ExprKind::kStarred) {
    return fail_at(*value, "a positional argument may not follow a keyword argument");
  }
  arguments.push_back(value);
  return true;
}

bool Parser::check_keywords(const std::vector<Keyword>& keywords) {
  absl::flat_hash_set<std::string_view> seen;
  for (const Keyword& keyword : keywords) {
    if (keyword.name.empty() || seen.insert(keyword.name).second) continue;
    return fail(keyword.range.begin(), keyword.range.end(),
                absl::StrCat("the keyword argument '", keyword.name, "' is given twice"));
  }
  return true;
}

// What is between '[' and ']' of a subscript.
const Expr* Parser::parse_index() {
  const size_t begin = token_.begin;
  const Expr* first = parse_index_element();
  if (first == nullptr || !at(TokenKind::kComma)) return first;
  auto* tuple = arena_->make<Tuple>();
  tuple->elements.push_back(first);
  while (accept(TokenKind::kComma)) {
    if (at(TokenKind::kRightBracket)) break;
    const Expr* element = parse_index_element();
    if (element == nullptr) return nullptr;
    tuple->elements.push_back(element);
  }
  tuple->range = range(begin, previous_end_);
  return tuple;
}

const Expr* Parser::parse_index_element() {
  const size_t begin = token_.begin;
  if (at(TokenKind::kStar)) return parse_starred_or_test();
  const Expr* lower = nullptr;
  if (!at(TokenKind::kColon)) {
    lower = parse_test();
    if (lower == nullptr || !at(TokenKind::kColon)) return lower;
  }
  advance();
  const auto at_part_end = [&] {
    return at(TokenKind::kColon) || at(TokenKind::kComma) || at(TokenKind::kRightBracket);
  };
  auto* slice = arena_->make<Slice>();
  slice->lower = lower;
  if (!at_part_end() && (slice->upper = parse_test()) == nullptr) return nullptr;
  if (accept(TokenKind::kColon) && !at_part_end() && (slice->step = parse_test()) == nullptr) return nullptr;
  slice->range = range(begin, previous_end_);
  return slice;
}

}  // namespace vesta::frontend
