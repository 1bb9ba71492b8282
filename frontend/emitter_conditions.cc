// Conditions. Tests of types (`is None`, `isinstance`, `hasattr`) that the types decide are known while
// compiling, and only the branch that is taken is compiled at all; others tell each branch what they
// have found out.

#include <algorithm>

#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "frontend/names.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

namespace {

enum class MayBeNone { kNever, kMaybe, kAlways };

MayBeNone may_be_none(const c10::Type& type) {
  if (type.kind() == c10::TypeKind::NoneType) return MayBeNone::kAlways;
  if (type.kind() == c10::TypeKind::OptionalType) return MayBeNone::kMaybe;
  if (const auto* alternatives = type.castRaw<c10::UnionType>()) {
    return alternatives->canHoldType(*c10::NoneType::get()) ? MayBeNone::kMaybe : MayBeNone::kNever;
  }
  return MayBeNone::kNever;
}

c10::TypePtr without_none(const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::OptionalType) return unwrap_optional(type);
  std::vector<c10::TypePtr> rest;
  for (const c10::TypePtr& one : type->expectRef<c10::UnionType>().containedTypes()) {
    if (one->kind() != c10::TypeKind::NoneType) rest.push_back(one);
  }
  return rest.size() == 1 ? rest[0] : c10::TypePtr(c10::UnionType::create(rest));
}

std::vector<c10::TypePtr> alternatives(const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::OptionalType) {
    std::vector<c10::TypePtr> types = alternatives(unwrap_optional(type));
    types.push_back(c10::NoneType::get());
    return types;
  }
  if (const auto* several = type->castRaw<c10::UnionType>()) return several->containedTypes().vec();
  return {type};
}

c10::TypePtr one_of(const std::vector<c10::TypePtr>& types) {
  std::ostringstream why;
  std::optional<c10::TypePtr> unified = c10::unifyTypeList(types, why, /*default_to_union=*/true);
  return unified.has_value() ? *unified : nullptr;
}

// What holds where either of two findings does.
std::vector<Refinement> either(const std::vector<Refinement>& a, const std::vector<Refinement>& b) {
  std::vector<Refinement> result;
  for (const Refinement& one : a) {
    for (const Refinement& other : b) {
      if (one.name != other.name) continue;
      std::optional<c10::TypePtr> unified = c10::unifyTypes(one.type, other.type, /*default_to_union=*/true);
      if (unified.has_value()) result.push_back({one.name, *unified});
    }
  }
  return result;
}

// What holds where both do; the later finding is the sharper one.
std::vector<Refinement> both(std::vector<Refinement> a, const std::vector<Refinement>& b) {
  for (const Refinement& one : b) {
    std::erase_if(a, [&](const Refinement& old) { return old.name == one.name; });
    a.push_back(one);
  }
  return a;
}

}  // namespace

bool Emitter::has_length(const c10::Type& type) {
  return type.kind() == c10::TypeKind::ListType || type.kind() == c10::TypeKind::DictType ||
         type.kind() == c10::TypeKind::StringType;
}

absl::StatusOr<ir::Value*> Emitter::is_not_empty(ir::Value* value, const SourceRange& range) {
  VESTA_ASSIGN_OR_RETURN(ir::Value * length, call_operator("aten::len", {value}, range));
  return call_operator("aten::ne", {length, constant(int64_t{0}, range)}, range);
}

absl::StatusOr<ir::Value*> Emitter::to_bool(ir::Value* value, const SourceRange& range) {
  switch (value->type()->kind()) {
    case c10::TypeKind::BoolType:
      return value;
    case c10::TypeKind::TensorType:
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::NumberType:
      return call_operator("aten::Bool", {value}, range);
    default:
      break;
  }
  if (has_length(*value->type())) return is_not_empty(value, range);
  VESTA_ASSIGN_OR_RETURN(const std::optional<ir::Value*> own, magic_method("__bool__", value, {}, range));
  if (own.has_value() && (*own)->type()->kind() == c10::TypeKind::BoolType) return *own;
  return error(range, absl::StrCat("a value of type '", type_text(*value->type()), "' is neither true nor false"));
}

absl::StatusOr<ir::Value*> Emitter::condition_value(const Condition& condition, const SourceRange& range) {
  if (condition.known.has_value()) return constant(*condition.known, range);
  return condition.value;
}

bool Emitter::is_special_call(const Call& call, Special special) {
  const std::string name = dotted_name(*call.callee);
  if (name.empty()) return false;
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) {
    if (frame_->find(name) != nullptr) return false;
    const Sugar sugar = global_name(name);
    return sugar.is(Kind::kSpecial) && sugar.special == special;
  }
  const Sugar sugar = namespace_member(name.substr(0, dot), name.substr(dot + 1));
  return sugar.is(Kind::kSpecial) && sugar.special == special;
}

