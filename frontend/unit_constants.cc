// Values that stand in source text outside of function bodies: defaults of parameters and fields, `Final`
// attributes, members of enums.

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/enum_type.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "frontend/names.h"
#include "frontend/unit.h"
#include "ir/constant_reader.h"
#include "ir/support/status.h"

namespace vesta::frontend {

namespace {

// 1 for a float is 1.0, for a complex number 1+0j.
c10::IValue fitted(c10::IValue value, const c10::TypePtr& type) {
  if (type == nullptr) return value;
  const c10::TypeKind kind = unwrap_optional(type)->kind();
  if (kind == c10::TypeKind::FloatType && value.isInt()) return static_cast<double>(value.toInt());
  if (kind == c10::TypeKind::FloatType && value.isBool()) return static_cast<double>(value.toBool());
  if (kind == c10::TypeKind::IntType && value.isBool()) return static_cast<int64_t>(value.toBool());
  if (kind == c10::TypeKind::ComplexType && value.isInt())
    return c10::complex<double>(static_cast<double>(value.toInt()), 0);
  if (kind == c10::TypeKind::ComplexType && value.isDouble()) return c10::complex<double>(value.toDouble(), 0);
  if (kind == c10::TypeKind::DeviceObjType && value.isString()) {
    try {
      return c10::Device(value.toStringRef());
    } catch (const c10::Error&) {
      return value;
    }
  }
  return value;
}

}  // namespace

absl::StatusOr<c10::IValue> Unit::constant_sequence(const Expr& expr, const std::vector<const Expr*>& elements,
                                                    const c10::TypePtr& type, const Scope& scope) {
  const c10::TypePtr plain = type != nullptr ? unwrap_optional(type) : nullptr;
  const bool as_list = plain != nullptr ? plain->kind() == c10::TypeKind::ListType : expr.kind == ExprKind::kList;
  const auto* tuple = plain != nullptr ? plain->castRaw<c10::TupleType>() : nullptr;
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < elements.size(); ++i) {
    c10::TypePtr element;
    if (plain != nullptr && as_list) element = plain->expectRef<c10::ListType>().getElementType();
    if (tuple != nullptr && tuple->elements().size() == elements.size()) element = tuple->elements()[i];
    VESTA_ASSIGN_OR_RETURN(c10::IValue value, constant_value(*elements[i], element, scope));
    values.push_back(std::move(value));
  }
  if (!as_list) return c10::IValue(c10::ivalue::Tuple::create(std::move(values)));
  c10::TypePtr element = plain != nullptr ? plain->expectRef<c10::ListType>().getElementType()
                                          : (values.empty() ? c10::TypePtr(c10::TensorType::get()) : values[0].type());
  for (const c10::IValue& value : values) {
    if (!value.type()->isSubtypeOf(*element)) {
      return error(expr.range, absl::StrCat("expected a list of '", type_text(*element), "', got a '",
                                            type_text(*value.type()), "' in it"));
    }
  }
  switch (element->kind()) {
    case c10::TypeKind::IntType: {
      c10::List<int64_t> list;
      for (const c10::IValue& value : values) list.push_back(value.toInt());
      return c10::IValue(std::move(list));
    }
    case c10::TypeKind::FloatType: {
      c10::List<double> list;
      for (const c10::IValue& value : values) list.push_back(value.toDouble());
      return c10::IValue(std::move(list));
    }
    case c10::TypeKind::BoolType: {
      c10::List<bool> list;
      for (const c10::IValue& value : values) list.push_back(value.toBool());
      return c10::IValue(std::move(list));
    }
    case c10::TypeKind::ComplexType: {
      c10::List<c10::complex<double>> list;
      for (const c10::IValue& value : values) list.push_back(value.toComplexDouble());
      return c10::IValue(std::move(list));
    }
    case c10::TypeKind::TensorType: {
      c10::List<at::Tensor> list;
      for (const c10::IValue& value : values) list.push_back(value.toTensor());
      return c10::IValue(std::move(list));
    }
    default: {
      c10::impl::GenericList list(element);
      for (c10::IValue& value : values) list.push_back(std::move(value));
      return c10::IValue(std::move(list));
    }
  }
}

