// What can be looped over, and comprehensions.
//
// A tuple has a fixed list of items: loops over it are unrolled. Everything else has a length and an
// operator that gets item number i; `zip` and `enumerate` are trees of such.

#include <algorithm>

#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

absl::StatusOr<Emitter::Iterable> Emitter::iterable(const Sugar& sugar, const SourceRange& range) {
  Iterable result;
  result.source = sugar;
  switch (sugar.kind) {
    case Kind::kTuple:
      result.items = sugar.elements;
      return result;
    case Kind::kType: {
      const auto members = sugar.type->cast<c10::EnumType>();
      if (members == nullptr) break;
      result.items.emplace();
      for (const c10::EnumNameValue& member : members->enumNamesValues()) {
        auto holder = c10::make_intrusive<c10::ivalue::EnumHolder>(members, member.first, member.second);
        result.items->push_back(Sugar::of(constant(c10::IValue(std::move(holder)), range, members)));
      }
      return result;
    }
    case Kind::kRange:
      if (sugar.flag) {
        result.length = sugar.elements[1].value;
      } else {
        VESTA_ASSIGN_OR_RETURN(
            result.length,
            call_operator("aten::__range_length",
                          {sugar.elements[0].value, sugar.elements[1].value, sugar.elements[2].value}, range));
      }
      return result;
    case Kind::kEnumerate: {
      VESTA_ASSIGN_OR_RETURN(Iterable inner, iterable(sugar.elements[0], range));
      if (inner.items.has_value()) {
        result.items.emplace();
        for (size_t i = 0; i < inner.items->size(); ++i) {
          ir::Value* number = constant(static_cast<int64_t>(i), range);
          if (sugar.elements[1].value != nullptr) {
            VESTA_ASSIGN_OR_RETURN(number, call_operator("aten::add", {sugar.elements[1].value, number}, range));
          }
          result.items->push_back(Sugar::of_elements(Kind::kTuple, {Sugar::of(number), (*inner.items)[i]}));
        }
        return result;
      }
      result.length = inner.length;
      result.parts.push_back(std::move(inner));
      return result;
    }
    case Kind::kZip: {
      std::optional<size_t> fixed;
      std::vector<ir::Value*> lengths;
      for (const Sugar& element : sugar.elements) {
        VESTA_ASSIGN_OR_RETURN(Iterable part, iterable(element, range));
        if (part.items.has_value()) fixed = std::min(fixed.value_or(part.items->size()), part.items->size());
        if (part.length != nullptr) lengths.push_back(part.length);
        result.parts.push_back(std::move(part));
      }
      if (fixed.has_value()) {
        result.items.emplace();
        for (size_t i = 0; i < *fixed; ++i) {
          std::vector<Sugar> row;
          for (const Iterable& part : result.parts) {
            if (part.items.has_value()) {
              row.push_back((*part.items)[i]);
              continue;
            }
            VESTA_ASSIGN_OR_RETURN(Sugar one, item(part, constant(static_cast<int64_t>(i), range), range));
            row.push_back(std::move(one));
          }
          result.items->push_back(Sugar::of_elements(Kind::kTuple, std::move(row)));
        }
        return result;
      }
      if (lengths.empty()) return error(range, "'zip' takes at least one argument");
      result.length = lengths[0];
      if (lengths.size() > 1) {
        VESTA_ASSIGN_OR_RETURN(result.length,
                               call_operator("prim::min", {list_of(c10::IntType::get(), lengths, range)}, range));
      }
      return result;
    }
    default:
      break;
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(sugar, range));
  switch (value->type()->kind()) {
    case c10::TypeKind::TupleType: {
      result.items.emplace();
      for (ir::Value* element : unpack_tuple(value, range)) result.items->push_back(Sugar::of(element));
      return result;
    }
    case c10::TypeKind::TensorType: {
      VESTA_ASSIGN_OR_RETURN(value, call_operator("aten::unbind", {value, constant(int64_t{0}, range)}, range));
      break;
    }
    case c10::TypeKind::DictType: {
      VESTA_ASSIGN_OR_RETURN(value, call_operator("aten::keys", {value}, range));
      break;
    }
    case c10::TypeKind::ListType:
    case c10::TypeKind::StringType:
      break;
    case c10::TypeKind::ClassType: {
      const auto& type = value->type()->expectRef<c10::ClassType>();
      if (type.is_module() && type.findMethod("forward") == nullptr) {  // A container of modules.
        result.items.emplace();
        for (const c10::ClassAttribute& member : type.getAttributes()) {
          if (!member.getType()->is_module()) continue;
          VESTA_ASSIGN_OR_RETURN(Sugar one, attribute(Sugar::of(value), member.getName(), range));
          result.items->push_back(std::move(one));
        }
        return result;
      }
      [[fallthrough]];
    }
    default:
      return error(range, absl::StrCat("cannot iterate over a value of type '", type_text(*value->type()), "'"));
  }
  result.source = Sugar::of(value);
  VESTA_ASSIGN_OR_RETURN(result.length, call_operator("aten::len", {value}, range));
  return result;
}

