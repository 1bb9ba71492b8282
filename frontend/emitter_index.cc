// `base[...]`. Indexing a tensor becomes a chain of select, slice and unsqueeze, one for each int, slice and
// None, with `aten::index` at its end where tensors are among the indices. What stands behind an ellipsis is
// counted from the last dimension.

#include <algorithm>

#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

absl::StatusOr<ir::Value*> Emitter::emit_or_none(const Expr* expr, const SourceRange& range) {
  if (expr == nullptr) return none(range);
  return emit(*expr);
}

absl::StatusOr<Sugar> Emitter::subscript(const Sugar& base, const Subscript& expr, const c10::TypePtr& hint) {
  if (base.is(Kind::kTuple) || (base.is(Kind::kValue) && base.value->type()->kind() == c10::TypeKind::TupleType))
    return index_tuple(base, expr);
  if (base.is(Kind::kType)) {
    if (const auto* enumeration = base.type->castRaw<c10::EnumType>(); enumeration != nullptr) {
      const auto* name = as<StringLiteral>(expr.index);
      if (name != nullptr) return type_attribute(base, name->value, expr.range);
    }
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(base, expr.value->range));
  if (value->type()->kind() == c10::TypeKind::TensorType) {
    VESTA_ASSIGN_OR_RETURN(TensorIndex index, index_tensor(value, *expr.index, expr.range));
    if (index.indices.empty()) return Sugar::of(index.base);
    VESTA_ASSIGN_OR_RETURN(ir::Value * indices, tensor_indices(index, expr.range));
    VESTA_ASSIGN_OR_RETURN(ir::Value * result, call_operator("aten::index", {index.base, indices}, expr.range));
    return Sugar::of(result);
  }
  if (const auto* slice = as<Slice>(expr.index)) {
    VESTA_ASSIGN_OR_RETURN(ir::Value * result, slice_sequence(value, *slice, expr.range));
    return Sugar::of(result);
  }
  if (value->type()->is_module()) {
    if (const auto* type = value->type()->castRaw<c10::ClassType>();
        type != nullptr && type->findMethod("__getitem__") == nullptr) {
      // A container of modules by a literal.
      if (const auto* number = as<IntLiteral>(expr.index))
        return attribute(base, absl::StrCat(number->value), expr.range);
      if (const auto* name = as<StringLiteral>(expr.index)) return attribute(base, name->value, expr.range);
    }
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * index, emit(*expr.index));
  VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method("__getitem__", value, {index}, expr.range));
  if (own.has_value()) return Sugar::of(*own);
  if (value->type()->is_module() &&
      hint != nullptr) {  // Which one is known when it runs; all of them meet the interface.
    return call_operator("prim::ModuleContainerIndex", nullptr, {{"", value, expr.range}, {"", index, expr.range}},
                         expr.range, hint);
  }
  switch (value->type()->kind()) {
    case c10::TypeKind::ListType:
    case c10::TypeKind::DictType:
    case c10::TypeKind::StringType: {
      VESTA_ASSIGN_OR_RETURN(ir::Value * result, call_operator("aten::__getitem__", {value, index}, expr.range));
      return Sugar::of(result);
    }
    default:
      return error(expr.range, absl::StrCat("a value of type '", type_text(*value->type()), "' cannot be indexed"));
  }
}

namespace {

std::optional<int64_t> constant_int(const ir::Value* value) {
  const c10::IValue* stored = value != nullptr ? constant_of(value) : nullptr;
  if (stored == nullptr || !stored->isInt()) return std::nullopt;
  return stored->toInt();
}

}  // namespace

