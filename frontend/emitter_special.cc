// Special forms: calls that read types or names from their arguments, casts, builtin containers, fork.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

namespace {
struct CastTarget {
  const char* op;
  const char* magic;
  c10::TypePtr type;
};

CastTarget cast_target(Special special) {
  switch (special) {
    case Special::kInt:
      return {"aten::Int", "__int__", c10::IntType::get()};
    case Special::kFloat:
      return {"aten::Float", "__float__", c10::FloatType::get()};
    case Special::kBool:
      return {"aten::Bool", "__bool__", c10::BoolType::get()};
    case Special::kComplex:
      return {"aten::Complex", "__complex__", c10::ComplexType::get()};
    default:
      return {"aten::str", "__str__", c10::StringType::get()};
  }
}
}  // namespace

absl::StatusOr<Sugar> Emitter::call_special(const Call& call, Special special, const c10::TypePtr& hint) {
  auto needs = [&](size_t count, const char* what) -> absl::Status {
    if (call.arguments.size() == count && call.keywords.empty()) return absl::OkStatus();
    return error(call.range, absl::StrCat("expected ", what));
  };
  switch (special) {
    case Special::kAnnotate: {
      VESTA_RETURN_IF_ERROR(needs(2, "'annotate(type, value)'"));
      VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, read_type(*call.arguments[0]));
      VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*call.arguments[1], type));
      // 1.0 and 1.1 wrote an undefined tensor so.
      if (unit_.from_archive() && *type == *c10::TensorType::get() && value->type()->kind() == c10::TypeKind::NoneType)
        type = c10::OptionalType::create(type);
      VESTA_ASSIGN_OR_RETURN(value, convert_to(value, type, call.arguments[1]->range, "the annotated value"));
      // None remembers what else it might be.
      if (value->type()->kind() == c10::TypeKind::NoneType && type->kind() != c10::TypeKind::NoneType)
        value = retype(value, type, call.range);
      return Sugar::of(value);
    }
    case Special::kUninitialized: {
      VESTA_RETURN_IF_ERROR(needs(1, "'uninitialized(type)'"));
      VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, read_type(*call.arguments[0]));
      return Sugar::of(uninitialized(std::move(type), call.range));
    }
    case Special::kUncheckedCast: {
      VESTA_RETURN_IF_ERROR(needs(2, "'unchecked_cast(type, value)'"));
      VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, read_type(*call.arguments[0]));
      VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*call.arguments[1]));
      return Sugar::of(retype(value, std::move(type), call.range));
    }
    case Special::kIsInstance:
    case Special::kHasAttr: {
      VESTA_ASSIGN_OR_RETURN(Condition condition,
                             special == Special::kIsInstance ? emit_isinstance(call) : emit_hasattr(call));
      VESTA_ASSIGN_OR_RETURN(ir::Value * value, condition_value(condition, call.range));
      return Sugar::of(value);
    }
    case Special::kGetAttr:
      return emit_getattr(call);
    case Special::kFork:
      return emit_fork(call, false);
    case Special::kAwaitable:
      return emit_fork(call, true);
    case Special::kInt:
    case Special::kFloat:
    case Special::kBool:
    case Special::kComplex:
    case Special::kStr:
      return emit_cast(call, special);
    case Special::kRange:
      return emit_range(call);
    case Special::kEnumerate: {
      const bool keyword = call.keywords.size() == 1 && call.keywords[0].name == "start";
      if (call.arguments.empty() || call.arguments.size() + call.keywords.size() > 2 ||
          (!call.keywords.empty() && !keyword)) {
        return error(call.range, "expected 'enumerate(values)' or 'enumerate(values, start)'");
      }
      VESTA_ASSIGN_OR_RETURN(Sugar source, emit_sugar(*call.arguments[0]));
      Sugar start;
      if (call.arguments.size() == 2 || keyword) {
        VESTA_ASSIGN_OR_RETURN(ir::Value * first, emit(keyword ? *call.keywords[0].value : *call.arguments[1]));
        start = Sugar::of(first);
      }
      return Sugar::of_elements(Kind::kEnumerate, {std::move(source), std::move(start)});
    }
    case Special::kZip: {
      std::vector<Sugar> sources;
      for (const Expr* argument : call.arguments) {
        VESTA_ASSIGN_OR_RETURN(Sugar source, emit_sugar(*argument));
        sources.push_back(std::move(source));
      }
      return Sugar::of_elements(Kind::kZip, std::move(sources));
    }
    case Special::kReversed: {
      VESTA_RETURN_IF_ERROR(needs(1, "'reversed(values)'"));
      VESTA_ASSIGN_OR_RETURN(Sugar source, emit_sugar(*call.arguments[0]));
      if (source.is(Kind::kTuple)) {
        std::reverse(source.elements.begin(), source.elements.end());
        source.type = nullptr;
        return source;
      }
      VESTA_ASSIGN_OR_RETURN(Sugar list, list_from(source, call.range));
      ir::Value* nothing = none(call.range);
      VESTA_ASSIGN_OR_RETURN(
          ir::Value * result,
          call_operator("aten::slice", {list.value, nothing, nothing, constant(int64_t{-1}, call.range)}, call.range));
      return Sugar::of(result);
    }
    case Special::kList:
      return emit_list_call(call, hint);
    case Special::kDict:
      return emit_dict_call(call, hint);
    case Special::kTuple:
      return emit_tuple_call(call);
    case Special::kTrue:
      return Sugar::of(constant(true, call.range));
    case Special::kFalse:
      return Sugar::of(constant(false, call.range));
    case Special::kIdentity:
      VESTA_RETURN_IF_ERROR(needs(1, "one argument"));
      return emit_sugar(*call.arguments[0]);
    case Special::kSuper:
      return error(call.range, "'super' is not part of the language: classes have no bases");
  }
  return error(call.range, "unknown special form");
}

