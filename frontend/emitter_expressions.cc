// Expressions. Chains that lean to the left (`a + b + c`, `x.f(1).g[2]`) are walked in a loop from their
// innermost part outwards.

#include <array>

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "frontend/names.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

absl::StatusOr<ir::Value*> Emitter::emit(const Expr& expr, const c10::TypePtr& hint) {
  VESTA_ASSIGN_OR_RETURN(Sugar sugar, emit_sugar(expr, hint));
  return as_value(sugar, expr.range, hint);
}

absl::StatusOr<Sugar> Emitter::emit_sugar(const Expr& expr, const c10::TypePtr& hint) {
  const Unit::Level level(unit_);
  VESTA_RETURN_IF_ERROR(unit_.check_levels(expr.range));
  const bool chain = expr.kind == ExprKind::kBinary || expr.kind == ExprKind::kAttribute ||
                     expr.kind == ExprKind::kSubscript || expr.kind == ExprKind::kCall;
  if (!chain) return emit_leaf(expr, hint);
  const std::vector<const Expr*> spine = left_spine(expr);
  VESTA_ASSIGN_OR_RETURN(Sugar current, emit_leaf(*spine.back(), nullptr));
  for (size_t i = spine.size() - 1; i-- > 0;) {
    const Expr& part = *spine[i];
    const c10::TypePtr part_hint = i == 0 ? hint : nullptr;
    switch (part.kind) {
      case ExprKind::kBinary: {
        VESTA_ASSIGN_OR_RETURN(current, apply_binary(cast<Binary>(part), current));
        break;
      }
      case ExprKind::kAttribute: {
        const auto& attribute_expr = cast<Attribute>(part);
        VESTA_ASSIGN_OR_RETURN(current, attribute(current, attribute_expr.name, attribute_expr.range));
        break;
      }
      case ExprKind::kSubscript: {
        VESTA_ASSIGN_OR_RETURN(current, subscript(current, cast<Subscript>(part), part_hint));
        break;
      }
      default: {
        VESTA_ASSIGN_OR_RETURN(current, apply_call(cast<Call>(part), current, part_hint));
        break;
      }
    }
  }
  return current;
}

absl::StatusOr<Sugar> Emitter::emit_leaf(const Expr& expr, const c10::TypePtr& hint) {
  switch (expr.kind) {
    case ExprKind::kName:
      return lookup(cast<Name>(expr));
    case ExprKind::kIntLiteral:
      return Sugar::of(constant(cast<IntLiteral>(expr).value, expr.range));
    case ExprKind::kFloatLiteral:
      return Sugar::of(constant(cast<FloatLiteral>(expr).value, expr.range));
    case ExprKind::kComplexLiteral:
      return Sugar::of(constant(c10::complex<double>(0, cast<ComplexLiteral>(expr).imaginary), expr.range));
    case ExprKind::kStringLiteral:
      return Sugar::of(constant(cast<StringLiteral>(expr).value, expr.range));
    case ExprKind::kBoolLiteral:
      return Sugar::of(constant(cast<BoolLiteral>(expr).value, expr.range));
    case ExprKind::kNoneLiteral:
      return Sugar::of(none(expr.range));
    case ExprKind::kJoinedString:
      return emit_joined_string(cast<JoinedString>(expr));
    case ExprKind::kUnary:
      return emit_unary(cast<Unary>(expr));
    case ExprKind::kBoolOp: {
      VESTA_ASSIGN_OR_RETURN(Condition condition, emit_condition(expr));
      VESTA_ASSIGN_OR_RETURN(ir::Value * value, condition_value(condition, expr.range));
      return Sugar::of(value);
    }
    case ExprKind::kCompare:
      return emit_compare(cast<Compare>(expr));
    case ExprKind::kConditional:
      return emit_ternary(cast<Conditional>(expr), hint);
    case ExprKind::kTuple:
      return emit_tuple(cast<Tuple>(expr), hint);
    case ExprKind::kList:
      return emit_list(cast<List>(expr), hint);
    case ExprKind::kDict:
      return emit_dict(cast<Dict>(expr), hint);
    case ExprKind::kComprehension:
      return emit_comprehension(cast<Comprehension>(expr), hint);
    case ExprKind::kSet:
      return error(expr.range, "sets are not part of the language");
    default:
      return error(expr.range, absl::StrCat(describe(expr.kind), " is not possible here"));
  }
}