absl::StatusOr<Sugar> Emitter::index_tuple(const Sugar& base, const Subscript& expr) {
  if (const auto* slice = as<Slice>(expr.index)) return slice_tuple(base, *slice, expr.range);
  VESTA_ASSIGN_OR_RETURN(ir::Value * index, emit(*expr.index));
  if (index->type()->kind() != c10::TypeKind::IntType)
    return error(expr.index->range,
                 absl::StrCat("a tuple takes an int as index, got '", type_text(*index->type()), "'"));
  const std::optional<int64_t> number = constant_int(index);
  const int64_t size =
      static_cast<int64_t>(base.is(Kind::kTuple) ? base.elements.size() : base.value->type()->containedTypes().size());
  if (number.has_value()) {
    const int64_t place = *number < 0 ? *number + size : *number;
    if (place < 0 || place >= size)
      return error(expr.range, absl::StrCat("index ", *number, " is outside of a tuple of ", size));
    if (base.is(Kind::kTuple)) return base.elements[static_cast<size_t>(place)];
    return Sugar::of(insert_typed(ir::prim::TupleIndex, {base.value, index},
                                  base.value->type()->containedTypes()[static_cast<size_t>(place)], expr.range));
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * tuple, as_value(base, expr.value->range));
  const auto types = tuple->type()->containedTypes();
  for (const c10::TypePtr& type : types) {
    if (*type != *types[0]) return error(expr.index->range, "the index of a tuple of several types must be a literal");
  }
  if (types.empty()) return error(expr.range, "an empty tuple has no items");
  // The elements are of one type: as a list they can be indexed with any int.
  ir::Value* items = list_of(types[0], unpack_tuple(tuple, expr.range), expr.range);
  VESTA_ASSIGN_OR_RETURN(ir::Value * item, call_operator("aten::__getitem__", {items, index}, expr.range));
  return Sugar::of(item);
}

absl::StatusOr<Sugar> Emitter::slice_tuple(const Sugar& base, const Slice& slice, const SourceRange& range) {
  const std::vector<Sugar> elements = [&] {
    if (base.is(Kind::kTuple)) return base.elements;
    std::vector<Sugar> parts;
    for (ir::Value* value : unpack_tuple(base.value, range)) parts.push_back(Sugar::of(value));
    return parts;
  }();
  std::optional<int64_t> bounds[3];
  const Expr* exprs[3] = {slice.lower, slice.upper, slice.step};
  for (int i = 0; i < 3; ++i) {
    if (exprs[i] == nullptr || exprs[i]->kind == ExprKind::kNoneLiteral) continue;
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*exprs[i]));
    bounds[i] = constant_int(value);
    if (!bounds[i].has_value()) return error(exprs[i]->range, "the bounds of a slice of a tuple must be literals");
  }
  const int64_t step = bounds[2].value_or(1);
  if (step == 0) return error(range, "the step of a slice cannot be 0");
  const int64_t size = static_cast<int64_t>(elements.size());
  auto clamp = [&](int64_t bound) {
    if (bound < 0) bound += size;
    return std::min(std::max(bound, step < 0 ? int64_t{-1} : int64_t{0}), step < 0 ? size - 1 : size);
  };
  const int64_t first = bounds[0].has_value() ? clamp(*bounds[0]) : (step < 0 ? size - 1 : 0);
  const int64_t last = bounds[1].has_value() ? clamp(*bounds[1]) : (step < 0 ? -1 : size);
  std::vector<Sugar> chosen;
  for (int64_t i = first; step < 0 ? i > last : i < last;) {
    chosen.push_back(elements[static_cast<size_t>(i)]);
    if (step > 0 ? step >= size - i : step < -i) break;
    i += step;
  }
  return Sugar::of_elements(Kind::kTuple, std::move(chosen));
}

absl::StatusOr<ir::Value*> Emitter::slice_sequence(ir::Value* base, const Slice& slice, const SourceRange& range) {
  if (base->type()->kind() != c10::TypeKind::ListType && base->type()->kind() != c10::TypeKind::StringType) {
    return error(range, absl::StrCat("a value of type '", type_text(*base->type()), "' cannot be sliced"));
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * lower, emit_or_none(slice.lower, range));
  VESTA_ASSIGN_OR_RETURN(ir::Value * upper, emit_or_none(slice.upper, range));
  ir::Value* step = nullptr;
  if (slice.step != nullptr) {
    VESTA_ASSIGN_OR_RETURN(step, emit(*slice.step));
  } else {
    step = constant(int64_t{1}, range);
  }
  return call_operator("aten::slice", {base, lower, upper, step}, range);
}

