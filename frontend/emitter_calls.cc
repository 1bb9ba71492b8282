// Calls of functions, methods, classes and operators.
//
// An operator's overloads are tried in the catalog's order, first without and then with implicit
// conversions. An operator that nobody knows is noted and stands in as an uninitialized value, so that one
// compilation finds all of them.

#include "absl/strings/str_cat.h"
#include "frontend/builtin_sources.h"
#include "frontend/emitter.h"
#include "frontend/emitter_match.h"
#include "frontend/historic_operators.h"
#include "frontend/names.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

namespace {

// The row that says how a tensor was printed.
constexpr const char* kPrintedTensor = "vesta::printed_tensor";

// What a name meant to the writer of the archive that is being compiled.
std::vector<const HistoricOperator*> historic_meanings(const Unit& unit, const std::string& name) {
  if (!unit.from_archive()) return {};
  return historic_operators(name, unit.version(), unit.writer());
}

}  // namespace

absl::StatusOr<Emitter::Arguments> Emitter::emit_arguments(const Call& call, size_t first) {
  Arguments arguments;
  for (size_t i = first; i < call.arguments.size(); ++i) {
    const Expr& expr = *call.arguments[i];
    if (const auto* starred = as<Starred>(&expr)) {
      VESTA_ASSIGN_OR_RETURN(Sugar sequence, emit_sugar(*starred->value));
      VESTA_ASSIGN_OR_RETURN(std::vector<Sugar> items, unpack(sequence, 0, false, expr.range));
      for (const Sugar& one : items) {
        VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(one, expr.range));
        arguments.push_back({"", value, expr.range});
      }
      continue;
    }
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(expr));
    arguments.push_back({"", value, expr.range});
  }
  for (const Keyword& keyword : call.keywords) {
    if (keyword.name.empty()) return error(keyword.range, "'**' in a call is not part of the language");
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*keyword.value));
    arguments.push_back({keyword.name, value, keyword.range});
  }
  return arguments;
}

absl::StatusOr<Sugar> Emitter::apply_call(const Call& call, const Sugar& callee, const c10::TypePtr& hint) {
  if (callee.is(Kind::kSpecial)) return call_special(call, callee.special, hint);
  if (callee.is(Kind::kOperator) && callee.value == nullptr && call.arguments.size() == 1 && call.keywords.empty() &&
      callee.name == "aten::len") {
    VESTA_ASSIGN_OR_RETURN(Sugar argument, emit_sugar(*call.arguments[0]));
    if (argument.is(Kind::kTuple))
      return Sugar::of(constant(static_cast<int64_t>(argument.elements.size()), call.range));
    if (argument.is(Kind::kRange) || argument.is(Kind::kZip) || argument.is(Kind::kEnumerate)) {
      VESTA_ASSIGN_OR_RETURN(Iterable items, iterable(argument, call.range));
      if (items.length != nullptr) return Sugar::of(items.length);
    }
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(argument, call.arguments[0]->range));
    return call_operator(callee.name, nullptr, {{"", value, call.range}}, call.range);
  }
  if (callee.is(Kind::kNew)) {
    return Sugar::of(insert_typed(ir::prim::CreateObject, {}, callee.type, call.range));
  }
  VESTA_ASSIGN_OR_RETURN(Arguments arguments, emit_arguments(call));
  return call_sugar(callee, std::move(arguments), call.range, hint);
}

absl::StatusOr<Sugar> Emitter::call_sugar(const Sugar& callee, Arguments arguments, const SourceRange& range,
                                          const c10::TypePtr& hint) {
  switch (callee.kind) {
    case Kind::kOperator:
      return call_operator(callee.name, callee.value, arguments, range, hint);
    case Kind::kFunction:
      return call_function(callee.function, callee.value, arguments, range);
    case Kind::kInterfaceMethod:
      return call_interface(callee, arguments, range);
    case Kind::kType:
      return call_type(callee.type, arguments, range);
    case Kind::kClosure: {
      std::vector<ir::Value*> values;
      for (const CallArgument& argument : arguments) {
        if (!argument.name.empty()) return error(argument.range, "a nested function takes no keyword arguments");
        values.push_back(argument.value);
      }
      return inline_call(*callee.closure, callee.frame.lock(), values, range);
    }
    case Kind::kValue: {
      const c10::TypePtr& type = callee.value->type();
      if (const auto* object = type->castRaw<c10::ClassType>()) {
        const char* method = object->is_module() && object->findMethod("__call__") == nullptr ? "forward" : "__call__";
        if (torch::jit::Function* function = object->findMethod(method))
          return call_function(function, callee.value, arguments, range);
        return error(range, absl::StrCat("'", type_text(*type), "' cannot be called: it has no method '", method, "'"));
      }
      if (const auto* interface_type = type->castRaw<c10::InterfaceType>()) {
        const char* method = interface_type->is_module() ? "forward" : "__call__";
        return call_interface(Sugar::named(Kind::kInterfaceMethod, method, callee.value), arguments, range);
      }
      if (const auto* function = type->castRaw<c10::FunctionType>())
        return call_function(function->function(), nullptr, arguments, range);
      break;
    }
    case Kind::kNamespace:  // `torch.fft` was an operator before it was a module.
      if (const std::string op = absl::StrCat("aten::", callee.name.substr(callee.name.rfind('.') + 1));
          !historic_meanings(unit_, op).empty()) {
        return call_operator(op, nullptr, arguments, range, hint);
      }
      break;
    case Kind::kQualified:
      return error(range, absl::StrCat("'", callee.name, "' is not defined"));
    default:
      break;
  }
  return error(range, absl::StrCat(describe(callee), " cannot be called"));
}