absl::StatusOr<Sugar> Emitter::item(const Iterable& iterable, ir::Value* index, const SourceRange& range) {
  switch (iterable.source.kind) {
    case Kind::kRange: {
      if (iterable.source.flag) return Sugar::of(index);
      VESTA_ASSIGN_OR_RETURN(
          ir::Value * value,
          call_operator("aten::__derive_index",
                        {index, iterable.source.elements[0].value, iterable.source.elements[2].value}, range));
      return Sugar::of(value);
    }
    case Kind::kEnumerate: {
      ir::Value* number = index;
      if (iterable.source.elements[1].value != nullptr) {
        VESTA_ASSIGN_OR_RETURN(number, call_operator("aten::add", {iterable.source.elements[1].value, index}, range));
      }
      VESTA_ASSIGN_OR_RETURN(Sugar inner, item(iterable.parts[0], index, range));
      return Sugar::of_elements(Kind::kTuple, {Sugar::of(number), std::move(inner)});
    }
    case Kind::kZip: {
      std::vector<Sugar> row;
      for (const Iterable& part : iterable.parts) {
        VESTA_ASSIGN_OR_RETURN(Sugar one, item(part, index, range));
        row.push_back(std::move(one));
      }
      return Sugar::of_elements(Kind::kTuple, std::move(row));
    }
    default: {
      VESTA_ASSIGN_OR_RETURN(ir::Value * value,
                             call_operator("aten::__getitem__", {iterable.source.value, index}, range));
      return Sugar::of(value);
    }
  }
}

absl::StatusOr<Sugar> Emitter::emit_comprehension(const Comprehension& expr, const c10::TypePtr& hint) {
  if (expr.form == ComprehensionKind::kSet) return error(expr.range, "sets are not part of the language");
  const bool is_dict = expr.form == ComprehensionKind::kDict;
  ir::Value* result = insert(is_dict ? ir::prim::DictConstruct : ir::prim::ListConstruct, {}, 1, expr.range)->output();
  c10::TypePtr element, mapped;
  const c10::TypePtr plain_hint = hint != nullptr ? unwrap_optional(hint) : nullptr;
  if (plain_hint != nullptr && is_dict && plain_hint->kind() == c10::TypeKind::DictType) {
    element = plain_hint->expectRef<c10::DictType>().getKeyType();
    mapped = plain_hint->expectRef<c10::DictType>().getValueType();
    result->set_type(plain_hint);
  } else if (plain_hint != nullptr && !is_dict && plain_hint->kind() == c10::TypeKind::ListType) {
    element = plain_hint->expectRef<c10::ListType>().getElementType();
    result->set_type(plain_hint);
  }
  // The names of a comprehension are its own.
  const std::shared_ptr<Frame> outer = frame_;
  frame_ = std::make_shared<Frame>();
  for (const Frame* f = outer.get(); f != nullptr; f = f->parent.get()) {
    for (const std::string& name : f->order) {
      if (frame_->find_here(name) == nullptr) frame_->set(name, f->names.at(name));
    }
  }
  absl::Status status = emit_comprehension_clause(expr, 0, result, element, mapped);
  frame_ = outer;
  VESTA_RETURN_IF_ERROR(status);
  if (element == nullptr) {
    element = is_dict ? c10::TypePtr(c10::StringType::get()) : c10::TypePtr(c10::TensorType::get());
    mapped = c10::TensorType::get();
  }
  result->set_type(is_dict ? c10::TypePtr(c10::DictType::create(element, mapped))
                           : c10::TypePtr(c10::ListType::create(element)));
  return Sugar::of(result);
}

