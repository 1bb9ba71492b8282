// Arguments to a schema: which argument goes where, whether its type fits, and the conversions that the
// language makes without being asked. Matching inserts nothing: a candidate that does not fit leaves no trace;
// materialize() makes the nodes of the one that does.

#include "frontend/emitter_match.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "ir/support/status.h"
#include "ir/support/suggestion.h"

namespace vesta::frontend {

using support::SourceRange;

namespace {

const char* implicit_operator(const c10::Type& from, const c10::Type& target) {
  const c10::TypeKind kind = target.kind();
  if (from.kind() == c10::TypeKind::TensorType) {
    if (kind == c10::TypeKind::FloatType) return "aten::FloatImplicit";
    if (kind == c10::TypeKind::ComplexType) return "aten::ComplexImplicit";
    if (kind == c10::TypeKind::IntType) return "aten::IntImplicit";
    if (kind == c10::TypeKind::NumberType) return "aten::ScalarImplicit";
  } else if (from.kind() == c10::TypeKind::NumberType) {
    if (kind == c10::TypeKind::FloatType) return "aten::Float";
    if (kind == c10::TypeKind::ComplexType) return "aten::Complex";
    if (kind == c10::TypeKind::IntType) return "aten::Int";
  } else if (from.kind() == c10::TypeKind::BoolType) {
    if (kind == c10::TypeKind::FloatType) return "aten::Float";
    if (kind == c10::TypeKind::IntType || kind == c10::TypeKind::NumberType) return "aten::Int";
  } else if (from.kind() == c10::TypeKind::StringType && kind == c10::TypeKind::DeviceObjType) {
    return "aten::device";
  } else if (from.kind() == c10::TypeKind::AwaitType && kind != c10::TypeKind::AwaitType) {
    return "prim::awaitable_wait";
  }
  return nullptr;
}

// A list that takes any number of arguments, as `view(2, 3)`: the last positional one of the schema.
bool takes_rest_as_list(const c10::FunctionSchema& schema, size_t i) {
  const auto& arguments = schema.arguments();
  const bool last = i + 1 == arguments.size() || arguments[i + 1].kwarg_only();
  const auto* list = arguments[i].type()->castRaw<c10::ListType>();
  return last && list != nullptr && !arguments[i].N().has_value() &&
         list->getElementType()->kind() != c10::TypeKind::VarType;
}

bool tuple_fits_list(const c10::Type& from, const c10::Type& target) {
  const auto* tuple = from.castRaw<c10::TupleType>();
  const auto* list = target.castRaw<c10::ListType>();
  if (tuple == nullptr || list == nullptr) return false;
  return std::all_of(tuple->elements().begin(), tuple->elements().end(),
                     [&](const c10::TypePtr& element) { return element->isSubtypeOf(*list->getElementType()); });
}

}  // namespace

c10::TypePtr Emitter::converted_type(ir::Value* value, const c10::TypePtr& from, const c10::TypePtr& target,
                                     bool conversions) const {
  if (from == target || from->isSubtypeOf(*target)) return from;
  if (target->kind() == c10::TypeKind::OptionalType && from->kind() != c10::TypeKind::OptionalType &&
      from->kind() != c10::TypeKind::NoneType) {
    return converted_type(value, from, unwrap_optional(target), conversions);
  }
  if (value != nullptr && empty_literals_.contains(value) && from->kind() == target->kind()) return target;
  if (const auto* tuple = from->castRaw<c10::TupleType>()) {
    if (tuple_fits_list(*from, *target)) return target;
    const auto* wanted = target->castRaw<c10::TupleType>();
    if (wanted == nullptr || wanted->elements().size() != tuple->elements().size()) return nullptr;
    std::vector<c10::TypePtr> elements;
    for (size_t i = 0; i < tuple->elements().size(); ++i) {
      // What the tuple was made of may be an empty literal.
      ir::Value* part =
          value != nullptr && value->node()->kind() == ir::prim::TupleConstruct ? value->node()->input(i) : nullptr;
      c10::TypePtr element = converted_type(part, tuple->elements()[i], wanted->elements()[i], conversions);
      if (element == nullptr || !element->isSubtypeOf(*wanted->elements()[i])) return nullptr;
      elements.push_back(std::move(element));
    }
    return wanted->schema() != nullptr && tuple->schema() == nullptr
               ? nullptr
               : c10::TypePtr(c10::TupleType::create(std::move(elements)));
  }
  if (conversions && implicit_operator(*from, *target) != nullptr) {
    if (from->kind() == c10::TypeKind::AwaitType) return from->expectRef<c10::AwaitType>().getElementType();
    return from->kind() == c10::TypeKind::BoolType && target->kind() == c10::TypeKind::NumberType
               ? c10::TypePtr(c10::IntType::get())
               : target;
  }
  return nullptr;
}

ir::Value* Emitter::convert(ir::Value* value, const c10::TypePtr& target, bool conversions, const SourceRange& range) {
  const c10::TypePtr from = value->type();
  c10::TypePtr becomes = converted_type(value, from, target, conversions);
  if (becomes == nullptr || becomes == from || *becomes == *from) return value;
  c10::TypePtr goal = from->kind() == c10::TypeKind::OptionalType ? target : unwrap_optional(target);
  if (empty_literals_.contains(value) && from->kind() == goal->kind()) {
    return insert_typed(goal->kind() == c10::TypeKind::ListType ? ir::prim::ListConstruct : ir::prim::DictConstruct, {},
                        goal, range);
  }
  if (from->kind() == c10::TypeKind::TupleType) {
    std::vector<ir::Value*> parts;
    if (value->node()->kind() == ir::prim::TupleConstruct) {
      parts = value->node()->inputs();
    } else {
      parts = unpack_tuple(value, range);
    }
    if (const auto* list = goal->castRaw<c10::ListType>()) return list_of(list->getElementType(), parts, range);
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i] = convert(parts[i], goal->expectRef<c10::TupleType>().elements()[i], conversions, range);
    }
    return tuple_of(parts, range);
  }
  const char* name = implicit_operator(*from, *goal);
  if (name == nullptr) return value;
  absl::StatusOr<ir::Value*> converted = call_operator(name, {value}, range);
  return converted.ok() ? *converted : value;
}