absl::StatusOr<c10::IValue> Unit::default_value(std::string_view name, const Expr& expr, const c10::TypePtr& type,
                                                const Scope& scope) {
  VESTA_ASSIGN_OR_RETURN(c10::IValue value, constant_value(expr, type, scope));
  // What an archive says was checked by its writer, by the rules of its time.
  if (!scope.user_source || value.type()->isSubtypeOf(*type)) return value;
  return error(expr.range, absl::StrCat("'", std::string(name), "' has type '", type_text(*type),
                                        "', its default has type '", type_text(*value.type()), "'"));
}

absl::StatusOr<c10::IValue> Unit::constant_name(const Expr& expr, const c10::TypePtr& type, const Scope& scope) {
  const std::string dotted = dotted_name(expr);
  if (auto value = constant_of_name(dotted)) return fitted(*value, type);
  if (dotted.starts_with("CONSTANTS.c")) {
    size_t index = 0;
    if (!absl::SimpleAtoi(dotted.substr(11), &index) || index >= constants_.size())
      return error(expr.range, absl::StrCat("the archive has no constant '", dotted, "'"));
    return constants_[index];
  }
  const size_t dot = dotted.rfind('.');
  if (dot != std::string::npos) {
    const std::string owner = dotted.substr(0, dot);
    VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr owner_type,
                           find_type(owner.starts_with("__torch__") ? owner : absl::StrCat(scope.type_prefix, owner)));
    if (const auto enumeration = owner_type != nullptr ? owner_type->cast<c10::EnumType>() : nullptr) {
      for (const c10::EnumNameValue& member : enumeration->enumNamesValues()) {
        if (member.first == dotted.substr(dot + 1)) {
          return c10::IValue(c10::make_intrusive<c10::ivalue::EnumHolder>(enumeration, member.first, member.second));
        }
      }
    }
  }
  return error(expr.range, absl::StrCat("'", dotted.empty() ? describe(expr.kind) : dotted, "' is not a constant"));
}