absl::Status Emitter::emit_comprehension_clause(const Comprehension& expr, size_t clause, ir::Value* result,
                                                c10::TypePtr& element, c10::TypePtr& mapped) {
  if (clause == expr.clauses.size()) return emit_comprehension_item(expr, result, element, mapped);
  const ComprehensionClause& current = expr.clauses[clause];
  VESTA_ASSIGN_OR_RETURN(Sugar source, emit_sugar(*current.iterable));
  VESTA_ASSIGN_OR_RETURN(Iterable items, iterable(source, current.iterable->range));
  if (items.items.has_value()) {
    for (const Sugar& one : *items.items) {
      VESTA_RETURN_IF_ERROR(check_size(expr.range));
      VESTA_RETURN_IF_ERROR(assign(*current.target, one, current.target->range));
      VESTA_RETURN_IF_ERROR(emit_comprehension_body(expr, clause, 0, result, element, mapped));
    }
    return absl::OkStatus();
  }
  LoopParts parts;
  parts.range = current.iterable->range;
  parts.trip_count = items.length;
  return emit_loop(parts,
                   [&](ir::Value* iteration) -> absl::StatusOr<Exit> {
                     const std::shared_ptr<Frame> own = frame_;
                     // A frame without a parent: targets may have other types than outer names that they hide.
                     auto flat = std::make_shared<Frame>();
                     for (const Frame* f = own.get(); f != nullptr; f = f->parent.get()) {
                       for (const std::string& name : f->order) {
                         if (flat->find_here(name) == nullptr) flat->set(name, f->names.at(name));
                       }
                     }
                     frame_ = flat;
                     VESTA_ASSIGN_OR_RETURN(Sugar one, item(items, iteration, current.iterable->range));
                     VESTA_RETURN_IF_ERROR(assign(*current.target, one, current.target->range));
                     VESTA_RETURN_IF_ERROR(emit_comprehension_body(expr, clause, 0, result, element, mapped));
                     frame_ = own;
                     return Exit();
                   })
      .status();
}

absl::Status Emitter::emit_comprehension_body(const Comprehension& expr, size_t clause, size_t condition,
                                              ir::Value* result, c10::TypePtr& element, c10::TypePtr& mapped) {
  const ComprehensionClause& current = expr.clauses[clause];
  if (condition == current.conditions.size())
    return emit_comprehension_clause(expr, clause + 1, result, element, mapped);
  const Expr& test = *current.conditions[condition];
  VESTA_ASSIGN_OR_RETURN(Condition decided, emit_condition(test));
  auto then = [&]() -> absl::StatusOr<Exit> {
    VESTA_RETURN_IF_ERROR(emit_comprehension_body(expr, clause, condition + 1, result, element, mapped));
    return Exit();
  };
  if (decided.known.has_value()) return *decided.known ? then().status() : absl::OkStatus();
  return branch(decided.value, test.range, decided.if_true, decided.if_false, then,
                []() -> absl::StatusOr<Exit> { return Exit(); })
      .status();
}

absl::Status Emitter::emit_comprehension_item(const Comprehension& expr, ir::Value* result, c10::TypePtr& element,
                                              c10::TypePtr& mapped) {
  const bool is_dict = expr.form == ComprehensionKind::kDict;
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*expr.element, element));
  if (element == nullptr) element = value->type();
  VESTA_ASSIGN_OR_RETURN(value, convert_to(value, element, expr.element->range, is_dict ? "the key" : "the element"));
  if (!is_dict) {
    result->set_type(c10::ListType::create(element));
    return call_operator("aten::append", {result, value}, expr.element->range).status();
  }
  if (!is_dict_key(*element))
    return error(expr.element->range, absl::StrCat("a dict's keys cannot have type '", type_text(*element), "'"));
  VESTA_ASSIGN_OR_RETURN(ir::Value * to, emit(*expr.value, mapped));
  if (mapped == nullptr) mapped = to->type();
  VESTA_ASSIGN_OR_RETURN(to, convert_to(to, mapped, expr.value->range, "the value"));
  result->set_type(c10::DictType::create(element, mapped));
  return call_operator("aten::_set_item", {result, value, to}, expr.element->range).status();
}

}  // namespace vesta::frontend