absl::StatusOr<ir::Value*> Emitter::convert_to(ir::Value* value, const c10::TypePtr& target, const SourceRange& range,
                                               std::string_view what) {
  ir::Value* converted = convert(value, target, true, range);
  if (converted->type()->isSubtypeOf(*target)) return converted;
  return error(range, absl::StrCat(std::string(what), " has type '", type_text(*target), "', got '",
                                   type_text(*value->type()), "'"));
}

bool Emitter::match_one(const c10::Argument& formal, ir::Value* value, bool conversions, Match& match,
                        std::string* why) const {
  const c10::TypePtr& wanted = formal.type();
  const c10::TypePtr& actual = value->type();
  Match::Slot slot;
  slot.value = value;
  if (formal.N().has_value() && actual->kind() != c10::TypeKind::ListType) {
    const auto list = unwrap_optional(wanted)->cast<c10::ListType>();
    if (list != nullptr && *list->getElementType() == *actual) {  // One int for `int[2]`: repeated.
      slot.kind = Match::Kind::kRepeated;
      slot.type = list;
      slot.count = static_cast<size_t>(std::max(1, *formal.N()));
      match.slots.push_back(std::move(slot));
      return true;
    }
  }
  c10::TypePtr concrete = wanted;
  if (wanted->hasFreeVariables()) {
    // `[]` says nothing of what a variable stands for if another argument has said it.
    const bool decided =
        empty_literals_.contains(value) && c10::tryEvalTypeVariables(wanted, match.variables) != nullptr;
    if (!decided && !c10::matchTypeVariables(wanted, actual, match.variables).success()) {
      if (why != nullptr) {  // `[1].append("a")`: the variable stands for int already.
        const c10::TypePtr bound = c10::tryEvalTypeVariables(wanted, match.variables);
        *why = absl::StrCat("takes ", type_text(bound != nullptr ? *bound : *wanted), " for argument '", formal.name(),
                            "', got ", type_text(*actual));
      }
      return false;
    }
    concrete = c10::tryEvalTypeVariables(wanted, match.variables);
    if (concrete == nullptr) {
      if (why != nullptr)
        *why = absl::StrCat("cannot tell the type of argument '", formal.name(), "' from ", type_text(*actual));
      return false;
    }
  }
  const c10::TypePtr becomes = converted_type(value, actual, concrete, conversions);
  if (becomes == nullptr || !becomes->isSubtypeOf(*concrete)) {
    if (why != nullptr) {
      *why =
          absl::StrCat("takes ", type_text(*concrete), " for argument '", formal.name(), "', got ", type_text(*actual));
      if (actual->kind() == c10::TypeKind::OptionalType && unwrap_optional(actual)->isSubtypeOf(*concrete)) {
        absl::StrAppend(why, "; check that it is not None first");
      }
    }
    return false;
  }
  slot.kind = Match::Kind::kValue;
  slot.type = std::move(concrete);
  match.slots.push_back(std::move(slot));
  return true;
}