absl::StatusOr<c10::TypePtr> Emitter::unify(const std::vector<c10::TypePtr>& types, const SourceRange& range,
                                            std::string_view what) {
  std::ostringstream why;
  std::optional<c10::TypePtr> unified = c10::unifyTypeList(types, why, /*default_to_union=*/true);
  if (unified.has_value()) return *unified;
  return error(range, absl::StrCat(std::string(what), " have no common type: '", type_text(*types[0]), "' and others"));
}

absl::StatusOr<Sugar> Emitter::emit_list(const List& expr, const c10::TypePtr& hint) {
  c10::TypePtr element;
  const c10::TypePtr plain_hint = hint != nullptr ? unwrap_optional(hint) : nullptr;
  if (plain_hint != nullptr && plain_hint->kind() == c10::TypeKind::ListType) {
    element = plain_hint->expectRef<c10::ListType>().getElementType();
  } else if (plain_hint != nullptr && plain_hint->kind() == c10::TypeKind::UnionType) {
    for (const c10::TypePtr& one : plain_hint->expectRef<c10::UnionType>().containedTypes()) {
      if (one->kind() == c10::TypeKind::ListType && expr.elements.empty())
        element = one->expectRef<c10::ListType>().getElementType();
    }
  }
  std::vector<ir::Value*> values;
  std::vector<c10::TypePtr> types;
  for (const Expr* part : expr.elements) {
    if (const auto* starred = as<Starred>(part)) {
      VESTA_ASSIGN_OR_RETURN(Sugar sequence, emit_sugar(*starred->value));
      VESTA_ASSIGN_OR_RETURN(std::vector<Sugar> items, unpack(sequence, 0, false, part->range));
      for (const Sugar& one : items) {
        VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(one, part->range));
        values.push_back(value);
        types.push_back(value->type());
      }
      continue;
    }
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*part, element));
    values.push_back(value);
    types.push_back(value->type());
  }
  if (values.empty()) {
    ir::Value* list = list_of(element != nullptr ? element : c10::TypePtr(c10::TensorType::get()), {}, expr.range);
    if (element == nullptr) empty_literals_.insert(list);
    return Sugar::of(list);
  }
  if (element != nullptr) {
    bool fits = true;
    for (ir::Value* value : values)
      fits = fits && converted_type(value, value->type(), element, true) != nullptr &&
             converted_type(value, value->type(), element, true)->isSubtypeOf(*element);
    if (!fits) element = nullptr;  // The place that wants a list of another type will tell.
  }
  if (element == nullptr) {  // `[[1], []]`: the empty ones take the type of the others.
    std::vector<c10::TypePtr> telling;
    for (size_t i = 0; i < values.size(); ++i) {
      if (!empty_literals_.contains(values[i])) telling.push_back(types[i]);
    }
    VESTA_ASSIGN_OR_RETURN(element, unify(telling.empty() ? types : telling, expr.range, "the elements of a list"));
  }
  for (ir::Value*& value : values) {
    VESTA_ASSIGN_OR_RETURN(value, convert_to(value, element, expr.range, "an element of the list"));
  }
  return Sugar::of(list_of(element, values, expr.range));
}