absl::StatusOr<Sugar> Emitter::emit_cast(const Call& call, Special special) {
  const CastTarget target = cast_target(special);
  VESTA_ASSIGN_OR_RETURN(Arguments arguments, emit_arguments(call));
  if (arguments.empty()) {
    switch (special) {
      case Special::kInt:
        return Sugar::of(constant(int64_t{0}, call.range));
      case Special::kFloat:
        return Sugar::of(constant(0.0, call.range));
      case Special::kBool:
        return Sugar::of(constant(false, call.range));
      case Special::kStr:
        return Sugar::of(constant(std::string(), call.range));
      default:
        break;
    }
  }
  if (arguments.size() == 1 && arguments[0].name.empty()) {
    ir::Value* value = arguments[0].value;
    if (value->type()->isSubtypeOf(*target.type)) return Sugar::of(value);
    VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method(target.magic, value, {}, call.range));
    if (own.has_value()) return Sugar::of(*own);
    if (special == Special::kBool && has_length(*value->type())) {
      VESTA_ASSIGN_OR_RETURN(value, is_not_empty(value, call.range));
      return Sugar::of(value);
    }
  }
  return call_operator(target.op, nullptr, arguments, call.range);
}

absl::StatusOr<Sugar> Emitter::emit_getattr(const Call& call) {
  const auto* name = call.arguments.size() >= 2 ? as<StringLiteral>(call.arguments[1]) : nullptr;
  if (name == nullptr || call.arguments.size() > 3 || !call.keywords.empty())
    return error(call.range, "'getattr' takes an object and a literal string");
  VESTA_ASSIGN_OR_RETURN(Sugar base, emit_sugar(*call.arguments[0]));
  if (call.arguments.size() == 3 && !has_attribute(base, name->value)) return emit_sugar(*call.arguments[2]);
  return attribute(base, name->value, call.range);
}