bool Emitter::match(const c10::FunctionSchema& schema, ir::Value* receiver, const Arguments& arguments,
                    bool conversions, Match& match, std::string* why) const {
  match = Match();
  match.schema = &schema;
  match.conversions = conversions;
  auto fail = [&](std::string text) {
    if (why != nullptr) *why = std::move(text);
    return false;
  };
  size_t positional = 0;
  while (positional < arguments.size() && arguments[positional].name.empty()) ++positional;
  const bool is_operator = schema.name().starts_with("aten::");
  size_t next = 0;
  std::vector<bool> used(arguments.size(), false);
  bool receiver_used = receiver == nullptr;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::Argument& formal = schema.arguments()[i];
    if (!receiver_used && formal.name() == "self") {
      receiver_used = true;
      if (!match_one(formal, receiver, conversions, match, why)) return false;
      continue;
    }
    if (!formal.kwarg_only() && next < positional) {
      const c10::TypePtr& type = arguments[next].value->type();
      if (conversions && takes_rest_as_list(schema, i)) {
        const c10::TypePtr& list_type = formal.type();
        if (type->kind() != c10::TypeKind::ListType && !tuple_fits_list(*type, *list_type) &&
            type->kind() != c10::TypeKind::NoneType) {
          const c10::TypePtr& element = list_type->expectRef<c10::ListType>().getElementType();
          Match::Slot slot;
          slot.kind = Match::Kind::kList;
          slot.type = list_type;
          for (; next < positional; ++next) {
            ir::Value* value = arguments[next].value;
            const c10::TypePtr becomes = converted_type(value, value->type(), element, conversions);
            if (becomes == nullptr || !becomes->isSubtypeOf(*element)) {
              return fail(absl::StrCat("takes ", type_text(*formal.type()), " for argument '", formal.name(), "', got ",
                                       type_text(*value->type())));
            }
            slot.values.push_back(value);
          }
          match.slots.push_back(std::move(slot));
          continue;
        }
      }
      if (!match_one(formal, arguments[next].value, conversions, match, why)) return false;
      ++next;
      continue;
    }
    size_t keyword = positional;
    while (keyword < arguments.size() && arguments[keyword].name != formal.name() &&
           !(is_operator && formal.name() == "self" && arguments[keyword].name == "input")) {
      ++keyword;
    }
    if (keyword < arguments.size()) {
      used[keyword] = true;
      if (!match_one(formal, arguments[keyword].value, conversions, match, why)) return false;
      continue;
    }
    if (!formal.default_value().has_value()) return fail(absl::StrCat("misses argument '", formal.name(), "'"));
    Match::Slot slot;
    slot.kind = Match::Kind::kDefault;
    slot.constant = *formal.default_value();
    slot.type = formal.type();
    match.slots.push_back(std::move(slot));
  }
  if (!receiver_used) return fail("is no method of a value");
  if (schema.is_vararg()) {
    for (; next < positional; ++next) match.rest.push_back(arguments[next].value);
  }
  if (next < positional) {
    // The object before the dot is no argument to who writes a call.
    const c10::Argument* const first = schema.arguments().empty() ? nullptr : schema.arguments().data();
    const bool has_self =
        !is_operator && first != nullptr && first->name() == "self" &&
        (first->type()->kind() == c10::TypeKind::ClassType || first->type()->kind() == c10::TypeKind::InterfaceType);
    const size_t takes = schema.arguments().size() - (has_self || receiver != nullptr ? 1 : 0);
    return fail(absl::StrCat("takes ", takes, takes == 1 ? " argument" : " arguments", ", got ",
                             arguments.size() - (has_self && receiver == nullptr ? 1 : 0)));
  }
  for (size_t i = positional; i < arguments.size(); ++i) {
    if (used[i]) continue;
    const bool known = schema.argumentIndexWithName(arguments[i].name).has_value();
    if (known) return fail(absl::StrCat("got argument '", arguments[i].name, "' twice"));
    if (why == nullptr) return false;
    std::vector<std::string> names;
    for (const c10::Argument& formal : schema.arguments()) names.push_back(formal.name());
    return fail(
        absl::StrCat("has no argument '", arguments[i].name, "'", support::did_you_mean(arguments[i].name, names)));
  }
  for (const c10::Argument& result : schema.returns()) {
    c10::TypePtr type = result.type();
    if (type->hasFreeVariables()) type = c10::tryEvalTypeVariables(type, match.variables);
    if (type == nullptr) return fail("has a result whose type the arguments do not tell");
    match.results.push_back(std::move(type));
  }
  return true;
}

