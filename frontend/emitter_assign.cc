// Assignments to everything that is not a plain name, unpacking, and what `op=` means.

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

absl::Status Emitter::assign(const Expr& target, Sugar value, const SourceRange& range) {
  switch (target.kind) {
    case ExprKind::kName:
      return set_name(cast<Name>(target).id, std::move(value), range);
    case ExprKind::kTuple:
      return assign_sequence(cast<Tuple>(target).elements, value, target.range, range);
    case ExprKind::kList:
      return assign_sequence(cast<List>(target).elements, value, target.range, range);
    case ExprKind::kAttribute: {
      VESTA_ASSIGN_OR_RETURN(ir::Value * plain, as_value(value, range));
      return assign_attribute(cast<Attribute>(target), plain, range);
    }
    case ExprKind::kSubscript: {
      VESTA_ASSIGN_OR_RETURN(ir::Value * plain, as_value(value, range));
      return assign_subscript(cast<Subscript>(target), plain, range);
    }
    default:
      return error(target.range, absl::StrCat("cannot assign to ", describe(target.kind)));
  }
}

// The elements of a tuple, or of a list whose length the targets tell (checked when it runs).
absl::StatusOr<std::vector<Sugar>> Emitter::unpack(const Sugar& value, size_t at_least, bool exactly,
                                                   const SourceRange& range) {
  if (value.is(Kind::kTuple)) return value.elements;
  VESTA_ASSIGN_OR_RETURN(ir::Value * plain, as_value(value, range));
  std::vector<Sugar> elements;
  if (plain->type()->kind() == c10::TypeKind::TupleType) {
    for (ir::Value* element : unpack_tuple(plain, range)) elements.push_back(Sugar::of(element));
    return elements;
  }
  if (plain->type()->kind() == c10::TypeKind::TensorType) {
    VESTA_ASSIGN_OR_RETURN(plain, call_operator("aten::unbind", {plain, constant(int64_t{0}, range)}, range));
  }
  const auto* list = plain->type()->castRaw<c10::ListType>();
  if (list == nullptr)
    return error(range, absl::StrCat("cannot unpack a value of type '", type_text(*plain->type()), "'"));
  if (!exactly) return error(range, "a list cannot be unpacked with a starred target: its length is not known");
  ir::Node* node = insert(ir::prim::ListUnpack, {plain}, at_least, range);
  for (ir::Value* output : node->outputs()) {
    output->set_type(list->getElementType());
    elements.push_back(Sugar::of(output));
  }
  return elements;
}

absl::Status Emitter::assign_sequence(const std::vector<const Expr*>& targets, const Sugar& value,
                                      const SourceRange& target_range, const SourceRange& range) {
  std::optional<size_t> star;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i]->kind != ExprKind::kStarred) continue;
    if (star.has_value()) return error(target_range, "only one target can be starred");
    star = i;
  }
  VESTA_ASSIGN_OR_RETURN(std::vector<Sugar> elements, unpack(value, targets.size(), !star.has_value(), range));
  if (star.has_value() ? elements.size() + 1 < targets.size() : elements.size() != targets.size()) {
    return error(target_range,
                 absl::StrCat("cannot unpack ", elements.size(), " values into ", targets.size(), " targets"));
  }
  size_t next = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (star != i) {
      VESTA_RETURN_IF_ERROR(assign(*targets[i], elements[next++], range));
      continue;
    }
    const size_t count = elements.size() - (targets.size() - 1);
    const auto first = elements.begin() + static_cast<std::ptrdiff_t>(next);
    Sugar rest = Sugar::of_elements(Kind::kTuple, {first, first + static_cast<std::ptrdiff_t>(count)});
    next += count;
    VESTA_RETURN_IF_ERROR(assign(*cast<Starred>(*targets[i]).value, std::move(rest), range));
  }
  return absl::OkStatus();
}

absl::Status Emitter::assign_attribute(const Attribute& target, ir::Value* value, const SourceRange& range) {
  VESTA_ASSIGN_OR_RETURN(Sugar base, emit_sugar(*target.value));
  VESTA_ASSIGN_OR_RETURN(ir::Value * object, as_value(base, target.value->range));
  const c10::ClassTypePtr type = object->type()->cast<c10::ClassType>();
  if (type == nullptr) {
    if (object->type()->kind() == c10::TypeKind::TensorType && target.name == "data") {
      return call_operator("aten::set_data", {object, value}, range).status();
    }
    if (object->type()->kind() == c10::TypeKind::TensorType && target.name == "requires_grad") {
      return call_operator("aten::requires_grad_", {object, value}, range).status();
    }
    return error(target.range,
                 absl::StrCat("cannot set '", target.name, "' of a value of type '", type_text(*object->type()), "'"));
  }
  if (auto property = type->getProperty(target.name); property.has_value()) {
    if (property->setter == nullptr)
      return error(target.range, absl::StrCat("property '", target.name, "' cannot be set"));
    return call_function(property->setter, object, {{"", value, range}}, range).status();
  }
  c10::TypePtr declared = type->findAttribute(target.name);
  if (declared == nullptr) {
    if (type->hasConstant(target.name))
      return error(target.range, absl::StrCat("'", target.name, "' is a constant of '", type_text(*type), "'"));
    const bool constructing = name_.ends_with(".__init__") && self_type_ == type && unit_.takes_attributes(*type);
    if (!constructing)
      return error(target.range, absl::StrCat("'", type_text(*type), "' has no attribute '", target.name, "'"));
    VESTA_RETURN_IF_ERROR(check_no_cycle(*value->type(), *type, target.name, range));
    type->addAttribute(target.name, value->type());
    declared = value->type();
  }
  VESTA_ASSIGN_OR_RETURN(value, convert_to(value, declared, range, absl::StrCat("attribute '", target.name, "'")));
  insert(ir::prim::SetAttr, {object, value}, 0, range)->set(ir::attr::name, target.name);
  return absl::OkStatus();
}

