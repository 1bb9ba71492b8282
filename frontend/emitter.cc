// Frames, values and nodes: what every other part of the emitter stands on.
//
// A fork's body is emitted by an Emitter of its own over a graph of its own; a name that it does not find
// is looked up in the frames around it, and becomes an input of its graph.

#include "frontend/emitter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/names.h"
#include "ir/support/status.h"
#include "ir/support/suggestion.h"

namespace vesta::frontend {

using support::SourceRange;

Emitter::Emitter(Unit& unit, const Scope& scope, std::string name)
    : unit_(unit),
      scope_(scope),
      name_(std::move(name)),
      returning_(name_.substr(name_.rfind('.') + 1)),
      graph_(std::make_shared<ir::Graph>()),
      frame_(std::make_shared<Frame>()) {}

Emitter::Emitter(Emitter& outer, std::shared_ptr<ir::Graph> graph)
    : unit_(outer.unit_),
      scope_(outer.scope_),
      name_(outer.name_),
      returning_(outer.returning_),
      outer_(&outer),
      outer_frame_(outer.frame_),
      graph_(std::move(graph)),
      frame_(std::make_shared<Frame>()),
      depth_(outer.depth_),
      made_beside_(outer.size()),
      self_type_(outer.self_type_) {}

const c10::IValue* constant_of(const ir::Value* value) {
  if (value->node()->kind() != ir::prim::Constant) return nullptr;
  const ir::AttributeValue* stored = value->node()->find(ir::attr::value);
  return stored != nullptr ? std::get_if<c10::IValue>(stored) : nullptr;
}

absl::Status Emitter::check_size(const SourceRange& range) const {
  if (size() <= unit_.limits().ir_nodes) return absl::OkStatus();
  return support::error_at(
      absl::StatusCode::kResourceExhausted, unit_.original(range),
      absl::StrCat("'", name_, "' needs more than the limit of ", unit_.limits().ir_nodes, " nodes"));
}

absl::Status Emitter::check_depth(std::string_view what, const SourceRange& range) const {
  const int64_t limit = 2 * unit_.limits().source_nesting;
  if (depth_ <= limit) return unit_.check_levels(range);
  return support::error_at(absl::StatusCode::kResourceExhausted, unit_.original(range),
                           absl::StrCat(std::string(what), " nest deeper than the limit of ", limit));
}

ir::Node* Emitter::insert(c10::Symbol kind, std::span<ir::Value* const> inputs, size_t outputs,
                          const SourceRange& range) {
  return graph_->insert(graph_->create(kind, inputs, outputs))
      ->set_range(unit_.original(replaced_call_ != nullptr ? *replaced_call_ : range));
}

ir::Node* Emitter::insert(c10::Symbol kind, std::initializer_list<ir::Value*> inputs, size_t outputs,
                          const SourceRange& range) {
  return insert(kind, std::span<ir::Value* const>(inputs.begin(), inputs.size()), outputs, range);
}

ir::Value* Emitter::insert_typed(c10::Symbol kind, std::span<ir::Value* const> inputs, c10::TypePtr type,
                                 const SourceRange& range) {
  ir::Value* value = insert(kind, inputs, 1, range)->output();
  value->set_type(std::move(type));
  return value;
}

ir::Value* Emitter::insert_typed(c10::Symbol kind, std::initializer_list<ir::Value*> inputs, c10::TypePtr type,
                                 const SourceRange& range) {
  return insert_typed(kind, std::span<ir::Value* const>(inputs.begin(), inputs.size()), std::move(type), range);
}

ir::Value* Emitter::constant(c10::IValue value, const SourceRange& range, c10::TypePtr type) {
  if (type == nullptr && value.isTensor()) type = c10::TensorType::get();  // Its shape is no part of its type.
  return graph_->insert(graph_->create_constant(std::move(value), std::move(type)))
      ->set_range(unit_.original(range))
      ->output();
}

ir::Value* Emitter::uninitialized(c10::TypePtr type, const SourceRange& range) {
  return insert_typed(ir::prim::Uninitialized, {}, std::move(type), range);
}

ir::Value* Emitter::list_of(const c10::TypePtr& element, std::span<ir::Value* const> values, const SourceRange& range) {
  return insert_typed(ir::prim::ListConstruct, values, c10::ListType::create(element), range);
}

ir::Value* Emitter::tuple_of(std::span<ir::Value* const> values, const SourceRange& range, c10::TypePtr type) {
  if (type == nullptr) {
    std::vector<c10::TypePtr> types;
    for (const ir::Value* value : values) types.push_back(value->type());
    type = c10::TupleType::create(std::move(types));
  }
  return insert_typed(ir::prim::TupleConstruct, values, std::move(type), range);
}

ir::Value* Emitter::retype(ir::Value* value, c10::TypePtr type, const SourceRange& range) {
  return insert_typed(ir::prim::unchecked_cast, {value}, std::move(type), range);
}

absl::StatusOr<Sugar> Emitter::sugar_tuple(std::vector<Sugar> elements, const SourceRange& range) {
  made_beside_ += static_cast<int64_t>(elements.size());
  VESTA_RETURN_IF_ERROR(check_size(range));
  return Sugar::of_elements(Kind::kTuple, std::move(elements));
}

std::vector<ir::Value*> Emitter::unpack_tuple(ir::Value* tuple, const SourceRange& range) {
  const auto& elements = tuple->type()->expectRef<c10::TupleType>().elements();
  made_beside_ += static_cast<int64_t>(elements.size());
  if (elements.empty()) return {};
  ir::Node* node = insert(ir::prim::TupleUnpack, {tuple}, elements.size(), range);
  for (size_t i = 0; i < elements.size(); ++i) node->output(i)->set_type(elements[i]);
  return node->outputs();
}

Sugar Emitter::capture(const std::string& name) {
  if (outer_ == nullptr) return Sugar();
  const Binding* binding = outer_frame_->find(name);
  Sugar sugar = binding != nullptr ? binding->sugar : outer_->capture(name);
  auto import = [this](auto& self, Sugar& s) -> void {
    if (s.value != nullptr) {
      auto [it, added] = capture_map_.try_emplace(s.value, nullptr);
      if (added) {
        captured_.push_back(s.value);
        it->second = graph_->add_input(s.value->type(), s.value->has_name() ? s.value->name() : "");
      }
      s.value = it->second;
    }
    for (Sugar& element : s.elements) self(self, element);
  };
  import(import, sugar);
  return sugar;
}

absl::StatusOr<Sugar> Emitter::lookup(const Name& name) {
  if (const Binding* binding = frame_->find(name.id)) {
    if (binding->sugar.is(Kind::kUndefined)) return error(name.range, binding->sugar.name);
    return binding->sugar;
  }
  Sugar captured = capture(name.id);
  if (captured.is(Kind::kUndefined)) return error(name.range, captured.name);
  if (!captured.is(Kind::kVoid)) return captured;
  if (name.id == "__torch__") return Sugar::named(Kind::kQualified, "__torch__");
  if (scope_.user_source) {
    VESTA_ASSIGN_OR_RETURN(ir::Function * function, unit_.find_function(absl::StrCat(scope_.function_prefix, name.id)));
    if (function != nullptr) return Sugar::of_function(function);
    VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr type, unit_.find_type(absl::StrCat(scope_.type_prefix, name.id)));
    if (type != nullptr) return Sugar::of_type(type);
  }
  Sugar global = global_name(name.id);
  if (!global.is(Kind::kVoid)) return global;
  if (auto value = constant_of_name(name.id)) return Sugar::of(constant(*value, name.range));
  if (scope_.user_source) {
    absl::StatusOr<c10::TypePtr> type = read_type(name);
    if (type.ok()) return Sugar::of_type(*type);
  } else {
    // Archives of 1.3 and older name classes and functions of their own file plainly.
    VESTA_ASSIGN_OR_RETURN(ir::Function * function, unit_.find_function(absl::StrCat(scope_.function_prefix, name.id)));
    if (function != nullptr) return Sugar::of_function(function);
    VESTA_ASSIGN_OR_RETURN(c10::NamedTypePtr type, unit_.find_type(absl::StrCat(scope_.type_prefix, name.id)));
    if (type != nullptr) return Sugar::of_type(type);
  }
  return error(name.range,
               absl::StrCat("'", name.id, "' is not defined", support::did_you_mean(name.id, names_in_reach())));
}