absl::StatusOr<Sugar> Emitter::emit_dict(const Dict& expr, const c10::TypePtr& hint) {
  c10::TypePtr key_type, value_type;
  const c10::TypePtr plain_hint = hint != nullptr ? unwrap_optional(hint) : nullptr;
  if (plain_hint != nullptr && plain_hint->kind() == c10::TypeKind::DictType) {
    key_type = plain_hint->expectRef<c10::DictType>().getKeyType();
    value_type = plain_hint->expectRef<c10::DictType>().getValueType();
  }
  std::vector<ir::Value*> inputs;
  std::vector<c10::TypePtr> keys, values;
  for (const DictItem& item : expr.items) {
    if (item.key == nullptr) return error(expr.range, "'**' in a dict is not part of the language");
    VESTA_ASSIGN_OR_RETURN(ir::Value * key, emit(*item.key, key_type));
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*item.value, value_type));
    inputs.push_back(key);
    inputs.push_back(value);
    keys.push_back(key->type());
    values.push_back(value->type());
  }
  const bool typed = key_type != nullptr;
  if (!typed) {
    if (inputs.empty()) {
      key_type = c10::StringType::get();
      value_type = c10::TensorType::get();
    } else {
      VESTA_ASSIGN_OR_RETURN(key_type, unify(keys, expr.range, "the keys of a dict"));
      VESTA_ASSIGN_OR_RETURN(value_type, unify(values, expr.range, "the values of a dict"));
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    VESTA_ASSIGN_OR_RETURN(inputs[i], convert_to(inputs[i], i % 2 == 0 ? key_type : value_type, expr.range,
                                                 i % 2 == 0 ? "the key" : "the value"));
  }
  if (!is_dict_key(*key_type)) {
    return error(expr.range, absl::StrCat("a dict's keys cannot have type '", type_text(*key_type), "'"));
  }
  ir::Value* dict =
      insert_typed(ir::prim::DictConstruct, inputs, c10::DictType::create(key_type, value_type), expr.range);
  if (!typed && inputs.empty()) empty_literals_.insert(dict);
  return Sugar::of(dict);
}

absl::StatusOr<Sugar> Emitter::emit_tuple(const Tuple& expr, const c10::TypePtr& hint) {
  const auto* tuple_hint = hint != nullptr ? unwrap_optional(hint)->castRaw<c10::TupleType>() : nullptr;
  if (tuple_hint != nullptr && tuple_hint->elements().size() != expr.elements.size()) tuple_hint = nullptr;
  const auto* list_hint = hint != nullptr ? unwrap_optional(hint)->castRaw<c10::ListType>() : nullptr;
  std::vector<Sugar> elements;
  for (size_t i = 0; i < expr.elements.size(); ++i) {
    if (const auto* starred = as<Starred>(expr.elements[i])) {
      VESTA_ASSIGN_OR_RETURN(Sugar sequence, emit_sugar(*starred->value));
      VESTA_ASSIGN_OR_RETURN(std::vector<Sugar> items, unpack(sequence, 0, false, starred->range));
      elements.insert(elements.end(), items.begin(), items.end());
      continue;
    }
    c10::TypePtr element_hint;
    if (tuple_hint != nullptr) element_hint = tuple_hint->elements()[i];
    if (list_hint != nullptr) element_hint = list_hint->getElementType();
    VESTA_ASSIGN_OR_RETURN(Sugar sugar, emit_sugar(*expr.elements[i], element_hint));
    elements.push_back(std::move(sugar));
  }
  return sugar_tuple(std::move(elements), expr.range);
}

// `f"{a} and {b!s}"` -> aten::format("{} and {}", a, b)
absl::StatusOr<Sugar> Emitter::emit_joined_string(const JoinedString& expr) {
  std::string format;
  Arguments arguments;
  for (const FormatPart& part : expr.parts) {
    if (part.value == nullptr) {
      for (const char c : part.text) format.append(c == '{' || c == '}' ? 2 : 1, c);
      continue;
    }
    if (part.spec != nullptr || part.conversion == 'r' || part.conversion == 'a') {
      return error(part.value->range,
                   "conversions and format specifications in f-strings are not part of the language");
    }
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*part.value));
    arguments.push_back({"", value, part.value->range});
    format += "{}";
  }
  arguments.insert(arguments.begin(), {"", constant(format, expr.range), expr.range});
  return call_operator("aten::format", nullptr, arguments, expr.range);
}