absl::StatusOr<Sugar> Emitter::call_function(torch::jit::Function* function, ir::Value* receiver,
                                             const Arguments& arguments, const SourceRange& range) {
  if (auto* own = dynamic_cast<ir::Function*>(function)) VESTA_RETURN_IF_ERROR(unit_.ensure_return_type(own, range));
  const c10::FunctionSchema& schema = function->getSchema();
  Arguments all;
  if (receiver != nullptr) all.push_back({"", receiver, range});
  all.insert(all.end(), arguments.begin(), arguments.end());
  VESTA_ASSIGN_OR_RETURN(std::vector<ir::Value*> inputs, match_schema(schema, function->name(), nullptr, all, range));
  const c10::TypePtr result =
      schema.returns().empty() ? c10::TypePtr(c10::NoneType::get()) : schema.returns()[0].type();
  if (receiver != nullptr) {
    ir::Value* value = insert_typed(ir::prim::CallMethod, inputs, result, range);
    value->node()->set(ir::attr::name, function->name());
    return Sugar::of(value);
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * callee, as_value(Sugar::of_function(function), range));
  inputs.insert(inputs.begin(), callee);
  return Sugar::of(insert_typed(ir::prim::CallFunction, inputs, result, range));
}

absl::StatusOr<Sugar> Emitter::call_method(ir::Value* object, const std::string& name, std::vector<ir::Value*> values,
                                           const SourceRange& range) {
  VESTA_ASSIGN_OR_RETURN(Sugar method, value_attribute(object, name, range));
  Arguments arguments;
  for (ir::Value* value : values) arguments.push_back({"", value, range});
  return call_sugar(method, std::move(arguments), range, nullptr);
}

absl::StatusOr<Sugar> Emitter::call_interface(const Sugar& method, const Arguments& arguments,
                                              const SourceRange& range) {
  const c10::FunctionSchema* schema = method.value->type()->expectRef<c10::InterfaceType>().getMethod(method.name);
  if (schema == nullptr)
    return error(range, absl::StrCat("'", type_text(*method.value->type()), "' has no method '", method.name, "'"));
  Arguments all{{"", method.value, range}};
  all.insert(all.end(), arguments.begin(), arguments.end());
  // The schema's own `self` may be of any type: an interface is met by shape.
  std::vector<c10::Argument> formals = schema->arguments();
  if (!formals.empty()) formals[0] = c10::Argument("self", method.value->type());
  const c10::FunctionSchema own(schema->name(), "", std::move(formals), schema->returns());
  VESTA_ASSIGN_OR_RETURN(std::vector<ir::Value*> inputs, match_schema(own, method.name, nullptr, all, range));
  ir::Value* value =
      insert_typed(ir::prim::CallMethod, inputs,
                   schema->returns().empty() ? c10::TypePtr(c10::NoneType::get()) : schema->returns()[0].type(), range);
  value->node()->set(ir::attr::name, method.name);
  return Sugar::of(value);
}

absl::StatusOr<Sugar> Emitter::call_type(const c10::TypePtr& type, const Arguments& arguments,
                                         const SourceRange& range) {
  if (const auto* tuple = type->castRaw<c10::TupleType>(); tuple != nullptr && tuple->schema() != nullptr) {
    VESTA_ASSIGN_OR_RETURN(std::vector<ir::Value*> inputs,
                           match_schema(*tuple->schema(), type_text(*type), nullptr, arguments, range));
    return Sugar::of(tuple_of(inputs, range, type));
  }
  const auto object = type->cast<c10::ClassType>();
  if (object == nullptr || object->is_module())
    return error(range, absl::StrCat("'", type_text(*type), "' cannot be made by a program"));
  ir::Value* value = insert_typed(ir::prim::CreateObject, {}, type, range);
  if (torch::jit::Function* initializer = object->findMethod("__init__")) {
    VESTA_RETURN_IF_ERROR(call_function(initializer, value, arguments, range).status());
  } else if (!arguments.empty()) {
    return error(range, absl::StrCat("'", type_text(*type), "' has no '__init__' and takes no arguments"));
  }
  return Sugar::of(value);
}