absl::StatusOr<Sugar> Emitter::emit_range(const Call& call) {
  if (call.arguments.empty() || call.arguments.size() > 3 || !call.keywords.empty())
    return error(call.range, "'range' takes one to three ints");
  std::vector<ir::Value*> values;
  for (const Expr* argument : call.arguments) {
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*argument));
    VESTA_ASSIGN_OR_RETURN(value, convert_to(value, c10::IntType::get(), argument->range, "an argument of 'range'"));
    values.push_back(value);
  }
  Sugar range(Kind::kRange);
  range.flag = values.size() == 1;
  if (range.flag) {
    range.elements = {Sugar(), Sugar::of(values[0]), Sugar()};
    return range;
  }
  if (values.size() == 2) values.push_back(constant(int64_t{1}, call.range));
  for (ir::Value* value : values) range.elements.push_back(Sugar::of(value));
  return range;
}

// A new list of what an iterable gives.
absl::StatusOr<Sugar> Emitter::list_from(const Sugar& source, const SourceRange& range) {
  if (source.is(Kind::kValue)) {
    const c10::TypeKind kind = source.value->type()->kind();
    if (kind == c10::TypeKind::ListType || kind == c10::TypeKind::StringType || kind == c10::TypeKind::DictType) {
      VESTA_ASSIGN_OR_RETURN(
          ir::Value * list,
          call_operator(kind == c10::TypeKind::DictType ? "aten::keys" : "aten::list", {source.value}, range));
      return Sugar::of(list);
    }
  }
  VESTA_ASSIGN_OR_RETURN(Iterable items, iterable(source, range));
  if (items.items.has_value()) {
    std::vector<ir::Value*> values;
    std::vector<c10::TypePtr> types;
    for (const Sugar& one : *items.items) {
      VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(one, range));
      values.push_back(value);
      types.push_back(value->type());
    }
    c10::TypePtr element = c10::TensorType::get();
    if (!types.empty()) {
      VESTA_ASSIGN_OR_RETURN(element, unify(types, range, "the elements of a list"));
    }
    return Sugar::of(list_of(element, values, range));
  }
  ir::Value* list = list_of(c10::TensorType::get(), {}, range);
  LoopParts parts;
  parts.range = range;
  parts.trip_count = items.length;
  auto append = [&](ir::Value* iteration) -> absl::StatusOr<Exit> {
    VESTA_ASSIGN_OR_RETURN(Sugar one, item(items, iteration, range));
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(one, range));
    list->set_type(c10::ListType::create(value->type()));
    VESTA_RETURN_IF_ERROR(call_operator("aten::append", {list, value}, range).status());
    return Exit();
  };
  VESTA_RETURN_IF_ERROR(emit_loop(parts, append).status());
  return Sugar::of(list);
}

absl::StatusOr<Sugar> Emitter::emit_list_call(const Call& call, const c10::TypePtr& hint) {
  if (!call.keywords.empty() || call.arguments.size() > 1)
    return error(call.range, "'list' takes at most one argument");
  if (call.arguments.empty()) {
    List empty;
    empty.range = call.range;
    return emit_list(empty, hint);
  }
  VESTA_ASSIGN_OR_RETURN(Sugar source, emit_sugar(*call.arguments[0], hint));
  return list_from(source, call.range);
}

absl::StatusOr<Sugar> Emitter::emit_dict_call(const Call& call, const c10::TypePtr& hint) {
  if (call.arguments.size() > 1) return error(call.range, "'dict' takes at most one positional argument");
  ir::Value* dict = nullptr;
  if (call.arguments.empty()) {
    if (call.keywords.empty()) {
      Dict empty;
      empty.range = call.range;
      return emit_dict(empty, hint);
    }
  } else {
    VESTA_ASSIGN_OR_RETURN(ir::Value * source, emit(*call.arguments[0], hint));
    if (empty_literals_.contains(source) && source->type()->kind() == c10::TypeKind::DictType) {
      dict = source;
    } else {
      VESTA_ASSIGN_OR_RETURN(dict, call_operator("aten::dict", {source}, call.range));
    }
  }
  std::vector<ir::Value*> inputs;
  std::vector<c10::TypePtr> types;
  for (const Keyword& keyword : call.keywords) {
    if (keyword.name.empty()) return error(keyword.range, "'**' in a call is not part of the language");
    inputs.push_back(constant(keyword.name, keyword.range));
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*keyword.value));
    inputs.push_back(value);
    types.push_back(value->type());
  }
  if (dict == nullptr) {
    VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, unify(types, call.range, "the values of a dict"));
    return Sugar::of(
        insert_typed(ir::prim::DictConstruct, inputs, c10::DictType::create(c10::StringType::get(), type), call.range));
  }
  for (size_t i = 0; i < inputs.size(); i += 2) {
    VESTA_RETURN_IF_ERROR(call_operator("aten::_set_item", {dict, inputs[i], inputs[i + 1]}, call.range).status());
  }
  return Sugar::of(dict);
}