absl::StatusOr<std::optional<ir::Value*>> Emitter::magic_method(const char* method, ir::Value* left,
                                                                std::initializer_list<ir::Value*> arguments,
                                                                const SourceRange& range) {
  const auto* type = left->type()->castRaw<c10::ClassType>();
  if (type == nullptr || type->findMethod(method) == nullptr) return std::nullopt;
  VESTA_ASSIGN_OR_RETURN(Sugar result, call_method(left, method, arguments, range));
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(result, range));
  return value;
}

absl::StatusOr<Sugar> Emitter::emit_unary(const Unary& expr) {
  if (expr.op == UnaryOp::kNot) {
    VESTA_ASSIGN_OR_RETURN(Condition condition, emit_condition(expr));
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, condition_value(condition, expr.range));
    return Sugar::of(value);
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * operand, emit(*expr.operand));
  if (expr.op == UnaryOp::kPositive) return Sugar::of(operand);
  const bool negative = expr.op == UnaryOp::kNegative;
  if (const c10::IValue* number = constant_of(operand); number != nullptr && negative) {  // `-inf`
    if (number->isDouble()) return Sugar::of(constant(-number->toDouble(), expr.range));
    if (number->isComplexDouble()) return Sugar::of(constant(-number->toComplexDouble(), expr.range));
  }
  VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own,
                         magic_method(negative ? "__neg__" : "__invert__", operand, {}, expr.range));
  if (own.has_value()) return Sugar::of(*own);
  VESTA_ASSIGN_OR_RETURN(ir::Value * value,
                         call_operator(negative ? "aten::neg" : "aten::bitwise_not", {operand}, expr.range));
  return Sugar::of(value);
}

absl::StatusOr<Sugar> Emitter::apply_binary(const Binary& expr, const Sugar& left) {
  if (expr.op == BinaryOp::kAdd && left.is(Kind::kTuple)) {  // Tuples are joined.
    VESTA_ASSIGN_OR_RETURN(Sugar right, emit_sugar(*expr.right));
    if (right.is(Kind::kTuple) || (right.is(Kind::kValue) && right.value->type()->kind() == c10::TypeKind::TupleType)) {
      VESTA_ASSIGN_OR_RETURN(std::vector<Sugar> more, unpack(right, 0, false, expr.range));
      std::vector<Sugar> all = left.elements;
      all.insert(all.end(), more.begin(), more.end());
      return sugar_tuple(std::move(all), expr.range);
    }
    VESTA_ASSIGN_OR_RETURN(ir::Value * left_value, as_value(left, expr.left->range));
    VESTA_ASSIGN_OR_RETURN(ir::Value * right_value, as_value(right, expr.right->range));
    VESTA_ASSIGN_OR_RETURN(ir::Value * sum, binary(expr.op, left_value, right_value, expr.range));
    return Sugar::of(sum);
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * left_value, as_value(left, expr.left->range));
  if (expr.op == BinaryOp::kMod && left_value->type()->kind() == c10::TypeKind::StringType) {
    VESTA_ASSIGN_OR_RETURN(Sugar right, emit_sugar(*expr.right));
    VESTA_ASSIGN_OR_RETURN(ir::Value * values, as_value(right, expr.right->range));  // Several come as one tuple.
    const Arguments arguments{{"", left_value, expr.left->range}, {"", values, expr.right->range}};
    return call_operator("aten::percentFormat", nullptr, arguments, expr.range);
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * right_value, emit(*expr.right));
  if (expr.op == BinaryOp::kAdd && left_value->type()->kind() == c10::TypeKind::TupleType &&
      right_value->type()->kind() == c10::TypeKind::TupleType) {
    std::vector<Sugar> all;
    for (ir::Value* value : unpack_tuple(left_value, expr.range)) all.push_back(Sugar::of(value));
    for (ir::Value* value : unpack_tuple(right_value, expr.range)) all.push_back(Sugar::of(value));
    return sugar_tuple(std::move(all), expr.range);
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, binary(expr.op, left_value, right_value, expr.range));
  return Sugar::of(value);
}