absl::StatusOr<ir::Value*> Emitter::call_operator(const std::string& name, std::initializer_list<ir::Value*> inputs,
                                                  const SourceRange& range) {
  Arguments arguments;
  for (ir::Value* input : inputs) arguments.push_back({"", input, range});
  VESTA_ASSIGN_OR_RETURN(Sugar result, call_operator(name, nullptr, arguments, range));
  return as_value(result, range);
}

Sugar Emitter::note_missing(const std::string& name, const SourceRange& range, const c10::TypePtr& hint) {
  unit_.add_missing(name, range, name_);
  for (Emitter* emitter = this; emitter != nullptr; emitter = emitter->outer_) emitter->missing_operator_ = true;
  return Sugar::of(uninitialized(hint != nullptr ? hint : c10::TypePtr(c10::TensorType::get()), range));
}

Sugar Emitter::insert_operator(const ir::Operator& op, const Match& match, const SourceRange& range) {
  const std::vector<ir::Value*> inputs = materialize(match, range);
  ir::Node* node = insert(c10::Symbol::fromQualString(op.schema.name()), inputs, match.results.size(), range);
  node->set_op(&op);
  for (size_t i = 0; i < match.results.size(); ++i) node->output(i)->set_type(match.results[i]);
  if (match.results.empty()) return Sugar();
  if (match.results.size() == 1) return Sugar::of(node->output());
  std::vector<Sugar> elements;
  std::vector<std::string> names;
  for (size_t i = 0; i < match.results.size(); ++i) {
    elements.push_back(Sugar::of(node->output(i)));
    const std::string& name = op.schema.returns()[i].name();
    if (!name.empty()) names.push_back(name);
  }
  Sugar tuple = Sugar::of_elements(Kind::kTuple, std::move(elements));
  if (names.size() == match.results.size()) {
    const std::string& full = op.schema.name();
    tuple.type =
        c10::TupleType::createNamed(c10::QualifiedName(full.substr(full.rfind(':') + 1)), names, match.results);
  }
  return tuple;
}

absl::StatusOr<std::optional<Sugar>> Emitter::call_historic(const std::vector<const HistoricOperator*>& operators,
                                                            ir::Value* receiver, const Arguments& arguments,
                                                            bool conversions, const SourceRange& range) {
  Match found;
  for (const HistoricOperator* op : operators) {
    if (!match(op->schema, receiver, arguments, conversions, found, nullptr)) continue;
    const std::vector<ir::Value*> inputs = materialize(found, range);
    unit_.add_upgraded(*op, range, name_);
    const SourceRange call = range;
    replaced_call_ = &call;
    absl::StatusOr<Sugar> result = inline_call(*op->replacement, nullptr, inputs, range);
    replaced_call_ = nullptr;
    VESTA_RETURN_IF_ERROR(result.status());
    return std::optional<Sugar>(*std::move(result));
  }
  return std::optional<Sugar>();
}

absl::StatusOr<Sugar> Emitter::call_operator(const std::string& name, ir::Value* receiver, const Arguments& arguments,
                                             const SourceRange& range, const c10::TypePtr& hint) {
  VESTA_ASSIGN_OR_RETURN(std::optional<Sugar> structural, call_structural(name, receiver, arguments, range, hint));
  if (structural.has_value()) return *std::move(structural);
  const std::vector<const ir::Operator*>& operators = ir::OperatorCatalog::standard().candidates(name);
  const std::vector<const BuiltinSource*>& sources = builtin_sources(name);
  const std::vector<const HistoricOperator*> historic =
      replaced_call_ == nullptr ? historic_meanings(unit_, name) : std::vector<const HistoricOperator*>();
  if (operators.empty() && sources.empty() && historic.empty()) return note_missing(name, range, hint);
  Match found;
  const bool single = operators.size() + sources.size() + historic.size() == 1;
  for (const bool conversions : {false, true}) {
    if (single && !conversions) continue;
    VESTA_ASSIGN_OR_RETURN(std::optional<Sugar> replaced,
                           call_historic(historic, receiver, arguments, conversions, range));
    if (replaced.has_value()) return *std::move(replaced);
    for (const ir::Operator* op : operators) {
      if (match(op->schema, receiver, arguments, conversions, found, nullptr))
        return insert_operator(*op, found, range);
    }
    for (const BuiltinSource* source : sources) {
      if (!match(source->schema, receiver, arguments, conversions, found, nullptr)) continue;
      return inline_call(*source->def, nullptr, materialize(found, range), range);
    }
  }
  std::vector<const c10::FunctionSchema*> schemas;
  for (const ir::Operator* op : operators) schemas.push_back(&op->schema);
  for (const BuiltinSource* source : sources) schemas.push_back(&source->schema);
  for (const HistoricOperator* op : historic) schemas.push_back(&op->schema);
  return mismatch(name, schemas, receiver, arguments, range);
}