std::vector<std::string> Emitter::names_in_reach() const {
  std::vector<std::string> names = global_names();
  for (const Emitter* emitter = this; emitter != nullptr; emitter = emitter->outer_) {
    for (const Frame* frame = emitter->frame_.get(); frame != nullptr; frame = frame->parent.get())
      names.insert(names.end(), frame->order.begin(), frame->order.end());
  }
  const std::vector<std::string> defined = unit_.defined_names(scope_);
  names.insert(names.end(), defined.begin(), defined.end());
  return names;
}

absl::Status Emitter::set_name(const std::string& name, Sugar sugar, const SourceRange& range, c10::TypePtr declared) {
  const bool first_class = sugar.is(Kind::kValue) || sugar.is(Kind::kVoid) || sugar.is(Kind::kTuple);
  const Binding* outer = frame_->parent != nullptr ? frame_->parent->find(name) : nullptr;
  if (outer != nullptr && outer->sugar.is(Kind::kUndefined)) outer = nullptr;
  if (!first_class) {
    if (outer != nullptr && outer->sugar.is(Kind::kValue)) {
      return error(range, absl::StrCat("'", name, "' is a value of type '", type_text(*outer->type),
                                       "' outside of this block and cannot become ", describe(sugar), " in it"));
    }
    frame_->set(name, {std::move(sugar), nullptr});
    return absl::OkStatus();
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, as_value(sugar, range, declared));
  VESTA_RETURN_IF_ERROR(check_type_size(*value->type(), unit_.original(range)));
  if (declared != nullptr) {
    VESTA_ASSIGN_OR_RETURN(value, convert_to(value, declared, range, absl::StrCat("variable '", name, "'")));
    if (*value->type() != *declared) value = retype(value, declared, range);
  } else if (outer != nullptr && outer->type != nullptr) {
    ir::Value* converted = convert(value, outer->type, true, range);
    if (!converted->type()->isSubtypeOf(*outer->type)) {
      return error(range, absl::StrCat("variable '", name, "' has type '", type_text(*outer->type),
                                       "' before this block and cannot be assigned a value of type '",
                                       type_text(*value->type()), "' in it"));
    }
    value = converted;
  } else if (outer != nullptr && !outer->sugar.is(Kind::kValue)) {
    return error(range, absl::StrCat("'", name, "' is ", describe(outer->sugar),
                                     " outside of this block and cannot be assigned in it"));
  }
  if (!value->has_name()) value->set_name(name);
  frame_->set(name, {Sugar::of(value), value->type()});
  return absl::OkStatus();
}