absl::StatusOr<Condition> Emitter::emit_condition(const Expr& expr) {
  const Unit::Level level(unit_);
  VESTA_RETURN_IF_ERROR(unit_.check_levels(expr.range));
  if (const auto* unary = as<Unary>(&expr); unary != nullptr && unary->op == UnaryOp::kNot) {
    VESTA_ASSIGN_OR_RETURN(Condition inner, emit_condition(*unary->operand));
    if (inner.known.has_value()) {
      inner.known = !*inner.known;
    } else {
      VESTA_ASSIGN_OR_RETURN(inner.value, call_operator("aten::__not__", {inner.value}, expr.range));
    }
    std::swap(inner.if_true, inner.if_false);
    return inner;
  }
  if (const auto* logical = as<BoolOp>(&expr)) return emit_logical(*logical, 0);
  if (const auto* compare_expr = as<Compare>(&expr); compare_expr != nullptr && compare_expr->ops.size() == 1) {
    if (compare_expr->ops[0] == CompareOp::kIs || compare_expr->ops[0] == CompareOp::kIsNot)
      return emit_identity(*compare_expr);
  }
  if (const auto* call = as<Call>(&expr)) {
    if (is_special_call(*call, Special::kIsInstance)) return emit_isinstance(*call);
    if (is_special_call(*call, Special::kHasAttr)) return emit_hasattr(*call);
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(expr));
  VESTA_ASSIGN_OR_RETURN(value, to_bool(value, expr.range));
  Condition condition;
  condition.value = value;
  if (const c10::IValue* stored = constant_of(value); stored != nullptr && stored->isBool() && scope_.user_source) {
    condition.known = stored->toBool();
  }
  return condition;
}

absl::StatusOr<Condition> Emitter::emit_logical(const BoolOp& expr, size_t first) {
  VESTA_ASSIGN_OR_RETURN(Condition acc, emit_condition(*expr.operands[first]));
  for (size_t i = first + 1; i < expr.operands.size(); ++i) {
    const Expr& next = *expr.operands[i];
    const bool decides = !expr.is_and;  // The value of an operand that makes the rest unread.
    if (acc.known.has_value()) {
      if (*acc.known == decides) return acc;
      VESTA_RETURN_IF_ERROR(refine(expr.is_and ? acc.if_true : acc.if_false, next.range));
      VESTA_ASSIGN_OR_RETURN(Condition right, emit_condition(next));
      (expr.is_and ? right.if_true : right.if_false) =
          both(expr.is_and ? acc.if_true : acc.if_false, expr.is_and ? right.if_true : right.if_false);
      acc = std::move(right);
      continue;
    }
    ir::Node* node = insert(ir::prim::If, {acc.value}, 0, next.range);
    ir::Block* blocks[2] = {node->add_block(), node->add_block()};
    ir::Block* reading = blocks[expr.is_and ? 0 : 1];
    Condition right;
    ir::Value* right_value = nullptr;
    {
      ir::InsertPoint point(reading);
      const std::shared_ptr<Frame> outer = frame_;
      frame_ = std::make_shared<Frame>();
      frame_->parent = outer;
      VESTA_RETURN_IF_ERROR(refine(expr.is_and ? acc.if_true : acc.if_false, next.range));
      VESTA_ASSIGN_OR_RETURN(right, emit_condition(next));
      VESTA_ASSIGN_OR_RETURN(right_value, condition_value(right, next.range));
      frame_ = outer;
    }
    ir::Value* decided = nullptr;
    {
      ir::InsertPoint point(blocks[expr.is_and ? 1 : 0]);
      decided = constant(decides, next.range);
    }
    Condition joined;
    joined.value = expr.is_and ? join_values(node, right_value, decided, c10::BoolType::get(), next.range)
                               : join_values(node, decided, right_value, c10::BoolType::get(), next.range);
    if (right.known.has_value() && *right.known == decides) joined.known = decides;
    if (expr.is_and) {
      joined.if_true = both(acc.if_true, right.if_true);
      joined.if_false = either(acc.if_false, right.if_false);
    } else {
      joined.if_true = either(acc.if_true, right.if_true);
      joined.if_false = both(acc.if_false, right.if_false);
    }
    acc = std::move(joined);
  }
  return acc;
}