absl::StatusOr<Sugar> Emitter::emit_tuple_call(const Call& call) {
  if (!call.keywords.empty() || call.arguments.size() > 1)
    return error(call.range, "'tuple' takes at most one argument");
  if (call.arguments.empty()) return Sugar::of_elements(Kind::kTuple, {});
  VESTA_ASSIGN_OR_RETURN(Sugar source, emit_sugar(*call.arguments[0]));
  VESTA_ASSIGN_OR_RETURN(Iterable items, iterable(source, call.range));
  if (!items.items.has_value())
    return error(call.range, "the length of a tuple must be known while compiling; use a list");
  return Sugar::of_elements(Kind::kTuple, *std::move(items.items));
}

absl::StatusOr<Sugar> Emitter::emit_fork(const Call& call, bool awaitable) {
  if (call.arguments.empty()) return error(call.range, "'fork' takes a function and its arguments");
  VESTA_ASSIGN_OR_RETURN(Sugar callee, emit_sugar(*call.arguments[0]));
  VESTA_ASSIGN_OR_RETURN(Arguments arguments, emit_arguments(call, 1));
  return emit_subgraph_call(callee, arguments, awaitable, call.range);
}

// The call in a graph of its own; what it needs from here becomes its inputs.
absl::StatusOr<Sugar> Emitter::emit_subgraph_call(const Sugar& callee, const Arguments& arguments, bool awaitable,
                                                  const SourceRange& range) {
  auto graph = std::make_shared<ir::Graph>();
  Emitter inner(*this, graph);
  if (std::shared_ptr<Frame> defined_in = callee.frame.lock()) inner.outer_frame_ = std::move(defined_in);
  auto import = [&](ir::Value* value) {
    inner.captured_.push_back(value);
    return graph->add_input(value->type(), value->has_name() ? value->name() : "");
  };
  Sugar own = callee;
  if (own.value != nullptr) own.value = import(own.value);
  Arguments inputs = arguments;
  for (CallArgument& argument : inputs) argument.value = import(argument.value);
  absl::StatusOr<Sugar> result;
  if (own.is(Kind::kClosure)) {
    std::vector<ir::Value*> values;
    for (const CallArgument& argument : inputs) {
      if (!argument.name.empty()) return error(argument.range, "a nested function takes no keyword arguments");
      values.push_back(argument.value);
    }
    result = inner.inline_call(*own.closure, nullptr, values, range);
  } else {
    result = inner.call_sugar(own, inputs, range, nullptr);
  }
  VESTA_RETURN_IF_ERROR(result.status());
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, inner.as_value(*result, range));
  graph->add_output(value);
  made_beside_ = inner.size() - static_cast<int64_t>(graph_->node_count());
  remove_unread(*graph->block());
  const c10::TypePtr type = awaitable ? c10::TypePtr(c10::AwaitType::create(value->type()))
                                      : c10::TypePtr(c10::FutureType::create(value->type()));
  ir::Value* future =
      insert_typed(awaitable ? c10::Symbol::fromQualString("prim::awaitable") : c10::Symbol(ir::prim::fork),
                   inner.captured_, type, range);
  future->node()->set(ir::attr::Subgraph, graph);
  return Sugar::of(future);
}

}  // namespace vesta::frontend