std::vector<ir::Value*> Emitter::materialize(const Match& match, const SourceRange& range) {
  std::vector<ir::Value*> inputs;
  for (const Match::Slot& slot : match.slots) {
    switch (slot.kind) {
      case Match::Kind::kValue:
        inputs.push_back(convert(slot.value, slot.type, match.conversions, range));
        break;
      case Match::Kind::kRepeated:
        inputs.push_back(list_of(slot.type->expectRef<c10::ListType>().getElementType(),
                                 std::vector<ir::Value*>(slot.count, slot.value), range));
        break;
      case Match::Kind::kList: {
        const c10::TypePtr& element = slot.type->expectRef<c10::ListType>().getElementType();
        std::vector<ir::Value*> values;
        for (ir::Value* value : slot.values) values.push_back(convert(value, element, match.conversions, range));
        inputs.push_back(list_of(element, values, range));
        break;
      }
      case Match::Kind::kDefault: {
        // An empty list or an object has the type of its parameter; other constants tell their own.
        const bool typed = slot.constant.isList() || slot.constant.isGenericDict() || slot.constant.isTuple() ||
                           slot.constant.isObject() || slot.constant.isEnum();
        inputs.push_back(constant(slot.constant, range, typed ? unwrap_optional(slot.type) : nullptr));
        break;
      }
    }
  }
  inputs.insert(inputs.end(), match.rest.begin(), match.rest.end());
  return inputs;
}