absl::StatusOr<ir::Value*> Emitter::as_value(const Sugar& sugar, const SourceRange& range, const c10::TypePtr& hint) {
  switch (sugar.kind) {
    case Kind::kValue:
      return sugar.value;
    case Kind::kVoid:
      return none(range);
    case Kind::kTuple: {
      std::vector<ir::Value*> values;
      const auto* tuple_hint = hint != nullptr ? unwrap_optional(hint)->castRaw<c10::TupleType>() : nullptr;
      for (size_t i = 0; i < sugar.elements.size(); ++i) {
        const bool hinted = tuple_hint != nullptr && tuple_hint->elements().size() == sugar.elements.size();
        VESTA_ASSIGN_OR_RETURN(ir::Value * value,
                               as_value(sugar.elements[i], range, hinted ? tuple_hint->elements()[i] : nullptr));
        values.push_back(value);
      }
      return tuple_of(values, range, sugar.type);
    }
    case Kind::kFunction:
      if (sugar.value == nullptr) {
        ir::Node* node = insert(ir::prim::Constant, {}, 1, range);
        node->set(ir::attr::name, sugar.function->qualname().qualifiedName());
        node->output()->set_type(c10::FunctionType::create(sugar.function));
        return node->output();
      }
      break;
    case Kind::kRange: {
      Arguments arguments;
      for (const Sugar& element : sugar.elements) arguments.push_back({"", element.value, range});
      if (sugar.flag) {
        VESTA_ASSIGN_OR_RETURN(
            Sugar list, call_operator("prim::rangelist", nullptr, {{"", sugar.elements[1].value, range}}, range));
        return list.value;
      }
      break;
    }
    default:
      break;
  }
  return error(range, absl::StrCat("expected a value, got ", describe(sugar)));
}

