// The classes of a tree belong to one program. Names of attributes are the target's own, digits included ("0" in a
// Sequential), which is why attributes are added to the classes here and not through register_*.

#include "runtime/api/trace_build.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ir/operator.h"
#include "ir/printer.h"
#include "ir/support/status.h"
#include "ir/value_type.h"
#include "ir/verifier.h"
#include "tracer/constants.h"

namespace vesta::internal {
namespace {

constexpr std::string_view kTraining = "training";

std::string parent_of(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}
std::string last_of(const std::string& path) { return path.substr(path.rfind('.') + 1); }

// NamedTuples that values of the type are made of.
void add_named_types(ir::Program& program, const c10::TypePtr& type) {
  if (const auto tuple = type->cast<c10::TupleType>(); tuple != nullptr && tuple->schema() != nullptr) {
    if (program.find_type(tuple->name()->qualifiedName()) == nullptr) program.add_type(tuple);
  }
  for (const c10::TypePtr& inner : type->containedTypes()) add_named_types(program, inner);
}

bool becomes_attribute(const c10::IValue& value) {
  return (value.isTensor() && value.toTensor().defined()) || value.isObject();
}

}  // namespace

void guard_scalar(ir::Graph& graph, const ScalarInput& scalar) {
  const c10::IValue& example = scalar.example;
  const char* overload = example.isInt() ? "int" : example.isDouble() ? "float" : example.isBool() ? "bool" : "str";
  ir::Node* constant = graph.create_constant(example);
  ir::Node* differs = graph.create(c10::Symbol::fromQualString("aten::ne"), {scalar.value, constant->output()});
  differs->set_op(ir::OperatorCatalog::standard().find("aten::ne", overload));
  differs->output()->set_type(c10::BoolType::get());
  ir::Node* branch = graph.create(c10::prim::If, {differs->output()}, 0);
  ir::Block* refuses = branch->add_block();
  branch->add_block();
  ir::Node* text = graph.create_constant(
      absl::StrCat("argument '", scalar.value->name(), "' was traced with ", ir::print_constant(example),
                   ", and the trace is good for nothing else; trace again, with examples of several values"));
  ir::Node* none = graph.create_constant({});
  refuses->append(text);
  refuses->append(none);
  refuses->append(graph.create(c10::prim::RaiseException, {text->output(), none->output()}, 0));
  if (scalar.value->node() == graph.block()->param_node()) {
    graph.block()->prepend(branch);
  } else {
    branch->insert_after(scalar.value->node());
  }
  constant->insert_before(branch);
  differs->insert_before(branch);
}

TraceBuilder::TraceBuilder(const std::string& class_name) : module_(class_name) {
  children_.emplace("", Access::object(module_));
}

ObjectPtr TraceBuilder::child(const std::string& path) {
  const auto it = children_.find(path);
  if (it != children_.end()) return it->second;
  const ObjectPtr parent = child(parent_of(path));
  const std::string name = last_of(path);
  // "0" is no name for a class.
  const bool digit = name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]));
  ir::Program& program = *Access::context(module_)->program;
  const c10::ClassTypePtr type = program.create_class(
      program.unique_name(c10::QualifiedName(*parent->type()->name(), digit ? "_" + name : name)), /*is_module=*/true);
  ObjectPtr object = c10::ivalue::Object::create(c10::StrongTypePtr(program.compilation_unit(), type), 0);
  if (modes_) object->setSlot(type->addAttribute(std::string(kTraining), c10::BoolType::get()), training_);
  parent->setSlot(parent->type()->addAttribute(name, type), object);
  children_.emplace(path, object);
  return object;
}