namespace {
std::string short_schema(const c10::FunctionSchema& schema) {
  std::string text = absl::StrCat(ir::display_name(schema.name()), "(");
  bool first = true, keyword_only = false;
  for (const c10::Argument& argument : schema.arguments()) {
    if (!first) text += ", ";
    first = false;
    if (argument.kwarg_only() && !keyword_only) {
      text += "*, ";
      keyword_only = true;
    }
    absl::StrAppend(&text, argument.name(), ": ", type_text(*argument.type()));
    if (argument.default_value().has_value()) text += "=...";
  }
  if (schema.is_vararg()) text += first ? "..." : ", ...";
  text += ")";
  return text;
}
}  // namespace

std::vector<const c10::FunctionSchema*> Emitter::closest(const std::vector<const c10::FunctionSchema*>& candidates,
                                                         ir::Value* receiver, const Arguments& arguments) const {
  std::vector<const c10::FunctionSchema*> best;
  size_t most = 0;
  for (const c10::FunctionSchema* candidate : candidates) {
    // `out=` forms are of interest only to who gives `out`.
    bool needs_out = false;
    for (const c10::Argument& formal : candidate->arguments()) {
      needs_out |= formal.kwarg_only() && !formal.default_value().has_value() &&
                   std::none_of(arguments.begin(), arguments.end(),
                                [&](const CallArgument& one) { return one.name == formal.name(); });
    }
    if (needs_out) continue;
    Match partial;
    match(*candidate, receiver, arguments, false, partial, nullptr);
    if (partial.slots.size() > most) best.clear();
    most = std::max(most, partial.slots.size());
    if (partial.slots.size() == most) best.push_back(candidate);
  }
  // An Optional that would fit if it were checked is what most likely went wrong.
  std::vector<const c10::FunctionSchema*> unchecked;
  for (const c10::FunctionSchema* candidate : best) {
    Match partial;
    std::string why;
    match(*candidate, receiver, arguments, true, partial, &why);
    if (why.ends_with("not None first")) unchecked.push_back(candidate);
  }
  if (!unchecked.empty()) return unchecked;
  return best.empty() ? candidates : best;
}

absl::Status Emitter::mismatch(const std::string& name, const std::vector<const c10::FunctionSchema*>& candidates,
                               ir::Value* receiver, const Arguments& arguments, const SourceRange& range) const {
  Match unused;
  std::string why;
  const std::vector<const c10::FunctionSchema*> shown = closest(candidates, receiver, arguments);
  if (shown.size() == 1) {
    match(*shown[0], receiver, arguments, true, unused, &why);
    return error(range, absl::StrCat("'", ir::display_name(name), "' ", why));
  }
  std::string given;
  if (receiver != nullptr) given = type_text(*receiver->type());
  for (const CallArgument& argument : arguments) {
    absl::StrAppend(&given, given.empty() ? "" : ", ", argument.name, argument.name.empty() ? "" : "=",
                    type_text(*argument.value->type()));
  }
  std::string notes;
  constexpr size_t kShown = 8;
  for (size_t i = 0; i < shown.size() && i < kShown; ++i) {
    why.clear();
    match(*shown[i], receiver, arguments, true, unused, &why);
    absl::StrAppend(&notes, "  ", short_schema(*shown[i]), ": it ", why, "\n");
  }
  if (shown.size() > kShown) absl::StrAppend(&notes, "  and ", shown.size() - kShown, " more\n");
  const absl::Status status =
      error(range, absl::StrCat("no overload of '", ir::display_name(name), "' takes (", given, ")"));
  return {status.code(), absl::StrCat(status.message(), "candidates:\n", notes)};
}

absl::StatusOr<std::vector<ir::Value*>> Emitter::match_schema(const c10::FunctionSchema& schema,
                                                              const std::string& name, ir::Value* receiver,
                                                              const Arguments& arguments, const SourceRange& range) {
  Match found;
  if (!match(schema, receiver, arguments, true, found, nullptr))
    return mismatch(name, {&schema}, receiver, arguments, range);
  return materialize(found, range);
}

}  // namespace vesta::frontend