absl::StatusOr<c10::IValue> Unit::constant_value(const Expr& expr, const c10::TypePtr& type, const Scope& scope) {
  switch (expr.kind) {
    case ExprKind::kIntLiteral:
      return fitted(cast<IntLiteral>(expr).value, type);
    case ExprKind::kFloatLiteral:
      return fitted(cast<FloatLiteral>(expr).value, type);
    case ExprKind::kComplexLiteral:
      return c10::IValue(c10::complex<double>(0, cast<ComplexLiteral>(expr).imaginary));
    case ExprKind::kStringLiteral:
      return fitted(cast<StringLiteral>(expr).value, type);
    case ExprKind::kBoolLiteral:
      return fitted(cast<BoolLiteral>(expr).value, type);
    case ExprKind::kNoneLiteral:
      return c10::IValue();
    case ExprKind::kTuple:
      return constant_sequence(expr, cast<Tuple>(expr).elements, type, scope);
    case ExprKind::kList:
      return constant_sequence(expr, cast<List>(expr).elements, type, scope);
    case ExprKind::kUnary: {
      const auto& unary = cast<Unary>(expr);
      VESTA_ASSIGN_OR_RETURN(c10::IValue value, constant_value(*unary.operand, type, scope));
      if (unary.op == UnaryOp::kPositive) return value;
      if (unary.op == UnaryOp::kNegative && value.isInt())
        return c10::IValue(static_cast<int64_t>(0 - static_cast<uint64_t>(value.toInt())));
      if (unary.op == UnaryOp::kNegative && value.isDouble()) return c10::IValue(-value.toDouble());
      if (unary.op == UnaryOp::kNegative && value.isComplexDouble()) return c10::IValue(-value.toComplexDouble());
      if (unary.op == UnaryOp::kNot && value.isBool()) return c10::IValue(!value.toBool());
      break;
    }
    case ExprKind::kBinary: {  // `1+2j`
      const auto& binary = cast<Binary>(expr);
      const bool minus = binary.op == BinaryOp::kSub;
      if ((!minus && binary.op != BinaryOp::kAdd) || binary.right->kind != ExprKind::kComplexLiteral ||
          as<Binary>(binary.left) != nullptr)
        break;
      VESTA_ASSIGN_OR_RETURN(c10::IValue left, constant_value(*binary.left, c10::ComplexType::get(), scope));
      if (!left.isComplexDouble()) break;
      const c10::complex<double> right(0, cast<ComplexLiteral>(*binary.right).imaginary);
      return c10::IValue(minus ? left.toComplexDouble() - right : left.toComplexDouble() + right);
    }
    case ExprKind::kDict: {
      const c10::TypePtr plain = type != nullptr ? unwrap_optional(type) : nullptr;
      const auto* dict_type = plain != nullptr ? plain->castRaw<c10::DictType>() : nullptr;
      c10::TypePtr key_type = dict_type != nullptr ? dict_type->getKeyType() : c10::TypePtr(c10::StringType::get());
      c10::TypePtr value_type = dict_type != nullptr ? dict_type->getValueType() : c10::TypePtr(c10::TensorType::get());
      std::vector<std::pair<c10::IValue, c10::IValue>> items;
      for (const DictItem& item : cast<Dict>(expr).items) {
        if (item.key == nullptr) return error(expr.range, "'**' in a dict is not part of the language");
        VESTA_ASSIGN_OR_RETURN(c10::IValue key,
                               constant_value(*item.key, dict_type != nullptr ? key_type : nullptr, scope));
        if (!ir::can_be_dict_key(key)) {
          return error(item.key->range, absl::StrCat("a dict's keys cannot have type '", type_text(*key.type()), "'"));
        }
        VESTA_ASSIGN_OR_RETURN(c10::IValue value,
                               constant_value(*item.value, dict_type != nullptr ? value_type : nullptr, scope));
        if (dict_type == nullptr && items.empty()) {
          key_type = key.type();
          value_type = value.type();
        }
        if (!key.type()->isSubtypeOf(*key_type) || !value.type()->isSubtypeOf(*value_type))
          return error(expr.range, "the items of a dict must have one type");
        items.emplace_back(std::move(key), std::move(value));
      }
      c10::impl::GenericDict dict(key_type, value_type);
      for (auto& [key, value] : items) dict.insert(std::move(key), std::move(value));
      return c10::IValue(std::move(dict));
    }
    case ExprKind::kCall: {  // `annotate(List[int], [])`, `torch.device("cpu")`
      const auto& call = cast<Call>(expr);
      const std::string callee = dotted_name(*call.callee);
      if ((callee == "annotate" || callee == "torch.jit.annotate") && call.arguments.size() == 2) {
        VESTA_ASSIGN_OR_RETURN(c10::TypePtr annotated, read_type(*call.arguments[0], scope));
        return constant_value(*call.arguments[1], annotated, scope);
      }
      if (callee == "torch.device" && call.arguments.size() == 1)
        return constant_value(*call.arguments[0], c10::DeviceObjType::get(), scope);
      if (callee == "float" && call.arguments.size() == 1 && as<StringLiteral>(call.arguments[0]) != nullptr) {
        double number = 0;
        if (absl::SimpleAtod(as<StringLiteral>(call.arguments[0])->value, &number)) return c10::IValue(number);
      }
      break;
    }
    case ExprKind::kName:
    case ExprKind::kAttribute:
      return constant_name(expr, type, scope);
    default:
      break;
  }
  return error(expr.range, absl::StrCat("expected a constant, got ", describe(expr.kind)));
}

}  // namespace vesta::frontend