absl::StatusOr<Condition> Emitter::emit_identity(const Compare& expr) {
  const bool is_not = expr.ops[0] == CompareOp::kIsNot;
  const Expr* operands[2] = {expr.first, expr.rest[0]};
  Condition condition;
  ir::Value* values[2];
  for (int i = 0; i < 2; ++i) {
    VESTA_ASSIGN_OR_RETURN(Sugar sugar, emit_sugar(*operands[i]));
    if (!sugar.is(Kind::kValue) && !sugar.is(Kind::kVoid) && !sugar.is(Kind::kTuple)) {
      condition.known = is_not;  // A function or a module is never None.
      return condition;
    }
    VESTA_ASSIGN_OR_RETURN(values[i], as_value(sugar, operands[i]->range));
  }
  const MayBeNone left = may_be_none(*values[0]->type());
  const MayBeNone right = may_be_none(*values[1]->type());
  if (left == MayBeNone::kAlways && right == MayBeNone::kAlways) {
    condition.known = !is_not;
    return condition;
  }
  if ((left == MayBeNone::kAlways && right == MayBeNone::kNever) ||
      (left == MayBeNone::kNever && right == MayBeNone::kAlways)) {
    condition.known = is_not;
    return condition;
  }
  VESTA_ASSIGN_OR_RETURN(
      condition.value, call_operator(is_not ? "aten::__isnot__" : "aten::__is__", {values[0], values[1]}, expr.range));
  for (int i = 0; i < 2; ++i) {
    const auto* name = as<Name>(operands[i]);
    const MayBeNone own = i == 0 ? left : right;
    const MayBeNone other = i == 0 ? right : left;
    if (name == nullptr || own != MayBeNone::kMaybe || other != MayBeNone::kAlways) continue;
    Refinement none{name->id, c10::NoneType::get()};
    Refinement some{name->id, without_none(values[i]->type())};
    condition.if_true.push_back(is_not ? some : none);
    condition.if_false.push_back(is_not ? none : some);
  }
  return condition;
}

absl::StatusOr<std::vector<c10::TypePtr>> Emitter::isinstance_types(const Expr& expr) {
  std::vector<c10::TypePtr> types;
  if (const auto* tuple = as<Tuple>(&expr)) {
    for (const Expr* element : tuple->elements) {
      VESTA_ASSIGN_OR_RETURN(std::vector<c10::TypePtr> some, isinstance_types(*element));
      types.insert(types.end(), some.begin(), some.end());
    }
    return types;
  }
  const std::string name = dotted_name(expr);
  if (name == "list" || name == "List") {
    types.push_back(c10::AnyListType::get());
  } else if (name == "tuple" || name == "Tuple") {
    types.push_back(c10::AnyTupleType::get());
  } else {
    VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, read_type(expr));
    types.push_back(std::move(type));
  }
  return types;
}

absl::StatusOr<Condition> Emitter::emit_isinstance(const Call& call) {
  if (call.arguments.size() != 2 || !call.keywords.empty())
    return error(call.range, "'isinstance' takes a value and a type");
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*call.arguments[0]));
  VESTA_ASSIGN_OR_RETURN(std::vector<c10::TypePtr> asked, isinstance_types(*call.arguments[1]));
  std::vector<c10::TypePtr> is_types, is_not_types;
  for (const c10::TypePtr& own : alternatives(value->type())) {
    bool certain = false;
    for (const c10::TypePtr& type : asked) {
      if (own->isSubtypeOf(*type)) {
        is_types.push_back(own);
        certain = true;
        break;
      }
      if (type->isSubtypeOf(*own)) is_types.push_back(type);
    }
    if (!certain) is_not_types.push_back(own);
  }
  Condition condition;
  const auto* name = as<Name>(call.arguments[0]);
  auto note = [&](const std::vector<c10::TypePtr>& types, std::vector<Refinement>& into) {
    const c10::TypePtr type = name != nullptr && !types.empty() ? one_of(types) : nullptr;
    if (type != nullptr && type->kind() != c10::TypeKind::AnyListType && type->kind() != c10::TypeKind::AnyTupleType)
      into.push_back({name->id, type});
  };
  note(is_types, condition.if_true);
  note(is_not_types, condition.if_false);
  if (is_types.empty()) {
    condition.known = false;
    return condition;
  }
  if (is_not_types.empty()) {
    condition.known = true;
    return condition;
  }
  condition.value = insert_typed(ir::prim::isinstance, {value}, c10::BoolType::get(), call.range);
  condition.value->node()->set(ir::attr::types, asked);
  return condition;
}