absl::StatusOr<Sugar> Emitter::inline_call(const Function& def, std::shared_ptr<Frame> frame,
                                           const std::vector<ir::Value*>& arguments, const SourceRange& range) {
  const Nesting nesting(*this);
  VESTA_RETURN_IF_ERROR(check_depth("functions", range));
  if (arguments.size() != def.parameters.size()) {
    return error(range,
                 absl::StrCat("'", def.name, "' takes ", def.parameters.size(),
                              def.parameters.size() == 1 ? " argument" : " arguments", ", got ", arguments.size()));
  }
  auto own = std::make_shared<Frame>();
  own->parent = nullptr;
  if (frame != nullptr) {  // The enclosing names can be read; assigning one makes a name of the inner function.
    for (const Frame* f = frame.get(); f != nullptr; f = f->parent.get()) {
      for (const std::string& name : f->order) {
        if (own->find_here(name) == nullptr) own->set(name, f->names.at(name));
      }
    }
  }
  for (size_t i = 0; i < arguments.size(); ++i)
    own->set(def.parameters[i].name, {Sugar::of(arguments[i]), arguments[i]->type()});
  c10::TypePtr result_type;
  if (def.return_annotation != nullptr) {
    VESTA_ASSIGN_OR_RETURN(result_type, read_type(*def.return_annotation));
  }
  std::swap(result_type_, result_type);
  c10::TypePtr inferred = std::exchange(inferred_type_, nullptr);
  std::unordered_set<const ir::Value*> results = std::exchange(results_, {});
  std::shared_ptr<Frame> saved_frame = std::exchange(frame_, own);
  const int saved_loops = std::exchange(loop_depth_, 0);
  std::string saved_name = std::exchange(returning_, def.name);
  absl::StatusOr<Exit> exit = emit_block(def.body);
  ir::Value* result = nullptr;
  if (exit.ok()) {
    result = exit->result;
    if (!exit->always && result != nullptr) {
      exit = error(def.range, absl::StrCat("'", def.name, "' does not return along all paths"));
    } else if (result == nullptr) {
      result = none(range);
    }
  }
  if (result_type_ == nullptr) set_type_of_results();
  results_ = std::move(results);
  std::swap(result_type_, result_type);
  inferred_type_ = inferred;
  frame_ = saved_frame;
  loop_depth_ = saved_loops;
  returning_ = std::move(saved_name);
  if (!exit.ok()) return exit.status();
  return Sugar::of(result);
}

absl::Status Emitter::compile(ir::Function& function, const Function& def, bool infer_result) {
  const c10::FunctionSchema& schema = function.schema();
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    ir::Value* value = graph_->add_input(argument.type(), argument.name());
    frame_->set(argument.name(), {Sugar::of(value), argument.type()});
    if (i == 0) self_type_ = argument.type()->cast<c10::ClassType>();
  }
  if (!infer_result && !schema.returns().empty()) result_type_ = schema.returns()[0].type();
  infer_result_ = infer_result;
  absl::StatusOr<Exit> exit = emit_block(def.body);
  absl::Status status = exit.ok() ? finish_results(function, *exit, def.name_range, infer_result_) : exit.status();
  if (missing_operator_) {
    // What follows an unknown operator cannot be judged; the operator itself is on the list.
    return absl::IsResourceExhausted(status) ? status : absl::OkStatus();
  }
  VESTA_RETURN_IF_ERROR(status);
  function.set_graph(graph_);
  return absl::OkStatus();
}