absl::Status TraceBuilder::add(const Named<at::Tensor>& tensor, bool parameter, bool buffer) {
  if (!tensor.value.defined()) return absl::OkStatus();
  const ObjectPtr owner = child(parent_of(tensor.name));
  const std::shared_ptr<c10::ClassType> type = owner->type();
  const std::string name = last_of(tensor.name);
  if (name.empty() || type->hasAttribute(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", tensor.name, "' cannot be the name of a tensor: ", name.empty() ? "it is empty" : "it is taken"));
  }
  owner->setSlot(type->addAttribute(name, c10::TensorType::get(), parameter, buffer), tensor.value);
  surroundings_.tensors.emplace(tensor.value.unsafeGetTensorImpl(), tensor.name);
  return absl::OkStatus();
}

absl::Status TraceBuilder::declare(const TraceTarget& target) {
  modes_ = static_cast<bool>(target.train);
  training_ = target.training;
  if (modes_) {
    const ObjectPtr& root = children_.at("");
    root->setSlot(root->type()->addAttribute(std::string(kTraining), c10::BoolType::get()), training_);
  }
  for (const auto& tensor : target.parameters) VESTA_RETURN_IF_ERROR(add(tensor, true, false));
  for (const auto& tensor : target.buffers) VESTA_RETURN_IF_ERROR(add(tensor, false, true));
  for (const auto& tensor : target.attributes) VESTA_RETURN_IF_ERROR(add(tensor, false, false));
  return absl::OkStatus();
}

absl::Status TraceBuilder::declare(const Named<Module>& module) {
  const ObjectPtr& root = children_.at("");
  const std::shared_ptr<c10::ClassType> type = root->type();
  if (module.name.empty() || module.name.find('.') != std::string::npos || type->hasAttribute(module.name)) {
    return absl::InvalidArgumentError(absl::StrCat("'", module.name,
                                                   "' cannot be the name of a module that is called: ",
                                                   type->hasAttribute(module.name) ? "it is taken" : "it is no name"));
  }
  const ObjectPtr& object = Access::object(module.value);
  root->setSlot(type->addAttribute(module.name, object->type()), object);
  captured_.emplace(object.get(), module.name);
  surroundings_.modules.insert(object.get());
  return absl::OkStatus();
}

// Where an attribute with the value is, made now if there is none.
std::string TraceBuilder::path_of(const c10::IValue& value) {
  const void* key = value.internalToPointer();
  if (value.isTensor()) {
    const auto named = surroundings_.tensors.find(value.toTensor().unsafeGetTensorImpl());
    if (named != surroundings_.tensors.end()) return named->second;
    key = value.toTensor().unsafeGetTensorImpl();
  }
  const auto known = captured_.find(key);
  if (known != captured_.end()) return known->second;
  const ObjectPtr& root = children_.at("");
  std::string name;
  for (size_t i = captured_.size(); name.empty() || root->type()->hasAttribute(name); ++i) {
    name = absl::StrCat("captured_", i);
  }
  const bool trained = value.isTensor() && value.toTensor().requires_grad();
  const c10::TypePtr type = value.isTensor() ? c10::TypePtr(c10::TensorType::get()) : ir::type_of(value);
  root->setSlot(root->type()->addAttribute(name, type, trained, value.isTensor() && !trained), value);
  captured_.emplace(key, name);
  return name;
}

ir::Value* TraceBuilder::attribute(ir::Value* self, ir::Node* before, const std::string& path, const c10::TypePtr& type,
                                   std::unordered_map<std::string, ir::Value*>& made) {
  const auto it = made.find(path);
  if (it != made.end()) return it->second;
  const std::string parent = parent_of(path);
  ir::Value* owner = parent.empty() ? self : attribute(self, before, parent, children_.at(parent)->type(), made);
  ir::Node* get = self->graph()->create(c10::prim::GetAttr, {owner});
  get->set(c10::attr::name, last_of(path));
  get->output()->set_type(type);
  get->output()->set_name(last_of(path));
  get->insert_before(before);
  made.emplace(path, get->output());
  return get->output();
}

absl::Status TraceBuilder::define(const std::string& name, const std::shared_ptr<ir::Graph>& graph) {
  const std::shared_ptr<c10::ClassType> type = children_.at("")->type();
  if (type->hasMethod(name) || type->hasAttribute(name)) {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' cannot be the name of a method: it is taken"));
  }
  ir::Value* self = graph->block()->insert_input(0, type, "self");
  std::unordered_map<std::string, ir::Value*> made;
  ir::Node* before = nullptr;
  const std::function<void(ir::Block*)> sweep = [&](ir::Block* block) {
    for (ir::Node* node : block->nodes()) {
      for (ir::Block* inner : node->blocks()) sweep(inner);
      const bool is_training = node->kind() == c10::prim::GetAttr && node->inputs().empty();
      if (is_training) node->add_input(self);
      const c10::IValue* value = tracer::constant_of(*node);
      if (value == nullptr || !becomes_attribute(*value)) continue;
      // All at the top, in the order in which they are met.
      if (before == nullptr) {
        before = graph->create(c10::prim::Constant);
        graph->block()->prepend(before);
      }
      node->output()->replace_all_uses_with(attribute(self, before, path_of(*value), node->output()->type(), made));
      node->destroy();
    }
  };
  sweep(graph->block());
  if (before != nullptr) before->destroy();
  VESTA_RETURN_IF_ERROR(ir::verify(*graph));

  std::vector<c10::Argument> arguments;
  for (const ir::Value* input : graph->inputs()) arguments.emplace_back(input->name(), input->type());
  ir::Program& program = *Access::context(module_)->program;
  for (const ir::Value* input : graph->inputs().size() > 1 ? graph->inputs() : std::vector<ir::Value*>()) {
    if (input != self) add_named_types(program, input->type());
  }
  const c10::TypePtr result = graph->outputs()[0]->type();
  add_named_types(program, result);
  ir::Function* method = program.create_method(
      *type, name, c10::FunctionSchema(name, "", std::move(arguments), {c10::Argument("", result)}));
  method->set_graph(graph);
  return absl::OkStatus();
}

}  // namespace vesta::internal