absl::StatusOr<Condition> Emitter::emit_hasattr(const Call& call) {
  const auto* name = call.arguments.size() == 2 ? as<StringLiteral>(call.arguments[1]) : nullptr;
  if (name == nullptr) return error(call.range, "'hasattr' takes an object and a literal string");
  VESTA_ASSIGN_OR_RETURN(Sugar base, emit_sugar(*call.arguments[0]));
  Condition condition;
  condition.known = has_attribute(base, name->value);
  return condition;
}

absl::StatusOr<Sugar> Emitter::emit_compare(const Compare& expr) {
  if (expr.ops.size() == 1 && (expr.ops[0] == CompareOp::kIs || expr.ops[0] == CompareOp::kIsNot)) {
    VESTA_ASSIGN_OR_RETURN(Condition condition, emit_identity(expr));
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, condition_value(condition, expr.range));
    return Sugar::of(value);
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * left, emit(*expr.first));
  ir::Value* all = nullptr;
  std::vector<ir::Block*> open;
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    if (all == nullptr) {
      VESTA_ASSIGN_OR_RETURN(ir::Value * right, emit(*expr.rest[i]));
      VESTA_ASSIGN_OR_RETURN(all, compare(expr.ops[i], left, right, expr.range));
      left = right;
      continue;
    }
    // `a < b < c`: the middle is read once, the rest only if what came before holds.
    VESTA_ASSIGN_OR_RETURN(all, to_bool(all, expr.range));
    ir::Node* node = insert(ir::prim::If, {all}, 0, expr.range);
    ir::Block* blocks[2] = {node->add_block(), node->add_block()};
    const bool last = i + 1 == expr.ops.size();
    ir::Value* right = nullptr;
    ir::Value* result = nullptr;
    {
      ir::InsertPoint point(blocks[0]);
      VESTA_ASSIGN_OR_RETURN(right, emit(*expr.rest[i]));
      VESTA_ASSIGN_OR_RETURN(result, compare(expr.ops[i], left, right, expr.range));
      VESTA_ASSIGN_OR_RETURN(result, to_bool(result, expr.range));
    }
    ir::Value* no = nullptr;
    {
      ir::InsertPoint point(blocks[1]);
      no = constant(false, expr.range);
    }
    all = join_values(node, result, no, c10::BoolType::get(), expr.range);
    if (!last) left = join_values(node, right, nullptr, right->type(), expr.range);
  }
  return Sugar::of(all);
}

absl::StatusOr<Sugar> Emitter::emit_ternary(const Conditional& expr, const c10::TypePtr& hint) {
  VESTA_ASSIGN_OR_RETURN(Condition condition, emit_condition(*expr.test));
  const std::shared_ptr<Frame> outer = frame_;
  auto side = [&](const Expr& chosen, const std::vector<Refinement>& refinements) -> absl::StatusOr<Sugar> {
    frame_ = std::make_shared<Frame>();
    frame_->parent = outer;
    VESTA_RETURN_IF_ERROR(refine(refinements, chosen.range));
    absl::StatusOr<Sugar> result = emit_sugar(chosen, hint);
    frame_ = outer;
    return result;
  };
  if (condition.known.has_value())
    return *condition.known ? side(*expr.body, condition.if_true) : side(*expr.orelse, condition.if_false);
  ir::Node* node = insert(ir::prim::If, {condition.value}, 0, expr.range);
  ir::Value* values[2];
  for (int i = 0; i < 2; ++i) {
    ir::InsertPoint point(node->add_block());
    VESTA_ASSIGN_OR_RETURN(Sugar sugar,
                           i == 0 ? side(*expr.body, condition.if_true) : side(*expr.orelse, condition.if_false));
    VESTA_ASSIGN_OR_RETURN(values[i], as_value(sugar, expr.range, hint));
  }
  for (int i = 0; i < 2; ++i) {  // `[]` takes the type of the other side.
    if (!empty_literals_.contains(values[i]) || empty_literals_.contains(values[1 - i])) continue;
    ir::InsertPoint point(node->block(static_cast<size_t>(i)));
    values[i] = convert(values[i], values[1 - i]->type(), false, expr.range);
  }
  VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, [&]() -> absl::StatusOr<c10::TypePtr> {
    std::optional<c10::TypePtr> unified =
        c10::unifyTypes(values[0]->type(), values[1]->type(), /*default_to_union=*/true, hint);
    if (unified.has_value()) return *unified;
    return error(expr.range,
                 absl::StrCat("the sides of '... if ... else ...' have types '", type_text(*values[0]->type()),
                              "' and '", type_text(*values[1]->type()), "'"));
  }());
  return Sugar::of(join_values(node, values[0], values[1], type, expr.range));
}

}  // namespace vesta::frontend