absl::StatusOr<std::optional<Sugar>> Emitter::call_structural(const std::string& name, ir::Value* receiver,
                                                              const Arguments& arguments, const SourceRange& range,
                                                              const c10::TypePtr& hint) {
  ir::Value* first = receiver != nullptr ? receiver : (!arguments.empty() ? arguments[0].value : nullptr);
  if (name == "prim::RaiseException") {
    if (arguments.empty() || arguments[0].value->type()->kind() != c10::TypeKind::StringType)
      return error(range, "'prim::RaiseException' takes a message");
    ir::Value* type = arguments.size() > 1 ? arguments[1].value : none(range);
    insert(ir::prim::RaiseException, {arguments[0].value, type}, 0, range);
    return Sugar();
  }
  if (first == nullptr) return std::nullopt;
  if (name == "prim::Print" && !historic_meanings(unit_, kPrintedTensor).empty()) {
    Arguments texts = arguments;
    bool any = false;
    for (CallArgument& argument : texts) {
      if (!argument.value->type()->isSubtypeOf(*c10::TensorType::get())) continue;
      VESTA_ASSIGN_OR_RETURN(argument.value, call_operator(kPrintedTensor, {argument.value}, range));
      any = true;
    }
    if (any) {
      VESTA_ASSIGN_OR_RETURN(Sugar printed, call_operator(name, receiver, texts, range, hint));
      return std::optional<Sugar>(std::move(printed));
    }
  }
  if (name == "prim::tolist" || name == "aten::tolist") return emit_tolist(first, range, hint);
  const c10::TypeKind kind = first->type()->kind();
  if (name == "aten::device" && arguments.size() == 1 && constant_of(first) != nullptr &&
      constant_of(first)->isString()) {
    try {
      return Sugar::of(constant(c10::Device(constant_of(first)->toStringRef()), range));
    } catch (const c10::Error&) {  // Such a device fails when it runs, as it does in Python.
      return std::nullopt;
    }
  }
  if (name == "aten::len") {
    if (kind == c10::TypeKind::TupleType)
      return Sugar::of(constant(static_cast<int64_t>(first->type()->containedTypes().size()), range));
    VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method("__len__", first, {}, range));
    if (own.has_value()) return Sugar::of(*own);
  }
  if (name == "prim::ModuleContainerIndex" && hint != nullptr && arguments.size() == 2) {
    const auto& candidates = ir::OperatorCatalog::standard().candidates(name);
    Match found;
    for (const ir::Operator* op : candidates) {
      if (!match(op->schema, receiver, arguments, false, found, nullptr)) continue;
      VESTA_ASSIGN_OR_RETURN(ir::Value * any, as_value(insert_operator(*op, found, range), range));
      any->set_type(hint);
      return Sugar::of(any);
    }
  }
  return std::nullopt;
}

// `tensor.tolist()` has the type that its surroundings ask for: List[List[int]] and so on.
absl::StatusOr<Sugar> Emitter::emit_tolist(ir::Value* tensor, const SourceRange& range, const c10::TypePtr& hint) {
  if (hint == nullptr)
    return error(range,
                 "'tolist' needs to be told its type: annotate the variable or use 'annotate(List[...], x.tolist())'");
  int64_t depth = 0;
  c10::TypePtr element = hint;
  while (const auto* list = element->castRaw<c10::ListType>()) {
    element = list->getElementType();
    ++depth;
  }
  int64_t code = 0;
  switch (element->kind()) {
    case c10::TypeKind::IntType:
      code = 0;
      break;
    case c10::TypeKind::FloatType:
      code = 1;
      break;
    case c10::TypeKind::BoolType:
      code = 2;
      break;
    case c10::TypeKind::ComplexType:
      code = 3;
      break;
    default:
      return error(range,
                   absl::StrCat("'tolist' gives lists of int, float, bool or complex, not '", type_text(*hint), "'"));
  }
  ir::Value* dimensions = constant(depth, range);
  ir::Value* kind = constant(code, range);
  ir::Value* list = insert_typed(c10::Symbol::fromQualString("prim::tolist"), {tensor, dimensions, kind}, hint, range);
  const auto& candidates = ir::OperatorCatalog::standard().candidates("prim::tolist");
  if (candidates.empty()) return note_missing("prim::tolist", range, hint);
  list->node()->set_op(candidates[0]);
  return Sugar::of(list);
}

}  // namespace vesta::frontend