absl::StatusOr<Emitter::TensorIndex> Emitter::index_tensor(ir::Value* base, const Expr& index,
                                                           const SourceRange& range) {
  std::vector<const Expr*> parts;
  if (const auto* tuple = as<Tuple>(&index)) {
    parts = tuple->elements;
  } else {
    parts.push_back(&index);
  }
  size_t ellipsis = parts.size();
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i]->kind != ExprKind::kEllipsis) continue;
    if (ellipsis != parts.size()) return error(parts[i]->range, "an index can hold one '...' only");
    ellipsis = i;
  }
  std::vector<int64_t> dims(parts.size());
  std::vector<ir::Value*> values(parts.size(), nullptr);
  auto place = [&](size_t i, int64_t dim, bool from_end) -> absl::StatusOr<int64_t> {
    dims[i] = dim;
    const int64_t next = from_end ? dim - 1 : dim + 1;
    if (as<Slice>(parts[i]) != nullptr) return next;
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*parts[i]));
    if (value->type()->kind() == c10::TypeKind::ListType || value->type()->kind() == c10::TypeKind::TupleType) {
      ir::Value* dtype = constant(static_cast<int64_t>(c10::ScalarType::Long), range);
      VESTA_ASSIGN_OR_RETURN(
          Sugar tensor, call_operator("aten::tensor", nullptr, {{"", value, parts[i]->range}, {"dtype", dtype, range}},
                                      parts[i]->range));
      value = tensor.value;
    }
    values[i] = value;
    switch (value->type()->kind()) {
      case c10::TypeKind::NoneType:
        return from_end ? dim : next;
      case c10::TypeKind::IntType:
        return from_end ? next : dim;
      case c10::TypeKind::NumberType:
      case c10::TypeKind::FloatType:
        return error(parts[i]->range,
                     absl::StrCat("a tensor cannot be indexed with '", type_text(*value->type()), "'"));
      case c10::TypeKind::BoolType: {
        if (from_end) return error(parts[i]->range, "a bool behind '...' in an index is not part of the language");
        VESTA_ASSIGN_OR_RETURN(Sugar tensor,
                               call_operator("aten::tensor", nullptr, {{"", value, parts[i]->range}}, parts[i]->range));
        VESTA_ASSIGN_OR_RETURN(values[i], as_value(tensor, range));
        return next;
      }
      default:
        if (!value->type()->isSubtypeOf(*c10::OptionalType::ofTensor())) {
          return error(parts[i]->range,
                       absl::StrCat("a tensor cannot be indexed with '", type_text(*value->type()), "'"));
        }
        if (from_end) return error(parts[i]->range, "a tensor behind '...' in an index is not part of the language");
        return next;
    }
  };
  int64_t dim = 0;
  for (size_t i = 0; i < ellipsis; ++i) {
    VESTA_ASSIGN_OR_RETURN(dim, place(i, dim, false));
  }
  dim = -1;
  for (size_t i = parts.size(); i-- > ellipsis + 1;) {
    VESTA_ASSIGN_OR_RETURN(dim, place(i, dim, true));
  }
  TensorIndex result;
  result.base = base;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i == ellipsis) continue;
    const auto* slice = as<Slice>(parts[i]);
    ir::Value* at = nullptr;
    auto dimension = [&] { return constant(dims[i], parts[i]->range); };
    if (slice != nullptr) {
      at = dimension();
      VESTA_ASSIGN_OR_RETURN(ir::Value * lower, emit_or_none(slice->lower, slice->range));
      VESTA_ASSIGN_OR_RETURN(ir::Value * upper, emit_or_none(slice->upper, slice->range));
      ir::Value* step = nullptr;
      if (slice->step != nullptr) {
        VESTA_ASSIGN_OR_RETURN(step, emit(*slice->step));
      } else {
        step = constant(int64_t{1}, slice->range);
      }
      VESTA_ASSIGN_OR_RETURN(result.base, call_operator("aten::slice", {result.base, at, lower, upper, step}, range));
    } else if (values[i]->type()->kind() == c10::TypeKind::NoneType) {
      VESTA_ASSIGN_OR_RETURN(result.base, call_operator("aten::unsqueeze", {result.base, dimension()}, range));
    } else if (values[i]->type()->kind() == c10::TypeKind::IntType) {
      VESTA_ASSIGN_OR_RETURN(result.base, call_operator("aten::select", {result.base, dimension(), values[i]}, range));
    } else {
      result.indices.resize(std::max(result.indices.size(), static_cast<size_t>(dims[i]) + 1), nullptr);
      result.indices[static_cast<size_t>(dims[i])] = values[i];
    }
  }
  return result;
}

absl::StatusOr<ir::Value*> Emitter::tensor_indices(const TensorIndex& index, const SourceRange& range) {
  std::vector<ir::Value*> values;
  for (ir::Value* value : index.indices) values.push_back(value != nullptr ? value : none(range));
  return list_of(c10::OptionalType::ofTensor(), values, range);
}

}  // namespace vesta::frontend