absl::StatusOr<ir::Value*> Emitter::tensor_of_number(ir::Value* value, ir::Value* like, const SourceRange& range) {
  if (!value->type()->isSubtypeOf(*c10::NumberType::get()) && value->type()->kind() != c10::TypeKind::BoolType)
    return value;
  VESTA_ASSIGN_OR_RETURN(ir::Value * dtype, call_operator("prim::dtype", {like}, range));
  VESTA_ASSIGN_OR_RETURN(ir::Value * device, call_operator("prim::device", {like}, range));
  VESTA_ASSIGN_OR_RETURN(
      Sugar tensor, call_operator("aten::tensor", nullptr,
                                  {{"", value, range}, {"dtype", dtype, range}, {"device", device, range}}, range));
  return tensor.value;
}

absl::Status Emitter::assign_subscript(const Subscript& target, ir::Value* value, const SourceRange& range) {
  VESTA_ASSIGN_OR_RETURN(ir::Value * base, emit(*target.value));
  if (base->type()->kind() == c10::TypeKind::TensorType) {
    VESTA_ASSIGN_OR_RETURN(TensorIndex index, index_tensor(base, *target.index, target.range));
    VESTA_ASSIGN_OR_RETURN(ir::Value * tensor, tensor_of_number(value, index.base, range));
    if (index.indices.empty()) return call_operator("aten::copy_", {index.base, tensor}, range).status();
    VESTA_ASSIGN_OR_RETURN(ir::Value * indices, tensor_indices(index, target.range));
    return call_operator("aten::index_put_", {index.base, indices, tensor}, range).status();
  }
  if (as<Slice>(target.index) != nullptr)
    return error(target.range, absl::StrCat("a slice of '", type_text(*base->type()), "' cannot be assigned"));
  VESTA_ASSIGN_OR_RETURN(ir::Value * key, emit(*target.index));
  VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method("__setitem__", base, {key, value}, range));
  if (own.has_value()) return absl::OkStatus();
  if (base->type()->kind() != c10::TypeKind::ListType && base->type()->kind() != c10::TypeKind::DictType) {
    return error(target.range, absl::StrCat("items of '", type_text(*base->type()), "' cannot be assigned"));
  }
  return call_operator("aten::_set_item", {base, key, value}, range).status();
}

namespace {

struct AugmentedNames {
  const char* in_place;  // of tensors and lists
  const char* plain;
  const char* magic;
  const char* plain_magic;
};

const AugmentedNames& augmented_names(BinaryOp op) {
  static constexpr AugmentedNames kNames[] = {
      {"aten::add_", "aten::add", "__iadd__", "__add__"},
      {"aten::sub_", "aten::sub", "__isub__", "__sub__"},
      {"aten::mul_", "aten::mul", "__imul__", "__mul__"},
      {"aten::div_", "aten::div", "__itruediv__", "__truediv__"},
      {"aten::floor_divide_", "aten::floordiv", "__ifloordiv__", "__floordiv__"},
      {"aten::remainder_", "aten::remainder", "__imod__", "__mod__"},
      {"aten::pow_", "aten::pow", "__ipow__", "__pow__"},
      {"aten::matmul", "aten::matmul", "__imatmul__", "__matmul__"},
      {"aten::__iand__", "aten::__and__", "__iand__", "__and__"},
      {"aten::__ior__", "aten::__or__", "__ior__", "__or__"},
      {"aten::__ixor__", "aten::__xor__", "__ixor__", "__xor__"},
      {"aten::__ilshift__", "aten::__lshift__", "__ilshift__", "__lshift__"},
      {"aten::__irshift__", "aten::__rshift__", "__irshift__", "__rshift__"},
  };
  return kNames[static_cast<size_t>(op)];
}

}  // namespace

absl::StatusOr<ir::Value*> Emitter::augmented_value(BinaryOp op, ir::Value* left, ir::Value* right,
                                                    const SourceRange& range) {
  const AugmentedNames& names = augmented_names(op);
  for (const char* method : {names.magic, names.plain_magic}) {
    VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method(method, left, {right}, range));
    if (own.has_value()) return *own;
  }
  const c10::TypeKind kind = left->type()->kind();
  if (kind == c10::TypeKind::TensorType ||
      (kind == c10::TypeKind::ListType && (op == BinaryOp::kAdd || op == BinaryOp::kMul))) {
    return call_operator(names.in_place, {left, right}, range);
  }
  return binary(op, left, right, range);
}

}  // namespace vesta::frontend