void Emitter::remove_unread(ir::Block& block) {
  for (ir::Node *node = block.last(), *before = nullptr; node != nullptr; node = before) {
    before = node->prev();
    if (node->kind() == ir::prim::If) {
      for (size_t i = node->outputs().size(); i-- > 0;) {
        if (node->output(i)->has_uses()) continue;
        node->erase_output(i);
        for (ir::Block* side : node->blocks()) side->erase_output(i);
      }
    }
    if (node->kind() == ir::prim::Loop) {
      ir::Block* body = node->block(0);
      for (size_t i = node->outputs().size(); i-- > 0;) {
        if (node->output(i)->has_uses() || body->inputs()[i + 1]->has_uses()) continue;
        node->erase_output(i);
        node->remove_input(i + 2);
        body->erase_input(i + 1);
        body->erase_output(i + 1);
      }
    }
    for (ir::Block* inner : node->blocks()) remove_unread(*inner);
    const bool pure = node->kind() == ir::prim::unchecked_cast || node->kind() == ir::prim::Constant ||
                      node->kind() == ir::prim::Uninitialized || node->kind() == ir::prim::TupleConstruct;
    if (pure && !node->output()->has_uses()) node->destroy();
  }
}

c10::TypePtr Emitter::set_type_of_results() {
  const c10::TypePtr type = inferred_type_ != nullptr ? inferred_type_ : c10::NoneType::get();
  for (const ir::Value* joined : results_) const_cast<ir::Value*>(joined)->set_type(type);
  return type;
}

absl::Status Emitter::finish_results(ir::Function& function, const Exit& exit, const SourceRange& range,
                                     bool infer_result) {
  ir::Value* result = exit.result;
  if (!exit.always) {
    // An inferred result may also be None, as in torch::jit; a declared one says whether it may.
    if (result_type_ == nullptr && inferred_type_ != nullptr) {
      std::optional<c10::TypePtr> unified = c10::unifyTypes(inferred_type_, c10::NoneType::get());
      if (unified.has_value()) inferred_type_ = *unified;
    }
    const c10::TypePtr& type = result_type_ != nullptr ? result_type_ : inferred_type_;
    if (type != nullptr && !c10::NoneType::get()->isSubtypeOf(*type)) {
      return error(range,
                   absl::StrCat("'", function.name(), "' returns '", type_text(*type), "', but not on every path"));
    }
    if (result == nullptr) {
      result = none(range);
    } else {
      ir::Value* returned = result;
      VESTA_ASSIGN_OR_RETURN(ir::Value * taken, any_taken(exit, Exit::bit(Exit::kReturn), range));
      ir::Node* node = insert(ir::prim::If, {taken}, 0, range);
      ir::Block* then_block = node->add_block();
      ir::Block* else_block = node->add_block();
      then_block->add_output(returned);
      {
        ir::InsertPoint point(else_block);
        else_block->add_output(none(range));
      }
      result = node->add_output(type);
    }
  } else if (result == nullptr) {
    result = uninitialized(result_type_ != nullptr ? result_type_ : c10::NoneType::get(), range);
  }
  if (infer_result) {
    const c10::TypePtr type = set_type_of_results();
    const c10::FunctionSchema& old = function.schema();
    function.setSchema(
        c10::FunctionSchema(old.name(), old.overload_name(), old.arguments(), {c10::Argument("", type)}));
  }
  graph_->add_output(result);
  remove_unread(*graph_->block());
  return absl::OkStatus();
}

}  // namespace vesta::frontend