namespace {
struct OperatorNames {
  const char* op;
  const char* magic;
};
}  // namespace

absl::StatusOr<ir::Value*> Emitter::binary(BinaryOp op, ir::Value* left, ir::Value* right, const SourceRange& range) {
  static constexpr std::array<OperatorNames, 13> kNames = {{{"aten::add", "__add__"},
                                                            {"aten::sub", "__sub__"},
                                                            {"aten::mul", "__mul__"},
                                                            {"aten::div", "__truediv__"},
                                                            {"aten::floordiv", "__floordiv__"},
                                                            {"aten::remainder", "__mod__"},
                                                            {"aten::pow", "__pow__"},
                                                            {"aten::matmul", "__matmul__"},
                                                            {"aten::__and__", "__and__"},
                                                            {"aten::__or__", "__or__"},
                                                            {"aten::__xor__", "__xor__"},
                                                            {"aten::__lshift__", "__lshift__"},
                                                            {"aten::__rshift__", "__rshift__"}}};
  const c10::IValue* numbers[2] = {constant_of(left), constant_of(right)};
  if (numbers[0] != nullptr && numbers[1] != nullptr && numbers[1]->isComplexDouble() &&
      (numbers[0]->isInt() || numbers[0]->isDouble()) &&
      (op == BinaryOp::kAdd || op == BinaryOp::kSub)) {  // `1+2j` is how a complex constant is written.
    const c10::complex<double> real(
        numbers[0]->isInt() ? static_cast<double>(numbers[0]->toInt()) : numbers[0]->toDouble(), 0);
    const c10::complex<double> imaginary = numbers[1]->toComplexDouble();
    return constant(op == BinaryOp::kAdd ? real + imaginary : real - imaginary, range);
  }
  const OperatorNames& names = kNames[static_cast<size_t>(op)];
  VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method(names.magic, left, {right}, range));
  if (own.has_value()) return *own;
  return call_operator(names.op, {left, right}, range);
}

absl::StatusOr<ir::Value*> Emitter::compare(CompareOp op, ir::Value* left, ir::Value* right, const SourceRange& range) {
  static constexpr std::array<OperatorNames, 8> kNames = {{{"aten::eq", "__eq__"},
                                                           {"aten::ne", "__ne__"},
                                                           {"aten::lt", "__lt__"},
                                                           {"aten::le", "__le__"},
                                                           {"aten::gt", "__gt__"},
                                                           {"aten::ge", "__ge__"},
                                                           {"aten::__is__", nullptr},
                                                           {"aten::__isnot__", nullptr}}};
  if (op == CompareOp::kIn || op == CompareOp::kNotIn) {
    VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method("__contains__", right, {left}, range));
    ir::Value* found = nullptr;
    if (own.has_value()) {
      found = *own;
    } else {
      VESTA_ASSIGN_OR_RETURN(found, call_operator("aten::__contains__", {right, left}, range));
    }
    if (op == CompareOp::kIn) return found;
    return call_operator("aten::__not__", {found}, range);
  }
  const OperatorNames& names = kNames[static_cast<size_t>(op)];
  if (names.magic != nullptr) {
    VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method(names.magic, left, {right}, range));
    if (own.has_value()) return *own;
  }
  return call_operator(names.op, {left, right}, range);
}

}  // namespace vesta::frontend
